/*
 * The S3 client by hand, for tests/s3.bats; does nothing without arguments.
 *
 * s3get VERB BUCKET [KEY...]: GET, HEAD, PUT (the body is stdin), DELETE, LIST (KEY is the
 * prefix), BOTH (a GET of each key, all at once), MEM (a GET into memory), FREE (as BOTH, and the
 * handle is freed when the first one is done).  Bodies go to stdout;
 * one line a request to stderr: rc, status, code, attempts, connects, bytes, message.
 * Options: -r no restart, -v verify, -o once, -c send the body's CRC32C, -b pause at each piece,
 * -n N repeat, -p presigned URL, -x cancel in the first piece of the first key, -m N connections,
 * -f "name: value".
 */
#include "common/s3/s3.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc32c.h"

struct get {
	struct ffs_s3 *s3;
	uint64_t id;
	char *body;
	size_t len;
	bool pause, paused, cancel, done;
};

static void
print(const struct ffs_s3 *s3, const struct ffs_s3_response *r, size_t n)
{
	char text[1024];

	fprintf(stderr,
	    "rc=%s status=%d code=%s attempts=%u connects=%u bytes=%zu size=%ju etag=%s\n",
	    r->rc ? strerrorname_np(-r->rc) : "0", r->status, r->code, r->attempts, r->connects, n,
	    (uintmax_t)r->object_size, r->etag);
	if (r->rc)
		fprintf(stderr, "%s\n", ffs_s3_error(s3, r, text, sizeof(text)));
}

static int
on_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct get *g = arg;

	(void)r;
	if (g->cancel) {
		ffs_s3_cancel(g->s3, g->id); /* done() comes from inside this */
		return 0;
	}
	if (g->pause && !g->paused) {
		g->paused = true;
		return FFS_S3_PAUSE;
	}
	g->paused = false;
	g->body = realloc(g->body, g->len + n);
	if (!g->body)
		return -ENOMEM;
	memcpy(g->body + g->len, p, n);
	g->len += n;
	return 0;
}

static void
on_restart(void *arg)
{
	struct get *g = arg;

	fprintf(stderr, "restart\n");
	g->len = 0;
}

static void
on_done(void *arg, const struct ffs_s3_response *r)
{
	struct get *g = arg;

	print(g->s3, r, g->len);
	if (!r->rc && g->len)
		fwrite(g->body, 1, g->len, stdout);
	free(g->body);
	g->done = true;
}

static int
on_object(void *arg, const struct ffs_s3_object *o)
{
	(void)arg;
	printf(
	    "%s %ju %s %s\n", o->prefix ? "prefix" : "object", (uintmax_t)o->size, o->etag, o->key);
	return 0;
}

static char *
read_all(size_t *n)
{
	char *p = NULL;
	size_t got;

	*n = 0;
	do {
		p = realloc(p, *n + 65536);
		if (!p)
			err(1, "memory");
		got = fread(p + *n, 1, 65536, stdin);
		*n += got;
	} while (got);
	return p;
}

static int
run_all(struct ffs_http *http, struct get *g, int n)
{
	int rc, i;

	while ((rc = ffs_http_run(http, 1000)) > 0)
		for (i = 0; i < n; i++)
			if (g[i].paused && !g[i].done)
				ffs_s3_resume(g[i].s3, g[i].id);
	return rc;
}

static bool
any_done(const struct get *g, int n)
{
	while (n && !g[n - 1].done)
		n--;
	return n;
}

struct opts {
	bool pause, cancel, free, crc, presign;
	int times;
	unsigned connections;
	struct ffs_s3_field field;
};

/* All keys at once. */
static void
run(struct ffs_http *http, struct ffs_s3 *s3, struct ffs_s3_request *q, char **keys, int n,
    const struct opts *o)
{
	struct get *g = calloc((size_t)n, sizeof(*g));
	int i, rc;

	for (i = 0; i < n; i++) {
		g[i].s3 = s3;
		g[i].pause = o->pause;
		g[i].cancel = o->cancel && !i;
		q->key = keys[i];
		q->arg = &g[i];
		rc = ffs_s3_submit(s3, q, &g[i].id);
		if (rc)
			errx(1, "submit: %s", strerrordesc_np(-rc));
	}
	if (o->free) {
		/* Any: requests of two connections arrive in any order. */
		while (!any_done(g, n) && ffs_http_run(http, 1000) > 0)
			;
		ffs_s3_free(s3);
		rc = run_all(http, NULL, 0);
	} else {
		rc = run_all(http, g, n);
	}
	for (i = 0; i < n; i++)
		if (!g[i].done)
			errx(1, "no end of request %d", i);
	free(g);
	if (rc)
		errx(1, "run: %s", strerrordesc_np(-rc));
}

