/* SIP messages: writing them, from slices of the request. */
#include "cmd/sp-register/sipmsg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void sipmsg_put_slice(struct sip_writer *w, struct sip_slice slice)
{
	if (slice.len > w->size - w->len) {
		w->full = true;
		return;
	}
	if (slice.len > 0)
		memcpy(w->at + w->len, slice.at, slice.len);
	w->len += slice.len;
}

void sipmsg_put_text(struct sip_writer *w, const char *text)
{
	sipmsg_put_slice(w, (struct sip_slice){text, strlen(text)});
}

void sipmsg_put(struct sip_writer *w, const char *format, ...)
{
	size_t room = w->size - w->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(w->at + w->len, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		w->full = true;
	else
		w->len += (size_t)n;
}

/* As sipmsg_put does with %d and %04d, and ten times as fast. digits: at least
 * so many. */
static void put_digits(struct sip_writer *w, uint64_t number, int digits)
{
	char text[20];
	size_t at = sizeof text;

	for (; number > 0 || digits > 0; number /= 10, digits--)
		text[--at] = (char)('0' + number % 10);
	sipmsg_put_slice(w, (struct sip_slice){text + at, sizeof text - at});
}

void sipmsg_put_number(struct sip_writer *w, int64_t number)
{
	if (number < 0)
		sipmsg_put_text(w, "-");
	put_digits(w, number < 0 ? -(uint64_t)number : (uint64_t)number, 1);
}

static void put_two(struct sip_writer *w, const char *before, int number)
{
	sipmsg_put_text(w, before);
	put_digits(w, (uint64_t)number, 2);
}

/* In English whatever the locale, in GMT (RFC 3261 §20.17). */
void sipmsg_put_date(struct sip_writer *w, int64_t time_ms)
{
	static const char DAYS[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
		"Sat"};
	static const char MONTHS[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t time_s = (time_t)(time_ms / 1000);
	struct tm tm;

	if (gmtime_r(&time_s, &tm) == NULL)
		return;
	sipmsg_put_text(w, "Date: ");
	sipmsg_put_text(w, DAYS[tm.tm_wday]);
	put_two(w, ", ", tm.tm_mday);
	sipmsg_put_text(w, " ");
	sipmsg_put_text(w, MONTHS[tm.tm_mon]);
	sipmsg_put_text(w, " ");
	put_digits(w, (uint64_t)(1900 + tm.tm_year), 4);
	put_two(w, " ", tm.tm_hour);
	put_two(w, ":", tm.tm_min);
	put_two(w, ":", tm.tm_sec);
	sipmsg_put_text(w, " GMT\r\n");
}

/* The top Via with what we have seen of its sender (RFC 3261 §18.2.1, RFC 3581
 * §4); what it says of that itself may be a lie and is left out. */
static void put_top_via(struct sip_writer *w, struct sip_slice via,
	const struct sip_origin *origin)
{
	struct sip_slice param, value;
	bool rport = false;

	sipmsg_next(&via, ';', &param);
	sipmsg_put_slice(w, param);
	while (sipmsg_next(&via, ';', &param)) {
		if (sipmsg_is_param(param, "rport", &value))
			rport = true;
		else if (param.len > 0 &&
			 !sipmsg_is_param(param, "received", &value)) {
			sipmsg_put_text(w, ";");
			sipmsg_put_slice(w, param);
		}
	}
	if (rport) {
		sipmsg_put_text(w, ";rport=");
		sipmsg_put_number(w, origin->port);
	}
	sipmsg_put_text(w, ";received=");
	sipmsg_put_text(w, origin->ip);
}

void sipmsg_put_vias(struct sip_writer *w, const struct sip_message *m,
	const struct sip_origin *origin)
{
	for (int i = m->first[SIP_VIA]; i < m->n_fields; i++) {
		struct sip_slice rest = m->field[i].value, top;

		if (m->field[i].header != SIP_VIA)
			continue;
		sipmsg_put_text(w, "Via: ");
		if (i == m->first[SIP_VIA]) {
			sipmsg_next(&rest, ',', &top);
			put_top_via(w, top, origin);
			if (rest.at != NULL)
				sipmsg_put_text(w, ",");
		}
		if (rest.at != NULL)
			sipmsg_put_slice(w, rest);
		sipmsg_put_text(w, "\r\n");
	}
}

static void put_header(struct sip_writer *w, const char *name,
	const struct sip_message *m, enum sip_header header)
{
	if (m->first[header] < 0)
		return;
	sipmsg_put_text(w, name);
	sipmsg_put_slice(w, sipmsg_header(m, header));
	sipmsg_put_text(w, "\r\n");
}

/* A ';' behind the last parameter, which should not be there, must not make an
 * empty one of ours. */
static void put_to(struct sip_writer *w, const struct sip_message *m,
	const char *to_tag)
{
	struct sip_slice to = sipmsg_header(m, SIP_TO);
	bool is_open = to.len > 0 && to.at[to.len - 1] == ';';

	if (to.at == NULL)
		return;
	sipmsg_put_text(w, "To: ");
	sipmsg_put_slice(w, to);
	if (sipmsg_tag(to).at == NULL) {
		sipmsg_put_text(w, is_open ? "tag=" : ";tag=");
		sipmsg_put_text(w, to_tag);
	}
	sipmsg_put_text(w, "\r\n");
}

void sipmsg_begin_response(struct sip_writer *w, const struct sip_message *m,
	int status, const char *phrase, const struct sip_origin *origin,
	const char *to_tag)
{
	sipmsg_put_text(w, "SIP/2.0 ");
	sipmsg_put_number(w, status);
	sipmsg_put_text(w, " ");
	sipmsg_put_text(w, phrase);
	sipmsg_put_text(w, "\r\n");
	sipmsg_put_vias(w, m, origin);
	put_header(w, "From: ", m, SIP_FROM);
	put_to(w, m, to_tag);
	put_header(w, "Call-ID: ", m, SIP_CALL_ID);
	put_header(w, "CSeq: ", m, SIP_CSEQ);
}

void sipmsg_end_response(struct sip_writer *w)
{
	sipmsg_put_text(w, "Content-Length: 0\r\n\r\n");
}
