/* A YAML file as a tree of values that know where they stand, so that every
 * complaint can say FILE:LINE. Only yaml.c knows that libyaml reads it. */
#ifndef SP_LIB_YAML_H
#define SP_LIB_YAML_H

#include <stddef.h>

#include "lib/err.h"

struct sp_yaml;

/* A value of the document; good until sp_yaml_close. */
struct sp_yaml_node {
	struct sp_yaml *yaml; /* NULL: there is none */
	const char *name;     /* the key that it stands under; "" at the top */
	int id;               /* libyaml's number of it */
};

/* Takes the meaning of a value into *field. Returns 0 or -1. */
typedef int sp_yaml_set_fn(const struct sp_yaml_node *node, void *field,
	struct sp_err *err);

/* A key that a mapping may have, and where its value goes. */
struct sp_yaml_key {
	const char *name;
	sp_yaml_set_fn *set;
	size_t offset; /* of the field in the struct that is filled */
};

/* Reads a file of one document, or none: root->yaml is NULL then. Fails with
 * SP_CONFIG for what is not YAML, SP_NOINPUT or SP_NOPERM for a file that
 * cannot be read. Close *yaml in any case. */
int sp_yaml_open(struct sp_yaml **yaml, const char *path,
	struct sp_yaml_node *root, struct sp_err *err);
void sp_yaml_close(struct sp_yaml *yaml); /* accepts NULL */

/* Calls set for each key of a mapping, with its field of `target`. keys (at
 * most 32) end with a row without name. Fails when the value is no mapping,
 * and for a key that is unknown or there twice. */
int sp_yaml_mapping(const struct sp_yaml_node *node,
	const struct sp_yaml_key *keys, void *target, struct sp_err *err);

/* Calls add with `target` for each value of a list. Fails when the value is no
 * list, or an empty one that must have `at_least` 1. */
int sp_yaml_list(const struct sp_yaml_node *node, size_t at_least,
	sp_yaml_set_fn *add, void *target, struct sp_err *err);

/* The text of a scalar: not empty, without control characters, borrowed. */
int sp_yaml_text(const struct sp_yaml_node *node, const char **text,
	struct sp_err *err);

/* Fails with SP_CONFIG and "FILE:LINE: NAME: " before the sentence. */
int sp_yaml_fail(const struct sp_yaml_node *node, struct sp_err *err,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a sentence that is already in err (but SP_BUG stays). */
int sp_yaml_blame(const struct sp_yaml_node *node, struct sp_err *err);

/* A set function: keeps the node itself, to be read when others are known. */
sp_yaml_set_fn sp_yaml_keep;

#endif
