/* cmd/cli/opts: what is taken, what is refused, what --help prints. Standard
 * output and error go to a file while the parser runs. */
#include "cmd/cli/opts.h"
#include "lib/err.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { MAX_WORDS = 40 };

struct answers {
	struct sp_common common;
	bool swap;
	const char *number;
	const char *listen[SP_OPT_REPEAT];
	size_t n_listen;
};

/* What a parse did, in one line of text. */
struct outcome {
	int rc;
	char text[256];    /* the answers and operands */
	char output[2048]; /* standard output and error */
};

/* ---- running the parser ------------------------------------------------ */

static int start_capture(FILE *to, int saved[2])
{
	fflush(stdout);
	fflush(stderr);
	saved[0] = dup(STDOUT_FILENO);
	saved[1] = dup(STDERR_FILENO);
	if (saved[0] < 0 || saved[1] < 0 ||
		dup2(fileno(to), STDOUT_FILENO) < 0 ||
		dup2(fileno(to), STDERR_FILENO) < 0)
		return -1;
	return 0;
}

static void end_capture(FILE *from, const int saved[2], char *text, size_t size)
{
	size_t len;

	fflush(stdout);
	fflush(stderr);
	dup2(saved[0], STDOUT_FILENO);
	dup2(saved[1], STDERR_FILENO);
	close(saved[0]);
	close(saved[1]);
	rewind(from);
	len = fread(text, 1, size - 1, from);
	text[len] = '\0';
}

/* Cuts "a b c" into words behind the program's name. */
static int split(char *line, char *argv[MAX_WORDS + 2])
{
	int n = 1;
	char *save = NULL;

	argv[0] = line + strlen(line); /* is not looked at */
	for (char *word = strtok_r(line, " ", &save);
		word != NULL && n <= MAX_WORDS;
		word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = NULL;
	return n;
}

static void describe(const struct answers *a, char *const *argv, int operands,
	struct outcome *outcome)
{
	size_t size = sizeof outcome->text, len;

	len = (size_t)snprintf(outcome->text, size, "%s%s%s%s%s%s%s",
		a->swap ? "swap " : "", a->common.dry_run ? "dry " : "",
		a->common.quiet ? "quiet " : "", a->number != NULL ? "N=" : "",
		a->number != NULL ? a->number : "",
		a->common.tenant != NULL ? " t=" : "",
		a->common.tenant != NULL ? a->common.tenant : "");
	if (a->common.output != NULL)
		len += (size_t)snprintf(outcome->text + len, size - len,
			" o=%s", a->common.output);
	if (a->common.columns != NULL)
		len += (size_t)snprintf(outcome->text + len, size - len,
			" columns=%s", a->common.columns);
	len += (size_t)snprintf(outcome->text + len, size - len, "%s%s%s",
		a->common.no_header ? " H" : "", a->common.nul ? " 0" : "",
		a->common.keep_going ? " k" : "");
	for (size_t i = 0; i < a->n_listen && len < size; i++)
		len += (size_t)snprintf(outcome->text + len, size - len,
			" l=%s", a->listen[i]);
	for (int i = operands; argv[i] != NULL && len < size; i++)
		len += (size_t)snprintf(outcome->text + len, size - len,
			" [%s]", argv[i]);
}

/* takes: what the program takes besides -d, -t, -n and -q. */
static void run_taking(unsigned takes, const char *name, const char *line,
	struct outcome *outcome)
{
	struct answers a = {0};
	const struct sp_opt opts[] = {
		{'N', "number", "EXT", "give this very number", NULL, &a.number,
			NULL},
		{0, "swap", NULL, "exchange two numbers", &a.swap, NULL, NULL},
		{'l', "listen", "ADDRESS", "where to listen", NULL, a.listen,
			&a.n_listen},
		{0},
	};
	const struct sp_program program = {name,
		"[options] LOGIN [FIRST [LAST]]\n[options] -f FILE",
		"Gives a user an extension.", opts,
		takes | SP_TAKES_DB | SP_TAKES_TENANT | SP_TAKES_DRY_RUN |
			SP_TAKES_QUIET};
	char words[512], *argv[MAX_WORDS + 2];
	int saved[2], operands = 0, argc;
	FILE *file = tmpfile();

	snprintf(words, sizeof words, "%s", line);
	argc = split(words, argv);
	if (file == NULL || start_capture(file, saved) != 0) {
		perror("tmpfile");
		exit(2);
	}
	outcome->rc = sp_opts_parse(&program, &a.common, argc, argv, &operands);
	end_capture(file, saved, outcome->output, sizeof outcome->output);
	fclose(file);
	outcome->text[0] = '\0';
	if (outcome->rc < 0)
		describe(&a, argv, operands, outcome);
}

static void run(const char *name, const char *line, struct outcome *outcome)
{
	run_taking(0, name, line, outcome);
}

/* ---- cases ------------------------------------------------------------- */

static void check_taken(struct unit *u)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"", ""},
		{"a b", " [a] [b]"},
		{"a -N 1001 b", "N=1001 [a] [b]"},
		{"-N1001 a", "N=1001 [a]"},
		{"--number 1001", "N=1001"},
		{"--number=1001", "N=1001"},
		{"--number=", "N="},
		{"--number --swap", "N=--swap"},
		{"--number --num", "N=--num"},
		{"--number=--num", "N=--num"},
		{"--number -- a", "N=-- [a]"},
		{"-N 1 -N 2", "N=2"},
		{"-nqN1 -", "dry quiet N=1 [-]"},
		{"-- -N --swap", " [-N] [--swap]"},
		{"a -- b", " [a] [b]"},
		{"--swap --dry-run --quiet", "swap dry quiet "},
		{"-l a --listen b --listen=c", " l=a l=b l=c"},
		{"--tenant acme.example", " t=acme.example"},
	};
	struct outcome outcome;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run("sp-assign", cases[i].line, &outcome);
		unit_int(u, outcome.rc, -1, cases[i].line);
		unit_str(u, outcome.text, cases[i].text, "  its answers");
		unit_str(u, outcome.output, "", "  says nothing");
	}
}

