#include "common/split/lobster.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LEVEL_MAX 1000
#define DAY_MS 86400000

static bool
is_ticker(const char *s, size_t n)
{
	size_t i;

	if (!n || n >= sizeof(((struct ffs_lobster *)0)->ticker) || s[0] == '.' || s[0] == '-')
		return false;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '.' && s[i] != '-')
			return false;
	return true;
}

static bool
is_date(const char *s, size_t n)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	if (n != sizeof(form) - 1)
		return false;
	for (i = 0; i < n; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	return memcmp(s + 5, "00", 2) > 0 && memcmp(s + 5, "12", 2) <= 0 &&
	       memcmp(s + 8, "00", 2) > 0 && memcmp(s + 8, "31", 2) <= 0;
}

/* All n bytes as a number up to max. */
static bool
number(const char *s, size_t n, uint64_t max, uint64_t *out)
{
	size_t i;

	*out = 0;
	if (!n)
		return false;
	for (i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		*out = *out * 10 + (uint64_t)(s[i] - '0');
		if (*out > max)
			return false;
	}
	return true;
}

int
ffs_lobster_parse(struct ffs_lobster *l, const char *path)
{
	static const char *const kinds[] = { "message", "orderbook" };
	const char *at = basename(path), *part[6];
	size_t len[6], i;
	uint64_t level;

	for (i = 0; i < 6; i++) {
		part[i] = at;
		len[i] = strcspn(at, i < 5 ? "_" : ".");
		at += len[i];
		if (i < 5 && *at++ != '_')
			return -EINVAL;
	}
	for (i = 0; i < 2; i++)
		if (len[4] == strlen(kinds[i]) && !memcmp(part[4], kinds[i], len[4]))
			break;
	if (i == 2 || !is_ticker(part[0], len[0]) || !is_date(part[1], len[1]) ||
	    !number(part[2], len[2], DAY_MS, &l->start_ms) ||
	    !number(part[3], len[3], DAY_MS, &l->end_ms) ||
	    !number(part[5], len[5], LEVEL_MAX, &level) || !level)
		return -EINVAL;
	l->kind = i ? FFS_LOBSTER_ORDERBOOK : FFS_LOBSTER_MESSAGE;
	l->level = (unsigned)level;
	memcpy(l->ticker, part[0], len[0]);
	l->ticker[len[0]] = '\0';
	memcpy(l->date, part[1], len[1]);
	l->date[len[1]] = '\0';
	return 0;
}

int
ffs_lobster_cmp(const struct ffs_lobster *a, const struct ffs_lobster *b)
{
	int rc = strcmp(a->ticker, b->ticker);

	if (!rc)
		rc = strcmp(a->date, b->date);
	return rc ? rc : (a->level > b->level) - (a->level < b->level);
}

int
ffs_lobster_expand(const struct ffs_lobster *l, const char *template, struct ffs_buf *out)
{
	const char *at = template;
	size_t n;

	while (*at) {
		n = strcspn(at, "{}");
		ffs_buf_add(out, at, n);
		at += n;
		if (!strncmp(at, "{ticker}", 8)) {
			ffs_buf_adds(out, l->ticker);
			at += 8;
		} else if (!strncmp(at, "{date}", 6)) {
			ffs_buf_adds(out, l->date);
			at += 6;
		} else if (!strncmp(at, "{level}", 7)) {
			ffs_buf_addf(out, "%u", l->level);
			at += 7;
		} else if (*at) {
			return -EINVAL;
		}
	}
	return ffs_buf_error(out);
}
