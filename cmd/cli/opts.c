/* Command-line options: from one table come the parse and the help. */
#include "cmd/cli/opts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	MAX_OPTS = 48,   /* rows of a program with those that all have */
	FIRST_ROW = 256, /* getopt's value of row 0: behind the letters */
	NEAR_MIN = 3,    /* a shorter word is near to too many */
};

/* A program's whole table, and the same for getopt_long. */
struct table {
	const struct sp_program *program;
	struct sp_opt row[MAX_OPTS];
	int n;
	struct option longs[MAX_OPTS + 1];
	char shorts[2 * MAX_OPTS + 2];
	bool help, version;
};

/* ---- the table --------------------------------------------------------- */

static void add_row(struct table *table, const struct sp_opt *row)
{
	struct option *o = &table->longs[table->n];
	size_t len = strlen(table->shorts);

	assert(table->n < MAX_OPTS);
	o->name = row->name;
	o->has_arg = row->arg == NULL ? no_argument : required_argument;
	o->val = FIRST_ROW + table->n;
	if (row->letter != 0) {
		table->shorts[len++] = row->letter;
		if (row->arg != NULL)
			table->shorts[len] = ':';
	}
	table->row[table->n++] = *row;
}

static void add_common_rows(struct table *table, struct sp_common *common)
{
	const struct {
		unsigned takes;
		struct sp_opt row;
	} rows[] = {
		{SP_TAKES_DB, {'c', "config", "FILE",
				      "configuration (default: $SP_CONFIG; see "
				      "sp.yaml(5))",
				      NULL, &common->config, NULL}},
		{SP_TAKES_DB,
			{'d', "db", "FILE",
				"database (default: $SP_DB; see sp.yaml(5))",
				NULL, &common->db, NULL}},
		{SP_TAKES_TENANT, {'t', "tenant", "DOMAIN",
					  "which tenant (default: $SP_TENANT, "
					  "or the only one)",
					  NULL, &common->tenant, NULL}},
		{SP_TAKES_OUTPUT,
			{'o', "output", "FORMAT",
				"table, tsv, csv, json, jsonl or yaml", NULL,
				&common->output, NULL}},
		{SP_TAKES_OUTPUT, {0, "columns", "COLUMN[,COLUMN]",
					  "only these columns, in this order",
					  NULL, &common->columns, NULL}},
		{SP_TAKES_OUTPUT, {'H', "no-header", NULL,
					  "no header line (table and csv)",
					  &common->no_header, NULL, NULL}},
		{SP_TAKES_LIST, {'0', "null", NULL,
					"items of a list end with NUL, not "
					"with a line",
					&common->nul, NULL, NULL}},
		{SP_TAKES_BATCH, {'k', "keep-going", NULL,
					 "do what is right, also where "
					 "something else is wrong",
					 &common->keep_going, NULL, NULL}},
		{SP_TAKES_DRY_RUN,
			{'n', "dry-run", NULL,
				"say what would change, change nothing",
				&common->dry_run, NULL, NULL}},
		{SP_TAKES_QUIET,
			{'q', "quiet", NULL, "print only what goes wrong",
				&common->quiet, NULL, NULL}},
		{SP_TAKES_VERBOSE, {'v', "verbose", NULL, "print what is done",
					   &common->verbose, NULL, NULL}},
		{0, {'h', "help", NULL, "print this help", &table->help, NULL,
			    NULL}},
		{0, {'V', "version", NULL, "print the version", &table->version,
			    NULL, NULL}},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if ((table->program->takes & rows[i].takes) == rows[i].takes)
			add_row(table, &rows[i].row);
}

static void make_table(struct table *table, const struct sp_program *program,
	struct sp_common *common)
{
	const struct sp_opt *row = program->opts;

	*table = (struct table){.program = program};
	/* A missing argument is to be told from an unknown option. */
	strcpy(table->shorts, ":");
	for (; row != NULL && row->name != NULL; row++)
		add_row(table, row);
	add_common_rows(table, common);
}

/* The row of a value that getopt_long returned or left in optopt, which is 0
 * for a word that it does not know. */
static const struct sp_opt *row_of(const struct table *table, int value)
{
	if (value >= FIRST_ROW)
		return &table->row[value - FIRST_ROW];
	for (int i = 0; i < table->n; i++)
		if (value != 0 && table->row[i].letter == value)
			return &table->row[i];
	return NULL;
}

/* ---- help -------------------------------------------------------------- */

static void print_synopsis(const struct sp_program *program)
{
	const char *line = program->synopsis, *before = "usage:";

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		printf("%-6s %s %.*s\n", before, program->name, (int)len, line);
		line += len + (line[len] == '\n');
		before = "";
	}
}

/* "-N, --number EXT", without the letter "    --number EXT". Returns its
 * width; out may be NULL. */
static int format_row(const struct sp_opt *row, char *out, size_t size)
{
	const char letter[] = {'-', row->letter, ',', '\0'};

	return snprintf(out, size, "%3s --%s%s%s",
		row->letter == 0 ? "" : letter, row->name,
		row->arg == NULL ? "" : " ", row->arg == NULL ? "" : row->arg);
}