static void check_refused(struct unit *u)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{"--foo", "unknown option '--foo'"},
		{"a --foo=bar b", "unknown option '--foo'"},
		{"-x", "unknown option '-x'"},
		{"-nxq", "unknown option '-x'"},
		{"-?", "unknown option '-?'"},
		{"-:", "unknown option '-:'"},
		{"-n\xc3\xa4", "unknown option '-\\xc3'"},
		{"-W foo", "unknown option '-W'"},
		{"-o json", "unknown option '-o'"},
		{"--output json", "unknown option '--output'"},
		{"--columns a", "unknown option '--columns'"},
		{"-H", "unknown option '-H'"},
		{"-0", "unknown option '-0'"},
		{"--null", "unknown option '--null'"},
		{"-k", "unknown option '-k'"},
		{"--keep-going", "unknown option '--keep-going'"},
		{"--numb 1001", "unknown option '--numb'"},
		{"--numb=1001", "unknown option '--numb'"},
		{"--numb", "unknown option '--numb'"},
		{"--numbers=1", "unknown option '--numbers', is it --number?"},
		{"--sw", "unknown option '--sw'"},
		{"--sw=1", "unknown option '--sw'"},
		{"--d", "unknown option '--d'"},
		{"--he", "unknown option '--he'"},
		{"--=", "unknown option '--'"},
		{"--number", "option '--number' needs an argument, EXT"},
		{"-N", "option '--number' needs an argument, EXT"},
		{"-nN", "option '--number' needs an argument, EXT"},
		{"--swap=yes", "option '--swap' takes no argument"},
		{"--help=x", "option '--help' takes no argument"},
		{"-l1 -l2 -l3 -l4 -l5 -l6 -l7 -l8 -l9 -l10 -l11 -l12 -l13 -l14 "
		 "-l15 -l16 -l17",
			"option '--listen' is there too often"},
	};
	struct outcome outcome;
	char expected[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run("sp-assign", cases[i].line, &outcome);
		snprintf(expected, sizeof expected,
			"sp-assign: %s (see sp-assign --help)\n",
			cases[i].error);
		unit_str(u, outcome.output, expected, cases[i].line);
		unit_int(u, outcome.rc, SP_USAGE, "  is refused");
	}
	run("sp-register serve", "--foo", &outcome);
	unit_str(u, outcome.output,
		"sp-register serve: unknown option "
		"'--foo' (see sp-register serve --help)\n",
		"sub-command");
}

