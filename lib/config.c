/* The configuration: what the file says, and what holds without one. */
#include "lib/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/config_tenant.h"
#include "lib/text.h"
#include "lib/yaml.h"

static const char SYSTEM_FILE[] = "/etc/sp/sp.yaml";
static const char DEFAULT_LISTEN[] = "udp:127.0.0.1:5060";
static const char DEFAULT_DOMAIN[] = "localhost";
static const char DEFAULT_POOL[] = "1000-9999";

enum { MAX_PORT = 65535 };
static const int64_t DEFAULT_HISTORY_MS = INT64_C(90) * 86400000;

int sp_config_copy(char **field, const char *text, struct sp_err *err)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return sp_err_memory(err);
	free(*field);
	*field = copy;
	return 0;
}

/* ---- where to listen --------------------------------------------------- */

static bool is_address(const char *host, bool is_v6)
{
	struct in6_addr addr;

	return inet_pton(is_v6 ? AF_INET6 : AF_INET, host, &addr) == 1;
}

static const char *const TRANSPORTS[SP_N_TRANSPORTS] = {"udp", "tcp", "tls"};

const char *sp_transport_name(enum sp_transport transport)
{
	return TRANSPORTS[transport];
}

/* Sets *host to what stands behind "udp:". */
static bool parse_transport(const char *text, enum sp_transport *transport,
	const char **host)
{
	for (int i = 0; i < SP_N_TRANSPORTS; i++) {
		size_t len = strlen(TRANSPORTS[i]);

		if (strncmp(text, TRANSPORTS[i], len) == 0 &&
			text[len] == ':') {
			*transport = (enum sp_transport)i;
			*host = text + len + 1;
			return true;
		}
	}
	return false;
}

int sp_listen_parse(struct sp_listen *listen, const char *text,
	struct sp_err *err)
{
	const char *host = text, *colon;
	int64_t port = 0;
	bool is_v6;

	*listen = (struct sp_listen){0};
	if (!parse_transport(text, &listen->transport, &host))
		goto malformed;
	colon = strrchr(host, ':');
	is_v6 = host[0] == '[';
	if (colon == NULL || !sp_text_to_int(colon + 1, 0, MAX_PORT, &port) ||
		(is_v6 && (colon < host + 2 || colon[-1] != ']')))
		goto malformed;
	listen->host =
		strndup(host + is_v6, (size_t)(colon - host) - (is_v6 ? 2 : 0));
	listen->text = strdup(text);
	listen->port = (int)port;
	if (listen->host == NULL || listen->text == NULL) {
		sp_listen_release(listen);
		return sp_err_memory(err);
	}
	if (is_address(listen->host, is_v6))
		return 0;
	sp_listen_release(listen);
malformed:
	return sp_err_set(err, SP_CONFIG,
		"'%.60s': expected udp:HOST:PORT, tcp:HOST:PORT or "
		"tls:HOST:PORT, HOST an IPv4 address or [IPv6]",
		text);
}

void sp_listen_release(struct sp_listen *listen)
{
	free(listen->text);
	free(listen->host);
	*listen = (struct sp_listen){0};
}

static int add_listen(struct sp_config *config, const char *text,
	struct sp_err *err)
{
	struct sp_listen *at =
		realloc(config->listen, (config->n_listen + 1) * sizeof *at);

	if (at == NULL)
		return sp_err_memory(err);
	config->listen = at;
	if (sp_listen_parse(&at[config->n_listen], text, err) != 0)
		return -1;
	config->n_listen++;
	return 0;
}

int sp_config_set_listen(struct sp_config *config, const char *const *text,
	size_t n, struct sp_err *err)
{
	for (size_t i = 0; i < config->n_listen; i++)
		sp_listen_release(&config->listen[i]);
	config->n_listen = 0;
	for (size_t i = 0; i < n; i++)
		if (add_listen(config, text[i], err) != 0) {
			if (err->code == SP_CONFIG)
				err->code = SP_USAGE;
			return sp_err_prefix(err, "--listen: ");
		}
	return 0;
}

/* ---- tenants ----------------------------------------------------------- */

/* Takes the tenant over when it returns 0. */
static int keep_tenant(struct sp_config *config, const struct sp_tenant *tenant,
	struct sp_err *err)
{
	struct sp_tenant *at =
		realloc(config->tenants, (config->n_tenants + 1) * sizeof *at);

	if (at == NULL)
		return sp_err_memory(err);
	at[config->n_tenants++] = *tenant;
	config->tenants = at;
	return 0;
}

static int add_tenant(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_config *config = field;
	struct sp_tenant tenant;

	if (sp_config_read_tenant(node, config, &tenant, err) == 0 &&
		keep_tenant(config, &tenant, err) == 0)
		return 0;
	sp_tenant_release(&tenant);
	return -1;
}

