/* One line that says how far the work is. */
#include "cmd/cli/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "lib/clock.h"

enum {
	PATIENCE_MS = 1000, /* work that takes less needs no line */
	REDRAW_MS = 200,
	CALLS = 16, /* for one look at the clock */
};

void sp_progress_start_at(struct sp_progress *progress, const char *tool,
	FILE *file, int64_t now_ms)
{
	*progress = (struct sp_progress){.tool = tool,
		.file = file,
		.next_ms = now_ms + PATIENCE_MS};
}

void sp_progress_start(struct sp_progress *progress, const char *tool,
	bool quiet)
{
	bool is_shown = !quiet && isatty(STDERR_FILENO);

	sp_progress_start_at(progress, tool, is_shown ? stderr : NULL,
		sp_clock_monotonic_ms());
}

static int percent(uint64_t done, uint64_t total)
{
	return done >= total ? 100 : (int)(100 * (double)done / (double)total);
}

void sp_progress_step_at(struct sp_progress *progress, uint64_t done,
	uint64_t total, int64_t now_ms)
{
	char line[128];
	int width;

	if (progress->file == NULL || now_ms < progress->next_ms)
		return;
	progress->next_ms = now_ms + REDRAW_MS;
	if (total == 0)
		width = snprintf(line, sizeof line, "%s: %" PRIu64,
			progress->tool, done);
	else
		width = snprintf(line, sizeof line, "%s: %d %%", progress->tool,
			percent(done, total));
	/* Spaces over what is left of a longer line. */
	fprintf(progress->file, "\r%-*s", progress->width, line);
	progress->width = width;
}

void sp_progress_step(struct sp_progress *progress, uint64_t done,
	uint64_t total)
{
	if (progress->file != NULL && progress->calls++ % CALLS == 0)
		sp_progress_step_at(progress, done, total,
			sp_clock_monotonic_ms());
}

void sp_progress_end(struct sp_progress *progress)
{
	if (progress->width > 0)
		fprintf(progress->file, "\r%*s\r", progress->width, "");
	*progress = (struct sp_progress){.file = NULL};
}
