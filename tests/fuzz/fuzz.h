/* Fuzz targets: what they share. Each is one function that gets bytes; libFuzzer
 * brings main. A finding is what the sanitizers see, or a FUZZ_CHECK that does
 * not hold. */
#ifndef SP_TESTS_FUZZ_FUZZ_H
#define SP_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The stack that libFuzzer prints ends in the line of the check. */
#define FUZZ_CHECK(condition)             \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

/* The bytes in a block of their own, so that reading beyond them is seen; and a
 * NUL behind them, for a parser of texts. Freed by the caller. */
static inline char *fuzz_bytes(const uint8_t *data, size_t size)
{
	char *copy = malloc(size == 0 ? 1 : size);

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

enum { FUZZ_PATH = 32 };

/* A file in memory with these bytes: writes its path, returns what to close. */
static inline int fuzz_file(const uint8_t *data, size_t size,
	char path[FUZZ_PATH])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
	snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
