#include "common/s3/curl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>

/*
 * libcurl, loaded when it is first called.  It brings 30 other libraries, which take 5 ms to map
 * and relocate: more than reading the answer to most questions from the cache, which needs no
 * network.  These are libcurl's own names, so that whoever calls them sees its header, with its
 * checks, and nothing else.
 */

/* The file that Debian's libcurl4 has had since 2006: the version of its ABI. */
#define LIBRARY "libcurl.so.4"

/* The types check each other: what is not libcurl's does not compile. */
#define FUNCTIONS(X)                                                                               \
	X(curl_easy_cleanup)                                                                       \
	X(curl_easy_getinfo)                                                                       \
	X(curl_easy_init)                                                                          \
	X(curl_easy_pause)                                                                         \
	X(curl_easy_setopt)                                                                        \
	X(curl_easy_strerror)                                                                      \
	X(curl_getdate)                                                                            \
	X(curl_global_cleanup)                                                                     \
	X(curl_global_init)                                                                        \
	X(curl_multi_add_handle)                                                                   \
	X(curl_multi_assign)                                                                       \
	X(curl_multi_cleanup)                                                                      \
	X(curl_multi_info_read)                                                                    \
	X(curl_multi_init)                                                                         \
	X(curl_multi_remove_handle)                                                                \
	X(curl_multi_setopt)                                                                       \
	X(curl_multi_socket_action)                                                                \
	X(curl_slist_append)                                                                       \
	X(curl_slist_free_all)

/* The header has macros of these two names. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct library {
	bool loaded;
#define MEMBER(name) __typeof__(&name) name;
	FUNCTIONS(MEMBER)
#undef MEMBER
};

/* Written once, as ld.so would have done at the start; constant from then on. */
static struct library library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
load(void)
{
	void *so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!so)
		return;
#define FIND(name)                                                                                 \
	*(void **)&library.name = dlsym(so, #name);                                                \
	if (!library.name)                                                                         \
		return;
	FUNCTIONS(FIND)
#undef FIND
	library.loaded = true;
}

static const struct library *
curl(void)
{
	pthread_once(&once, load);
	return &library;
}

bool
ffs_curl_load(void)
{
	return curl()->loaded;
}

/* --- who has no pool, which only is where libcurl is loaded, calls none but these --- */

struct curl_slist *
curl_slist_append(struct curl_slist *list, const char *text)
{
	return curl()->loaded ? library.curl_slist_append(list, text) : NULL;
}

void
curl_slist_free_all(struct curl_slist *list)
{
	if (list)
		library.curl_slist_free_all(list);
}

/* --- the others --- */

/* Values are long, a pointer, or curl_off_t: one kind of argument where those are one size. */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *), "LP64");

CURLcode
curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	va_list ap;
	void *value;

	va_start(ap, option);
	value = va_arg(ap, void *);
	va_end(ap);
	return library.curl_easy_setopt(easy, option, value);
}

CURLcode
curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list ap;
	void *value;

	va_start(ap, info);
	value = va_arg(ap, void *);
	va_end(ap);
	return library.curl_easy_getinfo(easy, info, value);
}

CURLMcode
curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	va_list ap;
	void *value;

	va_start(ap, option);
	value = va_arg(ap, void *);
	va_end(ap);
	return library.curl_multi_setopt(multi, option, value);
}

CURLcode
curl_global_init(long flags)
{
	return library.curl_global_init(flags);
}

void
curl_global_cleanup(void)
{
	library.curl_global_cleanup();
}

CURL *
curl_easy_init(void)
{
	return library.curl_easy_init();
}

void
curl_easy_cleanup(CURL *easy)
{
	library.curl_easy_cleanup(easy);
}

CURLcode
curl_easy_pause(CURL *easy, int bits)
{
	return library.curl_easy_pause(easy, bits);
}

const char *
curl_easy_strerror(CURLcode code)
{
	return library.curl_easy_strerror(code);
}

time_t
curl_getdate(const char *text, const time_t *unused)
{
	return library.curl_getdate(text, unused);
}

CURLM *
curl_multi_init(void)
{
	return library.curl_multi_init();
}

CURLMcode
curl_multi_cleanup(CURLM *multi)
{
	return library.curl_multi_cleanup(multi);
}

CURLMcode
curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	return library.curl_multi_add_handle(multi, easy);
}

CURLMcode
curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	return library.curl_multi_remove_handle(multi, easy);
}

CURLMcode
curl_multi_assign(CURLM *multi, curl_socket_t fd, void *p)
{
	return library.curl_multi_assign(multi, fd, p);
}

CURLMcode
curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int bits, int *running)
{
	return library.curl_multi_socket_action(multi, fd, bits, running);
}

CURLMsg *
curl_multi_info_read(CURLM *multi, int *left)
{
	return library.curl_multi_info_read(multi, left);
}
