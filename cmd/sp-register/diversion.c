/* What a diverted call tells: History-Info and Diversion. */
#include "cmd/sp-register/diversion.h"

#include <string.h>

enum { INDEX_SIZE = 64 };

/* By condition: RFC 5806 §9.2, and the causes of RFC 4458 §2.1. */
static const struct {
	const char *reason, *cause;
} WORDS[SP_N_CONDITIONS] = {
	[SP_ALWAYS] = {"unconditional", "302"},
	[SP_BUSY] = {"user-busy", "486"},
	[SP_NO_ANSWER] = {"no-answer", "408"},
	[SP_OFFLINE] = {"unavailable", "404"},
};

static void put_uri(struct sip_writer *w, const char *number,
	const char *domain)
{
	sipmsg_put_text(w, "<sip:");
	sipmsg_put_text(w, number);
	sipmsg_put_text(w, "@");
	sipmsg_put_text(w, domain);
}

/* The index of the last entry that came with the request; "" for none. */
static void read_index(const struct sip_message *m, char out[INDEX_SIZE])
{
	struct sip_slice rest, entry, param, value;

	out[0] = '\0';
	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != SIP_HISTORY_INFO)
			continue;
		rest = m->field[i].value;
		while (sipmsg_next(&rest, ',', &entry))
			while (sipmsg_next(&entry, ';', &param))
				if (sipmsg_is_param(param, "index", &value))
					sipmsg_copy_printable(value, out,
						INDEX_SIZE / 2);
	}
}

/* "1", then "1.1", then "1.1.1": each entry came from the one before. */
static void put_index(struct sip_writer *w, const char *first, int depth)
{
	sipmsg_put_text(w, first[0] == '\0' ? "1" : first);
	for (int i = first[0] == '\0' ? 0 : -1; i < depth; i++)
		sipmsg_put_text(w, ".1");
}

/* One entry for each number that it came to, and one for where it goes. */
static void put_history(struct sip_writer *w, const struct sip_message *m,
	const char *domain, const struct diversion *d, int n, const char *uri)
{
	char first[INDEX_SIZE];

	read_index(m, first);
	for (int i = 0; i <= n; i++) {
		sipmsg_put_text(w, i == 0 ? "History-Info: " : ", ");
		if (i < n) {
			put_uri(w, d[i].number, domain);
		} else {
			sipmsg_put_text(w, "<");
			sipmsg_put_text(w, uri);
		}
		if (i > 0 && (i < n || strchr(uri, '?') == NULL)) {
			sipmsg_put_text(w, ";cause=");
			sipmsg_put_text(w, WORDS[d[i - 1].condition].cause);
		}
		if (i < n) {
			sipmsg_put_text(w, "?Reason=SIP%3Bcause%3D");
			sipmsg_put_text(w, WORDS[d[i].condition].cause);
		}
		sipmsg_put_text(w, ">;index=");
		put_index(w, first, i);
		if (i > 0) {
			sipmsg_put_text(w, ";mp=");
			put_index(w, first, i - 1);
		}
	}
	sipmsg_put_text(w, "\r\n");
}

void diversion_put(struct sip_writer *w, const struct sip_message *m,
	const char *domain, const struct diversion *d, int n, const char *uri)
{
	put_history(w, m, domain, d, n, uri);
	for (int i = n - 1; i >= 0; i--) { /* the last one comes first */
		sipmsg_put_text(w, "Diversion: ");
		put_uri(w, d[i].number, domain);
		sipmsg_put_text(w, ">;reason=");
		sipmsg_put_text(w, WORDS[d[i].condition].reason);
		sipmsg_put_text(w, ";counter=1\r\n");
	}
}

int diversion_count(const struct sip_message *m)
{
	struct sip_slice rest, value;
	int n = 0;

	for (int i = 0; i < m->n_fields; i++) {
		if (m->field[i].header != SIP_DIVERSION)
			continue;
		rest = m->field[i].value;
		while (sipmsg_next(&rest, ',', &value))
			n++;
	}
	return n;
}
