/* The configuration file. */
#include "lib/config.h"
#include "lib/text.h"
#include "tests/fuzz/fuzz.h"

static void check_tenant(const struct sp_config *config, size_t i)
{
	struct sp_tenant *t = &config->tenants[i];

	FUZZ_CHECK(sp_config_find_tenant(config, t->domain) == t);
	FUZZ_CHECK(sp_tenant_is_named(t, t->domain, strlen(t->domain)));
	FUZZ_CHECK(sp_text_is_host(t->domain, strlen(t->domain)));
	FUZZ_CHECK(t->n_digest > 0 && t->max_contacts > 0);
	FUZZ_CHECK(t->min_ms > 0 && t->min_ms <= t->timeout_ms);
	FUZZ_CHECK(t->refresh_ms > 0 && t->rest_ms >= 0);
}

static void check_config(const struct sp_config *config)
{
	FUZZ_CHECK(strcmp(config->db, "/sp.db") == 0);
	FUZZ_CHECK(config->n_listen > 0 && config->n_tenants > 0);
	FUZZ_CHECK(
		(config->tls_key == NULL) == (config->tls_certificate == NULL));
	for (size_t i = 0; i < config->n_listen; i++) {
		const struct sp_listen *l = &config->listen[i];
		struct sp_listen again;
		struct sp_err err;

		FUZZ_CHECK(sp_listen_parse(&again, l->text, &err) == 0);
		FUZZ_CHECK(again.port == l->port && l->port <= 65535);
		FUZZ_CHECK(strcmp(again.host, l->host) == 0);
		sp_listen_release(&again);
	}
	for (size_t i = 0; i < config->n_tenants; i++)
		check_tenant(config, i);
	sp_config_is_trusted(config, "192.0.2.1");
	sp_config_is_trusted(config, "2001:db8::1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_config config;
	char path[FUZZ_PATH];
	struct sp_err err = {.msg = ""};
	int fd = fuzz_file(data, size, path);

	if (sp_config_load(&config, path, "/sp.db", &err) == 0) {
		check_config(&config);
	} else {
		FUZZ_CHECK(err.code == SP_CONFIG && err.msg[0] != '\0');
		FUZZ_CHECK(strncmp(err.msg, path, strlen(path)) == 0);
		FUZZ_CHECK(strchr(err.msg, '\n') == NULL);
	}
	sp_config_release(&config);
	close(fd);
	return 0;
}
