#include "common/node/awschunked.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"

#define LINE_MAX_BYTES 512
#define CHUNK_SIGNATURE ";chunk-signature="
#define TRAILER_SIGNATURE "x-amz-trailer-signature"

enum state { SIZE, DATA, AFTER, TRAILER, DONE };

struct ffs_awschunked {
	enum state state;
	uint64_t length, seen; /* announced, and passed on so far */
	uint64_t left;         /* of the chunk, or of the CRLF behind it */
	bool is_signed, verified;
	size_t nline;
	char line[LINE_MAX_BYTES];
	char *trailer; /* the field that it may have, lower case; NULL: none */
	char *value;   /* of that field; NULL: not seen */
	struct ffs_sigv4_claim claim;
	unsigned char key[32];
	char prev[65], expect[65]; /* signatures: of the chunk before, of this one */
	EVP_MD_CTX *sha;
};

struct ffs_awschunked *
ffs_awschunked_new(const struct ffs_awschunked_opts *o)
{
	struct ffs_awschunked *c = calloc(1, sizeof(*c));
	char *p;

	if (!c)
		return NULL;
	c->length = o->length;
	c->is_signed = o->claim;
	if (o->trailer) {
		c->trailer = strdup(o->trailer);
		if (!c->trailer)
			goto fail;
		for (p = c->trailer; *p; p++)
			*p = (char)tolower((unsigned char)*p);
	}
	if (!o->claim)
		return c;
	c->claim = *o->claim;
	memcpy(c->key, o->key, sizeof(c->key));
	memcpy(c->prev, o->claim->signature, sizeof(c->prev));
	c->sha = EVP_MD_CTX_new();
	if (c->sha && EVP_DigestInit_ex(c->sha, EVP_sha256(), NULL) == 1)
		return c;
fail:
	ffs_awschunked_free(c);
	errno = ENOMEM;
	return NULL;
}

void
ffs_awschunked_free(struct ffs_awschunked *c)
{
	if (!c)
		return;
	EVP_MD_CTX_free(c->sha);
	free(c->trailer);
	free(c->value);
	OPENSSL_cleanse(c->key, sizeof(c->key));
	free(c);
}

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch = (char)(ch | 32);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* "HEX" or "HEX;chunk-signature=64 digits", without its CRLF. */
static int
parse_size(struct ffs_awschunked *c)
{
	const char *s = c->line;
	uint64_t n = 0;
	int d, digits = 0;

	for (; (d = hex_digit(*s)) >= 0; s++, digits++) {
		if (digits == 16)
			return -EPROTO;
		n = n << 4 | (uint64_t)d;
	}
	if (!digits || n > c->length - c->seen)
		return -EPROTO;
	if (c->is_signed) {
		if (strncmp(s, CHUNK_SIGNATURE, strlen(CHUNK_SIGNATURE)))
			return -EPROTO;
		s += strlen(CHUNK_SIGNATURE);
		if (strlen(s) != 64)
			return -EPROTO;
		memcpy(c->expect, s, 65);
	} else if (*s && *s != ';') {
		return -EPROTO;
	}
	c->left = n;
	return 0;
}

/* The chunk is complete: its signature must be the one that its first line gave. */
static int
verify_chunk(struct ffs_awschunked *c)
{
	struct ffs_buf hex = FFS_BUF_INIT;
	unsigned char md[32];
	char sig[65];
	int rc;

	if (!c->is_signed)
		return 0;
	if (EVP_DigestFinal_ex(c->sha, md, NULL) != 1 ||
	    EVP_DigestInit_ex(c->sha, EVP_sha256(), NULL) != 1)
		return -EIO;
	ffs_buf_addhex(&hex, md, sizeof(md));
	rc = ffs_buf_error(&hex);
	if (!rc)
		rc = ffs_sigv4_chunk(
		    sig, c->key, &c->claim, "AWS4-HMAC-SHA256-PAYLOAD", c->prev, hex.p);
	ffs_buf_release(&hex);
	if (rc)
		return rc;
	if (!ffs_sigv4_same(sig, c->expect))
		return -EACCES;
	memcpy(c->prev, sig, sizeof(sig));
	return 0;
}

