/* SIP messages: the one place that takes them apart and puts them together.
 *
 * The bytes are scanned into slices, not copied. libosip2 sees single header
 * values only, after the limits below (its parsers are quadratic in places). */
#ifndef SP_REGISTER_SIPMSG_H
#define SP_REGISTER_SIPMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SIP_MAX_MESSAGE = 8192, /* bytes of a datagram */
	SIP_MAX_FIELDS = 100,   /* header fields of a message */
	SIP_MAX_LINE = 2048,    /* bytes of a header line, unfolded */
	SIP_MAX_MARKS = 32,     /* `;` `,` `&` `%` in one URI or address */
	SIP_MAX_VIAS = 16,
	SIP_MAX_CONTACTS = 16, /* in one REGISTER */
	SIP_TAG_SIZE = 17,
	SIP_ANSWER_SIZE =
		57344, /* for the most bindings, each at its longest */
};

/* Bytes of somebody else's buffer; not terminated. */
struct sip_slice {
	const char *at;
	size_t len;
};

/* The headers that we look at; the order is that of the table in sipmsg.c. */
enum sip_header {
	SIP_VIA,
	SIP_FROM,
	SIP_TO,
	SIP_CALL_ID,
	SIP_CSEQ,
	SIP_CONTACT,
	SIP_EXPIRES,
	SIP_AUTHORIZATION,
	SIP_REQUIRE,
	SIP_MAX_FORWARDS,
	SIP_CONTENT_LENGTH,
	SIP_USER_AGENT,
	SIP_WWW_AUTHENTICATE,
	SIP_PROXY_AUTHENTICATE,
	SIP_MIN_EXPIRES,
	SIP_RETRY_AFTER,
	SIP_SUPPORTED,
	SIP_PATH,
	SIP_ROUTE,
	SIP_RECORD_ROUTE,
	SIP_PROXY_AUTHORIZATION,
	SIP_PROXY_REQUIRE,
	SIP_P_ASSERTED_IDENTITY,
	SIP_P_PREFERRED_IDENTITY,
	SIP_PRIVACY,
	SIP_HISTORY_INFO,
	SIP_DIVERSION,
	SIP_SESSION_EXPIRES,
	SIP_REMOTE_PARTY_ID,
	SIP_P_CHARGE_INFO,
	SIP_N_HEADERS,
	SIP_OTHER = SIP_N_HEADERS,
};

struct sip_field {
	enum sip_header header;
	struct sip_slice name;  /* as it was written */
	struct sip_slice value; /* without white space at its ends */
};

struct sip_message {
	bool is_request;
	struct sip_slice method, uri; /* of a request */
	int status;                   /* of a response */
	struct sip_slice reason;
	struct sip_field field[SIP_MAX_FIELDS]; /* in order */
	int n_fields;
	int first[SIP_N_HEADERS]; /* index into field[]; -1: there is none */
	int count[SIP_N_HEADERS];
	uint32_t cseq;
	struct sip_slice cseq_method;
	struct sip_slice body;
};

/* A sip: or sips: URI, unescaped where it says so. */
struct sip_uri {
	bool is_sips;
	char user
		[160]; /* unescaped; "" when there is none. A dialog_route fits */
	char host[256]; /* an IPv6 address without its brackets */
	int port;       /* 0: none given */
};

enum sip_scan {
	SIP_SCANNED,     /* sound, as far as a registrar must know it */
	SIP_MALFORMED,   /* answerable with 400: it has Via, From, To ... */
	SIP_BAD_VERSION, /* answerable with 505 */
	SIP_GARBAGE,     /* to be dropped */
};

/* Cuts `data` into slices. Unfolds header lines in place, changes nothing
 * else. *why says what is wrong after SIP_MALFORMED: a constant, fit for a
 * reason phrase. */
enum sip_scan sipmsg_scan(char *data, size_t len, struct sip_message *message,
	const char **why);

/* The first field of that header; at is NULL when there is none. */
struct sip_slice sipmsg_header(const struct sip_message *message,
	enum sip_header header);

/* The name of a field as it is to be passed on: those that are known in their
 * canonical spelling, since phones compare them case-sensitively. */
struct sip_slice sipmsg_field_name(const struct sip_field *field);

/* The tag of a From or To, which may be empty; at is NULL when it has none. */
struct sip_slice sipmsg_tag(struct sip_slice address);

/* The URI's bytes in a Contact, Route, From or To: between < and >, else up to
 * the first ';'. */
struct sip_slice sipmsg_uri_text(struct sip_slice element);

/* Has the URI that parameter (not one of its user part)? *value: at is NULL
 * when it has no value. */
bool sipmsg_uri_param(struct sip_slice uri, const char *name,
	struct sip_slice *value);

bool sipmsg_slice_is(struct sip_slice slice, const char *text); /* case kept */
bool sipmsg_slice_is_nocase(struct sip_slice slice, const char *text);

