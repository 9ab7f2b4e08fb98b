/* What small things cost on this machine: the median of many, in milliseconds.
 *
 *   stopwatch fsync FILE BYTES N     append BYTES and wait for the disk
 *   stopwatch run N COMMAND ARG...   a whole process, its output thrown away;
 *                                    @ in an argument is the run's number
 *   stopwatch nothing                nothing: the empty process to compare with
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_MAX = 10000, ARGS_MAX = 32, ARG_SIZE = 256, BYTES_MAX = 1 << 20 };

static void die(const char *what)
{
	fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(errno));
	exit(70);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_median(double *ms, int n)
{
	qsort(ms, (size_t)n, sizeof *ms, compare);
	printf("%.3f\n",
		n % 2 == 1 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2);
}

static int number(const char *text, int max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end != '\0' || n < 1 || n > max) {
		errno = EINVAL;
		die(text);
	}
	return (int)n;
}

/* As a commit to a write-ahead log: one write behind the other. */
static void measure_fsync(const char *path, int bytes, int n, double *ms)
{
	static char data[BYTES_MAX];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die(path);
	for (int i = 0; i < n; i++) {
		double start_ms = now_ms();

		if (write(fd, data, (size_t)bytes) != bytes ||
			fdatasync(fd) != 0)
			die(path);
		ms[i] = now_ms() - start_ms;
	}
	close(fd);
	unlink(path);
}

/* Copies with each @ replaced; what does not fit is cut. */
static void number_argument(const char *arg, int run, char out[ARG_SIZE])
{
	char digits[12], letter[2] = "";
	size_t used = 0;

	snprintf(digits, sizeof digits, "%d", run);
	out[0] = '\0';
	for (; *arg != '\0' && used < ARG_SIZE; arg++) {
		letter[0] = *arg;
		used += (size_t)snprintf(out + used, ARG_SIZE - used, "%s",
			*arg == '@' ? digits : letter);
	}
}

static void run_once(char *const *command, posix_spawn_file_actions_t *quiet)
{
	extern char **environ;
	int status, rc;
	pid_t pid;

	rc = posix_spawn(&pid, command[0], quiet, NULL, command, environ);
	if (rc != 0) {
		errno = rc;
		die(command[0]);
	}
	if (waitpid(pid, &status, 0) != pid)
		die(command[0]);
	if (status != 0) {
		fprintf(stderr, "stopwatch: %s failed\n", command[0]);
		exit(70);
	}
}

static void measure_runs(char **arg, int n_args, int n, double *ms)
{
	static char text[ARGS_MAX][ARG_SIZE];
	char *command[ARGS_MAX + 1] = {NULL};
	posix_spawn_file_actions_t quiet;

	if (n_args > ARGS_MAX) {
		errno = E2BIG;
		die(arg[0]);
	}
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null",
		O_WRONLY, 0);
	for (int i = 0; i < n; i++) {
		double start_ms;

		for (int k = 0; k < n_args; k++) {
			number_argument(arg[k], i, text[k]);
			command[k] = text[k];
		}
		start_ms = now_ms();
		run_once(command, &quiet);
		ms[i] = now_ms() - start_ms;
	}
	posix_spawn_file_actions_destroy(&quiet);
}

int main(int argc, char **argv)
{
	static double ms[N_MAX];
	int n;

	if (argc == 2 && strcmp(argv[1], "nothing") == 0)
		return 0;
	if (argc == 5 && strcmp(argv[1], "fsync") == 0) {
		n = number(argv[4], N_MAX);
		measure_fsync(argv[2], number(argv[3], BYTES_MAX), n, ms);
	} else if (argc > 3 && strcmp(argv[1], "run") == 0) {
		n = number(argv[2], N_MAX);
		measure_runs(argv + 3, argc - 3, n, ms);
	} else {
		fprintf(stderr, "usage: stopwatch fsync FILE BYTES N\n"
				"       stopwatch run N COMMAND ARG...\n");
		return 64;
	}
	print_median(ms, n);
	return 0;
}
