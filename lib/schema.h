/* The schema: one numbered migration after the other. */
#ifndef SP_LIB_SCHEMA_H
#define SP_LIB_SCHEMA_H

/* SP_SCHEMA[v] is the SQL that brings a database of version v to v + 1. Rows
 * are added at the end; a released row is never edited. */
extern const char *const SP_SCHEMA[];
extern const int SP_SCHEMA_VERSION; /* number of rows */

#endif
