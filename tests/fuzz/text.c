/* Hostile names on a screen: as wide as is said, no wider than there is room, and nothing in them
 * that a terminal would obey. */
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/screen/text.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		abort();
	return 0;
}

/* The columns that a terminal gives it.  The C library decodes it anew. */
static unsigned
width(const char *s)
{
	mbstate_t state = { 0 };
	unsigned w = 0;
	wchar_t c;
	size_t n;
	int one;

	for (; (n = mbrtowc(&c, s, MB_CUR_MAX, &state)); s += n) {
		one = n > 4 ? -1 : wcwidth(c);
		if (one < 1)
			abort();
		w += (unsigned)one;
	}
	return w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned cols, w, room;
	char *out;
	bool utf8;

	if (size < 2)
		return 0;
	cols = data[0] & 0x7f;
	utf8 = data[0] & 0x80;
	room = 1 + data[1];
	out = malloc(room);
	if (!out)
		return 0;
	w = ffs_text_fit(out, room, (const char *)data + 2, size - 2, cols, utf8);
	if (w > cols || strlen(out) >= room || width(out) != w)
		abort();
	for (size_t i = 0; !utf8 && out[i]; i++)
		if (out[i] & 0x80)
			abort();
	/* Where there is room for all of it nothing is left out. */
	if (cols >= 4 * size && room > 4 * size && w == 0 && size > 2)
		abort();
	free(out);
	return 0;
}
