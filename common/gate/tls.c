#include "common/gate/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"

struct ffs_tls_roots {
	SSL_CTX *ctx;
};

struct ffs_tls {
	SSL *ssl;
	bool broken; /* OpenSSL forbids goodbyes then */
	char why[256];
};

struct ffs_tls_roots *
ffs_tls_roots_new(char **why)
{
	/* OpenSSL knows SSL_CERT_FILE and SSL_CERT_DIR by itself. */
	const char *bundle = ffs_opt_env("AWS_CA_BUNDLE");
	struct ffs_tls_roots *r = calloc(1, sizeof(*r));

	if (r)
		r->ctx = SSL_CTX_new(TLS_client_method());
	if (!r || !r->ctx) {
		free(r);
		errno = ENOMEM;
		return NULL;
	}
	SSL_CTX_set_min_proto_version(r->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(r->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(r->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				     SSL_MODE_RELEASE_BUFFERS);
	if (bundle ? SSL_CTX_load_verify_locations(r->ctx, bundle, NULL)
		   : SSL_CTX_set_default_verify_paths(r->ctx))
		return r;
	if (asprintf(why, "cannot read certificates from '%s'", bundle ? bundle : "the system") < 0)
		*why = NULL;
	ffs_tls_roots_free(r);
	errno = EINVAL;
	return NULL;
}

void
ffs_tls_roots_free(struct ffs_tls_roots *r)
{
	if (!r)
		return;
	SSL_CTX_free(r->ctx);
	free(r);
}

/* The name, or address, that the certificate must be for; SNI is for names only (RFC 6066, 3). */
static bool
expect(SSL *ssl, const char *host)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct ffs_tls *
ffs_tls_new(struct ffs_tls_roots *r, int fd, const char *host)
{
	struct ffs_tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ssl = SSL_new(r->ctx);
	if (t->ssl && SSL_set_fd(t->ssl, fd) == 1 && expect(t->ssl, host)) {
		SSL_set_connect_state(t->ssl);
		return t;
	}
	SSL_free(t->ssl);
	free(t);
	ERR_clear_error();
	errno = ENOMEM;
	return NULL;
}

void
ffs_tls_free(struct ffs_tls *t)
{
	if (!t)
		return;
	if (!t->broken && SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	ERR_clear_error();
	SSL_free(t->ssl);
	free(t);
}

/* What a call's failure means: 0 the end, -errno. */
static int
failure(struct ffs_tls *t, int got, int err)
{
	long verify;

	switch (SSL_get_error(t->ssl, got)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		t->broken = true;
		snprintf(t->why, sizeof(t->why), "%s", strerror(err ? err : ECONNRESET));
		ERR_clear_error();
		return err ? -err : -ECONNRESET;
	default:
		t->broken = true;
		verify = SSL_get_verify_result(t->ssl);
		if (verify != X509_V_OK)
			snprintf(
			    t->why, sizeof(t->why), "%s", X509_verify_cert_error_string(verify));
		else
			ERR_error_string_n(ERR_peek_error(), t->why, sizeof(t->why));
		ERR_clear_error();
		return verify != X509_V_OK ? -EKEYREJECTED : -EPROTO;
	}
}

int
ffs_tls_shake(struct ffs_tls *t)
{
	int got;

	errno = 0;
	got = SSL_do_handshake(t->ssl);
	if (got == 1)
		return 0;
	got = failure(t, got, errno);
	return got ? got : -ECONNRESET;
}

const char *
ffs_tls_why(struct ffs_tls *t)
{
	return t->why;
}

ssize_t
ffs_tls_read(struct ffs_tls *t, void *p, size_t n)
{
	int got;

	errno = 0;
	got = SSL_read(t->ssl, p, n > 1 << 30 ? 1 << 30 : (int)n);
	return got > 0 ? got : failure(t, got, errno);
}

ssize_t
ffs_tls_write(struct ffs_tls *t, const void *p, size_t n)
{
	int got;

	if (!n)
		return 0;
	errno = 0;
	got = SSL_write(t->ssl, p, n > 1 << 30 ? 1 << 30 : (int)n);
	if (got > 0)
		return got;
	got = failure(t, got, errno);
	return got ? got : -EPIPE;
}
