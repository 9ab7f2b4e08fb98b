/* sp-forward: when a rule begins and ends. */
#include "cmd/sp-forward/forward_tool.h"
#include "lib/clock.h"

/* Whole seconds, as they are printed: what is printed can be read back. */
static int read_time(const char *what, const char *text, int64_t now_ms,
	int64_t *out_ms, struct sp_err *err)
{
	*out_ms = 0;
	if (text == NULL)
		return 0;
	if (sp_time_parse(text, now_ms, out_ms, err) != 0)
		return sp_err_prefix(err, "%s: ", what);
	*out_ms -= *out_ms % 1000;
	/* 0 would be no time at all. */
	if (*out_ms == 0)
		*out_ms = 1000;
	return 0;
}

int read_window(const char *from, const char *until, int64_t now_ms,
	struct sp_rule *rule, struct sp_err *err)
{
	if (read_time("from", from, now_ms, &rule->from_ms, err) != 0 ||
		read_time("until", until, now_ms, &rule->until_ms, err) != 0)
		return -1;
	if (from != NULL && until != NULL && rule->until_ms <= rule->from_ms)
		return sp_err_set(err, SP_DATA,
			"until: '%.40s' is not after '%.40s'", until, from);
	return 0;
}
