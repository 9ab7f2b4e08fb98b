/* Tables of transactions: by their key, their origin, or their hop. */
#include <stdlib.h>

#include "cmd/sp-register/transaction_private.h"

static int highest_bit(size_t n)
{
	return 63 - __builtin_clzll(n);
}

/* Of the segments only the first is not as large as all before it. */
static struct entry **chain(const struct table *table, size_t i)
{
	int segment;

	if (i < TABLE_FIRST)
		return &table->segment[0][i];
	segment = highest_bit(i / TABLE_FIRST);
	return &table->segment[segment + 1]
			      [i - ((size_t)TABLE_FIRST << segment)];
}

/* Chains beyond the last power of two split those at the front. */
static struct entry **chain_of(const struct table *table, const struct key *key)
{
	size_t half = (size_t)1 << highest_bit(table->n_chains);
	size_t i = key->half[0] & (2 * half - 1);

	return chain(table, i < table->n_chains ? i : i - half);
}

int table_init(struct table *table)
{
	table->segment[0] = calloc(TABLE_FIRST, sizeof *table->segment[0]);
	if (table->segment[0] == NULL)
		return -1;
	table->n_chains = TABLE_FIRST;
	return 0;
}

void table_release(struct table *table)
{
	for (int i = 0; i < TABLE_SEGMENTS; i++)
		free(table->segment[i]);
}

static void push(struct entry **list, struct entry *e)
{
	e->next = *list;
	e->link = list;
	if (e->next != NULL)
		e->next->link = &e->next;
	*list = e;
}

static void unlink_entry(struct entry *e)
{
	*e->link = e->next;
	if (e->next != NULL)
		e->next->link = e->link;
	e->next = NULL;
	e->link = NULL;
}

/* Is there memory for a chain more? */
static bool has_room(struct table *table)
{
	size_t n = table->n_chains;
	int segment = highest_bit(n / TABLE_FIRST) + 1;

	if (segment >= TABLE_SEGMENTS)
		return false;
	if (table->segment[segment] == NULL)
		table->segment[segment] =
			calloc((size_t)TABLE_FIRST << (segment - 1),
				sizeof *table->segment[segment]);
	return table->segment[segment] != NULL;
}

/* Some entries of one chain go to a new one. Without memory chains are longer,
 * and all goes on. */
static void grow(struct table *table)
{
	size_t n = table->n_chains;
	struct entry **old, **new, *e, *next;

	if (!has_room(table))
		return;
	table->n_chains++;
	new = chain(table, n);
	old = chain(table, n - ((size_t)1 << highest_bit(n)));
	for (e = *old; e != NULL; e = next) {
		next = e->next;
		if (chain_of(table, &e->key) == new)
			table_move(e, new);
	}
}

void table_add(struct table *table, struct entry *e)
{
	push(chain_of(table, &e->key), e);
	table->n_entries++;
	if (table->n_entries > table->n_chains)
		grow(table);
}

void table_remove(struct table *table, struct entry *e)
{
	if (e->link == NULL)
		return;
	unlink_entry(e);
	table->n_entries--;
}

void table_move(struct entry *e, struct entry **list)
{
	unlink_entry(e);
	push(list, e);
}

struct entry *table_next(const struct table *table, const struct key *key,
	struct entry *e)
{
	e = e == NULL ? *chain_of(table, key) : e->next;
	while (e != NULL && !key_equal(&e->key, key))
		e = e->next;
	return e;
}

struct entry *table_any(const struct table *table, size_t *from)
{
	for (; *from < table->n_chains; (*from)++)
		if (*chain(table, *from) != NULL)
			return *chain(table, *from);
	return NULL;
}
