/* Errors: a code that is the exit status, and a sentence for a person. */
#ifndef SP_LIB_ERR_H
#define SP_LIB_ERR_H

#include <stdarg.h>

/* The values are the exit statuses of every tool; from 64 on they are those
 * of sysexits(3). */
enum sp_code {
	SP_OK = 0,
	SP_NO = 1,           /* the answer is "no" */
	SP_USAGE = 64,       /* wrong options or operands */
	SP_DATA = 65,        /* bad input data */
	SP_NOINPUT = 66,     /* an input file is missing */
	SP_UNKNOWN = 67,     /* no such user or extension */
	SP_UNAVAILABLE = 69, /* the SIP server does not answer */
	SP_BUG = 70,         /* cannot happen; or out of memory */
	SP_CANTCREATE = 73,  /* number taken, pool exhausted */
	SP_IO = 74,          /* reading or writing failed */
	SP_TEMPFAIL = 75,    /* database busy past the wait: try again */
	SP_NOPERM = 77,      /* permission denied */
	SP_CONFIG = 78,      /* the configuration is wrong */
};

/* The last argument of every function that can fail. Holds its text itself,
 * so that reporting an error cannot fail. */
struct sp_err {
	enum sp_code code;
	char msg[512];
};

/* Sets code and sentence (no capital, no full stop; what failed, the name in
 * quotes, the reason). A sentence that does not fit is cut. Returns -1, so
 * that `return sp_err_set(...)` is the idiom. */
int sp_err_set(struct sp_err *err, enum sp_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts words in front of the sentence that is already there: "LINE: ". */
int sp_err_prefix(struct sp_err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "out of memory", code SP_BUG. Returns -1. */
int sp_err_memory(struct sp_err *err);

#endif
