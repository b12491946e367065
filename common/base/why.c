#include "common/base/why.h"

#include <stdarg.h>
#include <stdio.h>

int
ffs_why(char **why, int rc, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return rc;
	va_start(ap, fmt);
	if (vasprintf(why, fmt, ap) < 0)
		*why = NULL;
	va_end(ap);
	return rc;
}
