/* Which addresses are this machine's own. */
#include "common/base/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/unit/check.h"

static void
check(const char *ip, bool want)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	const struct sockaddr *a;

	if (inet_pton(AF_INET, ip, &four.sin_addr) == 1)
		a = (const struct sockaddr *)&four;
	else if (inet_pton(AF_INET6, ip, &six.sin6_addr) == 1)
		a = (const struct sockaddr *)&six;
	else
		a = NULL;
	CHECK(ffs_loopback_is(a) == want, "%s is %sloopback", ip, want ? "not " : "");
}

static void
check_host(const char *host, bool want)
{
	CHECK(ffs_loopback_host(host) == want, "'%s' is %sloopback", host, want ? "not " : "");
}

int
main(void)
{
	const struct sockaddr local = { .sa_family = AF_UNIX };

	check("127.0.0.1", true);
	check("127.255.255.254", true);
	check("::1", true);
	check("::ffff:127.0.0.2", true);
	check("128.0.0.1", false);
	check("10.127.0.1", false);
	check("0.0.0.0", false);
	check("::", false);
	check("::2", false);
	check("::ffff:10.0.0.127", false);
	check("none", false);
	check_host("127.0.0.1:9000", true);
	check_host("127.9.9.9", true);
	check_host("localhost:80", true);
	check_host("localhost", true);
	check_host("[::1]:9000", true);
	check_host("127.example.com", false);
	check_host("localhost.example.com", false);
	check_host("localhosts", false);
	check_host("10.0.0.1:127", false);
	check_host("", false);
	CHECK(!ffs_loopback_is(&local));
	return failed;
}
