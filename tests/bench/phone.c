/* REGISTER and digest of a softphone: see phone.h. Hand-made instead of with
 * a SIP library, so that the generator costs less CPU than any server. */
#include "tests/bench/phone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/text.h"

#define BRANCH "branch=z9hG4bKrl"

void site_init(struct site *site, const char *domain,
	const char *password_prefix, const char *address)
{
	char a2[256];
	struct text t = {a2, a2 + sizeof(a2)};

	site->domain = domain;
	site->password_prefix = password_prefix;
	site->address = address;
	text_put(&t, "REGISTER:sip:", domain, NULL);
	digest_md5(a2, (size_t)(t.at - a2), site->ha2);
}

void phone_next_request(struct phone *phone)
{
	phone->cseq++;
	if (phone->nonce[0])
		phone->nc++;
}

static void put_authorization(struct text *t, const struct phone *phone,
	const struct site *site, const char *ext)
{
	char uri[80];
	struct text u = {uri, uri + sizeof(uri) - 1};

	text_put(&u, "sip:", site->domain, NULL);
	*u.at = '\0';
	text_put(t, "Authorization: ", NULL);
	digest_put(t,
		&(struct credentials){.username = ext,
			.uri = uri,
			.ha1 = phone->ha1,
			.ha2 = site->ha2,
			.realm = site->realm,
			.nonce = phone->nonce,
			.opaque = phone->opaque,
			.qop_auth = site->qop_auth,
			.nc = phone->nc,
			/* any value will do, but not one for all phones */
			.cnonce = (site->first + phone->index) * 2654435761u ^
				  phone->cseq});
}

size_t phone_write(const struct phone *phone, const struct site *site,
	char out[PHONE_REQUEST_MAX])
{
	struct text t = {out, out + PHONE_REQUEST_MAX};
	const char *domain = site->domain;
	char ext[11], index[11], cseq[11], expires[11];

	text_decimal(site->first + phone->index, ext);
	text_decimal(phone->index, index);
	text_decimal(phone->cseq, cseq);
	text_decimal(site->expires_s, expires);
	text_put(&t, "REGISTER sip:", domain, " SIP/2.0\r\n", NULL);
	text_put(&t, "Via: SIP/2.0/UDP ", site->address, ";rport;" BRANCH,
		index, "-", cseq, "\r\nMax-Forwards: 70\r\n", NULL);
	text_put(&t, "From: <sip:", ext, "@", domain, ">;tag=rl", ext, "\r\n",
		NULL);
	text_put(&t, "To: <sip:", ext, "@", domain, ">\r\n", NULL);
	text_put(&t, "Call-ID: rl", ext, "@127.0.0.1\r\n", NULL);
	text_put(&t, "CSeq: ", cseq, " REGISTER\r\n", NULL);
	text_put(&t, "Contact: <sip:", ext, "@", site->address, ">\r\n", NULL);
	text_put(&t, "Expires: ", expires, "\r\nUser-Agent: regload\r\n", NULL);
	if (phone->nonce[0])
		put_authorization(&t, phone, site, ext);
	text_put(&t, "Content-Length: 0\r\n\r\n", NULL);
	return (size_t)(t.at - out);
}

bool response_read(const char *msg, struct response *response)
{
	char *end;

	if (strncmp(msg, "SIP/2.0 ", 8) != 0)
		return false;
	response->status = (unsigned)strtoul(msg + 8, NULL, 10);
	const char *branch = strstr(msg, BRANCH);
	if (!branch)
		return false;
	response->index = (uint32_t)strtoul(branch + strlen(BRANCH), &end, 10);
	if (*end != '-')
		return false;
	response->cseq = (uint32_t)strtoul(end + 1, NULL, 10);
	return true;
}

bool phone_take_challenge(struct phone *phone, struct site *site,
	const char *msg, bool *stale)
{
	struct challenge c;

	if (!digest_read_challenge(msg, "\r\nWWW-Authenticate: Digest", &c))
		return false;
	strcpy(site->realm, c.realm);
	strcpy(phone->nonce, c.nonce);
	strcpy(phone->opaque, c.opaque);
	site->qop_auth = c.qop_auth;
	*stale = c.stale;
	phone->nc = 0;
	digest_ha1(site->realm, site->password_prefix,
		site->first + phone->index, phone->ha1);
	return true;
}

bool phone_accepts(const struct phone *phone, const struct site *site,
	const char *msg)
{
	uint32_t ext = site->first + phone->index;
	char want[4][128];

	snprintf(want[0], sizeof(want[0]), "\r\nCall-ID: rl%u@127.0.0.1\r\n",
		ext);
	snprintf(want[1], sizeof(want[1]), "\r\nCSeq: %u REGISTER\r\n",
		phone->cseq);
	snprintf(want[2], sizeof(want[2]), ";tag=rl%u\r\n", ext);
	snprintf(want[3], sizeof(want[3]), "<sip:%u@%s>;", ext, site->address);
	for (int i = 0; i < 4; i++)
		if (!strstr(msg, want[i]))
			return false;
	const char *expires = strstr(msg, ";expires=");
	return expires && strtoul(expires + 9, NULL, 10) > 0;
}
