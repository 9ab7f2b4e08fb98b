/* Verdicts, and the one table that turns them into SIP status and phrase. */
#include "cmd/sp-register/reply.h"

static const struct reply REPLIES[N_VERDICTS] = {
	[VERDICT_OK] = {200, "OK"},
	[VERDICT_CHALLENGE] = {401, "Unauthorized"},
	[VERDICT_STALE] = {401, "Unauthorized"},
	[VERDICT_MALFORMED] = {400, "Bad Request"},
	[VERDICT_OUT_OF_ORDER] = {400, "CSeq Out Of Order"},
	[VERDICT_NOT_YOURS] = {403, "Forbidden"},
	[VERDICT_UNKNOWN_DOMAIN] = {404, "Not Found"},
	[VERDICT_TOO_BRIEF] = {423, "Interval Too Brief"},
	[VERDICT_TOO_MANY] = {403, "Too Many Contacts"},
	[VERDICT_NO_METHOD] = {405, "Method Not Allowed"},
	[VERDICT_UNKNOWN_METHOD] = {501, "Not Implemented"},
	[VERDICT_BAD_SCHEME] = {416, "Unsupported URI Scheme"},
	[VERDICT_BAD_EXTENSION] = {420, "Bad Extension"},
	[VERDICT_NO_OUTBOUND] = {439, "First Hop Lacks Outbound Support"},
	[VERDICT_TOO_MANY_HOPS] = {483, "Too Many Hops"},
	[VERDICT_BAD_VERSION] = {505, "Version Not Supported"},
	[VERDICT_UNAVAILABLE] = {503, "Service Unavailable"},
	[VERDICT_PASSED] = {100, "Trying"},
	[VERDICT_LOOP] = {482, "Loop Detected"},
	[VERDICT_MERGED] = {482, "Request Merged"},
	[VERDICT_NO_CALL] = {481, "Call/Transaction Does Not Exist"},
	[VERDICT_NOT_ALLOWED] = {403, "Forbidden"},
	[VERDICT_NO_USER] = {404, "Not Found"},
	[VERDICT_TOO_MANY_CALLS] = {503, "Too Many Calls"},
	[VERDICT_AWAY] = {480, "Temporarily Unavailable"},
};

struct reply reply_of(enum verdict verdict)
{
	return REPLIES[verdict];
}
