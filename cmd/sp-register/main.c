/* sp-register: serve registrations; log a softphone in; log one out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/app.h"
#include "cmd/cli/opts.h"
#include "cmd/cli/report.h"
#include "cmd/sp-register/log.h"
#include "cmd/sp-register/login.h"
#include "cmd/sp-register/serve.h"
#include "cmd/sp-register/sipmsg.h"
#include "lib/binding.h"
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

/* ---- login ------------------------------------------------------------- */

/* From a file's first line, else from the environment; never an argument,
 * which everybody can read. */
static int read_secret(const char *path, char out[SP_SECRET_SIZE],
	struct sp_err *err)
{
	const char *secret = getenv("SP_SECRET"), *line;
	struct sp_input *input = NULL;
	int rc = 0;

	if (path != NULL) {
		rc = sp_input_open(&input, path, '\n', err);
		if (rc == 0)
			rc = sp_input_field(input, &line, err) == 1
				     ? 0
				     : sp_err_set(err, SP_DATA,
					       "no secret in '%s'", path);
		secret = rc == 0 ? line : NULL;
	}
	if (rc == 0 && secret == NULL)
		rc = sp_err_set(err, SP_USAGE,
			"no secret: expected "
			"--secret-file or the variable SP_SECRET");
	if (rc == 0)
		rc = sp_text_copy(out, SP_SECRET_SIZE, secret, "the secret",
			err);
	sp_input_close(input);
	return rc;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static int split_server(char *server, struct login_options *o,
	struct sp_err *err)
{
	char *end = server + strcspn(server, ":");

	o->host = server;
	o->port = "5060";
	if (server[0] == '[') {
		o->host = server + 1;
		end = strchr(server, ']');
		if (end != NULL)
			*end++ = '\0';
	}
	if (end != NULL && *end == ':') {
		*end++ = '\0';
		o->port = end;
		end += strspn(end, "0123456789");
	}
	if (end != NULL && *end == '\0' && o->host[0] != '\0' &&
		o->port[0] != '\0')
		return 0;
	return sp_err_set(err, SP_USAGE,
		"--server: expected HOST, HOST:PORT or [IPv6]:PORT");
}

static int run_login(const struct sp_program *program, char *operand,
	const struct sp_common *common, char *server, const char *secret_file)
{
	struct login_options o = {.extension = operand,
		.domain = common->tenant};
	char secret[SP_SECRET_SIZE], *at = strchr(operand, '@');
	struct sp_err err;

	if (at != NULL) {
		*at = '\0';
		o.domain = at + 1;
	}
	if (!sp_text_is_digits(o.extension))
		return sp_app_usage(program, "'%s' is not an extension",
			o.extension);
	if (o.domain == NULL || !sp_text_is_host(o.domain, strlen(o.domain)))
		return sp_app_usage(program,
			"no domain: expected EXT@DOMAIN or --tenant DOMAIN");
	o.secret = secret;
	if (split_server(server, &o, &err) == 0 &&
		read_secret(secret_file, secret, &err) == 0 &&
		login(&o, &err) == 0)
		return 0;
	return sp_app_fail("sp-register", &err);
}

static int main_login(int argc, char **argv)
{
	const char *server = NULL, *secret_file = NULL;
	struct sp_common common = {.tenant = getenv("SP_TENANT")};
	const struct sp_opt opts[] = {
		{0, "server", "HOST[:PORT]",
			"the SIP server (default: the "
			"domain, port 5060)",
			NULL, &server, NULL},
		{0, "secret-file", "FILE",
			"the SIP secret is its first line "
			"(default: $SP_SECRET)",
			NULL, &secret_file, NULL},
		{'t', "tenant", "DOMAIN",
			"the access domain (default: $SP_TENANT)", NULL,
			&common.tenant, NULL},
		{0},
	};
	const struct sp_program program = {
		.name = "sp-register login",
		.synopsis = "[options] EXT@DOMAIN",
		.purpose = "Be a softphone: register, refresh every 15 s, log "
			   "out when told to end.",
		.opts = opts,
	};
	char copy[300];
	int first, rc = sp_opts_parse(&program, &common, argc, argv, &first);

	if (rc >= 0)
		return rc;
	if (argc - first != 1)
		return sp_app_usage(&program, "expected one EXT@DOMAIN");
	if (server == NULL)
		server = strchr(argv[first], '@') != NULL
				 ? strchr(argv[first], '@') + 1
				 : common.tenant;
	if (server == NULL || strlen(server) >= sizeof copy)
		return sp_app_usage(&program, "no server: expected --server");
	strcpy(copy, server);
	return run_login(&program, argv[first], &common, copy, secret_file);
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
		return sp_app_usage(&program, "no user or extension is named");
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
};

int main(int argc, char **argv)
{
	const struct sp_program program = {
		.name = "sp-register",
		.synopsis = "serve [options]\nlogin [options] EXT@DOMAIN\n"
			    "logout [options] LOGIN|EXT ...",
		.purpose = "SIP: serve registrations; log a softphone in, or "
			   "out. Each command has its own --help.",
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
		return sp_app_usage(&program, "unknown command '%s'",
			argv[first]);
	return sp_app_usage(&program, "expected serve, login or logout");
}