static int add_default_tenant(struct sp_config *config, struct sp_err *err)
{
	struct sp_tenant tenant;

	if (sp_tenant_init(&tenant, DEFAULT_DOMAIN, err) == 0 &&
		sp_ranges_add(&tenant.pool.all, DEFAULT_POOL, err) == 0 &&
		sp_pool_finish(&tenant.pool, err) == 0 &&
		keep_tenant(config, &tenant, err) == 0)
		return 0;
	sp_tenant_release(&tenant);
	return -1;
}

/* ---- the file ---------------------------------------------------------- */

static int set_db(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_config *config = field;
	const char *path;

	if (sp_yaml_text(node, &path, err) != 0)
		return -1;
	/* Taken as it stands, it would make a directory called '~'. */
	if (strcmp(path, "~") == 0 || strncmp(path, "~/", 2) == 0)
		return sp_yaml_fail(node, err,
			"'%.80s': '~' is not expanded, "
			"expected a whole path",
			path);
	return sp_config_copy(&config->db, path, err);
}

static int add_listen_node(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (add_listen(field, text, err) != 0)
		return sp_yaml_blame(node, err);
	return 0;
}

static int set_listen(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return sp_yaml_list(node, 1, add_listen_node, field, err);
}

static int set_tenants(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return sp_yaml_list(node, 1, add_tenant, field, err);
}

static int set_history(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_config *config = field;
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (sp_duration_parse(text, &config->history_ms, err) != 0)
		return sp_yaml_blame(node, err);
	return 0;
}

static int set_path(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *path;

	if (sp_yaml_text(node, &path, err) != 0)
		return -1;
	return sp_config_copy(field, path, err);
}

static const struct sp_yaml_key TLS_KEYS[] = {
	{"certificate", set_path, offsetof(struct sp_config, tls_certificate)},
	{"key", set_path, offsetof(struct sp_config, tls_key)},
	{0},
};

static int set_tls(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_config *config = field;

	if (sp_yaml_mapping(node, TLS_KEYS, config, err) != 0)
		return -1;
	if (config->tls_certificate == NULL || config->tls_key == NULL)
		return sp_yaml_fail(node, err, "expected certificate and key");
	return 0;
}

static int add_trusted(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	struct sp_config *config = field;
	struct sp_network *at;
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	at = realloc(config->trusted, (config->n_trusted + 1) * sizeof *at);
	if (at == NULL)
		return sp_err_memory(err);
	config->trusted = at;
	if (sp_network_parse(&at[config->n_trusted], text, err) != 0)
		return sp_yaml_blame(node, err);
	config->n_trusted++;
	return 0;
}

static int set_trusted(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	return sp_yaml_list(node, 0, add_trusted, field, err);
}

bool sp_resolver_is_address(const char *text)
{
	bool is_v6 = text[0] == '[';
	const char *host = text + is_v6;
	const char *end = is_v6 ? strchr(text, ']') : strchrnul(text, ':');
	char address[INET6_ADDRSTRLEN];
	int64_t port;

	if (end == NULL || (size_t)(end - host) >= sizeof address)
		return false;
	memcpy(address, host, (size_t)(end - host));
	address[end - host] = '\0';
	end += is_v6;
	if (*end != '\0' &&
		(*end != ':' || !sp_text_to_int(end + 1, 1, MAX_PORT, &port)))
		return false;
	return is_address(address, is_v6);
}

static int set_resolver(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	const char *text;

	if (sp_yaml_text(node, &text, err) != 0)
		return -1;
	if (!sp_resolver_is_address(text))
		return sp_yaml_fail(node, err,
			"'%.60s': expected ADDRESS or ADDRESS:PORT, ADDRESS an "
			"IPv4 address or [IPv6]",
			text);
	return sp_config_copy(field, text, err);
}

static const struct sp_yaml_key TOP_KEYS[] = {
	{"db", set_db, 0},
	{"history", set_history, 0},
	{"listen", set_listen, 0},
	{"tls", set_tls, 0},
	{"user", set_path, offsetof(struct sp_config, user)},
	{"resolver", set_resolver, offsetof(struct sp_config, resolver)},
	{"trusted", set_trusted, 0},
	{"tenants", set_tenants, 0},
	{0},
};

static int read_file(struct sp_config *config, const char *path,
	struct sp_err *err)
{
	struct sp_yaml *yaml;
	struct sp_yaml_node root;
	int rc = sp_yaml_open(&yaml, path, &root, err);

	if (rc == 0)
		rc = sp_config_copy(&config->path, path, err);
	if (rc == 0 && root.yaml != NULL)
		rc = sp_yaml_mapping(&root, TOP_KEYS, config, err);
	sp_yaml_close(yaml);
	return rc;
}

/* ---- what holds without it --------------------------------------------- */

/* NULL for an empty variable, too. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

/* Joins the directory of an XDG variable, or its default below HOME, with
 * `name`. *path is NULL when there is no HOME. A relative directory is as none
 * (XDG Base Directory Specification), so the current one is never searched. */
