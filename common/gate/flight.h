#ifndef FFS_FLIGHT_H
#define FFS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cache/cache.h"
#include "common/cache/kept.h"
#include "common/gate/count.h"

/*
 * An object on its way from the origin into the cache.  Its bytes go to a temporary file as fast
 * as the origin and the disk go; every client that is served by it, the first one too, reads that
 * file behind it.  So one origin request serves any number of clients, and none waits for another.
 *
 *	ASKED    the first client's request is with the origin; others who want the same wait
 *	FLYING   the answer's head is known (size, ETag, fields), bytes come
 *	LANDED   all bytes are there; the entry is being put in its place, or is
 *	LOST     there is no such flight: the answer was none to keep, the origin died, or nobody
 *	         read it any more.  Who waits asks the origin himself
 *
 * Only who is proven, inside --max-age, reads a flight without a word of the origin that is younger
 * than his request: the answer that flies may have been given before he came, and the object been
 * written since.  All others ask with If-None-Match and the flight's ETag, and read it on a 304.
 * But of those who are as good as the one who started it (both proven here, both anonymous, or the
 * same presigned request byte for byte) one asks for all who have come before he does: any number
 * of clients who come together are two requests, one of them for a 304.  And who came before the
 * first request was sent needs no other.
 *
 * Its last bytes are in memory (FFS_FLIGHT_WINDOW at most) until so many are written at once: who
 * keeps up with the origin reads them there.  What cannot be written (full disk, refused by the
 * cache) harms nobody: then that window moves on when all readers have read it, nobody new joins,
 * and the object is not kept.
 *
 * All of it belongs to the loop's thread.  Opening, committing and removing files is done by a
 * thread of its own with its own handle of the cache; write(2) to it and sendfile(2) from it are
 * not.
 */
struct ffs_flight;
struct ffs_flights;

/* cache: its directory; count may be NULL.  ready is called by another thread when something there
 * has ended: have the loop call ffs_flights_step().  NULL with errno. */
struct ffs_flights *ffs_flights_new(
    const struct ffs_cache *cache, struct ffs_count *count, void (*ready)(void *arg), void *arg);
/* After all readers and sources have left.  Waits for what is being put in place. */
void ffs_flights_free(struct ffs_flights *fs);
void ffs_flights_step(struct ffs_flights *fs);

enum { FFS_FLIGHT_WINDOW = 256 << 10, FFS_FLIGHT_PIECE = 64 << 10 };

/* Who reads a flight: a member of his turn, zeroed. */
struct ffs_flight_reader {
	/* There is more to read, or the state is another.  Comes from inside of calls for others;
	 * he may send, leave, or both there and then. */
	void (*wake)(struct ffs_flight_reader *r);
	void *arg;
	uint64_t at; /* of the object, the next byte that he wants */
	/* flight.c's */
	struct ffs_flight *flight; /* NULL: none */
	struct ffs_flight_reader *next, **prev;
	uint64_t came; /* after so many questions */
	bool served;
};

/* Where the bytes come from, an origin's answer: a member of what receives it. */
struct ffs_flight_source {
	void (*resume)(struct ffs_flight_source *s);  /* there is room again */
	void (*abandon)(struct ffs_flight_source *s); /* nobody reads: end the request; f is gone */
	void *arg;
	struct ffs_flight *flight; /* flight.c's; NULL: none */
};

enum ffs_flight_state { FFS_FLIGHT_ASKED, FFS_FLIGHT_FLYING, FFS_FLIGHT_LANDED, FFS_FLIGHT_LOST };

/* What makes two who ask without the origin the same (vouch.h). */
enum ffs_flight_kind {
	FFS_FLIGHT_NOBODY, /* nobody is as good as him */
	FFS_FLIGHT_PROVEN,
	FFS_FLIGHT_ANONYMOUS,
	FFS_FLIGHT_PRESIGNED,
};
struct ffs_flight_who {
	enum ffs_flight_kind kind;
	char request[65]; /* PRESIGNED: the SHA-256 of all its head */
	char range[64];   /* a part that was asked for, which may be all of the object; "" none */
};

