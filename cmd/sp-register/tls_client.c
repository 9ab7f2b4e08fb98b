/* TLS, the client's side: which servers are believed. */
#include "cmd/sp-register/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool is_address(const char *host)
{
	unsigned char raw[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, raw) == 1 ||
	       inet_pton(AF_INET6, host, raw) == 1;
}

static int load_authorities(SSL_CTX *context, const char *ca_file,
	struct sp_err *err)
{
	unsigned long code;
	const char *reason;

	if (ca_file == NULL ? SSL_CTX_set_default_verify_paths(context) == 1
			    : SSL_CTX_load_verify_file(context, ca_file) == 1)
		return 0;
	code = ERR_get_error();
	reason = ERR_reason_error_string(code);
	ERR_clear_error();
	return sp_err_set(err, SP_NOINPUT, "cannot use the CA file '%s': %s",
		ca_file == NULL ? "(of the system)" : ca_file,
		reason == NULL ? "no such file, or not PEM" : reason);
}

int tls_client_context(const char *ca_file, bool insecure, SSL_CTX **out,
	struct sp_err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	*out = NULL;
	if (context == NULL)
		return sp_err_memory(err);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context,
		insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (!insecure && load_authorities(context, ca_file, err) != 0) {
		SSL_CTX_free(context);
		return -1;
	}
	*out = context;
	return 0;
}

SSL *tls_client_new(SSL_CTX *context, const char *host, const char *domain)
{
	const char *name = is_address(host) ? domain : host;
	SSL *ssl = SSL_new(context);

	if (ssl != NULL && !is_address(name))
		SSL_set_tlsext_host_name(ssl, name);
	return ssl;
}

bool tls_client_expect(SSL *ssl, const char *name)
{
	return is_address(name)
		       ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
				 name) == 1
		       : SSL_set1_host(ssl, name) == 1;
}

bool tls_client_is_for(SSL *ssl, const char *host, const char *domain)
{
	X509 *certificate;
	bool is_for;

	if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE)
		return true;
	certificate = SSL_get1_peer_certificate(ssl);
	is_for = certificate != NULL &&
		 (X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
			 X509_check_ip_asc(certificate, host, 0) == 1 ||
			 X509_check_host(certificate, domain, 0, 0, NULL) == 1);
	X509_free(certificate);
	return is_for;
}

const char *tls_client_complaint(const SSL *ssl)
{
	long result = SSL_get_verify_result(ssl);

	if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE || result == X509_V_OK)
		return NULL;
	return X509_verify_cert_error_string(result);
}
