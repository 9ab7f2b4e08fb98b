/* cmd/cli/progress: when a line is drawn, what it says, how it goes. */
#include "cmd/cli/progress.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* A step of the work, when it is, and what is drawn for it. */
struct step {
	uint64_t done, total;
	int64_t now_ms;
	const char *drawn;
};

static void check_steps(struct unit *u, const struct step *steps, size_t n,
	const char *wiped)
{
	struct sp_progress progress;
	char *text = NULL;
	size_t size, from = 0;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL)
		exit(2);
	sp_progress_start_at(&progress, "sp-assign", file, 5000);
	for (size_t i = 0; i < n; i++) {
		sp_progress_step_at(&progress, steps[i].done, steps[i].total,
			steps[i].now_ms);
		fflush(file);
		unit_str(u, text + from, steps[i].drawn, "a step");
		from = size;
	}
	sp_progress_end(&progress);
	sp_progress_end(&progress);
	fclose(file);
	unit_str(u, text + from, wiped, "the end");
	free(text);
}

/* Nothing in the first second, then five lines in each. */
static void check_times(struct unit *u)
{
	static const struct step steps[] = {
		{0, 100000, 5000, ""},
		{30000, 100000, 5999, ""},
		{45000, 100000, 6000, "\rsp-assign: 45 %"},
		{46000, 100000, 6199, ""},
		{46999, 100000, 6200, "\rsp-assign: 46 %"},
		{99999, 100000, 9000, "\rsp-assign: 99 %"},
		{100000, 100000, 9200, "\rsp-assign: 100 %"},
	};

	check_steps(u, steps, sizeof steps / sizeof steps[0],
		"\r                \r");
	check_steps(u, steps, 2, "");
}

static void check_totals(struct unit *u)
{
	static const struct step steps[] = {
		{7, 9, 6000, "\rsp-assign: 77 %"},
		{8, 0, 6200, "\rsp-assign: 8   "},
		{12, 9, 6400, "\rsp-assign: 100 %"},
	};

	check_steps(u, steps, sizeof steps / sizeof steps[0],
		"\r                \r");
}

static void check_silence(struct unit *u)
{
	static const struct sp_progress none;
	struct sp_progress progress;

	sp_progress_start(&progress, "sp-assign", true);
	unit_ok(u, progress.file == NULL, "nothing is shown when quiet");
	for (int i = 0; i < 100; i++)
		sp_progress_step(&progress, 1, 2);
	sp_progress_end(&progress);
	progress = none;
	sp_progress_end(&progress);
	unit_int(u, progress.width, 0, "one that did not begin ends");
}

int main(void)
{
	struct unit u = {0};

	check_times(&u);
	check_totals(&u);
	check_silence(&u);
	return unit_done(&u);
}
