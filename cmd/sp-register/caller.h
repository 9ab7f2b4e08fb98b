/* Who calls: softphones as themselves, trusted peers, nobody else. */
#ifndef SP_REGISTER_CALLER_H
#define SP_REGISTER_CALLER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/sp-register/request.h"

enum { CALLER_IDENTITY_SIZE = 1024 };

struct caller {
	bool is_peer;         /* a trusted one, that needs no digest */
	int64_t extension_id; /* 0: a peer */
	char number[SP_NUMBER_SIZE];
	char login[SP_LOGIN_SIZE];
	bool may_call_outside;
	/* The value of the P-Asserted-Identity (RFC 3325 §9.1) that it gets; ""
	 * for a peer, whose own is believed. */
	char identity[CALLER_IDENTITY_SIZE];
};

/* Shall those who are not trusted not be told who calls (RFC 3323 §4.2, "id")? */
bool caller_wants_privacy(const struct sip_message *request);

/* Finds out who sends a request that is to go to request->scope.tenant. Returns
 * VERDICT_OK, or the refusal: a challenge for who could be one of ours, and 403
 * for anybody else. */
enum verdict caller_identify(struct service *service, struct request *request,
	struct caller *caller);

#endif
