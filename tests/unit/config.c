/* lib/config: files that are right, files that are not, and the search. */
#include "lib/config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const char FILE_NAME[] = "sp.yaml"; /* in a directory of our own */

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(text, 1, len, file) != len ||
		fclose(file) != 0) {
		perror(path);
		exit(2);
	}
}

/* The environment of a user without any configuration. */
static void set_environment(void)
{
	static const char *const NAMES[] = {"SP_CONFIG", "SP_DB", "SP_TENANT",
		"XDG_CONFIG_HOME", "XDG_STATE_HOME"};

	for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
		unsetenv(NAMES[i]);
	setenv("HOME", "/nonexistent", 1);
}

/* ---- what is wrong ----------------------------------------------------- */

#define TENANT "tenants:\n- domain: a.example\n  pool: [1000-1999]\n"

static const struct {
	const char *yaml;
	const char *error; /* NULL: it is right */
} CASES[] = {
	{"", NULL},
	{"\n# nothing\n", NULL},
	{TENANT, NULL},
	{"\xef\xbb\xbf" TENANT, NULL},
	{TENANT "  rest: 0\n", NULL},
	{TENANT "  reserved: []\n  aliases: []\n", NULL},
	{TENANT "  voicemail: 'sip:vm-{number}@vm.example:5070;x=y'\n", NULL},
	{TENANT "  gateway: sips:[::1]\n", NULL},
	{TENANT "  forwarding: {always: {to: reject}}\n", NULL},
	{TENANT "  registration: {refresh: 500ms, timeout: 1s, min: 0}\n",
		NULL},
	{"listen: ['udp:[::1]:0', udp:0.0.0.0:5060]\n", NULL},
	{"history: 0\n", NULL},
	{"history: 1w\n", NULL},
	{"resolver: 192.0.2.53\n", NULL},
	{"resolver: 192.0.2.53:5353\n", NULL},
	{"resolver: '[::1]'\n", NULL},
	{"resolver: '[2001:db8::1]:53'\n", NULL},
	{TENANT "  calls: internal\n", NULL},
	{TENANT "  calls: all\n", NULL},
	/* The document. */
	{"---\n", "2: not a mapping, expected lines with 'key: value'"},
	{"# a list\n- db\n",
		"2: not a mapping, expected lines with 'key: value'"},
	{"db: a\n---\ndb: b\n", "2: a second document, expected only one"},
	/* Keys. */
	{"db: a\npools: 1\n", "2: unknown key 'pools', expected db, history, "
			      "listen, tls, user, resolver, trusted, tenants"},
	{"db: a\ndb: b\n", "2: 'db' a second time, expected only one"},
	{"? [db]\n: a\n", "1: a list, expected one value"},
	{"<<: {db: a}\n", "1: unknown key '<<', expected db, history, "
			  "listen, tls, user, resolver, trusted, tenants"},
	{"db: [a]\n", "1: db: a list, expected one value"},
	{"db: {a: b}\n", "1: db: a mapping, expected one value"},
	{"db:\n", "1: db: empty, expected a value"},
	{"db: \"a\\0b\"\n", "1: db: a control character, expected plain text"},
	{"db: ~/sp.db\n", "1: db: '~/sp.db': '~' is not expanded, expected "
			  "a whole path"},
	{"db: a\nhistory: 90\n",
		"2: history: '90' is not a duration (like 15s, 20m, 30d)"},
	{"history: [90d]\n", "1: history: a list, expected one value"},
	{"history: -1d\n",
		"1: history: '-1d' is not a duration (like 15s, 20m, 30d)"},
	/* Where to listen. */
	{"listen: udp:127.0.0.1:5060\n", "1: listen: not a list, expected "
					 "[a, b] or lines with '- '"},
	{"listen: []\n",
		"1: listen: an empty list, expected at least one entry"},
	{"listen:\n- udp:127.0.0.1:1\n- sctp:127.0.0.1:5060\n",
		"3: listen: 'sctp:127.0.0.1:5060': expected udp:HOST:PORT, "
		"tcp:HOST:PORT or tls:HOST:PORT, "
		"HOST an IPv4 address or [IPv6]"},
	/* Tenants. */
	{"tenants: a.example\n", "1: tenants: not a list, expected [a, b] or "
				 "lines with '- '"},
	{"tenants: []\n",
		"1: tenants: an empty list, expected at least one entry"},
	{"tenants:\n- a.example\n", "2: tenants: not a mapping, expected "
				    "lines with 'key: value'"},
	{"tenants: &a [*a]\n", "1: tenants: not a mapping, expected "
			       "lines with 'key: value'"},
	{"tenants:\n- &a\n  domain: a.b\n  pool: [1]\n  registration: *a\n",
		"3: registration: unknown key 'domain', expected refresh, "
		"timeout, min, max-contacts"},
	{"tenants:\n- pool: [1]\n", "2: tenants: a tenant without 'domain', "
				    "expected 'domain' and 'pool'"},
	{"tenants:\n- domain: a\n", "2: tenants: a tenant without 'pool', "
				    "expected 'domain' and 'pool'"},
	{"tenants:\n- domain: a_b\n  pool: [1]\n",
		"2: domain: 'a_b' is not a host, expected a name like "
		"acme.example or an address"},
	{TENANT "  aliases: [192.0.2.1, A.Example]\n",
		"4: aliases: 'A.Example' is a name of tenant 'a.example' "
		"already, expected another"},
	{TENANT "  aliases: [b, B]\n", "4: aliases: 'B' is a name of tenant "
				       "'a.example' already, expected another"},
	{TENANT "- domain: A.EXAMPLE\n  pool: [1]\n",
		"4: domain: 'A.EXAMPLE' is a name of tenant 'a.example' "
		"already, expected another"},
	{TENANT "- {pool: [1], aliases: [a.example], domain: b}\n",
		"4: aliases: 'a.example' is a name of tenant 'a.example' "
		"already, expected another"},
	{TENANT "  voicemial: sip:a\n",
		"4: tenants: unknown key 'voicemial', "
		"expected domain, aliases, pool, reserved, rest, "
		"registration, digest, voicemail, gateway, calls, "
		"forwarding"},
	/* Numbers. */
	{"tenants:\n- domain: a\n  pool: 1000-1999\n",
		"3: pool: not a list, expected [a, b] or lines with '- '"},
	{"tenants:\n- domain: a\n  pool: []\n",
		"3: pool: an empty list, expected at least one entry"},
	{"tenants:\n- domain: a\n  pool: [[1]]\n",
		"3: pool: a list, expected one value"},
	{TENANT "  rest: 30\n", "4: rest: '30' is not a duration (like 15s, "
				"20m, 30d)"},
	{TENANT "  registration:\n    max-contacts: 65\n",
		"5: max-contacts: '65': expected a number from 1 to 64"},
	{TENANT "  registration:\n    max-contacts: 0\n",
		"5: max-contacts: '0': expected a number from 1 to 64"},
	{TENANT "  registration: {timeout: 10s}\n",
		"4: registration: timeout 10s is shorter than refresh 15s, "
		"expected at least that"},
	{TENANT "  registration: {min: 1m}\n",
		"4: registration: min 1m is longer than timeout 30s, expected "
		"at most that"},
	{TENANT "  registration: {timeout: 30500ms}\n",
		"4: registration: timeout 30500ms, min 10s: expected whole "
		"seconds"},
	{TENANT "  registration: {refresh: 0}\n",
		"4: registration: refresh 0, expected more"},
	/* Digests. */
	{TENANT "  digest: [SHA-256, MD5]\n", NULL},
	{TENANT "  digest: [sha-256]\n", NULL},
	{TENANT "  digest: []\n",
		"4: digest: an empty list, expected at least one entry"},
	{TENANT "  digest: MD5\n",
		"4: digest: not a list, expected [a, b] or lines with '- '"},
	{TENANT "  digest: [MD5, SHA-1]\n",
		"4: digest: 'SHA-1': expected MD5 or SHA-256"},
	{TENANT "  digest: [MD5, SHA-256, md5]\n",
		"4: digest: 'md5' a second time, expected only one"},
	/* Trusted peers. */
	{"trusted: []\n", NULL},
	{"trusted: [10.0.0.7, 10.1.0.0/16, '2001:db8::/32']\n", NULL},
	{"trusted: 10.0.0.7\n", "1: trusted: not a list, expected [a, b] or "
				"lines with '- '"},
	{"trusted:\n- 10.0.0.7\n- 10.1.0.7/16\n",
		"3: trusted: '10.1.0.7/16' has bits behind the /16, expected "
		"a network or one address"},
	{"trusted: [pbx.example]\n",
		"1: trusted: 'pbx.example': expected an address or a network, "
		"like 192.0.2.7 or 10.1.0.0/16"},
	/* The name server. */
	{"resolver: 'ns.example'\n",
		"1: resolver: 'ns.example': expected ADDRESS or ADDRESS:PORT, "
		"ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '192.0.2'\n",
		"1: resolver: '192.0.2': expected ADDRESS or ADDRESS:PORT, "
		"ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '192.0.2.53:'\n",
		"1: resolver: '192.0.2.53:': expected ADDRESS or ADDRESS:PORT, "
		"ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '192.0.2.53:0'\n",
		"1: resolver: '192.0.2.53:0': expected ADDRESS or "
		"ADDRESS:PORT, ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '192.0.2.53:65536'\n",
		"1: resolver: '192.0.2.53:65536': expected ADDRESS or "
		"ADDRESS:PORT, ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '::1'\n",
		"1: resolver: '::1': expected ADDRESS or ADDRESS:PORT, ADDRESS "
		"an IPv4 address or [IPv6]"},
	{"resolver: '[::1'\n",
		"1: resolver: '[::1': expected ADDRESS or ADDRESS:PORT, "
		"ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '[192.0.2.53]'\n",
		"1: resolver: '[192.0.2.53]': expected ADDRESS or "
		"ADDRESS:PORT, ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '[::1]53'\n",
		"1: resolver: '[::1]53': expected ADDRESS or ADDRESS:PORT, "
		"ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: '192.0.2.53 '\n",
		"1: resolver: '192.0.2.53 ': expected ADDRESS or ADDRESS:PORT, "
		"ADDRESS an IPv4 address or [IPv6]"},
	{"resolver: 'udp:192.0.2.53:53'\n",
		"1: resolver: 'udp:192.0.2.53:53': expected ADDRESS or "
		"ADDRESS:PORT, ADDRESS an IPv4 address or [IPv6]"},
	/* Who may call whom. */
	{TENANT "  calls: default\n",
		"4: calls: 'default': expected internal or all"},
	{TENANT "  calls: no\n", "4: calls: 'no': expected internal or all"},
	/* Addresses. */
	{TENANT "  voicemail: vm@a\n",
		"4: voicemail: 'vm@a' is not a SIP "
		"URI, expected one like sip:vm-{number}@HOST"},
	{TENANT "  voicemail: 'sip:{nummer}@a'\n",
		"4: voicemail: 'sip:{nummer}@a' is not a SIP URI, expected "
		"one like sip:vm-{number}@HOST"},
	{TENANT "  gateway: 'sip:{number}@a'\n",
		"4: gateway: 'sip:{number}@a' is not a SIP URI, expected one "
		"like sip:HOST"},
	{TENANT "  gateway: 'tel:1'\n", "4: gateway: 'tel:1' is not a SIP "
					"URI, expected one like sip:HOST"},
	/* Forwarding. */
	{TENANT "  forwarding: {never: {to: reject}}\n",
		"4: forwarding: unknown key 'never', expected always, busy, "
		"no-answer, offline"},
	{TENANT "  forwarding: {busy: reject}\n",
		"4: busy: not a mapping, "
		"expected lines with 'key: value'"},
	{TENANT "  forwarding: {busy: {}}\n",
		"4: busy: no target, expected 'to'"},
	{TENANT "  forwarding: {busy: {to: reject, after: 5s}}\n",
		"4: busy: unknown key 'after', expected to"},
	{TENANT "  forwarding: {no-answer: {to: reject, after: 200s}}\n",
		"4: after: expected 1s to 180s"},
};

