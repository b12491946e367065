#ifndef FFS_REPORT_H
#define FFS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/json.h"
#include "common/watch/addresses.h"
#include "common/watch/load.h"
#include "common/watch/maps.h"

/*
 * An object's URL, path style: its endpoint (as configured, else by address), "/BUCKET/KEY"
 * percent-encoded, and "?versionId=" where the read named one.
 */
void ffs_report_url(
    struct ffs_buf *b, const struct ffs_maps_object *o, const struct ffs_addresses *a);

/* Has its count reached the threshold (inside the window, where there is one). */
bool ffs_report_is_hot(const struct ffs_maps *m, const struct ffs_object_stat *s);

/* One line of JSON for an object; type says what it tells ("object", "hot"). */
void ffs_report_object(struct ffs_json *j, const char *type, const struct ffs_maps *m,
    const struct ffs_maps_object *o, const struct ffs_addresses *a);

/* The line {"counters":{...},...}: every counter by its name, all reads' latency, and what was
 * loaded.  0 or -errno. */
int ffs_report_counters(struct ffs_json *j, const struct ffs_maps *m);

/* "lost: ring_full 3 (events lost: the ring was full)", of all losses; nothing where there are
 * none. */
int ffs_report_losses(struct ffs_buf *b, const struct ffs_maps *m);

/* One line for a terminal; head is the one of the columns. */
void ffs_report_head(struct ffs_buf *b);
void ffs_report_row(struct ffs_buf *b, const struct ffs_maps *m, const struct ffs_maps_object *o,
    const struct ffs_addresses *a);

/* The same, to a stream, at once.  json is the line's type, or NULL for a terminal's.  0 or -errno.
 */
int ffs_report_print_head(FILE *f);
int ffs_report_print_object(FILE *f, const char *json, const struct ffs_maps *m,
    const struct ffs_maps_object *o, const struct ffs_addresses *a);
int ffs_report_print_counters(FILE *f, const struct ffs_maps *m);
int ffs_report_print_stats(FILE *f, bool json, const struct ffs_load_stats *s, size_t n);

/*
 * Objects that have become hot since the last time, by polling: the ring is for ffs-cache.
 */
struct ffs_report_hot;
/* all: those that are hot already are told of too; else they are known.  NULL with errno. */
struct ffs_report_hot *ffs_report_hot_new(const struct ffs_maps *m, bool all);
void ffs_report_hot_free(struct ffs_report_hot *h);
/* Costs one lookup where nothing has.  each() as for ffs_maps_each(). */
int ffs_report_hot_poll(
    struct ffs_report_hot *h, int (*each)(void *arg, const struct ffs_maps_object *o), void *arg);

#endif
