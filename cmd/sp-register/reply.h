/* Verdicts, and the one table that turns them into SIP status and phrase. */
#ifndef SP_REGISTER_REPLY_H
#define SP_REGISTER_REPLY_H

enum verdict {
	VERDICT_OK,
	VERDICT_CHALLENGE,      /* no credentials, or wrong ones */
	VERDICT_STALE,          /* good enough to try again, nonce is not */
	VERDICT_MALFORMED,      /* the phrase says what */
	VERDICT_OUT_OF_ORDER,   /* CSeq not above the last, §10.3 step 7 */
	VERDICT_NOT_YOURS,      /* AoR of another user, §10.3 step 3 */
	VERDICT_UNKNOWN_DOMAIN, /* not one of our tenants, §10.3 step 5 */
	VERDICT_TOO_BRIEF,      /* expiry below the minimum */
	VERDICT_TOO_MANY,       /* more contacts than one request may have */
	VERDICT_NO_METHOD,      /* a known method that is not for us */
	VERDICT_UNKNOWN_METHOD,
	VERDICT_BAD_SCHEME,    /* neither sip: nor sips: */
	VERDICT_BAD_EXTENSION, /* Require */
	VERDICT_NO_OUTBOUND,   /* a proxy does not keep flows, RFC 5626 §6 */
	VERDICT_TOO_MANY_HOPS, /* Max-Forwards 0 */
	VERDICT_BAD_VERSION,
	VERDICT_UNAVAILABLE, /* the database did not take it */
	VERDICT_PASSED,      /* somebody else will answer, or nobody has to */
	VERDICT_LOOP,        /* it was here before, §16.3 step 4 */
	VERDICT_MERGED,      /* it is here already by another way, §8.2.2.2 */
	VERDICT_NO_CALL,     /* of a dialog or transaction nobody knows */
	VERDICT_NOT_ALLOWED, /* not from there, or not to there */
	VERDICT_NO_USER,     /* no extension that could get it */
	VERDICT_TOO_MANY_CALLS, /* at a time, of one caller or of all */
	VERDICT_AWAY,           /* nobody is registered there */
	N_VERDICTS,
};

struct reply {
	int status;
	const char *phrase;
};

struct reply reply_of(enum verdict verdict);

#endif
