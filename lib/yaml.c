/* A YAML file as a tree of values that know where they stand. */
#include "lib/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

/* libyaml's time grows with the square of depth and of anchors; a file for
 * people comes near none of these. */
enum {
	MAX_FILE = 1024 * 1024,
	MAX_DEPTH = 32,
	MAX_ANCHORS = 1000,
};

struct sp_yaml {
	char *path;
	yaml_document_t document;
	bool is_loaded; /* the document is to be deleted */
};

/* ---- errors ------------------------------------------------------------ */

static yaml_node_t *raw(const struct sp_yaml_node *node)
{
	return yaml_document_get_node(&node->yaml->document, node->id);
}

int sp_yaml_blame(const struct sp_yaml_node *node, struct sp_err *err)
{
	if (err->code == SP_BUG)
		return -1;
	err->code = SP_CONFIG;
	if (node->name[0] != '\0')
		sp_err_prefix(err, "%s: ", node->name);
	return sp_err_prefix(err, "%s:%zu: ", node->yaml->path,
		raw(node)->start_mark.line + 1);
}

int sp_yaml_fail(const struct sp_yaml_node *node, struct sp_err *err,
	const char *format, ...)
{
	va_list ap;

	err->code = SP_CONFIG;
	va_start(ap, format);
	vsnprintf(err->msg, sizeof err->msg, format, ap);
	va_end(ap);
	return sp_yaml_blame(node, err);
}

/* libyaml tells a line for all but bytes that it cannot decode. */
static size_t problem_line(const yaml_parser_t *parser, const char *data)
{
	size_t line = 1;

	if (parser->error != YAML_READER_ERROR)
		return parser->problem_mark.line + 1;
	for (size_t i = 0; i < parser->problem_offset; i++)
		line += data[i] == '\n';
	return line;
}

static int fail_syntax(const struct sp_yaml *yaml, const yaml_parser_t *parser,
	const char *data, struct sp_err *err)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return sp_err_memory(err);
	return sp_err_set(err, SP_CONFIG, "%s:%zu: not YAML: %s", yaml->path,
		problem_line(parser, data),
		parser->problem == NULL ? "unreadable" : parser->problem);
}

/* ---- reading the file -------------------------------------------------- */

static int fail_read(const char *path, struct sp_err *err)
{
	enum sp_code code = errno == EACCES || errno == EPERM ? SP_NOPERM
			    : errno == EIO                    ? SP_IO
							      : SP_NOINPUT;

	return sp_err_set(err, code, "cannot read '%s': %s", path,
		strerror(errno));
}

