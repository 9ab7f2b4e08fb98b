/* An assignment: which user has which extension. */
#include "lib/assignment.h"

#include <stdio.h>
#include <string.h>

#include "lib/event.h"
#include "lib/extension.h"
#include "lib/forward_loop.h"
#include "lib/secret.h"
#include "lib/text.h"

static int check(const struct sp_assign *assign, struct sp_err *err)
{
	enum sp_call_right calls;

	if (sp_login_check(assign->login, err) != 0)
		return -1;
	if (assign->first != NULL &&
		sp_name_check(assign->first, "first name", err) != 0)
		return -1;
	if (assign->last != NULL &&
		sp_name_check(assign->last, "last name", err) != 0)
		return -1;
	if (assign->number != NULL && !sp_text_is_digits(assign->number))
		return sp_err_set(err, SP_DATA, "'%.40s' is not a number",
			assign->number);
	if (assign->calls != NULL &&
		sp_call_right_check(assign->calls, &calls, err) != 0)
		return -1;
	return assign->secret == NULL ? 0
				      : sp_secret_check(assign->secret, err);
}

static int tell(const struct sp_scope *scope, const struct sp_assigned *a,
	const char *what, const char *old_value, const char *new_value,
	struct sp_err *err)
{
	const struct sp_event event = {a->number, a->user.login, what,
		old_value, new_value};

	return sp_event_add(scope, &event, err);
}

static void set_names(struct sp_user *user, const struct sp_assign *assign)
{
	/* check() has seen that they fit. */
	if (assign->first != NULL)
		snprintf(user->first, sizeof user->first, "%s", assign->first);
	if (assign->last != NULL)
		snprintf(user->last, sizeof user->last, "%s", assign->last);
}

static int choose_number(const struct sp_scope *scope,
	const struct sp_assign *assign, char number[SP_NUMBER_SIZE],
	struct sp_err *err)
{
	if (assign->number == NULL)
		return sp_pool_next(scope, assign->order, number, err);
	return sp_text_copy(number, SP_NUMBER_SIZE, assign->number,
		"the number", err);
}

/* The number is asked about first, so that a refusal has written nothing. */
static int create(const struct sp_scope *scope, const struct sp_assign *assign,
	struct sp_assigned *out, struct sp_err *err)
{
	struct sp_user *user = &out->user;

	out->is_new = true;
	snprintf(user->login, sizeof user->login, "%s", assign->login);
	set_names(user, assign);
	if (choose_number(scope, assign, out->number, err) != 0)
		return -1;
	if (assign->number != NULL &&
		sp_extension_check_free(scope, out->number, err) != 0)
		return -1;
	if (sp_user_add(scope, user, err) != 0 ||
		sp_extension_assign(scope, out->number, user->id, err) != 0)
		return -1;
	return tell(scope, out, "assigned", "", out->number, err);
}

static void full_name(const struct sp_user *user, char out[2 * SP_NAME_SIZE])
{
	bool has_both = user->first[0] != '\0' && user->last[0] != '\0';

	snprintf(out, 2 * SP_NAME_SIZE, "%s%s%s", user->first,
		has_both ? " " : "", user->last);
}

static int rename_user(const struct sp_scope *scope,
	const struct sp_assign *assign, struct sp_assigned *out,
	struct sp_err *err)
{
	char old_name[2 * SP_NAME_SIZE], new_name[2 * SP_NAME_SIZE];
	struct sp_user *user = &out->user;
	const struct sp_user was = *user;

	set_names(user, assign);
	if (strcmp(user->first, was.first) == 0 &&
		strcmp(user->last, was.last) == 0)
		return 0;
	full_name(&was, old_name);
	full_name(user, new_name);
	if (sp_user_rename(scope, user, err) != 0)
		return -1;
	return tell(scope, out, "renamed", old_name, new_name, err);
}

/* The rules that came along, or none. */
static int settle_forwarding(const struct sp_scope *scope,
	const struct sp_extension *extension, bool reset, struct sp_err *err)
{
	struct sp_forwarding defaults;
	unsigned changed = ~0u;

	if (reset) {
		sp_forward_defaults(scope->tenant, &defaults);
		if (sp_forward_set(scope, extension, &defaults, &changed, err) <
			0)
			return -1;
	}
	if (sp_forward_check_loops(scope, extension, changed, err) == 0)
		return 0;
	if (err->code == SP_DATA)
		sp_err_prefix(err, "the forwarding cannot move along: ");
	return -1;
}

static int had_secret(const struct sp_scope *scope, struct sp_assigned *out,
	struct sp_err *err)
{
	int has = sp_secret_exists(scope, out->user.login, err);