static int
parse(int argc, char **argv, struct opts *o, struct ffs_s3_request *q)
{
	int opt;
	char *p;

	while ((opt = getopt(argc, argv, "bcf:m:n:oprvx")) != -1) {
		switch (opt) {
		case 'b':
			o->pause = true;
			break;
		case 'c':
			o->crc = true;
			break;
		case 'f':
			p = strchr(optarg, ':');
			if (!p)
				errx(2, "no field");
			*p++ = '\0';
			o->field = (struct ffs_s3_field){ optarg, p + strspn(p, " ") };
			q->fields = &o->field;
			q->nfields = 1;
			break;
		case 'm':
			o->connections = (unsigned)atoi(optarg);
			break;
		case 'n':
			o->times = atoi(optarg);
			break;
		case 'o':
			q->once = true;
			break;
		case 'p':
			o->presign = true;
			break;
		case 'r':
			q->restart = NULL;
			break;
		case 'v':
			q->verify = true;
			break;
		case 'x':
			o->cancel = true;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind < 2)
		errx(2, "usage: s3get [OPTION...] VERB BUCKET [KEY...]");
	return optind;
}

static void
get_mem(struct ffs_s3 *s3, const char *bucket, const char *key)
{
	struct ffs_s3_response r;
	size_t n;
	char *p;
	int rc = ffs_s3_get(s3, bucket, key, 1 << 20, &p, &n, &r);

	print(s3, &r, n);
	if (!rc)
		fwrite(p, 1, n, stdout);
	free(p);
}

static void
list(struct ffs_s3 *s3, const char *bucket, const char *prefix, const char *delimiter)
{
	struct ffs_s3_response r;
	int rc = ffs_s3_list(s3, bucket, prefix, delimiter, on_object, NULL, &r);

	fprintf(stderr, "list=%s\n", rc ? strerrorname_np(-rc) : "0");
	if (rc)
		print(s3, &r, 0);
}

static void
act(struct ffs_http *http, struct ffs_s3 *s3, const char *verb, struct ffs_s3_request *q,
    char **keys, int n, const struct opts *o)
{
	uint32_t sum;
	char *p = NULL;
	int i;

	if (o->presign) {
		p = ffs_s3_presign(s3, q->bucket, keys[0], 60);
		puts(p ? p : "-");
	} else if (!strcmp(verb, "LIST")) {
		list(s3, q->bucket, keys[0], n > 1 ? keys[1] : NULL);
	} else if (!strcmp(verb, "MEM")) {
		get_mem(s3, q->bucket, keys[0]);
	} else if (!strcmp(verb, "BOTH") || o->free) {
		q->method = "GET";
		run(http, s3, q, keys, n, o);
	} else {
		q->method = verb;
		if (!strcmp(verb, "PUT") && keys[0]) {
			q->body = p = read_all(&q->body_len);
			sum = ffs_crc32c(0, q->body, q->body_len);
			q->crc32c = o->crc ? &sum : NULL;
		}
		for (i = 0; i < n; i++)
			run(http, s3, q, keys + i, 1, o);
	}
	free(p);
}

int
main(int argc, char **argv)
{
	struct ffs_s3_request q = { .data = on_data, .restart = on_restart, .done = on_done };
	struct ffs_http_opts ho = { .verbose = getenv("S3GET_VERBOSE") };
	struct opts o = { .times = 1 };
	char *detail = NULL, *verb, *none[] = { NULL };
	struct ffs_endpoint ep;
	struct ffs_http *http;
	struct ffs_s3 *s3;
	int rc, at;

	if (argc < 2)
		return 0;
	at = parse(argc, argv, &o, &q);
	verb = argv[at];
	q.bucket = argv[at + 1];
	at += 2;
	o.free = !strcmp(verb, "FREE");
	ho.max_connections = o.connections;

	rc = ffs_endpoint_resolve(&ep, NULL, &detail);
	if (rc)
		errx(1, "%s", detail ? detail : strerrordesc_np(-rc));
	http = ffs_http_new(&ho);
	s3 = http ? ffs_s3_new(http, &ep) : NULL;
	if (!s3)
		err(1, "new");
	ffs_endpoint_release(&ep);
	while (o.times-- > 0)
		act(http, s3, verb, &q, at < argc ? argv + at : none, at < argc ? argc - at : 1,
		    &o);
	if (!o.free)
		ffs_s3_free(s3);
	ffs_http_free(http);
	return fflush(stdout) ? 1 : 0;
}
