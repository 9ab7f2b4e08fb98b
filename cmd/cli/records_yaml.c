/* Records in YAML, by libyaml: a list of mappings, event by event, so that
 * memory does not grow with the file. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cmd/cli/record_format.h"

enum {
	LIST = 1, /* depth: in the list, in a mapping of it */
	MAPPING = 2,
	/* libyaml's time grows with the square of depth. */
	MAX_DEPTH = 32,
	/* Bytes between two events: a value that does not end, or comments. */
	MAX_PENDING = 1024 * 1024,
};

static const char TOO_LONG[] = "longer than 1 MiB: is a quote not closed?";

struct yaml {
	yaml_parser_t parser;
	yaml_event_t event; /* the last one */
	int depth;          /* lists and mappings that are open */
	bool has_begun;
	/* What libyaml reads from: */
	struct sp_input *input;
	const char *line; /* what it has not taken yet */
	size_t len;
	size_t pending; /* bytes it took since the last event */
	bool is_cut;    /* it got no more, since there were too many of them */
	bool is_refused;
	struct sp_err refusal; /* the line that it was not given */
};

/* ---- what libyaml reads ------------------------------------------------ */

/* The next line with an end, checked as every text. */
static int refill(struct yaml *yaml)
{
	int rc;

	if (yaml->pending > MAX_PENDING) {
		yaml->is_cut = true;
		return 0;
	}
	rc = sp_input_next(yaml->input, &yaml->line, &yaml->len,
		&yaml->refusal);
	yaml->is_refused = rc < 0;
	return rc;
}

static int read_input(void *arg, unsigned char *buffer, size_t size, size_t *n)
{
	struct yaml *yaml = arg;
	int rc = yaml->line == NULL ? refill(yaml) : 1;

	*n = 0;
	if (rc != 1)
		return rc == 0;
	*n = yaml->len < size ? yaml->len : size;
	memcpy(buffer, yaml->line, *n);
	yaml->line += *n;
	yaml->len -= *n;
	if (*n < size) {
		buffer[(*n)++] = '\n';
		yaml->line = NULL;
	}
	yaml->pending += *n;
	return 1;
}

/* ---- events ------------------------------------------------------------ */

/* For a sentence in err that is about the last event. */
static int blame_here(struct sp_records *records, struct sp_err *err)
{
	const struct yaml *yaml = records->state;

	sp_input_mark(records->input, (int64_t)yaml->event.start_mark.line + 1);
	return sp_input_blame(records->input, err);
}

static int fail_here(struct sp_records *records, const char *sentence,
	struct sp_err *err)
{
	sp_err_set(err, SP_DATA, "%s", sentence);
	return blame_here(records, err);
}

/* A quote that is not closed is noticed at the end of the file: where it was
 * opened says more. */
static int fail_syntax(struct sp_records *records, struct sp_err *err)
{
	const struct yaml *yaml = records->state;
	const yaml_parser_t *parser = &yaml->parser;
	bool is_quote = parser->context != NULL &&
			strstr(parser->context, "quoted") != NULL;
	const yaml_mark_t *mark;

	records->is_over = true;
	if (yaml->is_refused) {
		*err = yaml->refusal;
		return -1;
	}
	/* Then libyaml does not always say so. */
	if (parser->error == YAML_MEMORY_ERROR || parser->problem == NULL)
		return sp_err_memory(err);
	mark = is_quote ? &parser->context_mark : &parser->problem_mark;
	sp_input_mark(records->input, (int64_t)mark->line + 1);
	if (yaml->is_cut)
		sp_err_set(err, SP_DATA, "%s", TOO_LONG);
	else
		sp_err_set(err, SP_DATA, "not YAML: %s", parser->problem);
	return sp_input_blame(records->input, err);
}

static int next_event(struct sp_records *records, struct sp_err *err)
{
	struct yaml *yaml = records->state;

	yaml_event_delete(&yaml->event);
	if (!yaml_parser_parse(&yaml->parser, &yaml->event))
		return fail_syntax(records, err);
	yaml->pending = 0;
	switch (yaml->event.type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: yaml->depth++; break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: yaml->depth--; break;
	default: break;
	}
	if (yaml->depth <= MAX_DEPTH && !yaml->is_cut)
		return 0;
	records->is_over = true;
	return fail_here(records,
		yaml->is_cut ? TOO_LONG
			     : "too many levels, expected a list of mappings",
		err);
}

/* Reads up to the end of what is open below `depth`. */
static int skip_to(struct sp_records *records, int depth, struct sp_err *err)
{
	const struct yaml *yaml = records->state;

	while (yaml->depth > depth)
		if (next_event(records, err) != 0)
			return -1;
	return 0;
}

/* ---- a mapping --------------------------------------------------------- */

/* Why this event is no plain value, NULL when it is. */
static const char *unwanted(const yaml_event_t *event)
{
	const char *tag;

	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT: return "a list";
	case YAML_MAPPING_START_EVENT: return "a mapping";
	case YAML_ALIAS_EVENT: return "an alias";
	default: break;
	}
	tag = (const char *)event->data.scalar.tag;
	return tag == NULL || strcmp(tag, "!") == 0 ||
			       strcmp(tag, YAML_STR_TAG) == 0
		       ? NULL
		       : "a value with a tag";
}

