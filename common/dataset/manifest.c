#include "common/dataset/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/base/csv.h"
#include "common/base/dtime.h"
#include "common/base/json.h"
#include "common/base/utf8.h"

enum {
	KEY_MAX = 1024, /* S3's limit on a key */
	ETAG_MAX = 127,
	NODE_MAX = 255,
	TIME_MAX = 64,
	COPIES_MAX = 64,
};

/* The encodings' names in JSON, by enum ffs_encoding. */
static const char *const encodings[] = { "identity", "zstd" };

/* What the chunks read so far lead one to expect of the next one. */
struct reader {
	struct ffs_manifest *m;
	char *prefix; /* "DATASET/GEN/" */
	size_t prefix_len;
	size_t cap;
	uint64_t rows, bytes; /* sums so far */
	struct ffs_dtime last;
	const char *detail;
};

static int
bad(struct reader *r, const char *text)
{
	r->detail = text;
	return -EBADMSG;
}

void
ffs_object_release(struct ffs_object *o)
{
	size_t i;

	for (i = 0; i < o->copies; i++) {
		if (o->nodes)
			free(o->nodes[i]);
		if (o->etags)
			free(o->etags[i]);
	}
	free(o->nodes);
	free(o->etags);
	free(o->key);
	memset(o, 0, sizeof(*o));
}

void
ffs_chunk_release(struct ffs_chunk *c)
{
	ffs_object_release(&c->data);
	ffs_object_release(&c->message);
	free(c->time_first);
	free(c->time_last);
	memset(c, 0, sizeof(*c));
}

void
ffs_manifest_release(struct ffs_manifest *m)
{
	size_t i;

	for (i = 0; i < m->nchunks; i++)
		ffs_chunk_release(&m->chunks[i]);
	free(m->chunks);
	free(m->dataset);
	memset(m, 0, sizeof(*m));
}

/* --- reading --- */

static int
get_uint(struct reader *r, const json_t *o, const char *name, uint64_t *out)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return bad(r, "a number is missing or out of range");
	*out = (uint64_t)json_integer_value(v);
	return 0;
}

static int
get_crc(struct reader *r, const json_t *o, const char *name, uint32_t *out)
{
	const char *s = json_string_value(json_object_get(o, name));

	if (!s || ffs_crc32c_from_hex(s, out) < 0)
		return bad(r, "a checksum is missing or is not 8 hexadecimal digits");
	return 0;
}

static int
copy_string(struct reader *r, const json_t *v, size_t max, char **out)
{
	size_t n = json_string_length(v);

	if (!json_is_string(v) || !n || n > max)
		return bad(r, "a string is missing, empty or too long");
	*out = strdup(json_string_value(v));
	if (!*out)
		return -ENOMEM;
	/* they come to terminals, by errors and --list, and an ETag into a header */
	ffs_utf8_mask(*out);
	return strcmp(*out, json_string_value(v)) ? bad(r, "a string has control characters") : 0;
}