	out->needs_login = has == 1;
	return has < 0 ? -1 : 0;
}

static int renumber(const struct sp_scope *scope,
	const struct sp_assign *assign, const struct sp_extension *known,
	struct sp_assigned *out, struct sp_err *err)
{
	struct sp_extension moved;

	if (sp_extension_renumber(scope, known, assign->number,
		    scope->tenant->rest_ms, &moved, err) != 0 ||
		settle_forwarding(scope, &moved, assign->reset_forwarding,
			err) != 0)
		return -1;
	/* The number that was left may be the next one of a batch. */
	if (scope->cursor != NULL)
		*scope->cursor = (struct sp_pool_cursor){0};
	memcpy(out->old_number, known->number, sizeof out->old_number);
	memcpy(out->number, moved.number, sizeof out->number);
	return had_secret(scope, out, err);
}

static int update(const struct sp_scope *scope, const struct sp_assign *assign,
	const struct sp_extension *known, struct sp_assigned *out,
	struct sp_err *err)
{
	out->user = known->user;
	memcpy(out->number, known->number, sizeof out->number);
	if (assign->number != NULL &&
		strcmp(assign->number, known->number) != 0 &&
		renumber(scope, assign, known, out, err) != 0)
		return -1;
	return rename_user(scope, assign, out, err);
}

static int set_secret(const struct sp_scope *scope, struct sp_hash *hash,
	const char *secret, struct sp_assigned *out, struct sp_err *err)
{
	int rc = sp_secret_set(scope, hash, &out->user, out->number, secret,
		err);

	out->needs_login = false;
	/* That a new user has a secret needs no event of its own. */
	if (rc != 1 || out->is_new)
		return rc < 0 ? -1 : 0;
	return tell(scope, out, "new-secret", "", "", err);
}

/* A new user has the default already. */
static int set_calls(const struct sp_scope *scope, const char *calls,
	const struct sp_assigned *a, struct sp_err *err)
{
	struct sp_extension extension;
	enum sp_call_right right;

	if (sp_call_right_check(calls, &right, err) != 0)
		return -1;
	if (a->is_new && right == SP_CALLS_DEFAULT)
		return 0;
	if (sp_extension_find(scope, a->number, &extension, err) != 1)
		return -1;
	return sp_call_right_set(scope, &extension, right, err) < 0 ? -1 : 0;
}

int sp_assignment_make(const struct sp_scope *scope, struct sp_hash *hash,
	const struct sp_assign *assign, struct sp_assigned *assigned,
	struct sp_err *err)
{
	char operand[SP_LOGIN_SIZE + 5];
	struct sp_extension known;
	int rc;

	*assigned = (struct sp_assigned){.is_new = false};
	if (check(assign, err) != 0)
		return -1;
	snprintf(operand, sizeof operand, "user:%s", assign->login);
	rc = sp_extension_lookup(scope, operand, &known, err);
	if (rc < 0)
		return -1;
	rc = rc == 1 ? update(scope, assign, &known, assigned, err)
		     : create(scope, assign, assigned, err);
	if (rc == 0 && assign->secret != NULL)
		rc = set_secret(scope, hash, assign->secret, assigned, err);
	if (rc == 0 && assign->calls != NULL)
		rc = set_calls(scope, assign->calls, assigned, err);
	return rc;
}

static int report_swap(const struct sp_scope *scope,
	const struct sp_extension *is, const struct sp_extension *was,
	struct sp_assigned *out, struct sp_err *err)
{
	*out = (struct sp_assigned){.user = is->user};
	memcpy(out->number, is->number, sizeof out->number);
	memcpy(out->old_number, was->number, sizeof out->old_number);
	return had_secret(scope, out, err);
}

int sp_assignment_swap(const struct sp_scope *scope, const char *operand,
	const char *other, bool reset_forwarding,
	struct sp_assigned assigned[2], struct sp_err *err)
{
	struct sp_extension a, b, was_a, was_b;

	if (sp_extension_get(scope, operand, &a, err) != 0 ||
		sp_extension_get(scope, other, &b, err) != 0)
		return -1;
	if (a.id == b.id)
		return sp_err_set(err, SP_DATA,
			"'%.80s' and '%.80s' are one and the same: nothing to "
			"swap",
			operand, other);
	was_a = a;
	was_b = b;
	if (sp_extension_swap(scope, &a, &b, err) != 0 ||
		settle_forwarding(scope, &a, reset_forwarding, err) != 0 ||
		settle_forwarding(scope, &b, reset_forwarding, err) != 0 ||
		report_swap(scope, &a, &was_a, &assigned[0], err) != 0)
		return -1;
	return report_swap(scope, &b, &was_b, &assigned[1], err);
}