static void check_case(struct unit *u, const char *yaml, const char *error)
{
	struct sp_config config;
	struct sp_err err = {0};
	char expected[512];
	int rc;

	write_file(FILE_NAME, yaml, strlen(yaml));
	rc = sp_config_load(&config, FILE_NAME, NULL, &err);
	sp_config_release(&config);
	if (error == NULL) {
		unit_ok(u, rc == 0, "accepts a right file: %s", err.msg);
		return;
	}
	snprintf(expected, sizeof expected, "%s:%s", FILE_NAME, error);
	unit_str(u, rc == 0 ? "accepted" : err.msg, expected, error);
	unit_int(u, rc == 0 ? SP_OK : err.code, SP_CONFIG, "  its code");
}

/* These sentences come from elsewhere: only place and code are ours. */
static void check_place(struct unit *u, const char *yaml, const char *start)
{
	struct sp_config config;
	struct sp_err err = {0};
	char expected[128];
	int rc;

	write_file(FILE_NAME, yaml, strlen(yaml));
	rc = sp_config_load(&config, FILE_NAME, NULL, &err);
	sp_config_release(&config);
	snprintf(expected, sizeof expected, "%s:%s", FILE_NAME, start);
	unit_ok(u,
		rc == -1 && err.code == SP_CONFIG &&
			strncmp(err.msg, expected, strlen(expected)) == 0,
		"%s...: %s", start, err.msg);
}

