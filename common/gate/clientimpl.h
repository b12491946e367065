#ifndef FFS_CLIENTIMPL_H
#define FFS_CLIENTIMPL_H

#include "common/base/buf.h"
#include "common/gate/client.h"
#include "common/gate/frame.h"
#include "common/gate/pass.h"
#include "common/gate/wire.h"

/*
 * What the sources of a client share: client.c (the connection), clientask.c (a request on its way
 * to an answer), clientreply.c (an answer of ours on its way to him).
 */

enum ffs_client_stage {
	FFS_CLIENT_ASKING,   /* the origin has the request */
	FFS_CLIENT_RELAYING, /* its answer passes */
	FFS_CLIENT_WAITING,  /* for a flight's head */
	FFS_CLIENT_CHECKING, /* a thread reads the file */
	FFS_CLIENT_REPLYING, /* turn.reply, of a file */
	FFS_CLIENT_FLYING,   /* turn.reply, of a flight */
	FFS_CLIENT_DONE,     /* all of the answer is in the wire */
};

struct ffs_client_request {
	struct ffs_client *client;
	enum ffs_client_stage stage;
	struct ffs_turn turn;
	bool turned;         /* turn has begun */
	struct ffs_buf head; /* as it came */
	struct ffs_frame body;
	struct ffs_origin *o; /* NULL: none has it */
	struct ffs_buf out;   /* of the answer, its head until there is a body to go with it */
	unsigned minor, method_n;
	bool keep;         /* the connection may stay */
	bool to_head;      /* HEAD */
	bool held;         /* the origin takes no more of the body for now */
	bool stalled;      /* the origin was told to wait */
	bool cut;          /* the answer cannot be made whole */
	bool own;          /* it is an error of ours */
	bool woken;        /* by the flight */
	bool later;        /* it goes to the origin at the end of this turn of the loop, */
	bool gathered;     /* and has waited for that */
	int64_t waits;     /* since when */
	int status;        /* of the answer; 0: nothing of it is out */
	uint64_t t0;       /* us */
	uint64_t bytes;    /* of the answer's body */
	uint64_t resident; /* of turn.reply.fd: in memory up to there */
};

struct ffs_client {
	struct ffs_loop_fd s;
	struct ffs_loop_call soon;
	struct ffs_clients *all;
	struct ffs_client *next, **prev;
	struct ffs_wire wire;
	struct ffs_buf in; /* came, and is not used yet */
	struct ffs_loop_work work;
	struct ffs_door_caller who;
	struct ffs_client_request *q; /* NULL: between requests */
	int64_t moved;                /* when something last did */
	int64_t since;                /* when the head at hand began */
	uint64_t drained;
	bool hup;       /* he sends no more */
	bool lingering; /* he is told that we do not listen any more */
	bool working;   /* a thread has work */
	bool dead;      /* closed, but for that */
};

/* --- client.c --- */

/* Do what can be done; c may be gone behind it. */
void ffs_client_pump(struct ffs_client *c);
/* At the end of this turn of the loop. */
void ffs_client_soon(struct ffs_client *c);
/* The connection ends, here and now, and whatever it was about. */
void ffs_client_close(struct ffs_client *c);
/* All of the answer is given to the wire. */
void ffs_client_done(struct ffs_client *c);

/* --- clientask.c --- */

/* A request's head is there: h, its first bytes in scratch or c->in. */
void ffs_client_begin(struct ffs_client *c, const struct ffs_head *h);
/* None that can be read, or none in time (-errno of head.h; -ETIMEDOUT). */
void ffs_client_refuse(struct ffs_client *c, int rc);
/* Bytes of its body.  0, or -EBADMSG; *used were the body's. */
int ffs_client_feed(struct ffs_client *c, const char *p, size_t n, size_t *used);
/* Release what a request holds; ok: its answer went out whole. */
void ffs_client_end(struct ffs_client *c, bool ok);

/* --- clientreply.c --- */

/* turn.reply is the answer. */
void ffs_client_reply(struct ffs_client *c);
/* Go on with it.  0, or -errno: the client is gone, or must be. */
int ffs_client_send(struct ffs_client *c);
void ffs_client_worked(struct ffs_loop_call *call);
void ffs_client_check(struct ffs_client *c);

/* What turn.c has said. */
void ffs_client_go(struct ffs_client *c, enum ffs_turn_way way, const struct ffs_head *h);

#endif
