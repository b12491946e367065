#ifndef FFS_CHECK_H
#define FFS_CHECK_H

#include <stdarg.h>
#include <stdio.h>

/* What a unit program says of what is wrong; main() returns failed. */
static int failed;

static void __attribute__((format(printf, 3, 4)))
check_failed(int line, const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("line %d: %s%s", line, what, fmt[1] ? ":" : "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	failed = 1;
}

/* CHECK(CONDITION) or CHECK(CONDITION, FORMAT, ...): what must hold, and more where it does not. */
#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			check_failed(__LINE__, #cond, " " __VA_ARGS__);                            \
	} while (0)

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
