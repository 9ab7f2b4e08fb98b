/* Where a tool takes a SIP secret from. */
#include "cmd/cli/secret_input.h"

#include <errno.h>
#include <limits.h>
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

int sp_secret_read(const char *fd, char secret[SP_SECRET_SIZE],
	struct sp_err *err)
{
	int64_t number;
	int len;

	if (!sp_text_to_int(fd, 0, INT_MAX, &number))
		return sp_err_set(err, SP_USAGE,
			"'%.20s' is not a file descriptor", fd);
	len = read_line((int)number, secret, SP_SECRET_SIZE);
	if (len < 0)
		return sp_err_set(err, errno == EBADF ? SP_USAGE : SP_IO,
			"cannot read the secret from descriptor %s: %s", fd,
			strerror(errno));
	if (len == 0)
		return sp_err_set(err, SP_DATA,
			"no secret in descriptor %s, expected a line", fd);
	if (len == SP_SECRET_SIZE)
		return sp_err_set(err, SP_DATA,
			"the secret has more than %d bytes",
			SP_SECRET_SIZE - 1);
	secret[len] = '\0';
	return 0;
}
