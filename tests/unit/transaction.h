/* The world of the transaction tests: a clock of ours, what was sent and told,
 * and messages. */
#ifndef SP_TESTS_UNIT_TRANSACTION_H
#define SP_TESTS_UNIT_TRANSACTION_H

#include <stdlib.h>

#include "cmd/sp-register/transaction.h"
#include "tests/unit/unit.h"

enum { STAGE_T0 = 5000000, STAGE_TEXT = 4096 };

/* What has happened since it was asked last, in words: "send INVITE", "send
 * 180", "answered 180", "failed 408", "ended"; joined by ", ". */
struct stage {
	struct unit *u;
	struct wheel wheel;
	struct transactions *all;
	int64_t now_ms;
	char happened[STAGE_TEXT];
	char sent[STAGE_TEXT]; /* the last bytes */
	struct hop hop, sent_to;
	char branch[TRANSACTION_BRANCH_SIZE]; /* of the last request */
	/* Is run in `failed`. */
	void (*on_failed)(struct stage *stage);
};

static inline void stage_note(struct stage *s, const char *what, int number)
{
	size_t n = strlen(s->happened);
	char text[16] = "";

	if (number != 0)
		snprintf(text, sizeof text, " %d", number);
	snprintf(s->happened + n, sizeof s->happened - n, "%s%s%s",
		n == 0 ? "" : ", ", what, text);
}

static inline void stage_send(void *arg, const struct hop *hop,
	const char *data, size_t len)
{
	struct stage *s = arg;
	char what[32];
	const char *word = data;

	snprintf(s->sent, sizeof s->sent, "%.*s", (int)len, data);
	s->sent_to = *hop;
	if (strncmp(data, "SIP/2.0 ", 8) == 0)
		word += 8;
	snprintf(what, sizeof what, "send %.*s", (int)strcspn(word, " "), word);
	stage_note(s, what, 0);
}

static inline void stage_answered(void *arg, struct transaction *t,
	const struct sip_message *response)
{
	(void)t;
	stage_note(arg, "answered", response->status);
}

static inline void stage_failed(void *arg, struct transaction *t, int cause)
{
	struct stage *s = arg;

	unit_int(s->u, transaction_state(t), STATE_TERMINATED,
		"what fails has terminated");
	stage_note(s, "failed", cause);
	if (s->on_failed != NULL)
		s->on_failed(s);
}

static inline void stage_ended(void *arg, struct transaction *t)
{
	(void)t;
	stage_note(arg, "ended", 0);
}

static inline void stage_open(struct stage *s, struct unit *u,
	enum sp_transport transport)
{
	const struct transaction_events events = {s, stage_send, stage_answered,
		stage_failed, stage_ended};
	struct sp_err err;

	*s = (struct stage){.u = u, .now_ms = STAGE_T0};
	wheel_init(&s->wheel, s->now_ms);
	hop_set(&s->hop, transport, "192.0.2.1", 5070);
	if (transactions_new(&s->all, &s->wheel, &events, &err) != 0)
		exit(2);
}

static inline void stage_close(struct stage *s)
{
	transactions_free(s->all);
}

/* Passes time as an event loop does, so that timers run out on their own. */
static inline void stage_pass(struct stage *s, int64_t ms)
{
	int64_t end_ms = s->now_ms + ms, next;

	while ((next = wheel_next_ms(&s->wheel)) <= end_ms)
		wheel_expire(&s->wheel, next);
	s->now_ms = end_ms;
	wheel_expire(&s->wheel, end_ms);
}

static inline void stage_expect(struct stage *s, const char *expected,
	const char *name)
{
	unit_str(s->u, s->happened, expected, name);
	s->happened[0] = '\0';
}

/* ---- messages ----------------------------------------------------------- */

/* A request; the fields not given are those of a usual one. */
struct recipe {
	const char *method, *uri, *via, *from_tag, *to_tag, *call_id;
	int cseq;
};

static inline const char *recipe_or(const char *text, const char *otherwise)
{
	return text == NULL ? otherwise : text;
}

/* Into a buffer, and scanned. */
struct letter {
	char text[STAGE_TEXT];
	struct sip_message message;
	struct sip_via via;
};