static void check_help(struct unit *u)
{
	static const char HELP[] =
		"usage: sp-assign [options] LOGIN [FIRST [LAST]]\n"
		"       sp-assign [options] -f FILE\n"
		"\n"
		"Gives a user an extension.\n"
		"\n"
		"  -N, --number EXT      give this very number\n"
		"      --swap            exchange two numbers\n"
		"  -l, --listen ADDRESS  where to listen\n"
		"  -c, --config FILE     configuration (default: $SP_CONFIG;"
		" see sp.yaml(5))\n"
		"  -d, --db FILE         database (default: $SP_DB; see"
		" sp.yaml(5))\n"
		"  -t, --tenant DOMAIN   which tenant (default: $SP_TENANT, or"
		" the only one)\n"
		"  -n, --dry-run         say what would change, change"
		" nothing\n"
		"  -q, --quiet           print only what goes wrong\n"
		"  -h, --help            print this help\n"
		"  -V, --version         print the version\n";
	struct outcome outcome;

	run("sp-assign", "a --help --foo", &outcome);
	unit_str(u, outcome.output, HELP, "--help");
	unit_int(u, outcome.rc, 0, "  ends the program");
	run("sp-assign", "-h", &outcome);
	unit_str(u, outcome.output, HELP, "-h");
	run("sp-register serve", "-V", &outcome);
	unit_str(u, outcome.output, "sp-register " SP_VERSION "\n", "-V");
	unit_int(u, outcome.rc, 0, "  ends the program");
}

/* What a program with a listing takes, and where --help says so. */
static void check_listing(struct unit *u)
{
	static const char HELP[] =
		"  -o, --output FORMAT            table, tsv, csv, json, jsonl "
		"or"
		" yaml\n"
		"      --columns COLUMN[,COLUMN]  only these columns, in this "
		"order\n"
		"  -H, --no-header                no header line (table and "
		"csv)\n"
		"  -n, --dry-run ";
	struct outcome outcome;

	run_taking(SP_TAKES_OUTPUT, "sp-assign",
		"-Hojson --columns login,number a", &outcome);
	unit_str(u, outcome.text, " o=json columns=login,number H [a]",
		"a listing's options");
	run_taking(SP_TAKES_OUTPUT, "sp-assign", "--no-header --output yaml",
		&outcome);
	unit_str(u, outcome.text, " o=yaml H", "  in words");
	run_taking(SP_TAKES_OUTPUT, "sp-assign", "--columns", &outcome);
	unit_int(u, outcome.rc, SP_USAGE, "  one without its argument");
	run_taking(SP_TAKES_OUTPUT, "sp-assign", "--help", &outcome);
	unit_ok(u, strstr(outcome.output, HELP) != NULL, "  in --help");
}

/* What a program with lists takes, and one that does many things at once. */
static void check_lists(struct unit *u)
{
	static const char HELP[] =
		"  -0, --null            items of a list end with NUL, not with"
		" a line\n"
		"  -k, --keep-going      do what is right, also where something"
		" else is wrong\n"
		"  -n, --dry-run ";
	struct outcome outcome;

	run_taking(SP_TAKES_LIST, "sp-recycle", "-0 -", &outcome);
	unit_str(u, outcome.text, " 0 [-]", "a list");
	run_taking(SP_TAKES_LIST, "sp-recycle", "--null a", &outcome);
	unit_str(u, outcome.text, " 0 [a]", "  in words");
	run_taking(SP_TAKES_LIST, "sp-recycle", "-k", &outcome);
	unit_int(u, outcome.rc, SP_USAGE, "  is no batch");
	run_taking(SP_TAKES_BATCH, "sp-recycle", "-nk a", &outcome);
	unit_str(u, outcome.text, "dry  k [a]", "a batch");
	run_taking(SP_TAKES_BATCH, "sp-recycle", "--keep-going", &outcome);
	unit_str(u, outcome.text, " k", "  in words");
	run_taking(SP_TAKES_BATCH, "sp-recycle", "-0", &outcome);
	unit_int(u, outcome.rc, SP_USAGE, "  is no list");
	run_taking(SP_TAKES_LIST | SP_TAKES_BATCH, "sp-recycle", "--help",
		&outcome);
	unit_ok(u, strstr(outcome.output, HELP) != NULL, "  in --help");
}

int main(void)
{
	struct unit u = {0};

	check_taken(&u);
	check_refused(&u);
	check_help(&u);
	check_listing(&u);
	check_lists(&u);
	return unit_done(&u);
}
