/* What a client transaction sends of its own: ACK and CANCEL. */
#include <stdlib.h>
#include <string.h>

#include "cmd/sp-register/transaction_private.h"

/* More than what is added to lines of the INVITE and a To. */
enum { ROOM = 256 };

static void put(struct sip_writer *w, const char *name, struct sip_slice value)
{
	sipmsg_put_text(w, name);
	sipmsg_put_text(w, ": ");
	sipmsg_put_slice(w, value);
	sipmsg_put_text(w, "\r\n");
}

static void put_routes(struct sip_writer *w, const struct sip_message *invite)
{
	for (int i = 0; i < invite->n_fields; i++)
		if (invite->field[i].header == SIP_ROUTE)
			put(w, "Route", invite->field[i].value);
}

/* What differs between the two. */
struct derived {
	const char *method;
	struct sip_slice to;
	const char *reason; /* NULL: none */
};

/* The same in both: what §9.1 and §17.1.1.3 list, and Max-Forwards, which every
 * request has. */
static void put_request(struct sip_writer *w, const struct sip_message *invite,
	const struct derived *d)
{
	struct sip_slice vias = sipmsg_header(invite, SIP_VIA), top;

	sipmsg_next(&vias, ',', &top);
	sipmsg_put_text(w, d->method);
	sipmsg_put_text(w, " ");
	sipmsg_put_slice(w, invite->uri);
	sipmsg_put_text(w, " SIP/2.0\r\n");
	put(w, "Via", top);
	put_routes(w, invite);
	sipmsg_put_text(w, "Max-Forwards: 70\r\n");
	put(w, "From", sipmsg_header(invite, SIP_FROM));
	put(w, "To", d->to);
	put(w, "Call-ID", sipmsg_header(invite, SIP_CALL_ID));
	sipmsg_put_text(w, "CSeq: ");
	sipmsg_put_number(w, invite->cseq);
	sipmsg_put_text(w, " ");
	sipmsg_put_text(w, d->method);
	if (d->reason != NULL) {
		sipmsg_put_text(w, "\r\nReason: ");
		sipmsg_put_text(w, d->reason);
	}
	sipmsg_put_text(w, "\r\nContent-Length: 0\r\n\r\n");
}

char *transaction_derive(struct transaction *t,
	const struct sip_message *response, size_t *out_len)
{
	struct derived d = {"ACK", {0}, NULL};
	struct sip_writer w = {0};
	struct sip_message invite;
	const char *why;
	enum sip_scan scan = sipmsg_scan(t->message, t->len, &invite, &why);

	if (scan != SIP_SCANNED && scan != SIP_MALFORMED)
		return NULL;
	if (response == NULL) {
		d.method = "CANCEL";
		d.reason = t->reason;
	}
	d.to = sipmsg_header(response == NULL ? &invite : response, SIP_TO);
	w.size = t->len + d.to.len + ROOM;
	w.at = malloc(w.size);
	if (w.at == NULL)
		return NULL;
	put_request(&w, &invite, &d);
	*out_len = w.len;
	return w.at;
}
