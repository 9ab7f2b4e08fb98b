/* The calls in progress: a table by Call-ID, and their rows. */
#include "cmd/sp-register/calls.h"

#include <stdlib.h>
#include <string.h>

#include "lib/server.h"
#include "lib/text.h"

enum {
	FIRST_BUCKETS = 256,
	CALLER_BUCKETS = 1024,
	PAGE = 64,
	LOOK_MS = 60000, /* how often calls are looked for that have run out */
};

struct calls {
	struct call **bucket;
	size_t n_buckets; /* a power of two */
	int n;
	struct call *of_caller[CALLER_BUCKETS];
	uint64_t salt;
	int64_t looked_ms; /* when calls that have run out were looked for */
	bool is_failing;   /* to write what has happened, in this second */
	/* Not stored yet; and in the transaction that is open. */
	struct call *answered, *answered_stored;
	struct call *ended, *stored;
	const unsigned char *key;
	bool has_other_server; /* that beats, or has until a moment ago */
	/* The highest ids of rows that are there for good, and that are not
	 * committed yet. */
	int64_t committed_id, newest_id;
};

/* ---- the table --------------------------------------------------------- */

static struct call **bucket_of(const struct calls *c, struct sip_slice call_id)
{
	uint64_t hash = sp_text_hash(call_id.at, call_id.len) ^ c->salt;

	return &c->bucket[(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
			  (c->n_buckets - 1)];
}

static struct sip_slice slice_of(const char *text)
{
	return (struct sip_slice){text, strlen(text)};
}

/* Without memory it stays as it is: slower. */
static void grow(struct calls *c)
{
	size_t n = c->n_buckets;
	struct call **old = c->bucket,
		    **bucket = calloc(2 * n, sizeof(struct call *));

	if (bucket == NULL)
		return;
	c->bucket = bucket;
	c->n_buckets = 2 * n;
	for (size_t i = 0; i < n; i++)
		while (old[i] != NULL) {
			struct call *call = old[i];
			struct call **head =
				bucket_of(c, slice_of(call->row.sip_call_id));

			old[i] = call->next;
			call->next = *head;
			*head = call;
		}
	free(old);
}

static void insert(struct calls *c, struct call *call)
{
	struct call **head;

	if ((size_t)c->n >= c->n_buckets)
		grow(c);
	head = bucket_of(c, slice_of(call->row.sip_call_id));
	call->next = *head;
	*head = call;
	c->n++;
}

static bool copy(struct sip_slice from, char *to, size_t size)
{
	if (from.at == NULL || from.len >= size)
		return false;
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
	return true;
}

static struct call **of_caller(struct calls *c, int64_t caller_id)
{
	return &c->of_caller[caller_id % CALLER_BUCKETS];
}

bool calls_has_room(const struct calls *c, int64_t caller_id)
{
	const struct call *call = c->of_caller[caller_id % CALLER_BUCKETS];
	int n = 0;

	if (c->n >= CALLS_MAX)
		return false;
	for (; caller_id != 0 && call != NULL; call = call->next_of_caller)
		n += call->caller_id == caller_id;
	return n < CALLS_PER_EXTENSION;
}

struct call *calls_add(struct calls *c, const struct sp_tenant *tenant,
	struct sip_slice call_id, struct sip_slice tag, int64_t caller_id)
{
	struct call *call = calloc(1, sizeof *call);

	if (call == NULL)
		return NULL;
	call->tenant = tenant;
	if (!copy(call_id, call->row.sip_call_id,
		    sizeof call->row.sip_call_id) ||
		!copy(tag, call->row.caller_tag, sizeof call->row.caller_tag)) {
		free(call);
		return NULL;
	}
	insert(c, call);
	call->caller_id = caller_id;
	if (caller_id != 0) {
		call->next_of_caller = *of_caller(c, caller_id);
		*of_caller(c, caller_id) = call;
	}
	return call;
}

struct call *calls_find(struct calls *c, struct sip_slice call_id,
	struct sip_slice from, struct sip_slice to, bool *is_from_caller)
{
	struct call *call = *bucket_of(c, call_id);

