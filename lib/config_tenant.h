/* One entry of `tenants:` in the configuration: for config.c alone. */
#ifndef SP_LIB_CONFIG_TENANT_H
#define SP_LIB_CONFIG_TENANT_H

#include "lib/config.h"
#include "lib/err.h"
#include "lib/tenant.h"
#include "lib/yaml.h"

/* Reads a tenant. config: the tenants before it, whose names it may not have.
 * Fails with SP_CONFIG; release *tenant in any case. */
int sp_config_read_tenant(const struct sp_yaml_node *node,
	const struct sp_config *config, struct sp_tenant *tenant,
	struct sp_err *err);

/* Frees the text in *field, if any, and puts a copy of `text` there. */
int sp_config_copy(char **field, const char *text, struct sp_err *err);

#endif