/* Takes the next element of a list that `separator` divides, outside of quotes
 * and angle brackets, without white space around it. Returns false at the
 * end. */
bool sipmsg_next(struct sip_slice *rest, char separator,
	struct sip_slice *element);

/* Copies text for people, cut if it does not fit; what could upset a terminal
 * or a listing (anything but printable ASCII) becomes '?'. */
void sipmsg_copy_printable(struct sip_slice slice, char *out, size_t size);

/* Is `param`, an element of a list of them, "NAME" or "NAME = VALUE" in any
 * case? *value: at is NULL when it has none. */
bool sipmsg_is_param(struct sip_slice param, const char *name,
	struct sip_slice *value);

/* Is that option tag in a list of SIP_REQUIRE or SIP_SUPPORTED? */
bool sipmsg_has_option(const struct sip_message *message,
	enum sip_header header, const char *option);

/* Is it sip: or sips:, whatever follows? */
bool sipmsg_has_sip_scheme(struct sip_slice uri);

/* Has no proxy forwarded the request: is there only one Via? */
bool sipmsg_is_first_hop(const struct sip_message *message);

/* Reads a decimal number of at most `max`. Returns -1 otherwise. */
int64_t sipmsg_number(struct sip_slice slice, int64_t max);

/* ---- through libosip2 -------------------------------------------------- */

/* Once, before anything else: quiet, and out of memory ends the program. */
void sipmsg_init(void);

/* Parses an addr-spec; false when it is malformed, holds %00, or is no SIP
 * URI. */
bool sipmsg_parse_uri(struct sip_slice text, struct sip_uri *uri);

/* The URI in a From or To. */
bool sipmsg_parse_address(struct sip_slice value, struct sip_uri *uri);

/* URI equality of RFC 3261 §19.1.4, on texts; false when one is malformed. */
bool sipmsg_uri_equal(const char *a, const char *b);

/* One contact of a Contact field. */
struct sip_contact {
	struct sip_slice uri; /* the text between < and >, or the addr-spec */
	int64_t expires_s;    /* -1: not given, or not a number (§10.2.1.1) */
	int64_t q;            /* in thousandths; -1: not given */

	/* RFC 5626: the value of +sip.instance with its quotes; at is NULL when
	 * there is none that could be one. reg-id; 0: none. */
	struct sip_slice instance;
	int64_t reg_id;
};

enum { SIP_CONTACT_STAR = -2, SIP_CONTACT_BAD = -1 };

/* Reads all contacts. Returns their number, SIP_CONTACT_STAR for "*", or
 * SIP_CONTACT_BAD for a malformed one or more than `max`. */
int sipmsg_contacts(const struct sip_message *message,
	struct sip_contact *contacts, int max);

/* Joins all Path fields (RFC 3327) into one list; "" when there is none.
 * *has_ob: has one of the URIs the parameter of an edge proxy that keeps flows
 * (RFC 5626 §5.1)? Returns false when one is malformed or all do not fit. */
bool sipmsg_path(const struct sip_message *message, char *out, size_t size,
	bool *has_ob);

struct sip_via {
	struct sip_slice text;   /* the whole element */
	struct sip_slice branch; /* at NULL: none */
	char host[256];
	int port; /* 5060 when none is given (UDP) */
	bool has_rport;
};

/* The topmost Via. */
bool sipmsg_parse_via(const struct sip_message *message, struct sip_via *via);

/* ---- writing ----------------------------------------------------------- */

/* A buffer that is being written; `full` once something did not fit. */
struct sip_writer {
	char *at;
	size_t size, len;
	bool full;
};

void sipmsg_put(struct sip_writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sipmsg_put_number(struct sip_writer *writer, int64_t number);
void sipmsg_put_text(struct sip_writer *writer, const char *text);
void sipmsg_put_slice(struct sip_writer *writer, struct sip_slice slice);

/* The header field Date (RFC 3261 §20.17) of a moment. */
void sipmsg_put_date(struct sip_writer *writer, int64_t time_ms);

/* Writes all Via fields of a request, the top one with received and rport as it
 * came (RFC 3261 §18.2.1, RFC 3581 §4). */
struct sip_origin;
void sipmsg_put_vias(struct sip_writer *writer,
	const struct sip_message *request, const struct sip_origin *origin);

/* Starts the response to a request (RFC 3261 §8.2.6.2): status line, Via with
 * received and rport as the datagram came (RFC 3581), From, To with to_tag
 * unless it has one, Call-ID, CSeq. The caller adds headers and ends it with
 * sipmsg_end_response. */
struct sip_origin {
	const char *ip; /* that the request came from */
	int port;
};
void sipmsg_begin_response(struct sip_writer *writer,
	const struct sip_message *request, int status, const char *phrase,
	const struct sip_origin *origin, const char *to_tag);
void sipmsg_end_response(struct sip_writer *writer);

#endif