static void check_wrong_files(struct unit *u)
{
	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
		check_case(u, CASES[i].yaml, CASES[i].error);
	check_place(u, "tenants:\n- domain: a\n  pool: [x]\n", "3: pool: ");
	check_place(u, "tenants:\n- domain: a\n  pool: [10-20, 20]\n",
		"3: pool: ");
	check_place(u, TENANT "  reserved: [1-0]\n", "4: reserved: ");
	check_place(u, TENANT "  forwarding: {busy: {to: voicemail}}\n",
		"4: to: ");
	check_place(u, TENANT "  forwarding: {busy: {to: 'a b'}}\n", "4: to: ");
	check_place(u, "db: a\n...\n]\n", "3: not YAML: ");
	check_place(u, "db: a\nlisten: [udp:127.0.0.1:1\n", "3: not YAML: ");
	check_place(u, "db: a\n\tlisten: b\n", "2: not YAML: ");
	check_place(u, "db: a\n\nx: \xff\n", "3: not YAML: ");
	check_place(u, "db: a\nx: \x01\n", "2: not YAML: ");
	check_place(u, "db: *none\n", "1: not YAML: ");
}

/* ---- what is read ------------------------------------------------------ */

static const char FULL[] =
	"db: /var/lib/sp/sp.db\n"
	"history: 30d\n"
	"resolver: '[2001:db8::1]:53'\n"
	"listen: [udp:0.0.0.0:5060, 'udp:[::1]:5061']\n"
	"trusted: [10.0.0.7, 10.1.0.0/16, '::1']\n"
	"tenants:\n"
	"- forwarding:\n"
	"    no-answer: {to: voicemail, after: 25s}\n"
	"    offline: {to: '1001'}\n"
	"    busy: {to: '+14155550123'}\n"
	"  gateway: sip:trunk.acme.example\n"
	"  calls: internal\n"
	"  voicemail: sip:vm-{number}@voicemail.acme.example\n"
	"  registration:\n"
	"    {refresh: 20s, timeout: 1m, min: 5s, max-contacts: 2}\n"
	"  digest: [SHA-256, MD5]\n"
	"  rest: 30d\n"
	"  reserved: [1000, 1900-1999]\n"
	"  pool: [1000-1999, 20000-29999]\n"
	"  aliases: [192.0.2.10, ACME.test]\n"
	"  domain: ACME.example\n"
	"- {domain: b.example, pool: [0100-0199],\n"
	"   forwarding: {no-answer: {to: reject}}}\n";

