/* Records in JSON, by jansson: a list of objects, or one object after another.
 * Object by object, so that memory does not grow with the file. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/record_format.h"

enum { BUFFER = 4 * SP_LINE_MAX };

struct json {
	char buffer[BUFFER];
	size_t at, len; /* what is not read yet */
	int64_t line;   /* of `at` */
	bool has_begun;
	bool is_list; /* in [ ] */
	bool is_bad;  /* the object at `at` cannot be read */
	size_t skip;  /* of its bytes, to look for the next one */
};

/* ---- bytes ------------------------------------------------------------- */

/* Has n more bytes in the buffer, or all. */
static int fill(struct sp_records *records, size_t n, struct sp_err *err)
{
	struct json *json = records->state;
	size_t more;

	if (json->len - json->at >= n)
		return 0;
	memmove(json->buffer, json->buffer + json->at, json->len - json->at);
	json->len -= json->at;
	json->at = 0;
	if (sp_input_bytes(records->input, json->buffer + json->len,
		    sizeof json->buffer - json->len, &more, err) != 0)
		return -1;
	json->len += more;
	return 0;
}

static void take(struct json *json, size_t n)
{
	for (; n > 0; n--)
		json->line += json->buffer[json->at++] == '\n';
}

/* The next byte that is not blank, '\0' at the end, which is no JSON either. */
static int peek(struct sp_records *records, char *c, struct sp_err *err)
{
	struct json *json = records->state;

	for (;;) {
		if (fill(records, 1, err) != 0)
			return -1;
		*c = json->at < json->len ? json->buffer[json->at] : '\0';
		if (*c == '\0' || strchr(" \t\r\n", *c) == NULL)
			return 0;
		take(json, 1);
	}
}

/* ---- errors ------------------------------------------------------------ */

/* A sentence about where reading stands. Nothing behind it is read. */
static int fail(struct sp_records *records, const char *sentence,
	struct sp_err *err)
{
	const struct json *json = records->state;

	records->is_over = true;
	sp_input_mark(records->input, json->line);
	sp_err_set(err, SP_DATA, "%s", sentence);
	return sp_input_blame(records->input, err);
}

/* jansson may quote what a terminal would obey. */
static const char *problem(const json_error_t *error)
{
	struct sp_err ignored;

	if (json_error_code(error) == json_error_invalid_utf8)
		return "not valid UTF-8";
	if (json_error_code(error) == json_error_null_character)
		return "a NUL, expected text";
	return sp_input_check(error->text, strlen(error->text), "", &ignored) ==
			       0
		       ? error->text
		       : "a control character, expected text";
}

/* In a list nothing tells where the next object begins. Otherwise a line does
 * that begins with {: the one with the error, or one behind it. */
static int fail_syntax(struct sp_records *records, const json_error_t *error,
	size_t window, struct sp_err *err)
{
	struct json *json = records->state;
	size_t position = (size_t)error->position;

	/* Then jansson has often nothing to say. */
	if (json_error_code(error) == json_error_out_of_memory ||
		error->text[0] == '\0')
		return sp_err_memory(err);
	records->is_over = json->is_list;
	json->is_bad = true;
	for (json->skip = position < window ? position : window;
		json->skip > 0 &&
		json->buffer[json->at + json->skip - 1] != '\n';)
		json->skip--;
	/* The limit may cut a character in two. */
	if (window == SP_LINE_MAX && position + 4 >= window)
		sp_err_set(err, SP_DATA, "record is longer than %d bytes",
			SP_LINE_MAX);
	else
		sp_err_set(err, SP_DATA, "not JSON: %s", problem(error));
	if (json->is_list)
		sp_input_mark(records->input, json->line + error->line - 1);
	return sp_input_blame(records->input, err);
}

/* Goes to the line where reading may go on. */
static int skip_bad(struct sp_records *records, struct sp_err *err)
{
	struct json *json = records->state;
	bool is_start = json->skip > 0;

	json->is_bad = false;
	take(json, json->skip);
	for (;;) {
		if (fill(records, 1, err) != 0)
			return -1;
		if (json->at == json->len ||
			(is_start && json->buffer[json->at] == '{'))
			return 0;
		is_start = json->buffer[json->at] == '\n';
		take(json, 1);
	}
}

/* ---- an object --------------------------------------------------------- */

