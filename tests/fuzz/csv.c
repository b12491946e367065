/* The row cutter: both its paths against libcsv alone, for any bytes and any way they come. */
#include <stdint.h>

#include "tests/unit/csvsame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct csvsame want;
	unsigned column;
	size_t step;
	char delim;

	if (n < 2 || n > 4096)
		return 0;
	delim = ",;\t |a"[p[0] % 6];
	column = p[0] / 6 % 5;
	step = p[1];
	csvsame_reference(&want, (const char *)p + 2, n - 2, delim, column);
	if (csvsame_check(&want, (const char *)p + 2, n - 2, delim, column, 0, false) ||
	    csvsame_check(&want, (const char *)p + 2, n - 2, delim, column, step, false) ||
	    csvsame_check(&want, (const char *)p + 2, n - 2, delim, column, step, true))
		abort();
	return 0;
}
