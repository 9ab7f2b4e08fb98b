/* Command-line options: one table per tool, from which parsing, --help and
 * the completions come. */
#ifndef SP_CMD_CLI_OPTS_H
#define SP_CMD_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>

/* One option. Either flag or text is set: where the answer goes. A repeatable
 * option is a text with `count`: text then is an array of SP_OPT_REPEAT. */
struct sp_opt {
	char letter;      /* 0: none */
	const char *name; /* without the dashes */
	const char *arg;  /* the argument's name in capitals; NULL: a flag */
	const char *help; /* one line, no full stop */
	bool *flag;
	const char **text;
	size_t *count;
};

enum { SP_OPT_REPEAT = 16 };

/* What all tools share. */
struct sp_common {
	const char *config, *db, *tenant, *output, *columns;
	bool no_header, dry_run, quiet, verbose, nul, keep_going;
};

/* Which of them a program takes; -h and -V are always there. */
enum {
	SP_TAKES_DB = 1 << 0,      /* -c -d */
	SP_TAKES_TENANT = 1 << 5,  /* -t */
	SP_TAKES_OUTPUT = 1 << 1,  /* -o --columns -H */
	SP_TAKES_DRY_RUN = 1 << 2, /* -n */
	SP_TAKES_QUIET = 1 << 3,   /* -q */
	SP_TAKES_VERBOSE = 1 << 4, /* -v */
	SP_TAKES_LIST = 1 << 6,    /* -0 */
	SP_TAKES_BATCH = 1 << 7,   /* -k */
};

/* A tool, or one sub-command of it. */
struct sp_program {
	const char *name;     /* "sp-assign", "sp-register serve" */
	const char *synopsis; /* lines "[options] LOGIN ...", '\n' between */
	const char *purpose;  /* one line */
	const struct sp_opt *opts; /* own options, up to a row without name */
	unsigned takes;            /* SP_TAKES_... */
};

/* Parses argv (getopt_long: options and operands may mix, -- ends options,
 * abbreviations of long names are refused). argv[1..] are the words after the
 * sub-command, if there is one. On return *operands is the index in argv of
 * the first operand; they stand at the end of argv. From now on a file-size
 * limit is an error of the write, not a signal, and a closed standard
 * descriptor stays unusable.
 * Returns -1 to go on, else the exit status: 0 when --help or --version was
 * answered on standard output, SP_IO when it could not be written, SP_USAGE
 * after a usage error, which is told on standard error in one line with a
 * pointer to --help. */
int sp_opts_parse(const struct sp_program *program, struct sp_common *common,
	int argc, char **argv, int *operands);

#endif
