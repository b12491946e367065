#ifndef FFS_TURNIMPL_H
#define FFS_TURNIMPL_H

#include "common/gate/answer.h"
#include "common/gate/turn.h"

/*
 * Inside a turn: turn.c decides what an entry is good for; turnkeep.c what becomes of an object
 * that is not in the cache, and when the origin need not, or cannot, be asked.
 */

/* --- turn.c --- */

/* Make t->reply: the bytes of t->hit that were asked for, in the words of t->kept and, where there
 * is one, of the origin's 304.  False: no memory. */
bool ffs_turn_serve(
    struct ffs_turn *t, const struct ffs_head *not_modified, enum ffs_served_from from);

/* Which of the bytes of t->hit are asked for: t->reply.at and left.  False: the origin says. */
bool ffs_turn_cut(struct ffs_turn *t);

/* --- turnkeep.c --- */

/* The request has come, whatever becomes of it: who is it (t->proven)?  Where nothing needs to
 * know, nothing is done. */
void ffs_turn_meet(struct ffs_turn *t, const struct ffs_head *request);

/* A read of what is not in the cache, or of no use there (t->hit.fd is -1): PASS; a flight of it is
 * running: SERVE (t->reply.flight) or WAIT. */
enum ffs_turn_way ffs_turn_miss(struct ffs_turn *t);

/* A 200, or a 206 with all of the object, came to a read, of another version than the cache had, if
 * it had one: KEEP it, PASS, or SERVE (a flight of this version is ahead). */
enum ffs_turn_way ffs_turn_came(struct ffs_turn *t, const struct ffs_head *answer, bool had);

/* The origin's answer, whatever it was, or its failure goes to the client as it is. */
void ffs_turn_passed(struct ffs_turn *t);

/* The flight that was waited for (t->flight) has its head, or has ended. */
enum ffs_turn_way ffs_turn_waited(struct ffs_turn *t);

/*
 * An object was written through here, or a bucket (key NULL), or nobody knows what (n NULL).  Who
 * began to fetch it before may still put the old version in its place: until the store has been
 * asked later than that no entry of it is fresh.
 */
void ffs_turn_wrote(struct ffs_turn *t, const struct ffs_cache_name *n);

/* Is t->hit so young that nobody need be asked (--max-age)?  And is it good enough where the origin
 * is away (status 0) or in trouble (--stale-if-error; says so)? */
bool ffs_turn_believed(const struct ffs_turn *t); /* may that rest on the store's answer to this */
bool ffs_turn_fresh(const struct ffs_turn *t);
bool ffs_turn_stale(const struct ffs_turn *t, int status);

/* The end of a turn: it leaves t->flight. */
void ffs_turn_left(struct ffs_turn *t);

#endif
