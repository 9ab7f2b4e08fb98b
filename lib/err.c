/* Errors: filling in the one struct that every failing function takes. */
#include "lib/err.h"

#include <stdio.h>
#include <string.h>

int sp_err_set(struct sp_err *err, enum sp_code code, const char *format, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, format);
	vsnprintf(err->msg, sizeof err->msg, format, ap);
	va_end(ap);
	return -1;
}

int sp_err_prefix(struct sp_err *err, const char *format, ...)
{
	char old[sizeof err->msg];
	va_list ap;
	int n;

	memcpy(old, err->msg, sizeof old);
	va_start(ap, format);
	n = vsnprintf(err->msg, sizeof err->msg, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof err->msg)
		snprintf(err->msg + n, sizeof err->msg - (size_t)n, "%s", old);
	return -1;
}

int sp_err_memory(struct sp_err *err)
{
	return sp_err_set(err, SP_BUG, "out of memory");
}