static int user_path(char **path, const char *variable, const char *default_dir,
	const char *name, struct sp_err *err)
{
	const char *dir = environment(variable), *home = environment("HOME");
	int n = 0;

	*path = NULL;
	if (dir != NULL && dir[0] == '/')
		n = asprintf(path, "%s/%s", dir, name);
	else if (home != NULL)
		n = asprintf(path, "%s/%s/%s", home, default_dir, name);
	if (n >= 0)
		return 0;
	*path = NULL;
	return sp_err_memory(err);
}

/* One that cannot be looked at counts: reading it then says why. */
static bool is_there(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static int read_found(struct sp_config *config, struct sp_err *err)
{
	const char *named = environment("SP_CONFIG");
	char *path = NULL;
	int rc = 0;

	if (named != NULL)
		return read_file(config, named, err);
	if (user_path(&path, "XDG_CONFIG_HOME", ".config", "sp/sp.yaml", err) !=
		0)
		return -1;
	if (path != NULL && is_there(path))
		rc = read_file(config, path, err);
	else if (is_there(SYSTEM_FILE))
		rc = read_file(config, SYSTEM_FILE, err);
	free(path);
	return rc;
}

static int complete_db(struct sp_config *config, const char *db,
	struct sp_err *err)
{
	const char *named = db != NULL ? db : environment("SP_DB");

	if (named != NULL)
		return sp_config_copy(&config->db, named, err);
	if (config->db != NULL)
		return 0;
	if (user_path(&config->db, "XDG_STATE_HOME", ".local/state", "sp/sp.db",
		    err) != 0)
		return -1;
	if (config->db == NULL)
		return sp_err_set(err, SP_CONFIG,
			"no place for the database: HOME is not set, expected "
			"it, or SP_DB, or 'db' in the configuration");
	return 0;
}

int sp_config_load(struct sp_config *config, const char *path, const char *db,
	struct sp_err *err)
{
	int rc;

	*config = (struct sp_config){.history_ms = DEFAULT_HISTORY_MS};
	rc = path == NULL ? read_found(config, err)
			  : read_file(config, path, err);
	if (rc != 0 || complete_db(config, db, err) != 0)
		return -1;
	if (config->n_listen == 0 &&
		add_listen(config, DEFAULT_LISTEN, err) != 0)
		return -1;
	if (config->n_tenants == 0)
		return add_default_tenant(config, err);
	return 0;
}

void sp_config_release(struct sp_config *config)
{
	for (size_t i = 0; i < config->n_listen; i++)
		sp_listen_release(&config->listen[i]);
	free(config->listen);
	for (size_t i = 0; i < config->n_tenants; i++)
		sp_tenant_release(&config->tenants[i]);
	free(config->tenants);
	free(config->trusted);
	free(config->path);
	free(config->tls_certificate);
	free(config->tls_key);
	free(config->user);
	free(config->resolver);
	free(config->db);
	*config = (struct sp_config){0};
}

/* ---- choosing a tenant ------------------------------------------------- */

struct sp_tenant *sp_config_find_tenant(const struct sp_config *config,
	const char *name)
{
	for (size_t i = 0; i < config->n_tenants; i++)
		if (sp_tenant_is_named(&config->tenants[i], name, strlen(name)))
			return &config->tenants[i];
	return NULL;
}

bool sp_config_is_trusted(const struct sp_config *config, const char *ip)
{
	for (size_t i = 0; i < config->n_trusted; i++)
		if (sp_network_has(&config->trusted[i], ip))
			return true;
	return false;
}

/* Puts "a, b, c" into text; cut with an ellipsis when there are many. */
static void list_tenants(const struct sp_config *config, char *text,
	size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < config->n_tenants; i++) {
		const char *domain = config->tenants[i].domain;

		if (len + strlen(domain) + sizeof ", ..." > size) {
			snprintf(text + len, size - len, "...");
			return;
		}
		len += (size_t)snprintf(text + len, size - len, "%s%s", domain,
			i + 1 < config->n_tenants ? ", " : "");
	}
}

int sp_config_tenant(struct sp_config *config, const char *domain,
	struct sp_tenant **tenant, struct sp_err *err)
{
	const char *name = domain != NULL ? domain : environment("SP_TENANT");
	char known[384];

	if (name == NULL && config->n_tenants == 1) {
		*tenant = &config->tenants[0];
		return 0;
	}
	*tenant = name == NULL ? NULL : sp_config_find_tenant(config, name);
	if (*tenant != NULL)
		return 0;
	list_tenants(config, known, sizeof known);
	if (name == NULL)
		return sp_err_set(err, SP_USAGE,
			"no tenant named, expected --tenant with one of: %s",
			known);
	return sp_err_set(err, SP_USAGE,
		"no tenant '%.80s', expected one of: %s", name, known);
}
