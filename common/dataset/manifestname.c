#include "common/dataset/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"

/*
 * Length of the character at s if a name may hold it, else 0.  Beyond ASCII
 * everything that is not a letter for certain is left out: C1 controls and
 * Latin-1 signs, general punctuation (invisible and direction marks among it),
 * ideographic spaces, private use, variation selectors, specials, and what is above the
 * ideographs.
 */
static size_t
name_char(const char *s, size_t n)
{
	static const struct {
		uint32_t first, last;
	} no[] = { { 0x80, 0xbf }, { 0x2000, 0x206f }, { 0x3000, 0x3004 }, { 0xe000, 0xf8ff },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xffff }, { 0x40000, 0x10ffff } };
	const unsigned char *p = (const unsigned char *)s;
	size_t len = ffs_utf8_len(s, n), i;
	uint32_t c;

	if (len <= 1)
		return len && ((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
				  (*s >= 'a' && *s <= 'z') || strchr("._=+-", *s));
	c = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3f);
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (c >= no[i].first && c <= no[i].last)
			return 0;
	return len;
}

bool
ffs_dataset_name_ok(const char *name)
{
	static const char manifest[] = "manifest.json";
	const char *part = name, *p = name, *end = name + strlen(name);
	size_t n;

	if (end - name > FFS_DATASET_NAME_MAX)
		return false;
	for (;;) {
		if (*p && *p != '/') {
			n = name_char(p, (size_t)(end - p));
			if (!n)
				return false;
			p += n;
			continue;
		}
		n = (size_t)(p - part);
		if (!n || *part == '.' ||
		    (n == sizeof(manifest) - 1 && !memcmp(part, manifest, n)) ||
		    (part != name && strspn(part, "0123456789") == n))
			return false;
		if (!*p)
			return true;
		part = ++p;
	}
}

char *
ffs_manifest_key(const char *dataset)
{
	char *key;

	return asprintf(&key, "%s/manifest.json", dataset) < 0 ? NULL : key;
}

char *
ffs_manifest_key_at(const char *dataset, uint64_t generation)
{
	char *key;

	return asprintf(&key, "%s/%" PRIu64 "/manifest.json", dataset, generation) < 0 ? NULL : key;
}

bool
ffs_manifest_is_control(const char *key)
{
	const char *slash = strrchr(key, '/'), *file = slash ? slash + 1 : key;

	return !strcmp(file, "manifest.json") || !strcmp(file, ".claim") ||
	       !strncmp(key, ".ffs/", 5) || strstr(key, "/.ffs/");
}
