/* TLS: the context of a server. */
#include "cmd/sp-register/tls.h"

#include <openssl/err.h>
#include <stdbool.h>

static int fail(const char *what, const char *path, const char *reason,
	struct sp_err *err)
{
	if (reason == NULL)
		reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return sp_err_set(err, SP_CONFIG, "cannot use the %s '%s': %s", what,
		path, reason == NULL ? "no such file, or not PEM" : reason);
}

/* Nobody is there to be asked. */
static int no_passphrase(char *buffer, int size, int is_writing, void *is_asked)
{
	(void)buffer;
	(void)size;
	(void)is_writing;
	*(bool *)is_asked = true;
	return -1;
}

static int load(SSL_CTX *context, const char *certificate, const char *key,
	struct sp_err *err)
{
	bool is_asked = false;
	int rc = 0;

	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(context, &is_asked);
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		rc = fail("TLS certificate", certificate, NULL, err);
	else if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) !=
			 1 ||
		 SSL_CTX_check_private_key(context) != 1)
		rc = fail("TLS key", key,
			is_asked ? "it needs a passphrase" : NULL, err);
	SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
	return rc;
}

int tls_context(const char *certificate, const char *key, SSL_CTX **out,
	struct sp_err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	*out = NULL;
	if (context == NULL)
		return sp_err_memory(err);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	/* A phone that is killed says no goodbye, which is no error: messages
	 * say themselves how long they are. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_COMPRESSION |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	if (load(context, certificate, key, err) != 0) {
		SSL_CTX_free(context);
		return -1;
	}
	*out = context;
	return 0;
}
