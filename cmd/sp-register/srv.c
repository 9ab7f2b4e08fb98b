/* SRV records: in which order servers are tried. */
#include "cmd/sp-register/srv.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct srv_rank *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	/* Those of weight 0 go first into the sum, which gives them a small
	 * chance. */
	if ((x->weight == 0) != (y->weight == 0))
		return x->weight == 0 ? -1 : 1;
	return x->index - y->index;
}

/* The first of those of one priority, of which there are n. */
static int choose(const struct srv_rank *ranks, int n, srv_draw *draw,
	void *arg)
{
	uint32_t sum = 0, limit;
	int i = 0;

	for (int k = 0; k < n; k++)
		sum += ranks[k].weight;
	limit = draw(arg, sum);
	sum = ranks[0].weight;
	while (sum < limit && i < n - 1)
		sum += ranks[++i].weight;
	return i;
}

static int n_equal(const struct srv_rank *ranks, int n)
{
	int i = 1;

	while (i < n && ranks[i].priority == ranks[0].priority)
		i++;
	return i;
}

void srv_order(struct srv_rank *ranks, int n, srv_draw *draw, void *arg)
{
	qsort(ranks, (size_t)n, sizeof ranks[0], compare);
	for (int i = 0; i < n; i++) {
		int at = i + choose(ranks + i, n_equal(ranks + i, n - i), draw,
				     arg);
		struct srv_rank chosen = ranks[at];

		/* The others stay in order. */
		for (; at > i; at--)
			ranks[at] = ranks[at - 1];
		ranks[i] = chosen;
	}
}
