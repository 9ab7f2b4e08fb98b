/* TLS: the context of a server. */
#ifndef SP_REGISTER_TLS_H
#define SP_REGISTER_TLS_H

#include <openssl/ssl.h>

#include "lib/err.h"

/* Reads a certificate, with its chain, and the key that belongs to it, both PEM
 * files. TLS 1.2 or newer. Fails with SP_CONFIG and says what is wrong with
 * which file. The context is the caller's. */
int tls_context(const char *certificate, const char *key, SSL_CTX **context,
	struct sp_err *err);

#endif
