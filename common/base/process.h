#ifndef FFS_PROCESS_H
#define FFS_PROCESS_H

#include <signal.h>

/* What every tool needs of its process: standard descriptors, and signals that clean up. */

/*
 * Call first in main(): where a standard descriptor is closed, no file or socket of ours may take
 * its number, or what is printed goes there.
 */
void ffs_process_begin(void);

/*
 * From now on SIGHUP, SIGINT and SIGTERM, those that are not ignored, only set
 * *ffs_process_stop() and end what waits (EINTR); a second one ends the tool at once.
 */
void ffs_process_catch(void);

/* 0, or the signal that was caught. */
const volatile sig_atomic_t *ffs_process_stop(void);

/* End by this signal, as if it had never been caught or ignored. */
void ffs_process_die(int sig);

#endif
