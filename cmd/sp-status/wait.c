/* sp-status: waiting for something to happen. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/sp-status/status_tool.h"
#include "lib/server.h"

enum {
	STEP_MS = 50,   /* between two looks at the database */
	LOOK_MS = 1000, /* states change by the clock alone, too */
};

/* Asking for the version reads shared memory only. */
int wait_for_change(struct work *w, int64_t *version, int64_t ms,
	struct sp_err *err)
{
	int64_t deadline_ms = sp_clock_monotonic_ms() + ms, now;
	struct pollfd out = {.fd = STDOUT_FILENO};

	do {
		if (sp_db_version(w->app.db, &now, err) != 0)
			return -1;
		if (now != *version) {
			*version = now;
			return 1;
		}
		/* Nobody is left to tell: as a write would say. */
		if (poll(&out, 1, STEP_MS) > 0 &&
			(out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			return 0;
	} while (sp_clock_monotonic_ms() < deadline_ms);
	return 1;
}

static int look(struct work *w, struct sp_status *status, bool *is_there,
	struct sp_err *err)
{
	int64_t since_ms;

	w->app.scope.now_ms = sp_clock_now_ms();
	if (sp_server_as_of(w->app.db, w->app.scope.now_ms,
		    &w->app.scope.phones_ms, &since_ms, err) != 0 ||
		sp_status_get(&w->app.scope, w->operand[0], status, err) != 0)
		return -1;
	*is_there = w->awaited[status->state];
	return 0;
}

/* How long to the next look: 0 when the time is over. */
static int64_t next_look_ms(const struct work *w, int64_t start_ms)
{
	int64_t left_ms = start_ms + w->timeout_ms - sp_clock_monotonic_ms();

	if (w->timeout == NULL || left_ms > LOOK_MS)
		return LOOK_MS;
	return left_ms < 0 ? 0 : left_ms;
}

int wait_for_state(struct work *w, struct sp_err *err)
{
	int64_t start_ms = sp_clock_monotonic_ms(), version = 0, ms;
	struct sp_status status;
	bool is_there = false;
	int rc = 1;

	if (set_moment(w, err) != 0)
		return -1;
	/* Nothing is printed, not even a header, when the status tells. */
	if (!w->common.quiet && open_extensions(w, err) != 0)
		return -1;
	for (;;) {
		if (look(w, &status, &is_there, err) != 0)
			return -1;
		ms = next_look_ms(w, start_ms);
		if (is_there || ms == 0 || rc != 1)
			break;
		rc = wait_for_change(w, &version, ms, err);
		if (rc < 0)
			return -1;
	}
	if (is_there)
		return w->common.quiet ? 0 : print_status(w, &status, err);
	w->is_no = true;
	sp_app_warn(&w->app, "'%s' is %s, not %s, after %s", w->operand[0],
		sp_state_name(status.state), w->wait,
		w->timeout == NULL ? "all" : w->timeout);
	return 0;
}
