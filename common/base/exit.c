#include "common/base/exit.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/process.h"
#include "common/base/utf8.h"

enum ffs_exit
ffs_exit_of(int rc)
{
	switch (-rc) {
	case 0:
		return FFS_EXIT_OK;
	case ENOENT:
		return FFS_EXIT_NOTFOUND;
	case EACCES:
	case EPERM:
		return FFS_EXIT_DENIED;
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ETIMEDOUT:
	case EAGAIN:
		return FFS_EXIT_UNREACH;
	case EBADMSG:
	case ESTALE:
		return FFS_EXIT_INTEGRITY;
	case EOPNOTSUPP:
	case EPROTONOSUPPORT: /* a manifest of a later version */
	case ENOSYS:
		return FFS_EXIT_UNSUP;
	default:
		return FFS_EXIT_FAIL;
	}
}

enum ffs_exit
ffs_exit_add(enum ffs_exit before, enum ffs_exit now)
{
	return !before || before == now ? now : FFS_EXIT_FAIL;
}

int
ffs_exit_flush(int rc)
{
	if (fflush(stdout) || ferror(stdout)) {
		if (errno == EPIPE)
			ffs_process_die(SIGPIPE);
		warn("cannot write standard output");
		return rc ? rc : FFS_EXIT_FAIL;
	}
	return rc;
}

void
ffs_exit_usage(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		ffs_utf8_mask(text); /* a line end in an argument would make more lines of it */
		warnx("%s", text);
	}
	fprintf(stderr, "Try '%s --help'.\n", program_invocation_short_name);
	exit(FFS_EXIT_USAGE);
}