/* An array of strings; *n is 0 or how many there must be. */
static int
copy_strings(struct reader *r, const json_t *a, size_t max, char ***out, size_t *n)
{
	size_t i, count = json_array_size(a);
	int rc = 0;

	if (!json_is_array(a) || !count || count > COPIES_MAX || (*n && count != *n))
		return bad(r, "nodes and etags do not go together");
	*out = calloc(count, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	*n = count;
	for (i = 0; i < count && !rc; i++)
		rc = copy_string(r, json_array_get(a, i), max, &(*out)[i]);
	return rc;
}

static int
get_encoding(struct reader *r, const json_t *o, enum ffs_encoding *out)
{
	const json_t *v = json_object_get(o, "encoding");
	size_t i;

	*out = FFS_ENCODING_IDENTITY;
	if (!v)
		return 0;
	if (!json_is_string(v))
		return bad(r, "encoding is not a string");
	for (i = 0; i < sizeof(encodings) / sizeof(*encodings); i++)
		if (!strcmp(json_string_value(v), encodings[i])) {
			*out = (enum ffs_encoding)i;
			return 0;
		}
	r->detail = "an encoding that this program does not know";
	return -EPROTONOSUPPORT;
}

static int
get_key(struct reader *r, const json_t *o, char **out)
{
	const char *rest;
	int rc = copy_string(r, json_object_get(o, "key"), KEY_MAX, out);

	if (rc)
		return rc;
	rest = *out + r->prefix_len;
	if (strncmp(*out, r->prefix, r->prefix_len) || !*rest || *rest == '.' || strchr(rest, '/'))
		return bad(r, "a key is not below its generation");
	return 0;
}

static int
get_object(struct reader *r, const json_t *o, struct ffs_object *out, size_t copies)
{
	int rc = get_key(r, o, &out->key);

	if (!rc)
		rc = get_uint(r, o, "bytes", &out->bytes);
	if (!rc)
		rc = get_crc(r, o, "crc32c", &out->crc32c);
	if (!rc)
		rc = get_encoding(r, o, &out->encoding);
	out->copies = copies;
	if (!rc && !copies)
		rc = copy_strings(
		    r, json_object_get(o, "nodes"), NODE_MAX, &out->nodes, &out->copies);
	if (!rc)
		rc = copy_strings(
		    r, json_object_get(o, "etags"), ETAG_MAX, &out->etags, &out->copies);
	if (rc)
		return rc;
	out->plain_bytes = out->bytes;
	out->plain_crc32c = out->crc32c;
	if (out->encoding == FFS_ENCODING_IDENTITY)
		return 0;
	rc = get_uint(r, o, "plain_bytes", &out->plain_bytes);
	return rc ? rc : get_crc(r, o, "plain_crc32c", &out->plain_crc32c);
}

static int
get_times(struct reader *r, const json_t *o, struct ffs_chunk *c)
{
	const json_t *a = json_object_get(o, "time");
	struct ffs_dtime first, last;
	bool head = !r->m->nchunks;
	int rc;

	if (!a)
		return head || !r->m->chunks[0].time_first
		           ? 0
		           : bad(r, "some chunks have times and some have none");
	if (!json_is_array(a) || json_array_size(a) != 2)
		return bad(r, "time is not a pair");
	rc = copy_string(r, json_array_get(a, 0), TIME_MAX, &c->time_first);
	if (!rc)
		rc = copy_string(r, json_array_get(a, 1), TIME_MAX, &c->time_last);
	if (rc)
		return rc;
	if (!head && !r->m->chunks[0].time_first)
		return bad(r, "some chunks have times and some have none");
	if (ffs_dtime_parse(c->time_first, strlen(c->time_first), &first) < 0 ||
	    ffs_dtime_parse(c->time_last, strlen(c->time_last), &last) < 0)
		return bad(r, "a time is not a decimal number");
	if (ffs_dtime_cmp(&first, &last) > 0 || (!head && ffs_dtime_cmp(&r->last, &first) > 0))
		return bad(r, "times run backwards");
	r->last = last;
	return 0;
}

static int
get_chunk(struct reader *r, const json_t *o, struct ffs_chunk *c)
{
	const json_t *message = json_object_get(o, "message");
	int rc = get_object(r, o, &c->data, 0);

	if (!rc && message)
		rc = get_object(r, message, &c->message, c->data.copies);
	if (!rc)
		rc = get_uint(r, o, "first_row", &c->first_row);
	if (!rc)
		rc = get_uint(r, o, "rows", &c->rows);
	if (!rc)
		rc = get_times(r, o, c);
	if (rc)
		return rc;
	if (r->m->nchunks && !r->m->chunks[0].message.key != !c->message.key)
		return bad(r, "some chunks have messages and some have none");
	if (c->first_row != r->rows || (r->m->nchunks && !c->rows) ||
	    __builtin_add_overflow(r->rows, c->rows, &r->rows))
		return bad(r, "rows are not contiguous");
	if (c->data.plain_bytes < r->m->header_bytes ||
	    __builtin_add_overflow(r->bytes, c->data.plain_bytes, &r->bytes) ||
	    (r->m->nchunks && __builtin_sub_overflow(r->bytes, r->m->header_bytes, &r->bytes)))
		return bad(r, "a chunk's length is out of range");
	return 0;
}

static size_t
skip_space(const char *s, size_t i, size_t n)
{
	while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n'))
		i++;
	return i;
}

/* Parse the elements of the array that starts behind '['.  *end is behind its ']'. */
static int
get_chunks(struct reader *r, const char *s, size_t n, size_t *end)
{
	struct ffs_chunk *grown, c;
	size_t i = 0;
	json_error_t e;
	json_t *o;
	int rc;

	for (;;) {
		i = skip_space(s, i, n);
		if (i < n && s[i] == ']' && !r->m->nchunks)
			break;
		if (i >= n || s[i] != '{')
			return bad(r, "chunks is not an array of objects");
		o = json_loadb(s + i, n - i, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &e);
		if (!o)
			return bad(r, "a chunk is not valid JSON");
		i += (size_t)e.position;
		memset(&c, 0, sizeof(c));
		rc = get_chunk(r, o, &c);
		json_decref(o);
		if (!rc && r->m->nchunks == r->cap) {
			r->cap = r->cap ? r->cap * 2 : 64;
			grown = reallocarray(r->m->chunks, r->cap, sizeof(c));
			if (grown)
				r->m->chunks = grown;
			else
				rc = -ENOMEM;
		}
		if (rc) {
			ffs_chunk_release(&c);
			return rc;
		}
		r->m->chunks[r->m->nchunks++] = c;
		i = skip_space(s, i, n);
		if (i < n && s[i] == ']')
			break;
		if (i >= n || s[i++] != ',')
			return bad(r, "chunks are not separated by commas");
	}
	*end = i + 1;
	return 0;
}

/* A comma where there is none. */
static int
get_delimiter(struct reader *r, const json_t *root)
{
	const json_t *v = json_object_get(root, "delimiter");
	const char *s = v ? json_string_value(v) : ",";

	/* jansson refuses \u0000 in a string */
	if (!s || !ffs_csv_delim_ok(s))
		return bad(r, "delimiter is not one character that may be one");
	r->m->delimiter = *s;
	return 0;
}

/* Everything but the chunks. */
static int
get_head(struct reader *r, const json_t *root)
{
	struct ffs_manifest *m = r->m;
	const json_t *header = json_object_get(root, "header");
	uint64_t version, time_col = 0;
	int rc;

	if (!json_is_object(root))
		return bad(r, "not a JSON object");
	rc = get_uint(r, root, "version", &version);
	if (rc)
		return rc;
	if (version != 1) {
		r->detail = "a version that this program does not know";
		return -EPROTONOSUPPORT;
	}
	rc = copy_string(r, json_object_get(root, "dataset"), FFS_DATASET_NAME_MAX, &m->dataset);
	if (!rc)
		rc = get_uint(r, root, "generation", &m->generation);
	if (!rc)
		rc = get_uint(r, root, "rows", &m->rows);
	if (!rc)
		rc = get_uint(r, root, "columns", &m->columns);
	if (!rc)
		rc = get_uint(r, root, "bytes", &m->bytes);
	if (!rc)
		rc = get_uint(r, root, "chunk_rows", &m->chunk_rows);
	if (!rc && header && !json_is_boolean(header))
		rc = bad(r, "header is not true or false");
	m->header = json_is_true(header);
	if (!rc && m->header)
		rc = get_uint(r, root, "header_bytes", &m->header_bytes);
	if (!rc && json_object_get(root, "time_col"))
		rc = get_uint(r, root, "time_col", &time_col);
	if (!rc)
		rc = get_delimiter(r, root);
	if (rc)
		return rc;
	if (!ffs_dataset_name_ok(m->dataset))
		return bad(r, "the dataset's name is not one");
	/* ragged rows have no number of columns */
	if (!m->generation || (m->columns && time_col > m->columns) || time_col > UINT32_MAX)
		return bad(r, "a number is missing or out of range");
	m->time_col = (unsigned)time_col;
	return 0;
}

static size_t
string_end(const char *s, size_t i, size_t n)
{
	for (i++; i < n && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < n ? i + 1 : n;
}

/*
 * Where the text behind the '[' of the outermost object's member "chunks"
 * starts; 0 where there is none.  Whether the rest is JSON at all is
 * jansson's to say.
 */
static size_t
find_chunks(const char *s, size_t n)
{
	static const char name[] = "\"chunks\"";
	size_t i, end, depth = 0;

	for (i = 0; i < n;) {
		if (s[i] != '"') {
			if (s[i] == '{' || s[i] == '[')
				depth++;
			else if ((s[i] == '}' || s[i] == ']') && depth)
				depth--;
			i++;
			continue;
		}
		end = string_end(s, i, n);
		if (depth == 1 && end - i == sizeof(name) - 1 && !memcmp(s + i, name, end - i)) {
			end = skip_space(s, end, n);
			if (end < n && s[end] == ':') {
				end = skip_space(s, end + 1, n);
				return end < n && s[end] == '[' ? end + 1 : 0;
			}
		}
		i = end;
	}
	return 0;
}

/* Parse the text with the array of chunks [at, at + len) left empty, then the chunks. */
static int
parse(struct reader *r, const char *s, size_t n)
{
	size_t at = find_chunks(s, n), depth = 1, end = at;
	struct ffs_buf head = FFS_BUF_INIT;
	json_t *root = NULL;
	int rc;

	if (!at)
		return bad(r, "it is not JSON, or has no chunks");
	while (end < n && depth) {
		if (s[end] == '"') {
			end = string_end(s, end, n);
			continue;
		}
		if (s[end] == '[' || s[end] == '{')
			depth++;
		else if (s[end] == ']' || s[end] == '}')
			depth--;
		end++;
	}
	ffs_buf_add(&head, s, at);
	ffs_buf_add(&head, s + end - !depth, n - end + !depth);
	rc = ffs_buf_error(&head);
	if (rc)
		goto out;
	root = json_loadb(head.p, head.len, JSON_REJECT_DUPLICATES, NULL);
	rc = root ? get_head(r, root) : bad(r, "not valid JSON");
	if (rc)
		goto out;
	if (asprintf(&r->prefix, "%s/%" PRIu64 "/", r->m->dataset, r->m->generation) < 0) {
		r->prefix = NULL;
		rc = -ENOMEM;
		goto out;
	}
	r->prefix_len = strlen(r->prefix);
	rc = get_chunks(r, s + at, end - at, &at);
	if (!rc && (!r->m->nchunks || r->rows != r->m->rows || r->bytes != r->m->bytes))
		rc = bad(r, "its chunks do not add up to its rows and bytes");
out:
	json_decref(root);
	ffs_buf_release(&head);
	return rc;
}

/*
 * jansson needs some 40 times the text for a tree.  So the chunks, nearly all
 * of it, are given to it one at a time: a million take seconds and no more
 * than their strings.
 */
int
ffs_manifest_parse(struct ffs_manifest *m, const char *json, size_t n, const char **detail)
{
	struct reader r = { .m = m };
	int rc;

	memset(m, 0, sizeof(*m));
	rc = n > FFS_MANIFEST_MAX ? bad(&r, "too large") : parse(&r, json, n);
	if (rc == -ENOMEM)
		r.detail = "out of memory";
	free(r.prefix);
	if (rc)
		ffs_manifest_release(m);
	if (detail)
		*detail = r.detail;
	return rc;
}

/* --- writing --- */

static void
put_crc(struct ffs_json *j, const char *name, uint32_t crc)
{
	char hex[9];

	snprintf(hex, sizeof(hex), "%08" PRIx32, crc);
	ffs_json_str(j, name, hex);
}

static void
put_object(struct ffs_json *j, const struct ffs_object *o)
{
	ffs_json_uint(j, "bytes", o->bytes);
	put_crc(j, "crc32c", o->crc32c);
	ffs_json_str(j, "encoding", encodings[o->encoding]);
	if (o->encoding != FFS_ENCODING_IDENTITY) {
		ffs_json_uint(j, "plain_bytes", o->plain_bytes);
		put_crc(j, "plain_crc32c", o->plain_crc32c);
	}
	if (o->nodes)
		ffs_json_strs(j, "nodes", (const char *const *)o->nodes, o->copies);
	ffs_json_strs(j, "etags", (const char *const *)o->etags, o->copies);
}

static void
put_chunk(struct ffs_json *j, const struct ffs_chunk *c)
{
	const char *time[2] = { c->time_first, c->time_last };

	ffs_json_open(j);
	ffs_json_str(j, "key", c->data.key);
	ffs_json_uint(j, "first_row", c->first_row);
	ffs_json_uint(j, "rows", c->rows);
	if (c->time_first)
		ffs_json_strs(j, "time", time, 2);
	put_object(j, &c->data);
	if (c->message.key) {
		ffs_json_open_in(j, "message");
		ffs_json_str(j, "key", c->message.key);
		put_object(j, &c->message);
		ffs_json_close(j);
	}
	ffs_json_close(j);
}

int
ffs_manifest_format(const struct ffs_manifest *m, struct ffs_buf *out)
{
	const char delimiter[] = { m->delimiter, '\0' };
	struct ffs_json j = { .buf = *out };
	size_t i;

	ffs_json_open(&j);
	ffs_json_uint(&j, "version", 1);
	ffs_json_str(&j, "dataset", m->dataset);
	ffs_json_uint(&j, "generation", m->generation);
	ffs_json_uint(&j, "rows", m->rows);
	ffs_json_uint(&j, "columns", m->columns);
	ffs_json_bool(&j, "header", m->header);
	if (m->header)
		ffs_json_uint(&j, "header_bytes", m->header_bytes);
	ffs_json_uint(&j, "bytes", m->bytes);
	ffs_json_uint(&j, "chunk_rows", m->chunk_rows);
	if (m->time_col)
		ffs_json_uint(&j, "time_col", m->time_col);
	if (m->delimiter != ',')
		ffs_json_str(&j, "delimiter", delimiter);
	ffs_buf_adds(&j.buf, ",\"chunks\":[\n");
	for (i = 0; i < m->nchunks; i++) {
		if (i)
			ffs_buf_adds(&j.buf, ",\n");
		put_chunk(&j, &m->chunks[i]);
	}
	ffs_buf_adds(&j.buf, "\n]}\n");
	*out = j.buf;
	return ffs_buf_error(out);
}

/* --- searching --- */

size_t
ffs_manifest_find_row(const struct ffs_manifest *m, uint64_t row)
{
	size_t lo = 0, hi = m->nchunks, mid;

	if (row >= m->rows)
		return m->nchunks;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (m->chunks[mid].first_row <= row)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}
