#include "common/base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/utf8.h"

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

void
ffs_why_give(void (*failed)(void *arg, enum ffs_exit status, const char *text), void *arg,
    enum ffs_exit status, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		ffs_utf8_mask(text);
	failed(arg, status, text ? text : "out of memory");
	free(text);
}
