/* Out of memory: the nth allocation fails, for each n. What then comes back
 * is an error and no part of a result, and nothing is left behind. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cli/output.h"
#include "cmd/cli/records.h"
#include "lib/config.h"
#include "lib/hash.h"
#include "tests/unit/world.h"

/* ---- an allocator that fails ------------------------------------------- */

/* Sanitizers have an allocator of their own, which must not be replaced. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_REPLACEMENT
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NO_REPLACEMENT
#endif

static struct {
	long made, live; /* allocations so far; those not freed */
	long fail_at;    /* 0: none */
} memory;

#ifndef NO_REPLACEMENT
/* glibc's own, under the names by which a replacement may call them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static bool fails(void)
{
	if (++memory.made != memory.fail_at)
		return false;
	errno = ENOMEM;
	return true;
}

static void *counted(void *p)
{
	memory.live += p != NULL;
	return p;
}

void *malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	if (fails())
		return NULL;
	return p == NULL ? counted(__libc_malloc(size))
			 : __libc_realloc(p, size);
}

void free(void *p)
{
	memory.live -= p != NULL;
	__libc_free(p);
}
#endif

/* ---- what is tried ----------------------------------------------------- */

/* Returns 0 with a result that is whole, -1 with an error, or 1 with a result
 * in which something is missing. Leaves nothing behind. */
typedef int attempt_fn(struct sp_err *err);

static char config_path[64];

static int load_config(struct sp_err *err)
{
	struct sp_config config;
	int rc = sp_config_load(&config, config_path, "/tmp/sp.db", err);

	if (rc == 0)
		rc = config.n_tenants != 2 || config.n_listen != 2 ||
		     config.tenants[0].n_aliases != 2 ||
		     config.tenants[0].pool.automatic.n != 4 ||
		     config.tenants[0].voicemail == NULL ||
		     config.path == NULL ||
		     strcmp(config.db, "/tmp/sp.db") != 0;
	sp_config_release(&config);
	return rc;
}

static int list(const char *format, const char *expected, struct sp_err *err)
{
	static const struct sp_column COLUMNS[] = {{.name = "number"},
		{.name = "name"}, {.name = "count", .is_integer = true}};
	static const char *const ROWS[][3] = {{"1000", "Zo\xc3\xab", "7"},
		{"1001",
			"a\xff"
			"b",
			NULL}};
	static char text[1024];
	FILE *file = fmemopen(text, sizeof text, "w");
	struct sp_output *output = NULL;
	int rc;

	if (file == NULL)
		return sp_err_set(err, SP_IO, "no file to write to");
	rc = sp_output_open(&output, file,
		&(struct sp_output_options){.format = format}, COLUMNS, 3, err);
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = sp_output_row(output, ROWS[i], err);
	if (rc == 0)
		rc = sp_output_close(output, err);
	else
		sp_output_close(output, &(struct sp_err){.code = SP_OK});
	fclose(file);
	return rc != 0 ? -1 : strcmp(text, expected) != 0;
}

static int list_table(struct sp_err *err)
{
	return list("table",
		"NUMBER  NAME  COUNT\n1000    Zo\xc3\xab       7\n"
		"1001    a?b\n",
		err);
}

static int list_csv(struct sp_err *err)
{
	return list("csv",
		"number,name,count\n1000,Zo\xc3\xab,7\n"
		"1001,a\xff"
		"b,\n",
		err);
}

static int list_json(struct sp_err *err)
{
	return list("json",
		"[\n"
		" {\"number\":\"1000\",\"name\":\"Zo\xc3\xab\",\"count\":7},\n"
		" {\"number\":\"1001\",\"name\":\"a?b\",\"count\":null}\n]\n",
		err);
}

static int list_yaml(struct sp_err *err)
{
	return list("yaml",
		"- number: \"1000\"\n  name: \"Zo\xc3\xab\"\n  count: 7\n"
		"- number: \"1001\"\n  name: \"a?b\"\n  count: null\n",
		err);
}

static char list_path[80];

/* Two records, the second of which has a name. */
static int read_list(const char *text, struct sp_err *err)
{
	static const char *const NAMES[] = {"login", "first"};
	const struct sp_record_names names = {.names = NAMES, .n = 2};
	struct sp_records *records = NULL;
	const char *fields[2] = {NULL, NULL};
	FILE *file = fopen(list_path, "w");
	bool is_whole = false;
	int rc = -1, n = 0;

	if (file == NULL)
		return sp_err_set(err, SP_IO, "no file to write to");
	fputs(text, file);
	fclose(file);
	if (sp_records_open(&records, list_path, &names, err) == 0)
		while ((rc = sp_records_next(records, fields, err)) == 1)
			is_whole = ++n == 2 && fields[1] != NULL &&
				   strcmp(fields[1], "Ann") == 0;
	sp_records_close(records);
	return rc != 0 ? -1 : !is_whole;
}

static int read_csv(struct sp_err *err)
{
	return read_list("login,first\nbjones,\nasmith,\"Ann\"\n", err);
}

