/* TLS, the client's side: which servers are believed. */
#ifndef SP_REGISTER_TLS_CLIENT_H
#define SP_REGISTER_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "lib/err.h"

/* A context that believes who has a certificate from one of the CAs in the PEM
 * file ca_file, or of the system's when that is NULL; insecure: everybody. TLS
 * 1.2 or newer. Fails with SP_NOINPUT when the file cannot be used. The context
 * is the caller's. */
int tls_client_context(const char *ca_file, bool insecure, SSL_CTX **context,
	struct sp_err *err);

/* A connection's part of it, which asks for the certificate of `host` or, where
 * that is an address, of `domain` (SNI, RFC 6066). NULL: out of memory. */
SSL *tls_client_new(SSL_CTX *context, const char *host, const char *domain);

/* Lets the handshake fail when the certificate is not one for `name`, a name or
 * an address. Returns false without memory. */
bool tls_client_expect(SSL *ssl, const char *name);

/* After the handshake: is the certificate one for the host, a name or an
 * address, or for the SIP domain (RFC 5922 §7)? Yes when nothing is
 * verified. */
bool tls_client_is_for(SSL *ssl, const char *host, const char *domain);

/* After a handshake that failed: what is wrong with the certificate, or NULL
 * when it is not to blame. */
const char *tls_client_complaint(const SSL *ssl);

#endif
