#include "common/s3/httpline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/loopback.h"
#include "common/base/opt.h"

#define RECV_BUFFER (512 * 1024L)
#define SEND_BUFFER (1024 * 1024L)

/* --- libcurl's callbacks --- */

static size_t
on_field(char *p, size_t size, size_t n, void *arg)
{
	struct ffs_httpline *line = arg;
	struct ffs_exchange *x = line->x;
	char text[8192], *value, *end;
	size_t len = size * n;

	if (!x)
		return 0;
	if (!x->first_byte_us)
		x->first_byte_us = ffs_clock_us() - x->sent_us;
	/* Longer than any that matters: let it pass unread. */
	if (len >= sizeof(text))
		return len;
	memcpy(text, p, len);
	text[len] = '\0';
	end = text + len;
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!strncmp(text, "HTTP/", 5)) {
		x->field(x, "", "");
		return len;
	}
	value = strchr(text, ':');
	if (!value || value == text)
		return len;
	*value++ = '\0';
	value += strspn(value, " \t");
	x->field(x, text, value);
	return line->x ? len : 0;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct ffs_httpline *line = arg;
	struct ffs_exchange *x = line->x;
	long status = 0;
	int rc;

	if (!x)
		return 0;
	if (!x->status) {
		curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &status);
		x->status = (int)status;
	}
	rc = x->data(x, p, size * n);
	if (!line->x)
		return 0;
	line->paused = rc == FFS_EXCHANGE_PAUSE;
	if (line->paused)
		return CURL_WRITEFUNC_PAUSE;
	if (rc) {
		line->rc = rc;
		return 0;
	}
	return size * n;
}

static size_t
on_read(char *to, size_t size, size_t n, void *arg)
{
	struct ffs_httpline *line = arg;
	size_t want = size * n;

	if (!line->x)
		return CURL_READFUNC_ABORT;
	if (want > line->x->body_len - line->sent)
		want = line->x->body_len - line->sent;
	memcpy(to, (const char *)line->x->body + line->sent, want);
	line->sent += want;
	return want;
}

/* libcurl sends a body again where a kept connection turns out to be dead. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct ffs_httpline *line = arg;

	if (!line->x || origin != SEEK_SET || offset < 0 || (size_t)offset > line->x->body_len)
		return CURL_SEEKFUNC_FAIL;
	line->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* libcurl's trace on stderr: header lines and its remarks, without anything secret. */
static int
on_debug(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	static const char *const secret[] = { "authorization:", "x-amz-security-token:" };
	static const char mark[] = "*<>";
	size_t i, k, len;
	char out[1024];

	(void)easy;
	(void)arg;
	if (type != CURLINFO_TEXT && type != CURLINFO_HEADER_IN && type != CURLINFO_HEADER_OUT)
		return 0;
	while (n) {
		char *nl = memchr(p, '\n', n);
		bool hide = false;

		len = nl ? (size_t)(nl - p) : n;
		for (i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
			hide |= len >= strlen(secret[i]) &&
			        !strncasecmp(p, secret[i], strlen(secret[i]));
		out[0] = mark[type];
		out[1] = ' ';
		for (k = 0; k < len && k < sizeof(out) - 4 && p[k] != '\r'; k++) {
			out[k + 2] = isprint((unsigned char)p[k]) ? p[k] : '?';
			if (hide && p[k] == ':')
				break;
		}
		out[k + 2] = '\n';
		if (write(STDERR_FILENO, out, k + 3) < 0)
			break;
		n -= nl ? len + 1 : len;
		p += nl ? len + 1 : len;
	}
	return 0;
}

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	const struct ffs_http_opts *o = arg;

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (ffs_loopback_is(&a->addr))
		ffs_loopback_tune(fd);
	if (o->opened)
		o->opened(o->socket_arg, fd);
	return fd;
}

static int
on_close(void *arg, curl_socket_t fd)
{
	const struct ffs_http_opts *o = arg;

	if (o->closing)
		o->closing(o->socket_arg, fd);
	return close(fd);
}

/* --- easy handles --- */

void
ffs_httpline_free(struct ffs_httpline *line)
{
	if (!line)
		return;
	curl_easy_cleanup(line->easy);
	free(line);
}

/* What is the same for all requests. */
static int
setup(struct ffs_httpline *line, const struct ffs_http_opts *o)
{
	const char *ca = ffs_opt_env("AWS_CA_BUNDLE");
	CURL *e = line->easy;
	int bad = 0;

	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(e, CURLOPT_USERAGENT, "ffs/" FFS_VERSION);
	/* Keys may hold "..": the path is signed and sent as it is. */
	bad |= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, (void *)(uintptr_t)o);
	bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, (void *)(uintptr_t)o);
	bad |= curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECV_BUFFER);
	bad |= curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
	/* http.c keeps the time itself; libcurl's clock runs while the caller is away. */
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, 24 * 3600 * 1000L);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, line->error);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_field);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, line);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, line);
	bad |= curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	bad |= curl_easy_setopt(e, CURLOPT_READDATA, line);
	bad |= curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
	bad |= curl_easy_setopt(e, CURLOPT_SEEKDATA, line);
	bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, line);
	if (ca)
		bad |= curl_easy_setopt(e, CURLOPT_CAINFO, ca);
	if (o->verbose) {
		bad |= curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
		bad |= curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
	}
	return bad ? -ENOMEM : 0;
}

struct ffs_httpline *
ffs_httpline_new(const struct ffs_http_opts *o)
{
	struct ffs_httpline *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	line->easy = curl_easy_init();
	if (!line->easy || setup(line, o)) {
		ffs_httpline_free(line);
		return NULL;
	}
	return line;
}

int
ffs_httpline_aim(struct ffs_httpline *line, struct ffs_exchange *x)
{
	bool get = !strcmp(x->method, "GET"), head = !strcmp(x->method, "HEAD");
	bool put = !strcmp(x->method, "PUT") || !strcmp(x->method, "POST") || x->body_len;
	CURL *e = line->easy;
	int bad = 0;

	/* HTTPGET first: it undoes what another method left behind. */
	bad |= curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	if (head)
		bad |= curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (put) {
		bad |= curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
		bad |= curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_len);
	}
	bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, get || head ? NULL : x->method);
	bad |= curl_easy_setopt(e, CURLOPT_URL, x->url);
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->fields);
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, x->direct ? "" : NULL);
	line->sent = 0;
	line->paused = line->resume = false;
	line->rc = 0;
	line->progress = 0;
	line->error[0] = '\0';
	line->x = x;
	x->line = line;
	return bad ? -ENOMEM : 0;
}

int
ffs_httpline_errno(const struct ffs_httpline *line, CURLcode code)
{
	long os = 0;

	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(line->easy, CURLINFO_OS_ERRNO, &os);
		return os ? -(int)os : -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
		return -ECONNRESET;
	case CURLE_PARTIAL_FILE:
		return -EBADMSG;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	default: /* certificates, and answers that are no HTTP */
		return -EPROTO;
	}
}
