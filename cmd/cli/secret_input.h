/* Where a tool takes a SIP secret from: never an argument, which everybody can
 * read. */
#ifndef SP_CMD_CLI_SECRET_INPUT_H
#define SP_CMD_CLI_SECRET_INPUT_H

#include "lib/err.h"
#include "lib/secret.h"

/* Reads the first line of an open descriptor, "0" or "3". Fails with SP_USAGE
 * when fd is none, with SP_DATA when there is no line, or one that is too long
 * or has a NUL, and with SP_IO. */
int sp_secret_read(const char *fd, char secret[SP_SECRET_SIZE],
	struct sp_err *err);

#endif
