/* The text of one cell of a listing: made harmless, and as wide as a terminal
 * shows it. */
#ifndef SP_CMD_CLI_CELL_H
#define SP_CMD_CLI_CELL_H

#include <stdbool.h>
#include <stddef.h>

/* A copy with '?' for each byte that is not UTF-8, and for each control
 * character if asked: some texts come from the network, and a terminal obeys
 * them. The caller frees it; NULL when out of memory. */
char *sp_cell_clean(const char *text, bool without_controls);

/* For the rest the thread's locale must be a UTF-8 one (without, a character
 * counts as one column), and the text a clean copy. */

/* Columns that the text takes on a terminal: wide characters take two,
 * combining ones none. */
int sp_cell_width(const char *text);

/* Returns how many bytes of the text are to be shown in `room` columns, at
 * least 1: all, or if it is wider so many that one column is left to say so.
 * Sets *width to the columns they take, with that one. */
size_t sp_cell_fit(const char *text, int room, int *width);

#endif
