/*
 * ffs-node: be a node: serve a store.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/s3/config.h"
#include "common/base/exit.h"
#include "common/base/opt.h"
#include "common/base/place.h"
#include "common/base/process.h"
#include "common/base/userdirs.h"
#include "common/node/serve.h"
#include "common/node/store.h"

#define STOP_MS 30000

struct opts {
	const char *dir;
	const char *listen;
	const char *log;
	uint64_t max_connections;
	bool serve, anonymous, no_sync, verbose;
};

static void
help(void)
{
	puts("usage: ffs-node --serve [DIR] [--listen ADDR:PORT] [--anonymous]\n"
	     "                [--fsync=always|never] [--log FILE] [--max-connections N] [-v]\n"
	     "\n"
	     "Serves a directory as an S3 store, in the foreground, until a signal ends it.\n"
	     "The first line on standard output is its URL.\n"
	     "\n"
	     "  -s, --serve [DIR]        the directory (default: ~/.local/share/ffs/store)\n"
	     "  -l, --listen ADDR:PORT   default 127.0.0.1:9000; port 0: any free one\n"
	     "      --anonymous          ask for no signatures (only on loopback)\n"
	     "      --fsync=WHEN         always (default): a write that was answered survives\n"
	     "                           a power failure; never: for tests\n"
	     "      --log FILE           append a JSON line for every request\n"
	     "      --max-connections N  default 1000\n"
	     "  -v, --verbose            a JSON line for every request on standard error\n"
	     "  -h, --help               this text\n"
	     "  -V, --version            the version");
}

/* --- serving --- */

static struct ffs_store *
open_store(const struct opts *o)
{
	char *own = o->dir ? NULL : ffs_userdirs_data("store");
	const char *dir = o->dir ? o->dir : own;
	struct ffs_store *s;
	int rc;

	if (!dir)
		err(FFS_EXIT_FAIL, "cannot find a home directory");
	rc = ffs_store_open(&s, dir, !o->no_sync);
	if (rc == -EBUSY)
		errx(FFS_EXIT_FAIL, "cannot serve '%s': another ffs-node does", dir);
	if (rc == -EOPNOTSUPP)
		errx(FFS_EXIT_UNSUP,
		    "cannot serve '%s': its file system has no user extended attributes", dir);
	if (rc)
		errx(ffs_exit_of(rc), "cannot serve '%s': %s", dir, strerror(-rc));
	free(own);
	return s;
}

static int
open_log(const struct opts *o)
{
	int fd;

	if (!o->log)
		return o->verbose ? STDERR_FILENO : -1;
	fd = open(o->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		err(FFS_EXIT_FAIL, "cannot open log '%s'", o->log);
	return fd;
}

/* A connection and a file each: the usual soft limit of 1024 is for select(2), not for us. */
static void
raise_files(uint64_t connections)
{
	struct rlimit r;
	rlim_t want = 2 * connections + 64;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= want)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur < want)
		warnx("only %ju files may be open: %ju connections may not all be served",
		    (uintmax_t)r.rlim_cur, (uintmax_t)connections);
}

static void
read_keys(const char *url, char **access_key, char **secret_key)
{
	bool made = false;
	int rc = ffs_config_own_keys(url, access_key, secret_key, &made);
	char *exposed;

	if (rc)
		errx(ffs_exit_of(rc), "cannot read or make the keys of '%s': %s", url,
		    strerror(-rc));
	if (made)
		warnx("made a key pair for %s in the credentials file", url);
	exposed = ffs_config_exposed();
	if (exposed)
		warnx("%s", exposed);
	free(exposed);
}

static int
serve(const struct opts *o)
{
	struct ffs_serve_opts so = { .max_connections = (unsigned)o->max_connections };
	char *access_key = NULL, *secret_key = NULL;
	struct ffs_place p;
	char why[640];
	struct ffs_serve *s;
	sigset_t set;
	unsigned cut;
	int rc;

	if (ffs_place_parse(&p, o->listen, why, sizeof(why)))
		ffs_exit_usage("%s", why);
	if (o->anonymous && !p.loopback)
		ffs_exit_usage("--anonymous is for loopback only, not for '%s'", o->listen);
	raise_files(o->max_connections);
	so.log_fd = open_log(o);
	so.store = open_store(o);
	so.listen_fd = ffs_place_listen(&p);
	if (so.listen_fd < 0)
		errx(
		    FFS_EXIT_FAIL, "cannot listen on '%s': %s", o->listen, strerror(-so.listen_fd));
	if (!o->anonymous)
		read_keys(p.url, &access_key, &secret_key);
	so.access_key = access_key;
	so.secret_key = secret_key;
	/* Threads inherit the mask: signals come to sigtimedwait() and nowhere else. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s = ffs_serve_start(&so);
	if (!s)
		err(FFS_EXIT_FAIL, "cannot serve on '%s'", p.url);
	if (secret_key)
		OPENSSL_cleanse(secret_key, strlen(secret_key));
	puts(p.url);
	rc = ffs_exit_flush(FFS_EXIT_OK);
	while (!rc && sigtimedwait(&set, NULL, &(struct timespec){ .tv_sec = 1 }) < 0)
		ffs_serve_sweep(s);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* a second one ends it at once */
	cut = ffs_serve_stop(s, STOP_MS);
	if (cut)
		warnx("stopped with %u requests unfinished", cut);
	ffs_store_close(so.store);
	free(access_key);
	free(secret_key);
	return rc;
}

enum { OPT_ANONYMOUS = 256, OPT_FSYNC, OPT_LOG, OPT_MAX_CONNECTIONS };

static const struct option longopts[] = {
	{ "anonymous", no_argument, NULL, OPT_ANONYMOUS },
	{ "fsync", required_argument, NULL, OPT_FSYNC },
	{ "help", no_argument, NULL, 'h' },
	{ "listen", required_argument, NULL, 'l' },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS },
	{ "serve", optional_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

int
main(int argc, char **argv)
{
	struct opts o = { .listen = "127.0.0.1:9000", .max_connections = 1000 };
	int ch;

	ffs_process_begin();
	while ((ch = getopt_long(argc, argv, "hl:s::vV", longopts, NULL)) != -1) {
		switch (ch) {
		case 'h':
			help();
			return ffs_exit_flush(FFS_EXIT_OK);
		case 'l':
			o.listen = optarg;
			break;
		case 's':
			o.serve = true;
			o.dir = optarg;
			break;
		case 'v':
			o.verbose = true;
			break;
		case 'V':
			puts("ffs-node " FFS_VERSION);
			return ffs_exit_flush(FFS_EXIT_OK);
		case OPT_ANONYMOUS:
			o.anonymous = true;
			break;
		case OPT_FSYNC:
			if (strcmp(optarg, "always") && strcmp(optarg, "never"))
				ffs_exit_usage(
				    "bad value '%s' of --fsync: always or never", optarg);
			o.no_sync = !strcmp(optarg, "never");
			break;
		case OPT_LOG:
			o.log = optarg;
			break;
		case OPT_MAX_CONNECTIONS:
			if (ffs_opt_uint(optarg, 1, 100000, &o.max_connections))
				ffs_exit_usage("bad number of connections '%s'", optarg);
			break;
		default:
			ffs_exit_usage(NULL);
		}
	}
	if (!o.serve)
		ffs_exit_usage("nothing to do: --serve serves a store");
	/* "--serve DIR": getopt takes only "--serve=DIR" for an optional argument. */
	if (!o.dir && optind < argc)
		o.dir = argv[optind++];
	if (optind < argc)
		ffs_exit_usage("unexpected argument '%s'", argv[optind]);
	return serve(&o);
}
