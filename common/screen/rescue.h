#ifndef FFS_RESCUE_H
#define FFS_RESCUE_H

#include <stdbool.h>
#include <termios.h>

/*
 * For the half of ffs-hotmon that draws nothing: a screen whose process was killed leaves the
 * terminal as it was in the midst of drawing.
 */
struct ffs_rescue {
	bool terminal; /* there is one */
	struct termios was;
};

/* Before the screen begins. */
void ffs_rescue_save(struct ffs_rescue *r);

/* The screen's process has ended with this status of waitpid(2): put the terminal back, where that
 * has not done so itself. */
void ffs_rescue_restore(const struct ffs_rescue *r, int status);

#endif