	for (; call != NULL; call = call->next) {
		const char *tag = call->row.caller_tag;

		if (!sipmsg_slice_is(call_id, call->row.sip_call_id))
			continue;
		*is_from_caller = sipmsg_slice_is(from, tag);
		if (*is_from_caller ||
			(to.at != NULL && sipmsg_slice_is(to, tag)))
			return call;
	}
	return NULL;
}

static void list_answer(struct call **list, struct call *call)
{
	call->next_answered = *list;
	call->answered_link = list;
	if (*list != NULL)
		(*list)->answered_link = &call->next_answered;
	*list = call;
}

static void unlist_answer(struct call *call)
{
	if (call->answered_link == NULL)
		return;
	*call->answered_link = call->next_answered;
	if (call->next_answered != NULL)
		call->next_answered->answered_link = call->answered_link;
	call->answered_link = NULL;
}

static void let_go(struct call *call)
{
	if (call->holder != NULL)
		*call->holder = NULL;
	call->holder = NULL;
}

static void call_free(struct call *call)
{
	let_go(call);
	unlist_answer(call);
	free(call->callee_contact);
	free(call->callee_tag);
	free(call);
}

static void free_list(struct call *call)
{
	while (call != NULL) {
		struct call *next = call->next;

		call_free(call);
		call = next;
	}
}

/* It is in no table any more. */
static void forget_caller(struct calls *c, const struct call *call)
{
	struct call **at = of_caller(c, call->caller_id);

	while (*at != NULL && *at != call)
		at = &(*at)->next_of_caller;
	if (*at != NULL)
		*at = call->next_of_caller;
	c->n--;
}

static void take_out(struct calls *c, struct call *call)
{
	struct call **at = bucket_of(c, slice_of(call->row.sip_call_id));

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	forget_caller(c, call);
}

void calls_forget(struct calls *c, int64_t id)
{
	for (size_t i = 0; i < c->n_buckets; i++)
		for (struct call *call = c->bucket[i]; call != NULL;
			call = call->next)
			if (call->row.id == id) {
				take_out(c, call);
				call_free(call);
				return;
			}
}

int calls_count(const struct calls *c)
{
	return c->n;
}

/* ---- rows -------------------------------------------------------------- */

int calls_start(struct calls *c, const struct sp_scope *scope,
	struct call *call, struct sp_err *err)
{
	if (sp_call_start(scope, &call->row, err) != 0)
		return -1;
	if (call->row.id > c->newest_id)
		c->newest_id = call->row.id;
	return 0;
}

void calls_answer(struct calls *c, struct call *call, int64_t wall_ms)
{
	call->answered_ms = wall_ms;
	list_answer(&c->answered, call);
}

void calls_end(struct calls *c, struct call *call, const char *ending,
	int64_t wall_ms)
{
	take_out(c, call);
	let_go(call);
	call->ending = ending;
	call->ended_ms = wall_ms;
	call->next = c->ended;
	c->ended = call;
}

bool calls_has_news(const struct calls *c)
{
	return (c->answered != NULL || c->ended != NULL) && !c->is_failing;
}

static bool store_answers(struct calls *c, struct service *s)
{
	struct sp_err err;

	while (c->answered != NULL && !c->is_failing) {
		struct call *call = c->answered;
		struct sp_scope scope =
			service_scope(s, call->tenant, call->answered_ms);

		if (sp_call_answer(&scope, &call->row, &err) != 0) {
			c->is_failing = true;
			request_db_failed(s, &err);
			return false;
		}
		unlist_answer(call);
		list_answer(&c->answered_stored, call);
	}
	return true;
}

/* Behind the others, lest one that cannot be written keeps them from it. */
static void put_off(struct calls *c, struct call *call)
{
	struct call **end = &c->ended;

	while (*end != NULL)
		end = &(*end)->next;
	call->next = NULL;
	*end = call;
	c->is_failing = true;
}

void calls_store(struct calls *c, struct service *s)
{
	struct sp_err err;

	if (!store_answers(c, s))
		return;
	while (c->ended != NULL && !c->is_failing) {
		struct call *call = c->ended;
		struct sp_scope scope =
			service_scope(s, call->tenant, call->ended_ms);

		c->ended = call->next;
		if (sp_call_end(&scope, &call->row, call->ending, &err) != 0) {
			put_off(c, call);
			request_db_failed(s, &err);
			return;
		}
		call->next = c->stored;
		c->stored = call;
	}
}

static void take_out_run_out(struct calls *c, struct call **at, int64_t wall_ms)
{
	while (*at != NULL) {
		struct call *call = *at;

		if (call->row.expires_ms > wall_ms || call->holder != NULL) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		forget_caller(c, call);
		call_free(call);
	}
}

void calls_retry(struct calls *c, int64_t wall_ms)
{
	c->is_failing = false;
	if (wall_ms >= c->looked_ms && wall_ms < c->looked_ms + LOOK_MS)
		return;
	c->looked_ms = wall_ms;
	for (size_t i = 0; i < c->n_buckets; i++)
		take_out_run_out(c, &c->bucket[i], wall_ms);
}

/* Those whose rows went with the transaction have none. */
static void disown_rows(struct calls *c, struct call *list)
{
	for (; list != NULL; list = list->next)
		if (list->row.id > c->committed_id)
			list->row.id = 0;
}

static void revert(struct calls *c)
{
	while (c->answered_stored != NULL) {
		struct call *call = c->answered_stored;

		unlist_answer(call);
		call->row.answered_ms = 0;
		list_answer(&c->answered, call);
	}
	while (c->stored != NULL) {
		struct call *call = c->stored;

		c->stored = call->next;
		call->row.ended_ms = 0;
		call->next = c->ended;
		c->ended = call;
	}
	for (size_t i = 0; c->newest_id > c->committed_id && i < c->n_buckets;
		i++)
		disown_rows(c, c->bucket[i]);
	disown_rows(c, c->ended);
	c->newest_id = c->committed_id;
}

void calls_settle(struct calls *c, bool is_committed)
{
	if (!is_committed) {
		revert(c);
		return;
	}
	while (c->answered_stored != NULL)
		unlist_answer(c->answered_stored);
	free_list(c->stored);
	c->stored = NULL;
	c->committed_id = c->newest_id;
}

/* ---- all of them ------------------------------------------------------- */

static struct sp_tenant *tenant_of(const struct sp_config *config, int64_t id)
{
	for (size_t i = 0; i < config->n_tenants; i++)
		if (config->tenants[i].id == id)
			return &config->tenants[i];
	return NULL;
}

/* One whose route is not ours to read any more is found all the same; its
 * requests go by their own Route, or nowhere. Another server's that is not
 * answered yet is not our business. */
static int take_up(struct calls *c, const struct sp_tenant *tenant,
	const struct sp_call *row, int64_t wall_ms, struct sp_err *err)
{
	struct call *call;

	if (row->answered_ms == 0 && c->has_other_server)
		return 0;
	call = calloc(1, sizeof *call);
	if (call == NULL)
		return sp_err_memory(err);
	call->tenant = tenant;
	call->row = *row;
	if (!dialog_route_parse(c->key, slice_of(row->sip_call_id),
		    slice_of(row->caller_tag), row->route, &call->route))
		memset(&call->route, 0, sizeof call->route);
	insert(c, call);
	/* Nobody sets up any more what the last server had begun to. */
	if (row->answered_ms == 0)
		calls_end(c, call, SP_CALL_FAILED, wall_ms);
	return 0;
}

static int load_pages(struct calls *c, struct service *s,
	const struct sp_scope *scope, struct sp_err *err)
{
	struct sp_call *page = calloc(PAGE, sizeof *page);
	int64_t tenants[PAGE];
	int n = page == NULL ? sp_err_memory(err) : PAGE;

	while (n == PAGE) {
		n = sp_call_list_open(scope, page, tenants, PAGE, err);
		for (int i = 0; i < n; i++) {
			const struct sp_tenant *tenant =
				tenant_of(s->config, tenants[i]);

			if (page[i].id > c->newest_id)
				c->committed_id = c->newest_id = page[i].id;
			if (tenant != NULL && take_up(c, tenant, &page[i],
						      scope->now_ms, err) != 0)
				n = -1;
		}
		if (n == PAGE)
			page[0] = page[n - 1];
	}
	free(page);
	return n < 0 ? -1 : 0;
}

/* In one transaction: one that another server prolongs meanwhile would come
 * twice. */
static int load(struct calls *c, struct service *s, int64_t wall_ms,
	struct sp_err *err)
{
	struct sp_scope scope = service_scope(s, NULL, wall_ms);
	bool is_inside = sp_db_in_transaction(scope.db);
	int rc;