static int read_json(struct sp_err *err)
{
	return read_list("[{\"login\":\"bjones\"},\n"
			 "{\"login\":\"asmith\",\"first\":\"Ann\"}]\n",
		err);
}

static int read_yaml(struct sp_err *err)
{
	return read_list("- login: bjones\n- {login: asmith, first: Ann}\n",
		err);
}

static int make_hash(struct sp_err *err)
{
	struct sp_hash *hash;
	int rc = sp_hash_new(&hash, err);

	sp_hash_free(hash);
	return rc;
}

/* From an empty database to a user with a number, and then another one. */
static int assign(struct sp_err *err)
{
	struct sp_assign assign = {.login = "asmith", .first = "Ann"};
	struct sp_assigned assigned = {.number = ""};
	struct sp_scope scope = {.tool = "unit", .actor = "unit", .now_ms = 1};
	struct sp_tenant tenant = {.id = 0};
	int rc = sp_db_open(&scope.db, "/nonexistent/sp.db", SP_DB_TRIAL, 0,
		err);

	scope.tenant = &tenant;
	if (rc == 0)
		rc = sp_tenant_init(&tenant, "acme.example", err);
	if (rc == 0)
		rc = sp_ranges_add(&tenant.pool.all, "999-1001", err);
	if (rc == 0)
		rc = sp_pool_finish(&tenant.pool, err);
	if (rc == 0)
		rc = sp_db_begin(scope.db, err);
	if (rc == 0)
		rc = sp_tenant_open(&tenant, scope.db, true, err);
	if (rc == 0)
		rc = sp_assignment_make(&scope, NULL, &assign, &assigned, err);
	assign.number = "1001";
	if (rc == 0)
		rc = sp_assignment_make(&scope, NULL, &assign, &assigned, err);
	if (rc == 0)
		rc = sp_db_commit(scope.db, err);
	sp_tenant_release(&tenant);
	sp_db_close(scope.db);
	return rc != 0 ? -1
		       : strcmp(assigned.number, "1001") != 0 ||
				 strcmp(assigned.old_number, "999") != 0;
}

/* ---- every n ----------------------------------------------------------- */

static bool is_sound(int rc, long leaked, const struct sp_err *err)
{
	if (leaked != 0)
		printf("# %ld left behind\n", leaked);
	else if (rc == 1)
		printf("# part of a result\n");
	else if (rc == -1 && err->msg[0] == '\0')
		printf("# no error\n");
	else
		return true;
	return false;
}

/* Some do without what they did not get: libraries fall back. step: 1 for every
 * n, or more where that takes too long. */
static void check(struct unit *u, const char *name, int step,
	attempt_fn *attempt)
{
	struct sp_err err = {.msg = ""};
	long n = 1, live;

	/* What libraries keep for the next time comes with the first. */
	memory.fail_at = 0;
	if (!unit_int(u, attempt(&err), 0, name))
		return;
	for (;; n += step) {
		int rc;

		err = (struct sp_err){.msg = ""};
		live = memory.live;
		memory.made = 0;
		memory.fail_at = n;
		rc = attempt(&err);
		memory.fail_at = 0;
		if (!is_sound(rc, memory.live - live, &err))
			break;
		if (memory.made < n) {
			unit_ok(u, rc == 0, "  any of %ld may fail",
				memory.made);
			return;
		}
	}
	unit_ok(u, false, "  allocation %ld", n);
}

static void write_config(void)
{
	static const char TEXT[] =
		"db: /tmp/sp.db\n"
		"history: 30d\n"
		"listen: ['udp:127.0.0.1:5060', 'udp:[::1]:5060']\n"
		"tenants:\n"
		"- domain: acme.example\n"
		"  aliases: [192.0.2.10, acme.test]\n"
		"  pool: [900-1100, 2000-2999]\n"
		"  reserved: [1000, 2500]\n"
		"  rest: 30d\n"
		"  registration: {refresh: 20s, timeout: 40s}\n"
		"  voicemail: sip:vm-{number}@vm.example\n"
		"  forwarding: {no-answer: {to: voicemail, after: 20s}}\n"
		"- {domain: b.example, pool: [1-9]}\n";
	int fd;

	snprintf(config_path, sizeof config_path, "/tmp/sp-unit-XXXXXX");
	fd = mkstemp(config_path);
	if (fd < 0 || write(fd, TEXT, sizeof TEXT - 1) != sizeof TEXT - 1 ||
		close(fd) != 0) {
		perror(config_path);
		exit(2);
	}
	snprintf(list_path, sizeof list_path, "%s.list", config_path);
}

int main(void)
{
	struct unit u = {0};

	write_config();
	check(&u, "a configuration", 1, load_config);
	check(&u, "a table", 1, list_table);
	check(&u, "csv", 1, list_csv);
	check(&u, "json", 1, list_json);
	check(&u, "yaml", 1, list_yaml);
	check(&u, "reading csv", 1, read_csv);
	check(&u, "reading json", 1, read_json);
	check(&u, "reading yaml", 1, read_yaml);
	check(&u, "digests", 1, make_hash);
	check(&u, "a user with a number", 7, assign);
	unlink(config_path);
	unlink(list_path);
	return unit_done(&u);
}
