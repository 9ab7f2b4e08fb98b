/* sp-register: serve registrations; log a softphone in; log one out; probe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/report.h"
#include "cmd/cli/secret_input.h"
#include "cmd/sp-register/log.h"
#include "cmd/sp-register/login.h"
#include "cmd/sp-register/probe.h"
#include "cmd/sp-register/serve.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/binding.h"
#include "lib/clock.h"
#include "lib/secret.h"
#include "lib/text.h"

/* ---- serve ------------------------------------------------------------- */

static int run_serve(const struct sp_common *common, const char *const *listen,
	size_t n_listen, bool stdio, struct sp_err *err)
{
	struct log log = {.level = common->verbose ? LOG_DEBUG
				   : common->quiet ? LOG_WARN
						   : LOG_INFO};
	const struct serve_options options = {.config = common->config,
		.db = common->db,
		.listen = listen,
		.n_listen = n_listen};

	return stdio ? serve_stdio(&options, &log, err)
		     : serve(&options, &log, err);
}

static int main_serve(int argc, char **argv)
{
	const char *listen[SP_OPT_REPEAT] = {0};
	struct sp_common common = {0};
	size_t n_listen = 0;
	bool stdio = false;
	const struct sp_opt opts[] = {
		{'l', "listen", "TRANSPORT:HOST:PORT",
			"where to listen, instead of the configuration's: "
			"udp, tcp or tls",
			NULL, listen, &n_listen},
		{0, "stdio", NULL,
			"messages on standard input, answers on standard "
			"output",
			&stdio, NULL, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = "sp-register serve",
		.synopsis = "[options]",
		.purpose = "The SIP server: registers the softphones of all "
			   "tenants.",
		.opts = opts,
		.takes = SP_TAKES_DB | SP_TAKES_QUIET | SP_TAKES_VERBOSE,
	};
	struct sp_err err;
	int first, rc = sp_opts_parse(&program, &common, argc, argv, &first);

	if (rc >= 0)
		return rc;
	if (first != argc)
		return sp_app_usage(&program, "unexpected operand '%s'",
			argv[first]);
	if (run_serve(&common, listen, n_listen, stdio, &err) == 0)
		return 0;
	return sp_app_fail("sp-register", &err);
}

/* ---- login and probe --------------------------------------------------- */

/* What their command lines have in common. */
struct client_words {
	const char *server, *transport, *ca_file, *secret_file, *secret_fd,
		*tenant;
	bool insecure;
	char copy[300]; /* of the server, taken apart */
	char secret[SP_SECRET_SIZE];
};

enum { N_CLIENT_OPTS = 7, PROBE_TIMEOUT_MS = 5000 };

static void put_client_opts(struct sp_opt *opts, struct client_words *w)
{
	const struct sp_opt shared[N_CLIENT_OPTS] = {
		{0, "server", "HOST[:PORT]",
			"the SIP server (default: the domain, port 5060, with "
			"TLS 5061)",
			NULL, &w->server, NULL},
		{0, "transport", "udp|tcp|tls",
			"how to reach it (default: udp)", NULL, &w->transport,
			NULL},
		{0, "ca-file", "FILE",
			"PEM certificates of whom to believe (default: the "
			"system's)",
			NULL, &w->ca_file, NULL},
		{0, "insecure", NULL,
			"believe any certificate, so anybody in between",
			&w->insecure, NULL, NULL},
		{0, "secret-file", "FILE",
			"the SIP secret is its first line (default: "
			"$SP_SECRET)",
			NULL, &w->secret_file, NULL},
		{0, "secret-fd", "FD",
			"or the first line of that open file descriptor", NULL,
			&w->secret_fd, NULL},
		{'t', "tenant", "DOMAIN",
			"the access domain (default: $SP_TENANT)", NULL,
			&w->tenant, NULL},
	};

	memcpy(opts, shared, sizeof shared);
	w->tenant = getenv("SP_TENANT");
}

/* From the environment, where it stands no longer then: its bytes are what
 * /proc shows of this process. */
static int secret_of_environment(char out[SP_SECRET_SIZE], struct sp_err *err)
{
	char *secret = getenv("SP_SECRET");
	int rc;

	if (secret == NULL)
		return sp_err_set(err, SP_USAGE,
			"no secret: expected --secret-file, --secret-fd or the "
			"variable SP_SECRET (sp-assign -s LOGIN makes one)");
	rc = sp_text_copy(out, SP_SECRET_SIZE, secret, "the secret", err);
	explicit_bzero(secret, strlen(secret));
	unsetenv("SP_SECRET");
	return rc;
}

static int secret_of_file(const char *path, char out[SP_SECRET_SIZE],
	struct sp_err *err)
{
	struct sp_input *input = NULL;
	const char *line;
	int rc = sp_input_open(&input, path, '\n', err);

	if (rc == 0)
		rc = sp_input_field(input, &line, err);
	if (rc == 0)
		rc = sp_err_set(err, SP_DATA, "no secret in '%s'", path);
	if (rc > 0)
		rc = sp_text_copy(out, SP_SECRET_SIZE, line, "the secret", err);
	sp_input_close(input);
	return rc;
}

/* Never an argument, which everybody can read. */
static int read_secret(struct client_words *w, struct sp_err *err)
{
	if (w->secret_file != NULL && w->secret_fd != NULL)
		return sp_err_set(err, SP_USAGE,
			"--secret-file and --secret-fd exclude each other");
	if (w->secret_file != NULL)
		return secret_of_file(w->secret_file, w->secret, err);
	if (w->secret_fd != NULL)
		return sp_secret_read(w->secret_fd, w->secret, err);
	return secret_of_environment(w->secret, err);
}

static int read_transport(const struct client_words *w,
	struct uplink_server *server, struct sp_err *err)
{
	const char *name = w->transport == NULL ? "udp" : w->transport;
	enum sp_transport transport = 0;

	while (transport < SP_N_TRANSPORTS &&
		strcmp(name, sp_transport_name(transport)) != 0)
		transport++;
	if (transport == SP_N_TRANSPORTS)
		return sp_err_set(err, SP_USAGE,
			"--transport: expected udp, tcp or tls, not '%.20s'",
			name);
	if (transport != SP_TLS && (w->ca_file != NULL || w->insecure))
		return sp_err_set(err, SP_USAGE,
			"--ca-file and --insecure are for --transport tls");
	server->transport = transport;
	server->ca_file = w->ca_file;
	server->insecure = w->insecure;
	return 0;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static int split_server(struct client_words *w, const char *name,
	struct uplink_server *server, struct sp_err *err)
{
	char *text = strcpy(w->copy, name);
	char *end = text + strcspn(text, ":");

	server->host = text;
	server->port = server->transport == SP_TLS ? "5061" : "5060";
	if (text[0] == '[') {
		server->host = text + 1;
		end = strchr(text, ']');
		if (end != NULL)
			*end++ = '\0';
	}
	if (end != NULL && *end == ':') {
		*end++ = '\0';
		server->port = end;
		end += strspn(end, "0123456789");
	}
	if (end != NULL && *end == '\0' && server->host[0] != '\0' &&
		server->port[0] != '\0')
		return 0;
	return sp_err_set(err, SP_USAGE,
		"--server: '%s': expected HOST, HOST:PORT or [IPv6]:PORT",
		name);
}

/* EXT@DOMAIN, or EXT with --tenant; which is cut. */
static int read_name(const struct client_words *w, char *operand,
	struct client_options *o, struct sp_err *err)
{
	char *at = strchr(operand, '@');

	if (at != NULL)
		*at++ = '\0';
	o->extension = operand;
	o->domain = at != NULL ? at : w->tenant;
	if (!sp_text_is_digits(o->extension))
		return sp_err_set(err, SP_USAGE,
			"'%s' is not an extension, expected EXT@DOMAIN; the "
			"server is named by --server",
			o->extension);
	return 0;
}

/* Fills *o in; operand: NULL when nobody is named. */
static int read_client(struct client_words *w, char *operand,
	struct client_options *o, struct sp_err *err)
{
	const char *server = w->server;

	o->domain = w->tenant;
	if (operand != NULL && read_name(w, operand, o, err) != 0)
		return -1;
	if (server == NULL)
		server = o->domain;
	if (server == NULL || strlen(server) >= sizeof w->copy)
		return sp_err_set(err, SP_USAGE,
			"no server: expected --server HOST[:PORT], EXT@DOMAIN "
			"or --tenant");
	if (read_transport(w, &o->server, err) != 0 ||
		split_server(w, server, &o->server, err) != 0)
		return -1;
	if (operand == NULL && o->domain == NULL)
		o->domain = o->server.host;
	else if (o->domain == NULL ||
		 !sp_text_is_host(o->domain, strlen(o->domain)))
		return sp_err_set(err, SP_USAGE,
			"no domain: expected EXT@DOMAIN or --tenant DOMAIN");
	o->server.domain = o->domain;
	o->secret = operand == NULL ? NULL : w->secret;
	return operand == NULL ? 0 : read_secret(w, err);
}

static int main_login(int argc, char **argv)
{
	struct client_words words = {0};
	struct sp_common common = {0};
	struct login_options o = {0};
	struct sp_opt opts[N_CLIENT_OPTS + 2] = {
		[N_CLIENT_OPTS] = {0, "once", NULL,
			"register once, then end, and stay registered", &o.once,
			NULL, NULL}};
	const struct sp_program program = {
		.name = "sp-register login",
		.synopsis = "[options] EXT@DOMAIN",
		.purpose = "Be a softphone: register, refresh every 15 s, log "
			   "out when told to end.",
		.opts = opts,
	};
	enum sp_code status = SP_OK;
	struct sp_err err;
	int first, rc;

	put_client_opts(opts, &words);
	rc = sp_opts_parse(&program, &common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	if (argc - first != 1)
		return sp_app_usage(&program,
			"expected one EXT@DOMAIN, as in 'sp-register login "
			"1000@localhost --server 127.0.0.1:5060'");
	rc = read_client(&words, argv[first], &o.client, &err);
	if (rc == 0)
		rc = login(&o, &status, &err);
	explicit_bzero(words.secret, sizeof words.secret);
	return rc == 0 ? (int)status : sp_app_fail("sp-register", &err);
}

static int run_probe(struct client_words *words, char *operand,
	const char *timeout, bool quiet)
{
	struct probe_options o = {.timeout_ms = PROBE_TIMEOUT_MS,
		.quiet = quiet};
	enum sp_code status = SP_OK;
	struct sp_err err;
	int rc = 0;

	if (timeout != NULL)
		rc = sp_duration_parse(timeout, &o.timeout_ms, &err);
	if (rc == 0 && o.timeout_ms == 0)
		rc = sp_err_set(&err, SP_USAGE,
			"--timeout: expected more than 0");
	if (rc == 0)
		rc = read_client(words, operand, &o.client, &err);
	if (rc == 0)
		rc = probe(&o, &status, &err);
	explicit_bzero(words->secret, sizeof words->secret);
	return rc == 0 ? (int)status : sp_app_fail("sp-register", &err);
}

static int main_probe(int argc, char **argv)
{
	struct client_words words = {0};
	struct sp_common common = {0};
	const char *timeout = NULL;
	struct sp_opt opts[N_CLIENT_OPTS + 2] = {
		[N_CLIENT_OPTS] = {0, "timeout", "DURATION",
			"how long to wait for the answer (default: 5s)", NULL,
			&timeout, NULL}};
	const struct sp_program program = {
		.name = "sp-register probe",
		.synopsis = "[options] [EXT@DOMAIN]",
		.purpose = "Does the SIP server answer? Asks once, and tells "
			   "how long it took.",
		.opts = opts,
		.takes = SP_TAKES_QUIET,
	};
	int first, rc;

	put_client_opts(opts, &words);
	rc = sp_opts_parse(&program, &common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	if (argc - first > 1)
		return sp_app_usage(&program, "unexpected operand '%s'",
			argv[first + 1]);
	return run_probe(&words, argc > first ? argv[first] : NULL, timeout,
		common.quiet);
}

/* ---- logout ------------------------------------------------------------ */

static int logout_one(void *arg, const char *operand, struct sp_err *err)
{
	const struct sp_app *app = arg;
	struct sp_extension extension;

	if (sp_extension_get(&app->scope, operand, &extension, err) != 0)
		return -1;
	return sp_binding_drop(&app->scope, &extension, err) < 0 ? -1 : 0;
}

static int main_logout(int argc, char **argv)
{
	const struct sp_program program = {
		.name = "sp-register logout",
		.synopsis = "[options] LOGIN|EXT ...\n[options] -",
		.purpose = "Drop the bindings of extensions now.",
		.opts = (const struct sp_opt[]){{0}},
		.takes = SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_LIST |
			 SP_TAKES_BATCH | SP_TAKES_DRY_RUN | SP_TAKES_QUIET |
			 SP_TAKES_VERBOSE,
	};
	struct sp_app app = {.tool = "sp-register"};
	struct sp_common common = {0};
	struct sp_operands operands;
	struct sp_err err;
	int first, rc = sp_opts_parse(&program, &common, argc, argv, &first);

	if (rc >= 0)
		return rc;
	if (first == argc)
		return sp_app_usage(&program,
			"no user or extension is named, as in 'sp-register "
			"logout asmith'");
	rc = sp_operands_init(&operands, &common, argv + first, argc - first,
		&err);
	if (rc == 0)
		rc = sp_app_open(&app, &common, app.tool, SP_DB_WRITE, &err);
	if (rc == 0)
		rc = sp_app_begin(&app, &err);
	if (rc == 0)
		rc = sp_operands_each(&operands, &app, logout_one, &app, &err);
	if (rc == 0)
		rc = sp_app_end(&app, &common, &err);
	rc = sp_app_exit(&app, rc, &err);
	sp_operands_release(&operands);
	sp_app_close(&app);
	return rc;
}

/* ---- main -------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} COMMANDS[] = {
	{"serve", main_serve},
	{"login", main_login},
	{"logout", main_logout},
	{"probe", main_probe},
};

int main(int argc, char **argv)
{
	const struct sp_program program = {
		.name = "sp-register",
		.synopsis = "serve [options]\nlogin [options] EXT@DOMAIN\n"
			    "logout [options] LOGIN|EXT ...\n"
			    "probe [options] [EXT@DOMAIN]",
		.purpose = "SIP: serve registrations; log a softphone in, or "
			   "out; is the server up? Each command has its own "
			   "--help.",
		.opts = (const struct sp_opt[]){{0}},
	};
	struct sp_common common = {0};
	int first, rc;

	sipmsg_init();
	for (size_t i = 0; argc > 1 && i < sizeof COMMANDS / sizeof COMMANDS[0];
		i++)
		if (strcmp(argv[1], COMMANDS[i].name) == 0)
			return COMMANDS[i].main(argc - 1, argv + 1);
	rc = sp_opts_parse(&program, &common, argc, argv, &first);
	if (rc >= 0)
		return rc;
	if (first < argc)
		return sp_app_usage(&program,
			"unknown command '%s', expected serve, login, logout "
			"or probe",
			argv[first]);
	return sp_app_usage(&program,
		"expected serve, login, logout or probe, as in 'sp-register "
		"serve'");
}