static void check_tenant(struct unit *u, const struct sp_tenant *tenant)
{
	const struct sp_rule *rules = tenant->defaults;

	unit_str(u, tenant->domain, "acme.example", "domain in lower case");
	unit_int(u, (int64_t)tenant->n_aliases, 2, "number of aliases");
	unit_str(u, tenant->aliases[1], "acme.test", "alias in lower case");
	unit_int(u, (int64_t)tenant->pool.all.n, 2, "ranges of the pool");
	unit_ok(u,
		sp_ranges_has(&tenant->pool.automatic, "1001") &&
			!sp_ranges_has(&tenant->pool.automatic, "1911"),
		"reserved numbers are taken out");
	unit_int(u, tenant->rest_ms, INT64_C(30) * 86400000, "rest");
	unit_int(u, tenant->refresh_ms, 20000, "refresh");
	unit_int(u, tenant->timeout_ms, 60000, "timeout");
	unit_int(u, tenant->min_ms, 5000, "min");
	unit_int(u, tenant->max_contacts, 2, "max-contacts");
	unit_int(u, (int64_t)tenant->n_digest, 2, "digests");
	unit_ok(u,
		tenant->digest[0] == SP_SHA256 && tenant->digest[1] == SP_MD5,
		"in their order");
	unit_str(u, tenant->voicemail, "sip:vm-{number}@voicemail.acme.example",
		"voicemail");
	unit_str(u, tenant->gateway, "sip:trunk.acme.example", "gateway");
	unit_int(u, tenant->calls, SP_CALLS_INTERNAL, "calls");
	unit_str(u, rules[SP_ALWAYS].target, "", "no rule for always");
	unit_str(u, rules[SP_BUSY].target, "+14155550123", "rule for busy");
	unit_int(u, rules[SP_BUSY].after_ms, 0, "busy has no after");
	unit_int(u, rules[SP_NO_ANSWER].after_ms, 25000, "after");
	unit_str(u, rules[SP_OFFLINE].target, "1001", "rule for offline");
	unit_ok(u, rules[SP_OFFLINE].enabled && rules[SP_OFFLINE].is_default,
		"a default rule is on");
}