/* YAML 1.2.2 §10.3.2. */
static bool is_null(const yaml_event_t *event)
{
	static const char *const NULLS[] = {"", "~", "null", "Null", "NULL"};
	const char *text = (const char *)event->data.scalar.value;

	if (!event->data.scalar.plain_implicit ||
		event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof NULLS / sizeof NULLS[0]; i++)
		if (strcmp(text, NULLS[i]) == 0)
			return true;
	return false;
}

static int set_value(struct sp_records *records, const char **fields,
	size_t name, struct sp_err *err)
{
	const struct yaml *yaml = records->state;
	const yaml_event_t *event = &yaml->event;
	const char *wrong = unwanted(event);
	int rc;

	if (wrong != NULL)
		rc = sp_err_set(err, SP_DATA, "%s: %s, expected one value",
			sp_record_name_text(records, name), wrong);
	else
		rc = sp_record_set(records, fields, name,
			(const char *)event->data.scalar.value,
			is_null(event) ? 0 : event->data.scalar.length, err);
	return rc == 0 ? 0 : blame_here(records, err);
}

static int read_pair(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	const yaml_event_t *event = &((struct yaml *)records->state)->event;
	const char *key = (const char *)event->data.scalar.value;
	size_t name;

	if (unwanted(event) != NULL || strlen(key) < event->data.scalar.length)
		return fail_here(records,
			"a key that is no plain text, expected 'key: value'",
			err);
	if (sp_record_name(records, "key", key, &records->seen, &name, err) !=
		0)
		return blame_here(records, err);
	if (next_event(records, err) != 0)
		return -1;
	if (name < records->known.n)
		return set_value(records, fields, name, err);
	return skip_to(records, MAPPING, err);
}

static int read_mapping(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	const struct yaml *yaml = records->state;
	int64_t line = (int64_t)yaml->event.start_mark.line + 1;

	sp_record_begin(records, fields);
	for (;;) {
		if (next_event(records, err) != 0)
			return -1;
		if (yaml->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (read_pair(records, fields, err) != 0)
			return -1;
	}
	sp_input_mark(records->input, line);
	if (sp_record_end(records, err) != 0)
		return sp_input_blame(records->input, err);
	return 1;
}

/* ---- the list ---------------------------------------------------------- */

static int fail_list(struct sp_records *records, struct sp_err *err)
{
	records->is_over = true;
	sp_err_set(err, SP_DATA, "not a list, expected '- %s: ...'",
		records->known.names[0]);
	return blame_here(records, err);
}

static int begin_list(struct sp_records *records, struct sp_err *err)
{
	struct yaml *yaml = records->state;

	yaml->has_begun = true;
	do {
		if (next_event(records, err) != 0)
			return -1;
	} while (yaml->event.type == YAML_STREAM_START_EVENT ||
		 yaml->event.type == YAML_DOCUMENT_START_EVENT);
	return yaml->event.type == YAML_SEQUENCE_START_EVENT
		       ? 0
		       : fail_list(records, err);
}

/* Nothing but the end may stand behind the list. */
static int end_list(struct sp_records *records, struct sp_err *err)
{
	const struct yaml *yaml = records->state;

	do {
		if (next_event(records, err) != 0)
			return -1;
	} while (yaml->event.type == YAML_DOCUMENT_END_EVENT);
	if (yaml->event.type == YAML_STREAM_END_EVENT)
		return 0;
	records->is_over = true;
	return fail_here(records, "a second document, expected only one", err);
}

static int next_mapping(struct sp_records *records, const char **fields,
	struct sp_err *err)
{
	struct yaml *yaml = records->state;

	if (!yaml->has_begun && begin_list(records, err) != 0)
		return -1;
	/* What is left of one with an error. */
	if (skip_to(records, LIST, err) != 0 || next_event(records, err) != 0)
		return -1;
	if (yaml->event.type == YAML_SEQUENCE_END_EVENT)
		return end_list(records, err);
	if (yaml->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(records, fields, err);
	sp_err_set(err, SP_DATA, "not a mapping, expected '%s: ...'",
		records->known.names[0]);
	return blame_here(records, err);
}

static int open_yaml(struct sp_records *records, struct sp_err *err)
{
	struct yaml *yaml = calloc(1, sizeof *yaml);

	if (yaml == NULL)
		return sp_err_memory(err);
	if (!yaml_parser_initialize(&yaml->parser)) {
		free(yaml);
		return sp_err_memory(err);
	}
	yaml->input = records->input;
	yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input(&yaml->parser, read_input, yaml);
	records->state = yaml;
	return 0;
}

static void close_yaml(void *state)
{
	struct yaml *yaml = state;

	yaml_event_delete(&yaml->event);
	yaml_parser_delete(&yaml->parser);
	free(yaml);
}

const struct sp_record_format sp_records_yaml = {open_yaml, next_mapping,
	close_yaml};
