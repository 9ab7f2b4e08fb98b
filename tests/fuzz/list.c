/* Lists of operands. The first byte tells whether lines or NULs end them. */
#include "cmd/cli/input.h"
#include "lib/text.h"
#include "tests/fuzz/fuzz.h"

static void check_where(struct sp_input *input, int64_t *line)
{
	const char *where = sp_input_where(input);

	FUZZ_CHECK(where[0] != '\0');
	FUZZ_CHECK(sp_input_line(input) > *line);
	*line = sp_input_line(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t line = 0, done, total;
	struct sp_input *input;
	char path[FUZZ_PATH], end;
	const char *field;
	struct sp_err err;
	int fd, rc;

	if (size == 0)
		return 0;
	fd = fuzz_file(data + 1, size - 1, path);
	end = data[0] == '0' ? '\0' : '\n';
	FUZZ_CHECK(sp_input_open(&input, path, end, &err) == 0);
	while ((rc = sp_input_field(input, &field, &err)) != 0) {
		check_where(input, &line);
		if (rc < 0) {
			FUZZ_CHECK(err.code == SP_DATA && err.msg[0] != '\0');
			continue;
		}
		FUZZ_CHECK(field[0] != '\0' && strlen(field) <= SP_LINE_MAX);
		FUZZ_CHECK(sp_text_is_utf8(field, strlen(field)));
		FUZZ_CHECK(strpbrk(field, "\n\r\x1b\x7f") == NULL);
		FUZZ_CHECK(end == '\0' || strchr(field, '\t') == NULL);
	}
	sp_input_position(input, &done, &total);
	FUZZ_CHECK(done == total && total == (int64_t)size - 1);
	sp_input_close(input);
	close(fd);
	return 0;
}