static void check_trusted(struct unit *u, const struct sp_config *config)
{
	static const char *const TRUSTED[] = {"10.0.0.7", "10.1.2.3", "::1",
		"::ffff:10.0.0.7"};
	static const char *const OTHERS[] = {"10.0.0.8", "10.2.0.0", "::2", "",
		"127.0.0.1"};

	for (size_t i = 0; i < sizeof TRUSTED / sizeof TRUSTED[0]; i++)
		unit_ok(u, sp_config_is_trusted(config, TRUSTED[i]),
			"%s is trusted", TRUSTED[i]);
	for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
		unit_ok(u, !sp_config_is_trusted(config, OTHERS[i]),
			"'%s' is not", OTHERS[i]);
}

static void check_full_file(struct unit *u)
{
	struct sp_config config;
	struct sp_err err = {0};

	write_file(FILE_NAME, FULL, strlen(FULL));
	if (unit_ok(u, sp_config_load(&config, FILE_NAME, NULL, &err) == 0,
		    "a full file: %s", err.msg)) {
		unit_str(u, config.path, FILE_NAME, "the file that was read");
		unit_str(u, config.db, "/var/lib/sp/sp.db", "db");
		unit_int(u, config.history_ms, INT64_C(30) * 86400000,
			"history");
		unit_str(u, config.resolver, "[2001:db8::1]:53", "resolver");
		unit_int(u, (int64_t)config.n_listen, 2, "number of listen");
		unit_str(u, config.listen[0].host, "0.0.0.0", "IPv4 host");
		unit_str(u, config.listen[1].host, "::1", "IPv6 host");
		unit_int(u, config.listen[1].port, 5061, "port");
		unit_int(u, (int64_t)config.n_tenants, 2, "number of tenants");
		check_tenant(u, &config.tenants[0]);
		check_trusted(u, &config);
		unit_ok(u,
			config.tenants[1].n_digest == 1 &&
				config.tenants[1].digest[0] == SP_MD5,
			"MD5 alone unless said");
		unit_int(u, config.tenants[1].defaults[SP_NO_ANSWER].after_ms,
			SP_AFTER_MS, "after unless said");
	}
	sp_config_release(&config);
}

