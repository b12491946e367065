#ifndef FFS_DRAWIMPL_H
#define FFS_DRAWIMPL_H

#include "common/screen/draw.h"
#include "common/screen/layout.h"

/* Between the sections of the screen. */

/* Our own text at y, x, cut at the right edge.  Returns the column behind it. */
unsigned ffs_draw_put(const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same where there is room for all of it; else nothing, and the edge is returned. */
unsigned ffs_draw_item(const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A hostile name in at most cols columns.  Returns the column behind it. */
unsigned ffs_draw_name(const struct ffs_draw *d, unsigned y, unsigned x, unsigned cols,
    enum ffs_draw_role role, const char *s, size_t len);

/* A rule over the whole line with a title in it.  Returns the column behind the title. */
unsigned ffs_draw_rule(const struct ffs_draw *d, unsigned y, const char *title);

/* "alice python3" in at most cols columns.  Returns the column behind it. */
unsigned ffs_draw_who(const struct ffs_draw *d, unsigned y, unsigned x, unsigned cols, uint32_t uid,
    const char *user, const char *comm);

/* Columns of what caches served: on a 304, alone, and stale where there is any. */
unsigned ffs_draw_from_titles(
    const struct ffs_draw *d, unsigned y, unsigned x, const struct ffs_model *m);
unsigned ffs_draw_from(const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role,
    const struct ffs_model *m, const uint64_t from[FFS_SERVED_N]);

/* The sections. */
void ffs_draw_heat(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m);
void ffs_draw_chart(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m,
    const struct ffs_view *v);
int ffs_draw_list(
    struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m, struct ffs_view *v);
void ffs_draw_programs(const struct ffs_draw *d, const struct ffs_layout *l,
    const struct ffs_model *m, struct ffs_view *v);
void ffs_draw_box(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m,
    const struct ffs_view *v);

#endif
