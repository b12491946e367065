/*
 * lobster-gen: make a pair of files like LOBSTER's, a message file and the order book after each
 * message, with the statistics of a real one (tests/lobster-gen.bats has the figures).
 * What happens in the book is lobster-market.h; this writes it down.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/exit.h"
#include "common/base/opt.h"
#include "testdata/lobster-market.h"

#define OUT_SIZE (1 << 20)

struct out {
	char tmp[PATH_MAX], path[PATH_MAX];
	FILE *f;
};

static volatile sig_atomic_t stop;

struct opts {
	uint64_t rows, levels, seed;
	const char *ticker, *date, *dir;
};

static char *
put_int(char *p, int64_t n)
{
	char digits[20];
	uint64_t u = n < 0 ? -(uint64_t)n : (uint64_t)n;
	int i = 0;

	if (n < 0)
		*p++ = '-';
	do {
		digits[i++] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	while (i)
		*p++ = digits[--i];
	return p;
}

/* Seconds with 9 decimals, 12 where there are ps, without the zeros at the end. */
static char *
put_time(char *p, int64_t ns, unsigned int ps)
{
	uint64_t frac = (uint64_t)(ns % NS) * 1000 + ps, unit = 100000000000;

	p = put_int(p, ns / NS);
	if (frac)
		*p++ = '.';
	for (; frac; unit /= 10) {
		*p++ = (char)('0' + frac / unit);
		frac %= unit;
	}
	return p;
}

static void
out_open(struct out *o, const char *dir, const char *what)
{
	int n = snprintf(o->tmp, sizeof(o->tmp), "%s/.lobster-gen-%s.XXXXXX", dir, what), fd;

	if (n < 0 || (size_t)n >= sizeof(o->tmp))
		errx(FFS_EXIT_FAIL, "'%s': name too long", dir);
	fd = mkostemp(o->tmp, O_CLOEXEC);
	if (fd < 0)
		err(FFS_EXIT_FAIL, "cannot make a file in '%s'", dir);
	o->f = fdopen(fd, "w");
	if (!o->f || setvbuf(o->f, NULL, _IOFBF, OUT_SIZE))
		err(FFS_EXIT_FAIL, "cannot write '%s'", o->tmp);
}

static const char *
level_text(struct level *l)
{
	char *p = l->text;

	if (l->text_len)
		return l->text;
	p = put_int(p, l->price);
	*p++ = ',';
	p = put_int(p, l->size);
	*p++ = ',';
	l->text_len = (unsigned int)(p - l->text);
	return l->text;
}

/* line has room for it: see run(). */
static size_t
put_row(char *line, const struct book *b, size_t levels)
{
	static const char empty[2][TEXT_SIZE] = { "9999999999,0,", "-9999999999,0," };
	char *p = line;

	for (size_t j = 0; j < levels; j++) {
		for (int id = ASK; id <= BID; id++) {
			const struct side *s = &b->side[id];

			/* A copy of known size is one instruction; what is too much is written
			 * over. */
			if (j < s->n) {
				struct level *l = s->at[s->n - 1 - j];

				memcpy(p, level_text(l), TEXT_SIZE);
				p += l->text_len;
			} else {
				memcpy(p, empty[id], TEXT_SIZE);
				p += id == ASK ? 13 : 14;
			}
		}
	}
	p[-1] = '\n';
	return (size_t)(p - line);
}

static size_t
put_message(char *line, const struct gen *g, const struct event *ev)
{
	const int64_t fields[] = { ev->type, (int64_t)ev->id, ev->size, ev->price,
		ev->side == BID ? 1 : -1 };
	char *p = put_time(line, g->now, g->ps);

	for (size_t i = 0; i < COUNT(fields); i++) {
		*p++ = ',';
		p = put_int(p, fields[i]);
	}
	*p++ = '\n';
	return (size_t)(p - line);
}

/* Events below the levels asked for change nothing that is written: LOBSTER leaves them out. */
static bool
generate(struct gen *g, const struct opts *o, FILE *book, FILE *message, char *line)
{
	struct event ev;

	for (uint64_t n = 0, rows = 0; rows < o->rows && !stop; n++) {
		if (n % 400 == 0)
			g->drift = (uniform(g) - .5) * .5;
		step(g, &ev);
		if (ev.rank >= o->levels)
			continue;
		fwrite(line, put_row(line, &g->book, o->levels), 1, book);
		fwrite(line, put_message(line, g, &ev), 1, message);
		if (ferror(book) || ferror(message))
			break;
		rows++;
	}
	return !stop;
}