static void check_no_file(struct unit *u)
{
	struct sp_config config;
	struct sp_err err = {0};

	if (unit_ok(u, sp_config_load(&config, NULL, NULL, &err) == 0,
		    "no file: %s", err.msg)) {
		unit_str(u, config.db, "/nonexistent/.local/state/sp/sp.db",
			"default database");
		unit_str(u, config.path, NULL, "no file was read");
		unit_int(u, config.history_ms, INT64_C(90) * 86400000,
			"default history");
		unit_str(u, config.listen[0].text, "udp:127.0.0.1:5060",
			"default listen");
		unit_str(u, config.resolver, NULL, "no resolver");
		unit_int(u, config.tenants[0].calls, SP_CALLS_ALL,
			"default calls");
		unit_str(u, config.tenants[0].domain, "localhost",
			"default tenant");
		unit_ok(u,
			sp_ranges_has(&config.tenants[0].pool.automatic,
				"9999"),
			"default pool");
		unit_ok(u, !sp_config_is_trusted(&config, "127.0.0.1"),
			"nobody is trusted");
	}
	sp_config_release(&config);
}

/* ---- listen ------------------------------------------------------------ */

static void check_listen(struct unit *u)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		int port;
	} cases[] = {
		{"udp:127.0.0.1:0", "127.0.0.1", 0},
		{"udp:[2001:db8::1]:65535", "2001:db8::1", 65535},
		{"udp:127.0.0.1:65536", NULL, 0},
		{"udp:127.0.0.1", NULL, 0},
		{"udp:127.0.0.1:", NULL, 0},
		{"udp::5060", NULL, 0},
		{"udp:", NULL, 0},
		{"udp", NULL, 0},
		{"", NULL, 0},
		{"udp:5060", NULL, 0},
		{"udp:::1:5060", NULL, 0},
		{"udp:[::1]", NULL, 0},
		{"udp:[]:1", NULL, 0},
		{"udp:[:1", NULL, 0},
		{"udp:[127.0.0.1]:1", NULL, 0},
		{"udp:a.example:1", NULL, 0},
		{"UDP:127.0.0.1:1", NULL, 0},
		{"tls:127.0.0.1:1", "127.0.0.1", 1},
		{"tcp:[::1]:5060", "::1", 5060},
		{"TLS:127.0.0.1:1", NULL, 0},
		{"tls:", NULL, 0},
		{"tls:[::1]", NULL, 0},
		{"tcp:[:1", NULL, 0},
		{"udp:127.0.0.1:+1", NULL, 0},
		{"udp:127.0.0.1:1 ", NULL, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sp_listen listen;
		struct sp_err err = {0};
		int rc = sp_listen_parse(&listen, cases[i].text, &err);

		unit_str(u, listen.host, cases[i].host, cases[i].text);
		unit_int(u, listen.port, cases[i].port, "  its port");
		unit_int(u, rc == 0 ? SP_OK : err.code,
			cases[i].host != NULL ? SP_OK : SP_CONFIG,
			"  its code");
		sp_listen_release(&listen);
	}
}

/* ---- the search -------------------------------------------------------- */

/* Loads what is found; the database's path shows which file it was. */
static void check_found(struct unit *u, const char *path, const char *db,
	const char *name)
{
	struct sp_config config;
	struct sp_err err = {0};
	int rc = sp_config_load(&config, path, NULL, &err);

	unit_str(u, rc == 0 ? config.db : err.msg, db, name);
	if (rc == 0 && path != NULL)
		unit_str(u, config.path, path, "  its path");
	sp_config_release(&config);
}

