/*
 * The S3 client by hand, for tests/s3.bats; does nothing without arguments.
 *
 * s3get VERB BUCKET [KEY...]: GET, HEAD, PUT (the body is stdin), DELETE, LIST (KEY is the
 * prefix), BOTH (a GET of each key, all at once), MEM (a GET into memory).  Bodies go to stdout;
 * one line a request to stderr: rc, status, code, attempts, connects, bytes, message.
 * Options: -r no restart, -v verify, -o once, -c send the body's CRC32C, -b pause at each piece,
 * -n N repeat, -p presigned URL, -f "name: value".
 */
#include "common/s3.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"

struct get {
	struct ffs_s3 *s3;
	uint64_t id;
	char *body;
	size_t len;
	bool pause, paused, keep, done;
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

static void
run(struct ffs_http *http, struct ffs_s3 *s3, struct ffs_s3_request *q, char **keys, int n,
    bool pause)
{
	struct get *g = calloc((size_t)n, sizeof(*g));
	int i, rc;

	for (i = 0; i < n; i++) {
		g[i].s3 = s3;
		g[i].pause = pause;
		q->key = keys[i];
		q->arg = &g[i];
		rc = ffs_s3_submit(s3, q, &g[i].id);
		if (rc)
			errx(1, "submit: %s", strerrordesc_np(-rc));
	}
	while ((rc = ffs_http_run(http, 1000)) > 0)
		for (i = 0; i < n; i++)
			if (g[i].paused && !g[i].done)
				ffs_s3_resume(s3, g[i].id);
	free(g);
	if (rc)
		errx(1, "run: %s", strerrordesc_np(-rc));
}

int
main(int argc, char **argv)
{
	struct ffs_s3_request q = { .data = on_data, .restart = on_restart, .done = on_done };
	struct ffs_s3_field field;
	struct ffs_http_opts ho = { .verbose = getenv("S3GET_VERBOSE") };
	struct ffs_http *http;
	struct ffs_s3 *s3;
	struct ffs_endpoint ep;
	struct ffs_s3_response r;
	char *detail = NULL, *verb, *none[] = { NULL }, **keys;
	bool pause = false, crc = false, presign = false;
	int opt, rc, times = 1, n, i;
	uint32_t sum;
	char *p;
	size_t len;

	if (argc < 2)
		return 0;
	while ((opt = getopt(argc, argv, "rvocbpn:f:")) != -1) {
		if (opt == 'r')
			q.restart = NULL;
		else if (opt == 'v')
			q.verify = true;
		else if (opt == 'o')
			q.once = true;
		else if (opt == 'c')
			crc = true;
		else if (opt == 'b')
			pause = true;
		else if (opt == 'p')
			presign = true;
		else if (opt == 'n')
			times = atoi(optarg);
		else if (opt == 'f') {
			p = strchr(optarg, ':');
			*p++ = '\0';
			field.name = optarg;
			field.value = p + strspn(p, " ");
			q.fields = &field;
			q.nfields = 1;
		}
	}
	if (argc - optind < 2)
		errx(2, "usage: s3get [OPTION...] VERB BUCKET [KEY...]");
	verb = argv[optind];
	q.bucket = argv[optind + 1];
	keys = argc - optind > 2 ? argv + optind + 2 : none;
	n = argc - optind > 2 ? argc - optind - 2 : 1;

	rc = ffs_endpoint_resolve(&ep, NULL, &detail);
	if (rc)
		errx(1, "%s", detail ? detail : strerrordesc_np(-rc));
	http = ffs_http_new(&ho);
	s3 = http ? ffs_s3_new(http, &ep) : NULL;
	if (!s3)
		err(1, "new");
	ffs_endpoint_release(&ep);
	for (; times > 0; times--) {
		if (presign) {
			p = ffs_s3_presign(s3, q.bucket, keys[0], 60);
			puts(p ? p : "-");
			free(p);
		} else if (!strcmp(verb, "LIST")) {
			rc = ffs_s3_list(
			    s3, q.bucket, keys[0], n > 1 ? keys[1] : NULL, on_object, NULL, &r);
			fprintf(stderr, "list=%s\n", rc ? strerrorname_np(-rc) : "0");
			if (rc)
				print(s3, &r, 0);
		} else if (!strcmp(verb, "MEM")) {
			rc = ffs_s3_get(s3, q.bucket, keys[0], 1 << 20, &p, &len, &r);
			print(s3, &r, len);
			if (!rc)
				fwrite(p, 1, len, stdout);
			free(p);
		} else if (!strcmp(verb, "BOTH")) {
			q.method = "GET";
			run(http, s3, &q, keys, n, pause);
		} else {
			q.method = verb;
			if (!strcmp(verb, "PUT") && keys[0] && !q.body) {
				q.body = read_all(&q.body_len);
				sum = ffs_crc32c(0, q.body, q.body_len);
				q.crc32c = crc ? &sum : NULL;
			}
			for (i = 0; i < n; i++)
				run(http, s3, &q, keys + i, 1, pause);
		}
	}
	free((void *)(uintptr_t)q.body);
	ffs_s3_free(s3);
	ffs_http_free(http);
	return fflush(stdout) ? 1 : 0;
}
