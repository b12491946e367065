#include "common/gate/times.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/base/opt.h"

enum { TEXT_MAX = 64 };

static int64_t *
find(struct ffs_times *t, const char *name, size_t n)
{
	static const struct {
		const char *name;
		size_t at;
	} all[] = {
		{ "head", offsetof(struct ffs_times, head) },
		{ "idle", offsetof(struct ffs_times, idle) },
		{ "stall", offsetof(struct ffs_times, stall) },
		{ "connect", offsetof(struct ffs_times, connect) },
		{ "answer", offsetof(struct ffs_times, answer) },
		{ "keep", offsetof(struct ffs_times, keep) },
		{ "fresh", offsetof(struct ffs_times, fresh) },
		{ "linger", offsetof(struct ffs_times, linger) },
		{ "stop", offsetof(struct ffs_times, stop) },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strlen(all[i].name) == n && !memcmp(all[i].name, name, n))
			return (int64_t *)((char *)t + all[i].at);
	return NULL;
}

int
ffs_times_parse(struct ffs_times *t, const char *text)
{
	char one[TEXT_MAX];
	const char *equals;
	int64_t *to;
	uint64_t ms;
	size_t n;

	for (; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		equals = memchr(text, '=', n);
		to = equals ? find(t, text, (size_t)(equals - text)) : NULL;
		if (!to || n - (size_t)(equals - text) > sizeof(one))
			return -EINVAL;
		memcpy(one, equals + 1, n - (size_t)(equals - text) - 1);
		one[n - (size_t)(equals - text) - 1] = '\0';
		if (ffs_opt_duration(one, 1, 86400000, &ms))
			return -EINVAL;
		*to = (int64_t)ms;
	}
	return 0;
}