static int
verify_trailer(struct ffs_awschunked *c, const char *expect)
{
	struct ffs_buf canonical = FFS_BUF_INIT;
	char hash[65], sig[65];
	int rc;

	ffs_buf_addf(&canonical, "%s:%s\n", c->trailer, c->value);
	rc = ffs_buf_error(&canonical);
	if (!rc)
		rc = ffs_sigv4_sha256(hash, canonical.p, canonical.len);
	ffs_buf_release(&canonical);
	if (!rc)
		rc = ffs_sigv4_chunk(
		    sig, c->key, &c->claim, "AWS4-HMAC-SHA256-TRAILER", c->prev, hash);
	if (rc)
		return rc;
	if (!ffs_sigv4_same(sig, expect))
		return -EACCES;
	c->verified = true;
	return 0;
}

/*
 * A line of the trailer; an empty one ends it. A field that was not announced would be taken
 * without being looked at: S3 refuses it, too.
 */
static int
parse_trailer(struct ffs_awschunked *c)
{
	char *colon, *value;
	size_t n;

	if (!c->nline) {
		/* Some clients send an empty line before the signature, too. */
		if (c->is_signed && c->trailer && !c->verified)
			return c->value ? 0 : -ENOMSG;
		c->state = DONE;
		return 0;
	}
	colon = strchr(c->line, ':');
	if (!colon || !c->trailer || c->verified)
		return -ENOMSG;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	n = strlen(value);
	while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		value[--n] = '\0';
	if (c->value)
		return c->is_signed && !strcasecmp(c->line, TRAILER_SIGNATURE)
		           ? verify_trailer(c, value)
		           : -ENOMSG;
	if (strcasecmp(c->line, c->trailer))
		return -ENOMSG;
	c->value = strdup(value);
	return c->value ? 0 : -ENOMEM;
}

/* A whole line is in c->line, without its end. */
static int
on_line(struct ffs_awschunked *c)
{
	int rc;

	if (c->state == TRAILER)
		return parse_trailer(c);
	rc = parse_size(c);
	if (rc)
		return rc;
	if (c->left) {
		c->state = DATA;
		return 0;
	}
	c->state = TRAILER;
	return c->seen == c->length ? verify_chunk(c) : -EPROTO;
}

/* Collect a line up to its LF.  Returns how many bytes were used, or -errno. */
static ssize_t
take_line(struct ffs_awschunked *c, const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);
	size_t used = lf ? (size_t)(lf - p) + 1 : n, keep = lf ? used - 1 : n;
	int rc;

	if (c->nline + keep >= sizeof(c->line) || memchr(p, '\0', keep))
		return -EPROTO;
	memcpy(c->line + c->nline, p, keep);
	c->nline += keep;
	if (!lf)
		return (ssize_t)used;
	if (c->nline && c->line[c->nline - 1] == '\r')
		c->nline--;
	else if (c->state == SIZE)
		return -EPROTO;
	c->line[c->nline] = '\0';
	rc = on_line(c);
	c->nline = 0;
	return rc ? rc : (ssize_t)used;
}

/* Bytes of a chunk.  Returns how many were used, or an error. */
static ssize_t
take_data(struct ffs_awschunked *c, const char *p, size_t n,
    int (*data)(void *arg, const void *p, size_t n), void *arg, int *err)
{
	if (n > c->left)
		n = (size_t)c->left;
	if (c->is_signed && EVP_DigestUpdate(c->sha, p, n) != 1)
		*err = -EIO;
	else
		*err = data(arg, p, n);
	c->left -= n;
	c->seen += n;
	if (!c->left) {
		c->state = AFTER;
		c->left = 2;
	}
	return (ssize_t)n;
}

int
ffs_awschunked_feed(struct ffs_awschunked *c, const void *p, size_t n,
    int (*data)(void *arg, const void *p, size_t n), void *arg)
{
	const char *s = p;
	ssize_t used;
	int rc = 0;

	for (; n && !rc; s += used, n -= (size_t)used) {
		switch (c->state) {
		case SIZE:
		case TRAILER:
			used = take_line(c, s, n);
			if (used < 0)
				return (int)used;
			break;
		case DATA:
			used = take_data(c, s, n, data, arg, &rc);
			break;
		case AFTER:
			if (*s != (c->left == 2 ? '\r' : '\n'))
				return -EPROTO;
			used = 1;
			if (--c->left)
				break;
			c->state = SIZE;
			rc = verify_chunk(c);
			break;
		default:
			return -EPROTO;
		}
	}
	return rc;
}

int
ffs_awschunked_end(const struct ffs_awschunked *c)
{
	return c->state == DONE && c->seen == c->length ? 0 : -EPROTO;
}

const char *
ffs_awschunked_trailer(const struct ffs_awschunked *c)
{
	return c->value;
}
