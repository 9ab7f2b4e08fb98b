/* Listings as a table: held until the widths are known, then printed. */
#include "cmd/cli/table.h"

#include <ctype.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/cell.h"

enum {
	HELD_ROWS = 1000, /* to see how wide the columns are */
	GAP = 2,          /* spaces between columns */
	NARROW = 8,       /* columns are not cut to less, if that is enough */
};

struct sp_table {
	FILE *file;
	struct sp_table_shape shape;
	locale_t utf8;
	int *widths;
	char **held; /* the texts of the first rows, header included */
	size_t n_held;
	bool is_wide; /* the widths are fixed, nothing is held any more */
	int spare;    /* then: columns that a line may still take */
};

/* ---- widths ------------------------------------------------------------ */

static void widen(struct sp_table *table, char *const *cells)
{
	for (size_t i = 0; i < table->shape.n_columns; i++) {
		int width = sp_cell_width(cells[i]);

		if (width > table->widths[i])
			table->widths[i] = width;
	}
}

/* The widest column that may be cut; n_columns if all have only `least`. any:
 * also those that say nothing then. */
static size_t find_widest(const struct sp_table *table, int least, bool any)
{
	size_t n = table->shape.n_columns, widest = n;

	for (size_t i = 0; i < n; i++)
		if (i != table->shape.whole && table->widths[i] > least &&
			(any || !table->shape.columns[i].is_whole)) {
			widest = i;
			least = table->widths[i];
		}
	return widest;
}

/* Takes `excess` from the columns, always from the widest. Returns what is
 * left of it, below 0 if there was none. */
static int narrow(struct sp_table *table, int excess, int least, bool any)
{
	for (; excess > 0; excess--) {
		size_t i = find_widest(table, least, any);

		if (i == table->shape.n_columns)
			break;
		table->widths[i]--;
	}
	return excess;
}

static void fix_widths(struct sp_table *table)
{
	int excess = -table->shape.width - GAP;

	table->is_wide = true;
	table->spare = INT_MAX;
	if (table->shape.width == 0)
		return;
	for (size_t i = 0; i < table->shape.n_columns; i++)
		excess += table->widths[i] + GAP;
	excess = narrow(table, excess, NARROW, false);
	excess = narrow(table, excess, 1, false);
	excess = narrow(table, excess, 1, true);
	table->spare = excess < 0 ? -excess : 0;
}

/* Columns for a cell of that width in column i: a cell that is wider than its
 * column may have what the line can spare. */
static int room_for(const struct sp_table *table, size_t i, int width,
	int *spare)
{
	int more = width - table->widths[i];

	if (more <= 0)
		return table->widths[i];
	if (i != table->shape.whole && more > *spare)
		more = *spare;
	*spare = more < *spare ? *spare - more : 0;
	return table->widths[i] + more;
}

/* ---- lines ------------------------------------------------------------- */

static void print_cell(FILE *file, int spaces, const char *text, size_t len)
{
	while (spaces-- > 0)
		putc_unlocked(' ', file);
	fwrite_unlocked(text, 1, len, file);
	if (text[len] != '\0')
		fputs("\xe2\x80\xa6", file); /* the ellipsis */
}

/* Spaces are printed only before a text: no line ends in them. */
static void print_line(const struct sp_table *table, char *const *cells)
{
	int spare = table->spare, spaces = 0;

	for (size_t i = 0; i < table->shape.n_columns; i++) {
		bool is_right = table->shape.columns[i].is_integer;
		int width = sp_cell_width(cells[i]);
		int room = room_for(table, i, width, &spare);
		size_t len = sp_cell_fit(cells[i], room, &width);

		spaces += (i == 0 ? 0 : GAP) + (is_right ? room - width : 0);
		if (cells[i][0] != '\0') {
			print_cell(table->file, spaces, cells[i], len);
			spaces = 0;
		}
		spaces += is_right ? 0 : room - width;
	}
	putc('\n', table->file);
}

static void free_cells(const struct sp_table *table, char **cells)
{
	for (size_t i = 0; i < table->shape.n_columns; i++)
		free(cells[i]);
}

static int copy_cells(const struct sp_table *table, char **cells,
	const char *const *values, struct sp_err *err)
{
	size_t n = table->shape.n_columns;

	for (size_t i = 0; i < n; i++)
		cells[i] = NULL;
	for (size_t i = 0; i < n; i++) {
		cells[i] =
			sp_cell_clean(values[i] == NULL ? "" : values[i], true);
		if (cells[i] == NULL) {
			free_cells(table, cells);
			return sp_err_memory(err);
		}
	}
	return 0;
}

static void print_held(struct sp_table *table)
{
	if (!table->is_wide)
		fix_widths(table);
	for (size_t i = 0; i < table->n_held; i++) {
		char **cells = table->held + i * table->shape.n_columns;

		print_line(table, cells);
		free_cells(table, cells);
	}
	table->n_held = 0;
}

static int add_cells(struct sp_table *table, const char *const *values,
	struct sp_err *err)
{
	char **cells = table->held + table->n_held * table->shape.n_columns;

	if (copy_cells(table, cells, values, err) != 0)
		return -1;
	if (table->is_wide) {
		print_line(table, cells);
		free_cells(table, cells);
		return 0;
	}
	widen(table, cells);
	if (++table->n_held == HELD_ROWS)
		print_held(table);
	return 0;
}

static int add_header(struct sp_table *table, struct sp_err *err)
{
	table->n_held = 1;
	for (size_t i = 0; i < table->shape.n_columns; i++) {
		char *name = strdup(table->shape.columns[i].name);

		if (name == NULL)
			return sp_err_memory(err);
		for (char *p = name; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		table->held[i] = name;
	}
	widen(table, table->held);
	return 0;
}

/* ---- interface --------------------------------------------------------- */

int sp_table_row(struct sp_table *table, const char *const *values,
	struct sp_err *err)
{
	locale_t before = uselocale(table->utf8);
	int rc = add_cells(table, values, err);

	uselocale(before);
	return rc;
}

void sp_table_print(struct sp_table *table)
{
	locale_t before = uselocale(table->utf8);

	print_held(table);
	uselocale(before);
}

int sp_table_new(struct sp_table **out, FILE *file,
	const struct sp_table_shape *shape, struct sp_err *err)
{
	struct sp_table *table = calloc(1, sizeof *table);
	size_t n = shape->n_columns;

	*out = table;
	if (table == NULL)
		return sp_err_memory(err);
	table->file = file;
	table->shape = *shape;
	/* A process that never called setlocale is in the C locale, where
	 * wcwidth knows ASCII only. Without this one, every character counts
	 * as one column. */
	table->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	table->widths = calloc(n, sizeof *table->widths);
	table->held = calloc(n * HELD_ROWS, sizeof *table->held);
	if (table->widths == NULL || table->held == NULL)
		return sp_err_memory(err);
	for (size_t i = 0; i < n; i++)
		table->widths[i] = 1; /* where an ellipsis fits */
	return shape->has_header ? add_header(table, err) : 0;
}

void sp_table_free(struct sp_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->n_held * table->shape.n_columns; i++)
		free(table->held[i]);
	free(table->held);
	free(table->widths);
	if (table->utf8 != (locale_t)0)
		freelocale(table->utf8);
	free(table);
}
