/* lib/route_facts: who is assigned and registered, and by which rules. */
#include "lib/route_facts.h"

#include "lib/binding.h"
#include "lib/forward.h"
#include "tests/unit/world.h"

/* Moments are milliseconds from this one. */
#define T WORLD_NOW_MS

static void add_binding(struct world *w, const char *number, int64_t expires)
{
	const struct sp_binding b = {.contact = "sip:a",
		.call_id = "1",
		.refreshed_ms = T,
		.expires_ms = T + expires};

	world_must(w,
		sp_binding_add(&w->scope, world_extension(w, number).id, &b,
			&w->err) == 0,
		number);
}

/* until 0: for ever. */
static void add_rule(struct world *w, const char *number,
	enum sp_condition condition, const char *target, int64_t until)
{
	const struct sp_extension e = world_extension(w, number);
	struct sp_forwarding f;
	struct sp_rule *rule;
	unsigned changed;

	world_must(w, sp_forward_load(&w->scope, e.id, &f, &w->err) == 0,
		"rules");
	rule = until == 0 ? &f.lasting[condition] : &f.timed[condition];
	*rule = (struct sp_rule){.enabled = true,
		.until_ms = until == 0 ? 0 : T + until};
	snprintf(rule->target, sizeof rule->target, "%s", target);
	world_must(w, sp_forward_set(&w->scope, &e, &f, &changed, &w->err) == 1,
		target);
}

/* "assigned registered busy=1002": asked at `now` for rules at `then`. */
static const char *facts(struct world *w, const char *number, int64_t now,
	int64_t then)
{
	static char text[512];
	struct sp_route_facts f = {.is_assigned = false};
	struct sp_scope scope = w->scope;
	const struct sp_route_moment moment = {&scope, T + then};
	char rules[256];

	scope.now_ms = T + now;
	if (sp_route_facts_ask(&moment, number, &f, &w->err) != 0)
		return w->err.msg;
	sp_forward_text(f.rules, rules, sizeof rules);
	snprintf(text, sizeof text, "%s%s%s%s", f.is_assigned ? "assigned" : "",
		f.is_registered ? " registered" : "",
		rules[0] == '\0' ? "" : " ", rules);
	if (f.extension_id !=
		(f.is_assigned ? world_extension(w, number).id : 0))
		return "another extension";
	return text;
}

static void check_facts(struct unit *u)
{
	static const struct {
		const char *number;
		int64_t now, then;
		const char *facts;
	} cases[] = {
		{"1000", 0, 0, "assigned registered offline=voicemail"},
		{"1000", 29999, 0, "assigned registered offline=voicemail"},
		{"1000", 30000, 0, "assigned offline=voicemail"},
		/* The later of two bindings. */
		{"1001", 30000, 0,
			"assigned registered busy=1000 offline=voicemail"},
		{"1001", 60000, 0, "assigned busy=1000 offline=voicemail"},
		/* A rule for a time, whoever is registered. */
		{"1002", 0, 999, "assigned always=1000 offline=voicemail"},
		{"1002", 0, 1000, "assigned offline=voicemail"},
		{"1002", 5000, 999, "assigned always=1000 offline=voicemail"},
		/* Free again, never used, and no number of the pool. */
		{"1003", 0, 0, ""},
		{"1009", 0, 0, ""},
		{"01000", 0, 0, ""},
		{"99", 0, 0, ""},
	};
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	w.tenant.voicemail = strdup("sip:vm@x");
	w.tenant.defaults[SP_OFFLINE] = (struct sp_rule){.target = "voicemail",
		.enabled = true,
		.is_default = true};
	for (int i = 0; i < 4; i++)
		world_assign(&w, (const char *[]){"a", "b", "c", "gone"}[i],
			NULL);
	add_binding(&w, "1000", 30000);
	add_binding(&w, "1001", 60000);
	add_binding(&w, "1001", 30000);
	add_rule(&w, "1001", SP_BUSY, "1000", 0);
	add_rule(&w, "1002", SP_ALWAYS, "1000", 1000);
	add_binding(&w, "1003", 30000);
	world_recycle(&w, "gone");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_str(u,
			facts(&w, cases[i].number, cases[i].now, cases[i].then),
			cases[i].facts, cases[i].number);
	world_close(&w);
}

/* The same number of another tenant is another one. */
static void check_tenants(struct unit *u)
{
	struct sp_tenant other;
	struct world w;

	world_open(&w);
	world_set_pool(&w, "1000-1009", "");
	world_assign(&w, "a", "1000");
	add_binding(&w, "1000", 30000);
	world_must(&w,
		sp_tenant_init(&other, "b.example", &w.err) == 0 &&
			sp_tenant_open(&other, w.db, true, &w.err) == 0,
		"a tenant");
	w.scope.tenant = &other;
	unit_str(u, facts(&w, "1000", 0, 0), "", "another tenant's number");
	w.scope.tenant = &w.tenant;
	unit_str(u, facts(&w, "1000", 0, 0), "assigned registered",
		"  and ours");
	sp_tenant_release(&other);
	world_close(&w);
}

int main(void)
{
	struct unit u = {0};

	check_facts(&u);
	check_tenants(&u);
	return unit_done(&u);
}