static void check_environment(struct unit *u)
{
	setenv("XDG_CONFIG_HOME", "", 1);
	check_found(u, NULL, "home", "an empty variable is none");
	setenv("XDG_CONFIG_HOME", ".", 1);
	check_found(u, NULL, "home", "a relative XDG directory is none");
	setenv("SP_CONFIG", "env.yaml", 1);
	check_found(u, NULL, "env", "SP_CONFIG before HOME");
	check_found(u, "named.yaml", "named", "a name before SP_CONFIG");
	setenv("SP_DB", "other.db", 1);
	check_found(u, NULL, "other.db", "SP_DB before the file");
	unsetenv("SP_DB");
	setenv("SP_CONFIG", "missing.yaml", 1);
	check_found(u, NULL,
		"cannot read 'missing.yaml': No such file or "
		"directory",
		"a missing SP_CONFIG");
	unsetenv("SP_CONFIG");
}

static void check_no_home(struct unit *u)
{
	unsetenv("HOME");
	check_found(u, "named.yaml", "named", "no HOME, none needed");
	check_found(u, NULL,
		"no place for the database: HOME is not set, "
		"expected it, or SP_DB, or 'db' in the configuration",
		"no HOME");
	setenv("XDG_STATE_HOME", "/state", 1);
	check_found(u, NULL, "/state/sp/sp.db", "XDG_STATE_HOME");
}

static void check_search(struct unit *u, const char *dir)
{
	mkdir(".config", 0700);
	mkdir(".config/sp", 0700);
	write_file(".config/sp/sp.yaml", "db: home\n", 9);
	write_file("env.yaml", "db: env\n", 8);
	write_file("named.yaml", "db: named\n", 10);
	setenv("HOME", dir, 1);
	check_found(u, NULL, "home", "the file below HOME");
	check_environment(u);
	check_found(u, ".", "cannot read '.': Is a directory", "a directory");
	check_found(u, "/dev/zero", "/dev/zero:1: file is larger than 1 MiB",
		"a file without end");
	check_no_home(u);
	set_environment();
}

/* ---- choosing a tenant ------------------------------------------------- */

static void check_choice(struct unit *u, struct sp_config *config,
	const char *name, const char *expected)
{
	struct sp_tenant *tenant;
	struct sp_err err = {0};
	int rc = sp_config_tenant(config, name, &tenant, &err);

	unit_str(u, rc == 0 ? tenant->domain : err.msg, expected,
		name == NULL ? "no name" : name);
	unit_int(u, rc == 0 ? SP_USAGE : err.code, SP_USAGE, "  its code");
}

static void check_choices(struct unit *u)
{
	struct sp_config config;
	struct sp_err err = {0};

	unit_ok(u, sp_config_load(&config, NULL, NULL, &err) == 0,
		"one tenant");
	check_choice(u, &config, NULL, "localhost");
	check_choice(u, &config, "a",
		"no tenant 'a', expected one of: localhost");
	sp_config_release(&config);
	write_file(FILE_NAME, FULL, strlen(FULL));
	unit_ok(u, sp_config_load(&config, FILE_NAME, NULL, &err) == 0,
		"two tenants");
	check_choice(u, &config, NULL,
		"no tenant named, expected --tenant "
		"with one of: acme.example, b.example");
	check_choice(u, &config, "B.example", "b.example");
	check_choice(u, &config, "192.0.2.10", "acme.example");
	setenv("SP_TENANT", "b.example", 1);
	check_choice(u, &config, NULL, "b.example");
	check_choice(u, &config, "acme.test", "acme.example");
	unsetenv("SP_TENANT");
	sp_config_release(&config);
}

static void remove_files(const char *dir)
{
	unlink(FILE_NAME);
	unlink("env.yaml");
	unlink("named.yaml");
	unlink(".config/sp/sp.yaml");
	rmdir(".config/sp");
	rmdir(".config");
	rmdir(dir);
}

int main(void)
{
	char dir[] = "/tmp/sp-unit-XXXXXX";
	struct unit u = {0};

	if (mkdtemp(dir) == NULL || chdir(dir) != 0) {
		perror(dir);
		return 2;
	}
	set_environment();
	check_wrong_files(&u);
	check_full_file(&u);
	check_no_file(&u);
	check_listen(&u);
	check_search(&u, dir);
	check_choices(&u);
	remove_files(dir);
	return unit_done(&u);
}