static void print_help(const struct table *table)
{
	char text[128];
	int width = 0;

	print_synopsis(table->program);
	printf("\n%s\n\n", table->program->purpose);
	for (int i = 0; i < table->n; i++) {
		int w = format_row(&table->row[i], NULL, 0);

		width = w > width ? w : width;
	}
	for (int i = 0; i < table->n; i++) {
		format_row(&table->row[i], text, sizeof text);
		printf("  %-*s  %s\n", width, text, table->row[i].help);
	}
}

static void print_version(const struct sp_program *program)
{
	printf("%.*s %s\n", (int)strcspn(program->name, " "), program->name,
		SP_VERSION);
}

/* ---- errors ------------------------------------------------------------ */

/* `word` is cut behind its name; `what` follows it. */
static int fail_word(const struct table *table, const char *before,
	const char *word, const char *what)
{
	const char *name = table->program->name;

	fprintf(stderr, "%s: %s '%.*s'%s (see %s --help)\n", name, before,
		(int)strcspn(word, "="), word, what, name);
	return -1;
}

/* A long option that is in no row; the one that it may be is named. */
static int fail_long(const struct table *table, const char *word)
{
	char name[32], what[64] = "";

	snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="),
		word + 2);
	for (int i = 0; i < table->n && strlen(name) >= NEAR_MIN; i++)
		if (sp_text_is_near(name, table->row[i].name))
			snprintf(what, sizeof what, ", is it --%s?",
				table->row[i].name);
	return fail_word(table, "unknown option", word, what);
}

static int fail_row(const struct table *table, const struct sp_opt *row,
	const char *what)
{
	char word[64];

	snprintf(word, sizeof word, "--%s", row->name);
	return fail_word(table, "option", word, what);
}

static int fail_argument(const struct table *table, const struct sp_opt *row)
{
	char what[64];

	snprintf(what, sizeof what, " needs an argument, %s", row->arg);
	return fail_row(table, row, what);
}

/* A letter or word that is in no row. `word` counts for words only: getopt's
 * place in argv is behind or at the one with the letter. */
static int fail_unknown(const struct table *table, const char *word)
{
	char letter[8];

	if (optopt == 0)
		return fail_long(table, word);
	/* A byte of a longer character cannot be shown alone. */
	snprintf(letter, sizeof letter,
		optopt > ' ' && optopt <= '~' ? "-%c" : "-\\x%02x",
		(unsigned)optopt & 0xff);
	return fail_word(table, "unknown option", letter, "");
}

/* ---- parsing ----------------------------------------------------------- */

/* getopt_long takes --num for --number: a script that says so would break
 * with the next option that begins like this. */
static bool is_abbreviated(const char *word, const struct sp_opt *row)
{
	size_t len = strlen(row->name);

	return strncmp(word, "--", 2) == 0 &&
	       (strncmp(word + 2, row->name, len) != 0 ||
		       (word[2 + len] != '\0' && word[2 + len] != '='));
}

static int take(const struct table *table, const struct sp_opt *row)
{
	if (row->flag != NULL) {
		*row->flag = true;
		return 0;
	}
	if (row->count == NULL) {
		*row->text = optarg;
		return 0;
	}
	if (*row->count == SP_OPT_REPEAT)
		return fail_row(table, row, " is there too often");
	row->text[(*row->count)++] = optarg;
	return 0;
}

/* Takes the option that getopt_long found: `value` is what it returned, `word`
 * where a long one stands in argv. Returns 0 or -1. */
static int take_value(const struct table *table, int value, const char *word)
{
	int key = value == '?' || value == ':' ? optopt : value;
	const struct sp_opt *row = row_of(table, key);

	if (row == NULL)
		return fail_unknown(table, word);
	if (key >= FIRST_ROW && is_abbreviated(word, row))
		return fail_word(table, "unknown option", word, "");
	if (value == '?')
		return fail_row(table, row, " takes no argument");
	if (value == ':')
		return fail_argument(table, row);
	return take(table, row);
}

/* What was asked for instead of work. */
static int print_answer(const struct table *table)
{
	if (table->help)
		print_help(table);
	else
		print_version(table->program);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "%s: cannot write standard output: %s\n",
		table->program->name, strerror(errno));
	return SP_IO;
}

/* A closed standard descriptor would be given to the next file that is opened.
 * In its place comes one that fails, too. */
static void guard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null",
				fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	/* A file that may not grow any more is an error, and no end. */
	signal(SIGXFSZ, SIG_IGN);
}

int sp_opts_parse(const struct sp_program *program, struct sp_common *common,
	int argc, char **argv, int *operands)
{
	struct table table;
	int value;

	guard_descriptors();
	make_table(&table, program, common);
	opterr = 0;
	optind = 0; /* begin anew: glibc keeps where it was */
	while ((value = getopt_long(argc, argv, table.shorts, table.longs,
			NULL)) != -1) {
		/* The word before the argument, if that is a word itself. */
		int i = optind - 1 -
			(optarg != NULL && optind > 1 &&
				optarg == argv[optind - 1]);

		if (take_value(&table, value, argv[i]) != 0)
			return SP_USAGE;
		if (table.help || table.version)
			return print_answer(&table);
	}
	*operands = optind;
	return -1;
}