/* The one of this object that may be joined (ASKED, FLYING, LANDED but not yet in its place), or
 * NULL. */
struct ffs_flight *ffs_flights_find(struct ffs_flights *fs, const struct ffs_cache_name *n);

/* The object, or all of a bucket (key NULL), is written: nobody joins what is running, and it is
 * not kept. */
void ffs_flights_spoil(struct ffs_flights *fs, const struct ffs_cache_name *n);

/* Start one: r leads, in the state ASKED; until it flies it is lost when r leaves.  0 or -ENOMEM,
 * -EINVAL (a name that cannot be kept). */
int ffs_flight_new(struct ffs_flights *fs, const struct ffs_cache_name *n,
    const struct ffs_flight_who *who, struct ffs_flight_reader *r);

/* r's request goes to the origin, if he leads: who has joined until now came before the origin
 * looks, and is told by the same answer. */
void ffs_flight_sent(struct ffs_flight_reader *r);

/* The answer's head is one to keep: o and kept say what; copied.  Those who wait are woken when the
 * cache has taken it, or not; the leader may begin to read.  0; -ENOMEM, -EINVAL: leave it. */
int ffs_flight_begin(
    struct ffs_flight *f, const struct ffs_cache_fill_opts *o, const struct ffs_kept *kept);

/* Its leader has got an answer that is none to keep: those who wait need not try the same way. */
void ffs_flight_answer(struct ffs_flight *f, const struct ffs_flight_reader *leader);
bool ffs_flight_answered(const struct ffs_flight *f);

/* Whose answer it is.  From here on the answer is the flight's: when its first client leaves the
 * source goes on, until abandon() or ffs_flight_end(). */
void ffs_flight_feed(struct ffs_flight *f, struct ffs_flight_source *s);
/* The next bytes of the body, in order, FFS_FLIGHT_PIECE at most: all are taken.  False: no more
 * until resume(). */
bool ffs_flight_write(struct ffs_flight *f, const void *p, size_t n);
/* The body has ended, rc 0 as its length says, else cut short.  The source is out of it. */
void ffs_flight_end(struct ffs_flight *f, int rc);

/* Read it from r->at on, or wait for it to fly.  -EAGAIN: it is not to be joined any more. */
int ffs_flight_join(struct ffs_flight *f, struct ffs_flight_reader *r);
/* The last reader's leaving ends it, before it has landed.  Harmless without a flight. */
void ffs_flight_leave(struct ffs_flight_reader *r);

/* For who has joined it; LOST also where it is of no use to him, because it is not kept. */
enum ffs_flight_state ffs_flight_state(const struct ffs_flight *f);
/* Of one that flies or has landed: what it is (fd is -1: ffs_flight_send()), and since when. */
void ffs_flight_hit(const struct ffs_flight *f, struct ffs_cache_hit *hit);
const struct ffs_kept *ffs_flight_kept(const struct ffs_flight *f);
/* May who wait for the answer to the leader: it is not for another part. */
bool ffs_flight_suits(const struct ffs_flight *f, const struct ffs_flight_who *who);
/* Is who as good as the leader: what the origin says to one holds for the other. */
bool ffs_flight_same(const struct ffs_flight *f, const struct ffs_flight_who *who);

/* Has one like r asked since r came, and been told that this is the current version? */
bool ffs_flight_told(const struct ffs_flight_reader *r);
/* May r ask for all who are like him?  He tells them, or leaves.  False: another is asking, wait.
 */
bool ffs_flight_asks(struct ffs_flight_reader *r);
/* The origin has said to r that this is the current version; nothing where he did not ask. */
void ffs_flight_tells(struct ffs_flight_reader *r);
/* So many bytes have come: a range from there on comes soon. */
uint64_t ffs_flight_have(const struct ffs_flight *f);

/*
 * Send up to n bytes from r->at on to a socket, and move it.  How many; -EAGAIN: the socket is
 * full; -ENODATA: no more yet, wake() will be called; -EIO: it was cut short, so cut the client
 * off; -errno.
 */
ssize_t ffs_flight_send(struct ffs_flight_reader *r, int sock, size_t n);

#endif
