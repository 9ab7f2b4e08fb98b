/* The options of the load generators, from one table. */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXIT_USAGE = 64, EXIT_SYSTEM = 71, ARGS_MAX = 32 };

/* One option: exactly one of the targets is set. */
struct option_row {
	const char *name, *arg, *help; /* arg: NULL when it takes none */
	const char **text;
	uint32_t *count;
	double *real;
	bool *flag;
};

/* Sets what the options of argv ask for; n rows, below ARGS_MAX. -1 on a usage
 * error, of which getopt has told. */
int args_parse(int argc, char **argv, const struct option_row *row, size_t n);

/* Prints usage and the list of options to standard error. */
void args_print(const char *usage, const struct option_row *row, size_t n);

/* Reads "127.x.y.z:PORT"; -1 if it is something else. */
int args_target(const char *s, struct sockaddr_in *target);

#endif
