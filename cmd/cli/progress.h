/* How far a long piece of work is, for the person at the terminal: one line on
 * standard error, redrawn, and wiped at the end. */
#ifndef SP_CMD_CLI_PROGRESS_H
#define SP_CMD_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sp_progress {
	const char *tool;
	FILE *file;      /* NULL: nothing is shown */
	int64_t next_ms; /* no line before, by the monotonic clock */
	unsigned calls;
	int width; /* of the line that stands there; 0: none */
};

/* Begins; nothing is shown when quiet, when standard error is no terminal, and
 * in the first second. `tool` is borrowed until sp_progress_end. */
void sp_progress_start(struct sp_progress *progress, const char *tool,
	bool quiet);

/* `done` parts of `total` are done: "45 %". total 0: nobody knows of how many,
 * and the line is how many are done. Costs next to nothing: only some calls
 * look at the clock, and the line is drawn at most five times a second. */
void sp_progress_step(struct sp_progress *progress, uint64_t done,
	uint64_t total);

/* Wipes the line: before anything else is written to standard error. */
void sp_progress_end(struct sp_progress *progress);

/* The same with any file and clock: what start and step do after they have
 * looked. */
void sp_progress_start_at(struct sp_progress *progress, const char *tool,
	FILE *file, int64_t now_ms);
void sp_progress_step_at(struct sp_progress *progress, uint64_t done,
	uint64_t total, int64_t now_ms);

#endif