/* As text; numbers as JSON knows them have no leading zeros to lose. */
static int set_value(struct sp_records *records, const char **fields,
	size_t name, const json_t *value, struct sp_err *err)
{
	char number[24];
	const char *text = "";
	size_t len;

	switch (json_typeof(value)) {
	case JSON_STRING: text = json_string_value(value); break;
	case JSON_INTEGER:
		snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		text = number;
		break;
	case JSON_TRUE: text = "true"; break;
	case JSON_FALSE: text = "false"; break;
	case JSON_NULL: break;
	case JSON_REAL:
		return sp_err_set(err, SP_DATA,
			"%s: a number that is not whole, expected a text",
			sp_record_name_text(records, name));
	case JSON_OBJECT:
	case JSON_ARRAY:
		return sp_err_set(err, SP_DATA, "%s: %s, expected one value",
			sp_record_name_text(records, name),
			json_is_array(value) ? "a list" : "an object");
	}
	len = json_is_string(value) ? json_string_length(value) : strlen(text);
	return sp_record_set(records, fields, name, text, len, err);
}

static int set_values(struct sp_records *records, const char **fields,
	json_t *object, struct sp_err *err)
{
	const char *key;
	json_t *value;
	size_t name;

	if (!json_is_object(object))
		return sp_err_set(err, SP_DATA,
			"not an object, expected {\"%s\": ...}",
			records->known.names[0]);
	sp_record_begin(records, fields);
	json_object_foreach(object, key, value)
	{
		if (sp_record_name(records, "key", key, &records->seen, &name,
			    err) != 0)
			return -1;
		if (name < records->known.n &&
			set_value(records, fields, name, value, err) != 0)
			return -1;
	}
	return sp_record_end(records, err);
}

/* Whatever stands at `at`. NULL and *error when it is not JSON; *twice: a key
 * is there a second time, error->text says which. */
static json_t *load(const struct json *json, size_t window, bool *twice,
	json_error_t *error)
{
	const char *text = json->buffer + json->at;
	size_t flags = JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
	json_error_t first;
	json_t *value =
		json_loadb(text, window, flags | JSON_REJECT_DUPLICATES, error);

	*twice = value == NULL &&
		 json_error_code(error) == json_error_duplicate_key;
	if (!*twice)
		return value;
	/* Once more without that check tells where the object ends. */
	first = *error;
	value = json_loadb(text, window, flags, error);
	if (value != NULL)
		memcpy(error->text, first.text, strlen(first.text) + 1);
	return value;
}

static int read_object(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	struct json *json = records->state;
	size_t window;
	json_error_t error;
	json_t *value;
	bool twice;
	int rc;

	if (fill(records, SP_LINE_MAX, err) != 0)
		return -1;
	window = json->len - json->at;
	if (window > SP_LINE_MAX)
		window = SP_LINE_MAX;
	sp_input_mark(records->input, json->line);
	value = load(json, window, &twice, &error);
	if (value == NULL)
		return fail_syntax(records, &error, window, err);
	take(json, (size_t)error.position);
	rc = twice ? sp_err_set(err, SP_DATA, "%s, expected only one",
			     error.text)
		   : set_values(records, fields, value, err);
	json_decref(value);
	return rc == 0 ? 1 : sp_input_blame(records->input, err);
}

/* ---- objects ----------------------------------------------------------- */

/* Goes to the next object of a list. Returns 1, 0 at the end, -1. */
static int find_in_list(struct sp_records *records, bool is_first,
	struct sp_err *err)
{
	struct json *json = records->state;
	char c;

	if (peek(records, &c, err) != 0)
		return -1;
	if (c == ']') {
		take(json, 1);
		if (peek(records, &c, err) != 0)
			return -1;
		return json->at == json->len
			       ? 0
			       : fail(records,
					 "more behind the list, expected "
					 "its end to be the file's",
					 err);
	}
	if (is_first && c != '\0')
		return 1;
	if (c != ',')
		return fail(records, "not JSON: expected , or ] of the list",
			err);
	take(json, 1);
	return peek(records, &c, err) == 0 ? 1 : -1;
}

static int find_object(struct sp_records *records, struct sp_err *err)
{
	struct json *json = records->state;
	bool is_first = !json->has_begun;
	char c;

	if (json->is_bad && skip_bad(records, err) != 0)
		return -1;
	if (is_first || !json->is_list) {
		if (peek(records, &c, err) != 0)
			return -1;
		json->has_begun = true;
		json->is_list = is_first && c == '[';
		if (!json->is_list)
			return json->at < json->len;
		take(json, 1);
	}
	return find_in_list(records, is_first, err);
}

static int open_json(struct sp_records *records, struct sp_err *err)
{
	struct json *json = calloc(1, sizeof *json);

	if (json == NULL)
		return sp_err_memory(err);
	json->line = 1;
	records->state = json;
	return 0;
}

static int next_object(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	int rc = find_object(records, err);

	return rc == 1 ? read_object(records, fields, err) : rc;
}

const struct sp_record_format sp_records_json = {open_json, next_object, free};
