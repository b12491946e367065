/* Keys to paths: no path leaves its directory, and every one leads back to its key. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/node/keypath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key that a path is of. */
static void
back(const char *path, char *key)
{
	char name[FFS_KEYPATH_SEGMENT_MAX + 2], segment[FFS_KEYPATH_SEGMENT_MAX + 1];
	bool aside;
	size_t n;

	for (*key = '\0';; path += n + 1) {
		n = strcspn(path, "/");
		if (!n || n > FFS_KEYPATH_SEGMENT_MAX)
			abort();
		memcpy(name, path, n);
		name[n] = '\0';
		if (!strcmp(name, ".") || !strcmp(name, "..") ||
		    ffs_keypath_decode(segment, name, &aside) || aside)
			abort();
		strcat(key, segment);
		if (!path[n])
			return;
		strcat(key, "/");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FFS_KEYPATH_MAX], key[FFS_KEY_MAX + 1], segment[FFS_KEYPATH_SEGMENT_MAX + 1];
	char *s = malloc(size + 1);
	bool aside;

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	ffs_keypath_bucket_ok(s);
	if (!ffs_keypath_encode(path, s)) {
		if (strlen(path) > FFS_KEYPATH_MAX - 2)
			abort();
		back(path, key);
		if (strcmp(key, s))
			abort();
	}
	/* As a name that somebody else has put there. */
	if (!ffs_keypath_decode(segment, s, &aside) && segment[0]) {
		if (ffs_keypath_encode(path, segment) || strlen(path) + aside != strlen(s) ||
		    strncmp(path, s, strlen(path)))
			abort();
	}
	free(s);
	return 0;
}
