/*
 * keepalive: GET each URL read from stdin, one after the other over one connection, by libcurl, and
 * print the milliseconds that each took. What a plain client could do: the mark for ffs-get.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

static size_t
drop(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	*(size_t *)arg += size * n;
	return size * n;
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int
main(void)
{
	CURL *c = curl_easy_init();
	char url[4096];
	size_t bytes;

	if (!c)
		errx(1, "no curl");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &bytes);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 512L * 1024);
	while (fgets(url, sizeof(url), stdin)) {
		double start = now_ms();
		CURLcode rc;

		url[strcspn(url, "\n")] = '\0';
		bytes = 0;
		curl_easy_setopt(c, CURLOPT_URL, url);
		rc = curl_easy_perform(c);
		if (rc)
			errx(1, "'%s': %s", url, curl_easy_strerror(rc));
		printf("%.3f\n", now_ms() - start);
	}
	curl_easy_cleanup(c);
	return fflush(stdout) ? 1 : 0;
}