static inline void letter_scan(struct letter *letter)
{
	const char *why;

	if (sipmsg_scan(letter->text, strlen(letter->text), &letter->message,
		    &why) != SIP_SCANNED ||
		!sipmsg_parse_via(&letter->message, &letter->via))
		exit(2);
}

static inline void letter_request(struct letter *letter, const struct recipe *r)
{
	const char *method = recipe_or(r->method, "INVITE");

	snprintf(letter->text, sizeof letter->text,
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s\r\n"
		"From: <sip:a@x.example>;tag=%s\r\n"
		"To: <sip:b@x.example>%s%s\r\n"
		"Call-ID: %s\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n",
		method, recipe_or(r->uri, "sip:b@x.example"),
		recipe_or(r->via, "192.0.2.1:5070;branch=z9hG4bKone"),
		recipe_or(r->from_tag, "a1"),
		r->to_tag == NULL ? "" : ";tag=", recipe_or(r->to_tag, ""),
		recipe_or(r->call_id, "c1"), r->cseq == 0 ? 1 : r->cseq,
		method);
	letter_scan(letter);
}

/* A response to what went out with that branch. */
static inline void letter_response(struct letter *letter, int status,
	const char *method, const char *branch)
{
	snprintf(letter->text, sizeof letter->text,
		"SIP/2.0 %d Something\r\n"
		"Via: SIP/2.0/UDP 203.0.113.9;branch=%s\r\n"
		"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
		"From: <sip:a@x.example>;tag=a1\r\n"
		"To: <sip:b@x.example>;tag=b1\r\n"
		"Call-ID: c1\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
		status, branch, method);
	letter_scan(letter);
}

/* ---- what comes and goes ------------------------------------------------ */

static inline enum transaction_match stage_take(struct stage *s,
	const struct recipe *r)
{
	struct letter letter;

	letter_request(&letter, r);
	return transactions_take_request(s->all, &letter.message, &letter.via,
		s->now_ms);
}

static inline struct transaction *stage_serve(struct stage *s,
	const struct recipe *r)
{
	struct letter letter;

	letter_request(&letter, r);
	return transaction_serve(s->all, &letter.message, &letter.via, &s->hop,
		NULL);
}

static inline void stage_respond(struct stage *s, struct transaction *t,
	int status, const char *tag)
{
	char text[256];
	int n = snprintf(text, sizeof text,
		"SIP/2.0 %d X\r\nVia: SIP/2.0/UDP 192.0.2.1:5070\r\n"
		"From: <sip:a@x.example>;tag=a1\r\n"
		"To: <sip:b@x.example>;tag=%s\r\n"
		"Call-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n",
		status, tag);

	transaction_respond(t, status, text, (size_t)n, s->now_ms);
}

/* What is sent as a client. The second Via, the routes and the body tell
 * whether ACK and CANCEL are made of the right parts. */
static inline struct transaction *stage_request(struct stage *s,
	const char *method)
{
	char text[1024];
	int n;

	transaction_make_branch(s->all, 0xdeadbeef, s->branch);
	n = snprintf(text, sizeof text,
		"%s sip:b@192.0.2.1:5070;ob SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 203.0.113.9;branch=%s\r\n"
		"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
		"route: <sip:p1.example;lr>,\r\n <sip:p2.example;lr>\r\n"
		"Record-Route: <sip:203.0.113.9;lr>\r\n"
		"Max-Forwards: 69\r\n"
		"f: \"A\" <sip:a@x.example>;tag=a1\r\n"
		"To: <sip:b@x.example>\r\n"
		"Route: <sip:p3.example;lr>\r\n"
		"Call-ID: c1\r\n"
		"CSeq: 7 %s\r\n"
		"Content-Type: text/plain\r\n"
		"Content-Length: 2\r\n\r\nhi",
		method, s->branch, method);
	return transaction_send(s->all,
		&(struct transaction_request){s->branch, &s->hop, text,
			(size_t)n, NULL},
		s->now_ms);
}

static inline enum response_match stage_answer(struct stage *s, int status,
	const char *method)
{
	struct letter letter;

	letter_response(&letter, status, method, s->branch);
	return transactions_take_response(s->all, &letter.message, s->now_ms);
}

#endif