/* Fills data; *len is size when there is more than fits. */
static int read_all(int fd, char *data, size_t size, size_t *len)
{
	*len = 0;
	while (*len < size) {
		ssize_t n = read(fd, data + *len, size - *len);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
		*len += n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

/* *data is the caller's to free, also after -1. */
static int read_file(const char *path, char **data, size_t *len,
	struct sp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = -1;

	if (fd < 0)
		return fail_read(path, err);
	*data = malloc(MAX_FILE + 1);
	if (*data == NULL)
		sp_err_memory(err);
	else if (read_all(fd, *data, MAX_FILE + 1, len) != 0)
		fail_read(path, err);
	else if (*len > MAX_FILE)
		sp_err_set(err, SP_CONFIG, "%s:1: file is larger than 1 MiB",
			path);
	else
		rc = 0;
	close(fd);
	return rc;
}

struct limits {
	int depth, anchors, documents;
};

/* Counts one event. Returns what is wrong with it, or NULL. */
static const char *count_event(struct limits *limits, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT: limits->documents++; break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		limits->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		limits->depth++;
		break;
	case YAML_SCALAR_EVENT: anchor = event->data.scalar.anchor; break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: limits->depth--; break;
	default: break;
	}
	limits->anchors += anchor != NULL;
	if (limits->documents > 1)
		return "a second document, expected only one";
	if (limits->depth > MAX_DEPTH)
		return "too many levels, expected a few";
	if (limits->anchors > MAX_ANCHORS)
		return "too many anchors, expected a few";
	return NULL;
}

/* Reads all events once for syntax and limits: the document is built only
 * from what has passed, and a mistake behind its end is not passed over. */
static int check_events(const struct sp_yaml *yaml, yaml_parser_t *parser,
	const char *data, struct sp_err *err)
{
	struct limits limits = {0};
	const char *wrong = NULL;
	yaml_event_t event;
	bool is_end = false;
	size_t line;

	while (!is_end && wrong == NULL) {
		if (!yaml_parser_parse(parser, &event))
			return fail_syntax(yaml, parser, data, err);
		is_end = event.type == YAML_STREAM_END_EVENT;
		line = event.start_mark.line + 1;
		wrong = count_event(&limits, &event);
		yaml_event_delete(&event);
	}
	if (wrong == NULL)
		return 0;
	return sp_err_set(err, SP_CONFIG, "%s:%zu: %s", yaml->path, line,
		wrong);
}

static int build_document(struct sp_yaml *yaml, yaml_parser_t *parser,
	const char *data, struct sp_err *err)
{
	if (!yaml_parser_load(parser, &yaml->document))
		return fail_syntax(yaml, parser, data, err);
	yaml->is_loaded = true;
	return 0;
}

static int parse(struct sp_yaml *yaml, const char *data, size_t len,
	struct sp_err *err)
{
	const unsigned char *bytes = (const unsigned char *)data;
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return sp_err_memory(err);
	yaml_parser_set_input_string(&parser, bytes, len);
	rc = check_events(yaml, &parser, data, err);
	yaml_parser_delete(&parser);
	if (rc != 0)
		return -1;
	if (!yaml_parser_initialize(&parser))
		return sp_err_memory(err);
	yaml_parser_set_input_string(&parser, bytes, len);
	rc = build_document(yaml, &parser, data, err);
	yaml_parser_delete(&parser);
	return rc;
}

int sp_yaml_open(struct sp_yaml **out, const char *path,
	struct sp_yaml_node *root, struct sp_err *err)
{
	struct sp_yaml *yaml = calloc(1, sizeof *yaml);
	char *data = NULL;
	size_t len = 0;
	int rc = -1;

	*out = yaml;
	*root = (struct sp_yaml_node){.name = ""};
	if (yaml == NULL || (yaml->path = strdup(path)) == NULL) {
		sp_err_memory(err);
		goto out;
	}
	if (read_file(path, &data, &len, err) != 0 ||
		parse(yaml, data, len, err) != 0)
		goto out;
	if (yaml_document_get_root_node(&yaml->document) != NULL)
		*root = (struct sp_yaml_node){yaml, "", 1};
	rc = 0;
out:
	free(data);
	return rc;
}

void sp_yaml_close(struct sp_yaml *yaml)
{
	if (yaml == NULL)
		return;
	if (yaml->is_loaded)
		yaml_document_delete(&yaml->document);
	free(yaml->path);
	free(yaml);
}

/* ---- values ------------------------------------------------------------ */

static bool has_control(const yaml_node_t *scalar)
{
	for (size_t i = 0; i < scalar->data.scalar.length; i++)
		if (scalar->data.scalar.value[i] < 0x20 ||
			scalar->data.scalar.value[i] == 0x7f)
			return true;
	return false;
}

int sp_yaml_text(const struct sp_yaml_node *node, const char **text,
	struct sp_err *err)
{
	const yaml_node_t *scalar = raw(node);

	if (scalar->type != YAML_SCALAR_NODE)
		return sp_yaml_fail(node, err, "a %s, expected one value",
			scalar->type == YAML_SEQUENCE_NODE ? "list"
							   : "mapping");
	if (scalar->data.scalar.length == 0)
		return sp_yaml_fail(node, err, "empty, expected a value");
	if (has_control(scalar))
		return sp_yaml_fail(node, err,
			"a control character, expected plain text");
	*text = (const char *)scalar->data.scalar.value;
	return 0;
}

int sp_yaml_keep(const struct sp_yaml_node *node, void *field,
	struct sp_err *err)
{
	(void)err;
	*(struct sp_yaml_node *)field = *node;
	return 0;
}

int sp_yaml_list(const struct sp_yaml_node *node, size_t at_least,
	sp_yaml_set_fn *add, void *target, struct sp_err *err)
{
	const yaml_node_t *list = raw(node);
	const yaml_node_item_t *item, *end;

	if (list->type != YAML_SEQUENCE_NODE)
		return sp_yaml_fail(node, err,
			"not a list, expected [a, b] or lines with '- '");
	item = list->data.sequence.items.start;
	end = list->data.sequence.items.top;
	if ((size_t)(end - item) < at_least)
		return sp_yaml_fail(node, err,
			"an empty list, expected at least one entry");
	for (; item < end; item++) {
		struct sp_yaml_node entry = {node->yaml, node->name, *item};

		if (add(&entry, target, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- mappings ---------------------------------------------------------- */

static int fail_unknown_key(const struct sp_yaml_node *key, const char *text,
	const struct sp_yaml_key *keys, struct sp_err *err)
{
	char known[256] = "";
	size_t len = 0;

	for (; keys->name != NULL && len < sizeof known; keys++)
		len += (size_t)snprintf(known + len, sizeof known - len, "%s%s",
			len == 0 ? "" : ", ", keys->name);
	return sp_yaml_fail(key, err, "unknown key '%.60s', expected %s", text,
		known);
}

/* Returns the row of keys that `key` names, or NULL after an error. */
static const struct sp_yaml_key *find_key(const struct sp_yaml_node *key,
	const struct sp_yaml_key *keys, struct sp_err *err)
{
	const char *text;

	if (sp_yaml_text(key, &text, err) != 0)
		return NULL;
	for (const struct sp_yaml_key *k = keys; k->name != NULL; k++)
		if (strcmp(k->name, text) == 0)
			return k;
	fail_unknown_key(key, text, keys, err);
	return NULL;
}

int sp_yaml_mapping(const struct sp_yaml_node *node,
	const struct sp_yaml_key *keys, void *target, struct sp_err *err)
{
	const yaml_node_t *mapping = raw(node);
	const yaml_node_pair_t *pair;
	uint32_t seen = 0;

	if (mapping->type != YAML_MAPPING_NODE)
		return sp_yaml_fail(node, err,
			"not a mapping, expected lines with 'key: value'");
	for (pair = mapping->data.mapping.pairs.start;
		pair < mapping->data.mapping.pairs.top; pair++) {
		struct sp_yaml_node key = {node->yaml, node->name, pair->key};
		const struct sp_yaml_key *row = find_key(&key, keys, err);
		struct sp_yaml_node value = {node->yaml, NULL, pair->value};
		uint32_t bit;

		if (row == NULL)
			return -1;
		bit = UINT32_C(1) << (row - keys);
		if (seen & bit)
			return sp_yaml_fail(&key, err,
				"'%s' a second time, "
				"expected only one",
				row->name);
		seen |= bit;
		value.name = row->name;
		if (row->set(&value, (char *)target + row->offset, err) != 0)
			return -1;
	}
	return 0;
}
