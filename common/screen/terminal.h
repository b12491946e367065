#ifndef FFS_TERMINAL_H
#define FFS_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

/* Can anything be drawn on standard output, a terminal of the type that $TERM says: is that known,
 * and can a cursor be moved on it. */
bool ffs_terminal_draws(void);

/*
 * For the half of ffs-hotmon that draws nothing: a screen whose process was killed leaves the
 * terminal as it was in the midst of drawing.
 */
struct ffs_terminal {
	bool there;
	struct termios was;
};

/* Before the screen begins. */
void ffs_terminal_save(struct ffs_terminal *t);

/* The screen's process has ended with this status of waitpid(2): put the terminal back, where that
 * has not done so itself. */
void ffs_terminal_restore(const struct ffs_terminal *t, int status);

#endif