	if (!is_inside && sp_db_begin_read(scope.db, err) != 0)
		return -1;
	rc = load_pages(c, s, &scope, err);
	if (!is_inside)
		sp_db_rollback(scope.db);
	return rc;
}

int calls_new(struct calls **out, struct service *s, int64_t wall_ms,
	struct sp_err *err)
{
	struct calls *c = calloc(1, sizeof *c);
	int64_t as_of_ms, since_ms;

	*out = c;
	if (c == NULL)
		return sp_err_memory(err);
	c->key = s->key;
	c->n_buckets = FIRST_BUCKETS;
	c->bucket = calloc(c->n_buckets, sizeof(struct call *));
	if (c->bucket == NULL)
		return sp_err_memory(err);
	if (sp_hash_random(&c->salt, sizeof c->salt, err) != 0)
		return -1;
	if (sp_server_as_of(s->db, wall_ms, &as_of_ms, &since_ms, err) != 0)
		return -1;
	c->has_other_server = since_ms == 0;
	return load(c, s, wall_ms, err);
}

void calls_free(struct calls *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; c->bucket != NULL && i < c->n_buckets; i++)
		free_list(c->bucket[i]);
	free_list(c->ended);
	free_list(c->stored);
	free(c->bucket);
	free(c);
}

static void reconfigure(struct calls *c, struct call **at,
	const struct sp_config *config)
{
	while (*at != NULL) {
		struct call *call = *at;

		call->tenant =
			sp_config_find_tenant(config, call->tenant->domain);
		if (call->tenant != NULL) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		if (call->ending == NULL)
			forget_caller(c, call);
		call_free(call);
	}
}

/* The rows of a tenant that is no longer configured age out. */
void calls_configure(struct calls *c, const struct sp_config *config)
{
	for (size_t i = 0; i < c->n_buckets; i++)
		reconfigure(c, &c->bucket[i], config);
	reconfigure(c, &c->ended, config);
}
