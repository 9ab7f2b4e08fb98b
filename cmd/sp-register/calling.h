/* A call that is being set up: an INVITE that follows the route of lib/route
 * step by step until somebody answers or nobody is left. */
#ifndef SP_REGISTER_CALLING_H
#define SP_REGISTER_CALLING_H

#include "cmd/sp-register/caller.h"
#include "cmd/sp-register/fork.h"

enum {
	/* How long legs that were cancelled may take to say so before the next
	 * one begins. */
	CALLING_STOP_MS = 2000,
};

/* Takes on an INVITE to what was dialled. Returns VERDICT_PASSED, or the
 * refusal when it cannot. */
enum verdict calling_start(struct proxy *proxy, struct request *request,
	const struct relay *relay, const struct caller *caller,
	const char *dialled, uint32_t loop);

/* Its caller has hung up before an answer. */
void calling_cancel(struct fork *fork);

/* Is it one? Others than initial INVITEs are not. */
bool calling_is_owner(const struct fork *fork);

/* The server ends: nobody will be there to go on with it. */
void calling_stop(struct fork *fork);

/* fork->tenant is another one now, or NULL. */
void calling_configure(struct fork *fork);

#endif