/* The name of LOBSTER's form: the time it ends is the next full hour of trading. */
static bool
out_publish(struct out *out, const struct opts *o, int64_t end, const char *what)
{
	int64_t hours = (end / NS - START_S) / 3600 + 1;
	mode_t mask = umask(0);
	int n;

	umask(mask);
	n = snprintf(out->path, sizeof(out->path), "%s%s%s_%s_%d_%lld_%s_%ju.csv",
	    o->dir ? o->dir : "", o->dir ? "/" : "", o->ticker, o->date, START_S * 1000,
	    (START_S + hours * 3600LL) * 1000, what, (uintmax_t)o->levels);
	if (n < 0 || (size_t)n >= sizeof(out->path)) {
		warnx("'%s': name too long", o->dir);
		return false;
	}
	if (ferror(out->f) || fflush(out->f) || fchmod(fileno(out->f), 0666 & ~mask) ||
	    rename(out->tmp, out->path)) {
		warn("cannot make '%s'", out->path);
		return false;
	}
	out->tmp[0] = '\0';
	return true;
}

static void
out_close(struct out *out)
{
	if (out->tmp[0])
		unlink(out->tmp);
	fclose(out->f);
}

static int
run(const struct opts *o)
{
	struct out book = { 0 }, message = { 0 };
	char *line = xrealloc(NULL, 2 * o->levels + 8, TEXT_SIZE);
	struct gen g;
	bool ok;

	gen_init(&g, o->rows, o->levels, o->seed);
	out_open(&book, o->dir ? o->dir : ".", "orderbook");
	out_open(&message, o->dir ? o->dir : ".", "message");
	ok = generate(&g, o, book.f, message.f, line) &&
	     out_publish(&message, o, g.now, "message") &&
	     out_publish(&book, o, g.now, "orderbook");
	if (ok)
		printf("%s\n%s\n", book.path, message.path);
	out_close(&message);
	out_close(&book);
	book_release(&g.book);
	free(line);
	return ok ? FFS_EXIT_OK : FFS_EXIT_FAIL;
}

static void
on_signal(int sig)
{
	stop = sig;
}

static void
usage(FILE *f)
{
	fputs("usage: lobster-gen [-h] [-r rows] [-l levels] [-s seed] [-t ticker] [-d date] [-C "
	      "dir]\n"
	      "Makes a LOBSTER order book and its message file, and prints their names.\n"
	      "  -r rows    1000\n"
	      "  -l levels  10\n"
	      "  -s seed    1\n"
	      "  -t ticker  DEMO\n"
	      "  -d date    2012-06-21\n"
	      "  -C dir     where to (the current directory)\n",
	    f);
}

static uint64_t
number(const char *what, const char *s, uint64_t lo, uint64_t hi)
{
	uint64_t n = 0;
	int rc = ffs_opt_uint(s, lo, hi, &n);

	if (rc)
		errx(FFS_EXIT_USAGE, "bad %s '%s': %s", what, s, strerror(-rc));
	return n;
}

static void
check_names(const struct opts *o)
{
	size_t n = strlen(o->ticker);

	if (n == 0 || n > 32 || strspn(o->ticker, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n)
		errx(FFS_EXIT_USAGE, "bad ticker '%s'", o->ticker);
	n = 0;
	for (const char *p = "dddd-dd-dd"; *p; p++, n++)
		if (*p == 'd' ? o->date[n] < '0' || o->date[n] > '9' : o->date[n] != *p)
			errx(FFS_EXIT_USAGE, "bad date '%s'", o->date);
	if (o->date[n])
		errx(FFS_EXIT_USAGE, "bad date '%s'", o->date);
}

int
main(int argc, char **argv)
{
	struct opts o = {
		.rows = 1000, .levels = 10, .seed = 1, .ticker = "DEMO", .date = "2012-06-21"
	};
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	int ch, rc;

	while ((ch = getopt(argc, argv, "C:d:hl:r:s:t:")) != -1) {
		switch (ch) {
		case 'C':
			o.dir = optarg;
			break;
		case 'd':
			o.date = optarg;
			break;
		case 'h':
			usage(stdout);
			return ffs_exit_flush(FFS_EXIT_OK);
		case 'l':
			o.levels = number("levels", optarg, 1, 1000);
			break;
		case 'r':
			o.rows = number("rows", optarg, 0, 100000000);
			break;
		case 's':
			o.seed = number("seed", optarg, 0, UINT64_MAX);
			break;
		case 't':
			o.ticker = optarg;
			break;
		default:
			usage(stderr);
			return FFS_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return FFS_EXIT_USAGE;
	}
	check_names(&o);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	rc = run(&o);
	if (stop)
		raise(stop);
	return ffs_exit_flush(rc);
}
