/* Names of LOBSTER's files, and templates made of them. */
#include "common/split/lobster.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/check.h"

static void
good(const char *path, const char *ticker, const char *date, enum ffs_lobster_kind kind,
    unsigned level)
{
	struct ffs_lobster l;

	CHECK(!ffs_lobster_parse(&l, path) && !strcmp(l.ticker, ticker) && !strcmp(l.date, date) &&
		  l.kind == kind && l.level == level,
	    "not understood: %s", path);
}

static void
bad(const char *path)
{
	struct ffs_lobster l;

	CHECK(ffs_lobster_parse(&l, path) == -EINVAL, "%s", path);
}

static void
expand(const char *template, const char *expect)
{
	struct ffs_lobster l = { .ticker = "AAPL", .date = "2012-06-21", .level = 50 };
	struct ffs_buf b = FFS_BUF_INIT;
	int rc = ffs_lobster_expand(&l, template, &b);

	CHECK(expect ? !rc && !strcmp(b.p ? b.p : "", expect) : rc == -EINVAL, "'%s': %d '%s'",
	    template, rc, b.p ? b.p : "");
	ffs_buf_release(&b);
}

int
main(void)
{
	struct ffs_lobster a, b;

	good("AAPL_2012-06-21_34200000_37800000_orderbook_50.csv", "AAPL", "2012-06-21",
	    FFS_LOBSTER_ORDERBOOK, 50);
	good("x/y_z/AAPL_2012-06-21_34200000_37800000_message_1.csv.gz", "AAPL", "2012-06-21",
	    FFS_LOBSTER_MESSAGE, 1);
	good("BRK.B_2012-12-31_0_86400000_message_1000", "BRK.B", "2012-12-31", FFS_LOBSTER_MESSAGE,
	    1000);
	good("A_2012-06-21_1_2_orderbook_5.part.csv", "A", "2012-06-21", FFS_LOBSTER_ORDERBOOK, 5);
	bad("");
	bad("lobster.csv");
	bad("_2012-06-21_1_2_orderbook_5.csv");
	bad(".AAPL_2012-06-21_1_2_orderbook_5.csv");
	bad("../_2012-06-21_1_2_orderbook_5.csv");
	bad("AA PL_2012-06-21_1_2_orderbook_5.csv");
	bad("AAPL\n_2012-06-21_1_2_orderbook_5.csv");
	bad("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG_2012-06-21_1_2_orderbook_5.csv");
	bad("AAPL_2012-6-21_1_2_orderbook_5.csv");
	bad("AAPL_2012-13-21_1_2_orderbook_5.csv");
	bad("AAPL_2012-00-21_1_2_orderbook_5.csv");
	bad("AAPL_2012-06-32_1_2_orderbook_5.csv");
	bad("AAPL_2012-06-21_1_86400001_orderbook_5.csv");
	bad("AAPL_2012-06-21__2_orderbook_5.csv");
	bad("AAPL_2012-06-21_1_2_book_5.csv");
	bad("AAPL_2012-06-21_1_2_orderbook_0.csv");
	bad("AAPL_2012-06-21_1_2_orderbook_1001.csv");
	bad("AAPL_2012-06-21_1_2_orderbook_99999999999999999999.csv");
	bad("AAPL_2012-06-21_1_2_orderbook_.csv");
	bad("AAPL_2012-06-21_1_2_orderbook_5x.csv");
	bad("AAPL_2012-06-21_1_2_orderbook");
	bad("AAPL_2012-06-21_1_2_message_5_1.csv");

	expand("{ticker}/{date}", "AAPL/2012-06-21");
	expand("x-{level}{level}.{ticker}", "x-5050.AAPL");
	expand("plain", "plain");
	expand("", "");
	expand("{tick}", NULL);
	expand("{ticker", NULL);
	expand("a}", NULL);
	expand("{}", NULL);

	ffs_lobster_parse(&a, "AAPL_2012-06-21_1_2_message_5.csv");
	ffs_lobster_parse(&b, "AAPL_2012-06-21_3_4_orderbook_5.csv");
	CHECK(!ffs_lobster_cmp(&a, &b), "a pair is none");
	ffs_lobster_parse(&b, "AAPL_2012-06-21_1_2_orderbook_10.csv");
	CHECK(ffs_lobster_cmp(&a, &b) < 0 && ffs_lobster_cmp(&b, &a) > 0, "levels");
	return failed;
}
