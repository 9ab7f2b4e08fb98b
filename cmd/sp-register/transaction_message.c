/* What a client transaction sends of its own: ACK and CANCEL. */
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/transaction_private.h"

/* More than what is added to lines of the INVITE and a To. */
enum { ROOM = 256 };

/* Is it that header, which the scanner has no name for? Its name stands before
 * its value, in the same line. */
static bool is_named(const struct sip_field *field, const char *start,
	const char *name)
{
	const char *at = field->value.at;
	struct sip_slice line, found;

	while (at > start && at[-1] != '\n')
		at--;
	line = (struct sip_slice){at, (size_t)(field->value.at - at)};
	sipmsg_next(&line, ':', &found);
	return sipmsg_slice_is_nocase(found, name);
}

static void put(struct sip_writer *w, const char *name, struct sip_slice value)
{
	sipmsg_put_text(w, name);
	sipmsg_put_text(w, ": ");
	sipmsg_put_slice(w, value);
	sipmsg_put_text(w, "\r\n");
}

static void put_routes(struct sip_writer *w, const struct sip_message *invite,
	const char *start)
{
	for (int i = 0; i < invite->n_fields; i++)
		if (is_named(&invite->field[i], start, "Route"))
			put(w, "Route", invite->field[i].value);
}

/* The same in both, but for To and method: what §9.1 and §17.1.1.3 list, and
 * Max-Forwards, which every request has. */
static void put_request(struct sip_writer *w, const struct sip_message *invite,
	const char *start, const char *method, struct sip_slice to)
{
	struct sip_slice vias = sipmsg_header(invite, SIP_VIA), top;

	sipmsg_next(&vias, ',', &top);
	sipmsg_put_text(w, method);
	sipmsg_put_text(w, " ");
	sipmsg_put_slice(w, invite->uri);
	sipmsg_put_text(w, " SIP/2.0\r\n");
	put(w, "Via", top);
	put_routes(w, invite, start);
	sipmsg_put_text(w, "Max-Forwards: 70\r\n");
	put(w, "From", sipmsg_header(invite, SIP_FROM));
	put(w, "To", to);
	put(w, "Call-ID", sipmsg_header(invite, SIP_CALL_ID));
	sipmsg_put_text(w, "CSeq: ");
	sipmsg_put_number(w, invite->cseq);
	sipmsg_put_text(w, " ");
	sipmsg_put_text(w, method);
	sipmsg_put_text(w, "\r\nContent-Length: 0\r\n\r\n");
}

char *transaction_derive(char *data, size_t len,
	const struct sip_message *response, size_t *out_len)
{
	struct sip_writer w = {0};
	struct sip_message invite;
	enum sip_scan scan;
	struct sip_slice to;
	const char *why;

	scan = sipmsg_scan(data, len, &invite, &why);
	if (scan != SIP_SCANNED && scan != SIP_MALFORMED)
		return NULL;
	to = sipmsg_header(response == NULL ? &invite : response, SIP_TO);
	w.size = len + to.len + ROOM;
	w.at = malloc(w.size);
	if (w.at == NULL)
		return NULL;
	put_request(&w, &invite, data, response == NULL ? "CANCEL" : "ACK", to);
	*out_len = w.len;
	return w.at;
}
