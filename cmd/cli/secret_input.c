/* Where a tool takes a SIP secret from. */
#include "cmd/cli/secret_input.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"

/* Byte by byte: what stands behind the line is not ours. Returns the length,
 * or -1. */
static int read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, line + len, 1)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (line[len] == '\n' || ++len == size)
			break;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	return (int)len;
}

/* "standard input", or "descriptor 3". */
static void describe(int fd, char out[32])
{
	if (fd == STDIN_FILENO)
		snprintf(out, 32, "standard input");
	else
		snprintf(out, 32, "descriptor %d", fd);
}

static int check_line(const char *line, int len, const char *where,
	struct sp_err *err)
{
	if (len < 0)
		return sp_err_set(err, errno == EBADF ? SP_USAGE : SP_IO,
			"cannot read the secret from %s: %s", where,
			strerror(errno));
	if (len == 0)
		return sp_err_set(err, SP_DATA,
			"%s has no secret, expected a line", where);
	if (len == SP_SECRET_SIZE)
		return sp_err_set(err, SP_DATA,
			"the secret has more than %d bytes",
			SP_SECRET_SIZE - 1);
	if (memchr(line, '\0', (size_t)len) != NULL)
		return sp_err_set(err, SP_DATA,
			"the secret has a control character");
	return 0;
}

int sp_secret_read(const char *fd, char secret[SP_SECRET_SIZE],
	struct sp_err *err)
{
	char where[32];
	int64_t number;
	int len;

	if (!sp_text_to_int(fd, 0, INT_MAX, &number))
		return sp_err_set(err, SP_USAGE,
			"'%.20s' is not a file descriptor", fd);
	describe((int)number, where);
	len = read_line((int)number, secret, SP_SECRET_SIZE);
	if (check_line(secret, len, where, err) != 0)
		return -1;
	secret[len] = '\0';
	return 0;
}
