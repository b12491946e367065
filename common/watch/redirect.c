#include "common/watch/redirect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/opt.h"

/* --- options --- */

/* Give each word of a list with commas to take(). */
static int
each_word(struct ffs_load_redirect *r, const char *list,
    int (*take)(struct ffs_load_redirect *r, const char *word))
{
	char *copy = strdup(list), *rest = copy, *word;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (word = strsep(&rest, ",")))
		rc = *word ? take(r, word) : -EINVAL;
	free(copy);
	return rc;
}

static int
take_uid(struct ffs_load_redirect *r, const char *word)
{
	const struct passwd *pw = getpwnam(word);
	uint64_t n;

	if (!pw && ffs_opt_uint(word, 0, (uid_t)-2, &n))
		return -EINVAL;
	if (r->uids_n == FFS_UIDS_MAX)
		return -EINVAL;
	r->uids[r->uids_n++] = pw ? pw->pw_uid : (uint32_t)n;
	return 0;
}

int
ffs_redirect_uids(struct ffs_load_redirect *r, const char *list)
{
	r->uids_n = 0;
	return strcmp(list, "all") ? each_word(r, list, take_uid) : 0;
}

static int
take_exclude(struct ffs_load_redirect *r, const char *word)
{
	if (r->exclude_n == FFS_EXCLUDE_MAX)
		return -EINVAL;
	strncpy(r->exclude[r->exclude_n++], word, FFS_COMM_LEN - 1);
	return 0;
}

int
ffs_redirect_exclude(struct ffs_load_redirect *r, const char *list)
{
	return each_word(r, list, take_exclude);
}

/* --- stores --- */

static bool
is_mapped(const uint8_t addr[16])
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)addr);
}

static bool
has(const struct ffs_load_targets *t, const struct ffs_end *end)
{
	uint32_t i;

	for (i = 0; i < t->stores_n; i++)
		if (!memcmp(&t->stores[i], end, sizeof(*end)))
			return true;
	return false;
}

size_t
ffs_redirect_stores(struct ffs_load_targets *t, const struct ffs_addresses *a)
{
	struct ffs_end end;
	size_t i, left = 0;

	memset(t->stores, 0, sizeof(t->stores));
	t->stores_n = 0;
	for (i = 0; i < a->n; i++) {
		end = (struct ffs_end){ .port = a->v[i].port };
		memcpy(end.addr, a->v[i].addr, sizeof(end.addr));
		if (a->v[i].tls || !(t->ports[end.port >> 3] >> (end.port & 7) & 1) ||
		    IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)end.addr) || has(t, &end))
			continue;
		if (t->stores_n < FFS_STORES_MAX)
			t->stores[t->stores_n++] = end;
		else
			left++;
	}
	return left;
}

bool
ffs_redirect_same(const struct ffs_load_targets *a, const struct ffs_load_targets *b)
{
	uint32_t i;

	if (a->stores_n != b->stores_n)
		return false;
	for (i = 0; i < a->stores_n; i++)
		if (!has(b, &a->stores[i]))
			return false;
	return true;
}

/* --- for the user --- */

void
ffs_redirect_end(struct ffs_buf *b, const struct ffs_end *end)
{
	char host[INET6_ADDRSTRLEN];

	if (is_mapped(end->addr)) {
		inet_ntop(AF_INET, end->addr + 12, host, sizeof(host));
		ffs_buf_addf(b, "%s:%u", host, end->port);
	} else {
		inet_ntop(AF_INET6, end->addr, host, sizeof(host));
		ffs_buf_addf(b, "[%s]:%u", host, end->port);
	}
}

void
ffs_redirect_text(
    struct ffs_buf *b, const struct ffs_load_redirect *r, const struct ffs_load_targets *t)
{
	uint32_t i;

	ffs_buf_adds(b, r->uids_n ? "connections of uid " : "connections of all users");
	for (i = 0; i < r->uids_n; i++)
		ffs_buf_addf(b, "%s%u", i ? ", " : "", r->uids[i]);
	for (i = 0; i < r->exclude_n; i++)
		ffs_buf_addf(b, "%s%s", i ? ", " : " (but for ", r->exclude[i]);
	ffs_buf_adds(b, r->exclude_n ? ") to " : " to ");
	for (i = 0; i < t->stores_n; i++) {
		ffs_buf_adds(b, i ? ", " : "");
		ffs_redirect_end(b, &t->stores[i]);
	}
}
