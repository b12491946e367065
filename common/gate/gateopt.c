#include "common/gate/gateopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/opt.h"

#define YEAR_MS ((uint64_t)365 * 86400 * 1000)

struct ffs_gateopt_run {
	struct ffs_endpoint origin; /* where one was named */
	struct ffs_times times;
	struct ffs_wanted *wanted;
	struct ffs_gate *gate;
};

static int
take_age(uint64_t *ms, const char *arg, const char **want)
{
	*want = "seconds, or as 500ms, 5m, 2h";
	return ffs_opt_duration(arg, 0, YEAR_MS, ms) ? -EINVAL : 0;
}

int
ffs_gateopt_take(struct ffs_gateopt *o, int opt, const char *arg, const char **want)
{
	o->given |=
	    opt >= FFS_GATEOPT_MAX_AGE && opt <= FFS_GATEOPT_STALE && opt != FFS_GATEOPT_SERVE;
	switch (opt) {
	case FFS_GATEOPT_MAX_AGE:
		return take_age(&o->max_age_ms, arg, want);
	case FFS_GATEOPT_METRICS:
		o->metrics = arg;
		return 0;
	case FFS_GATEOPT_ORIGIN:
		o->origin = arg;
		return 0;
	case FFS_GATEOPT_RESIGN:
		o->resign = true;
		return 0;
	case FFS_GATEOPT_SERVE:
		o->serve = true;
		return 0;
	case FFS_GATEOPT_STALE:
		return take_age(&o->stale_ms, arg, want);
	default:
		return 1;
	}
}

const char *
ffs_gateopt_help(void)
{
	return "      --origin URL      --serve: the store behind (default as --endpoint)\n"
	       "      --resign          --serve: the store wants its own name: sign anew for it "
	       "what our\n"
	       "                        key signs (AWS: always)\n"
	       "      --max-age TIME    --serve: who signs with our key is not asked about for so "
	       "long\n"
	       "      --stale-if-error TIME   --serve: so long where the store is away\n"
	       "      --metrics ADDR:PORT     --serve: /metrics and /healthz\n";
}

static int
fail(char **why, int rc, const char *what, const char *value)
{
	if (!*why && asprintf(why, "%s '%s'", what, value) < 0)
		*why = NULL;
	return rc;
}

static int
find_origin(struct ffs_gateopt_run *r, const struct ffs_gateopt *o,
    const struct ffs_gateopt_with *w, struct ffs_gate_opts *g, char **why)
{
	char *url;
	int rc;

	g->origin = &w->nodes->v[0].ep;
	if (!o->origin)
		return 0;
	url = ffs_endpoint_url(o->origin);
	if (!url)
		return fail(why, -EINVAL, "bad origin", o->origin);
	rc = ffs_endpoint_for_url(&r->origin, url, w->config, why);
	free(url);
	g->origin = &r->origin;
	return rc;
}

/* $FFS_GATE_TIMES, for tests. */
static int
take_times(struct ffs_gateopt_run *r, char **why)
{
	static const struct ffs_times times = FFS_TIMES_INIT;
	const char *text = ffs_opt_env("FFS_GATE_TIMES");

	r->times = times;
	if (text && ffs_times_parse(&r->times, text))
		return fail(why, -EINVAL, "bad FFS_GATE_TIMES", text);
	return 0;
}

int
ffs_gateopt_stores(const struct ffs_gateopt *o, struct ffs_stores *st,
    const struct ffs_config_opts *config, const struct ffs_http_opts *http, char **detail)
{
	struct ffs_config_opts named = *config;
	int rc = ffs_stores_init(st, config, http, detail);
	char *url;

	if (rc || !o->origin || config->endpoint || st->nodes.listed)
		return rc;
	url = ffs_endpoint_url(o->origin);
	free(url);
	if (!url)
		return 0; /* a bad one: find_origin() says so */
	ffs_stores_release(st);
	named.endpoint = o->origin;
	return ffs_stores_init(st, &named, http, detail);
}

struct ffs_gateopt_run *
ffs_gateopt_start(const struct ffs_gateopt *o, const struct ffs_gateopt_with *w, char **why)
{
	struct ffs_gateopt_run *r = calloc(1, sizeof(*r));
	struct ffs_gate_opts g = { .listen = o->listen,
		.metrics = o->metrics,
		.nodes = w->nodes,
		.resign = o->resign,
		.keep_all = w->keep_all,
		.keep_second = w->keep_second,
		.allow = w->allow,
		.deny = w->deny,
		.max_age_ms = o->max_age_ms,
		.stale_ms = o->stale_ms,
		.note = w->note,
		.arg = w->arg,
		.stop = w->stop };
	int rc;

	*why = NULL;
	if (!r)
		return NULL;
	rc = take_times(r, why);
	if (!rc)
		rc = find_origin(r, o, w, &g, why);
	if (!rc && w->note && g.origin->aws && !g.origin->access_key)
		w->note(w->arg, false,
		    "no credentials for AWS: it will refuse what is signed for this address");
	if (!rc && w->keep_second) {
		g.wanted = r->wanted = ffs_wanted_new();
		rc = r->wanted ? 0 : -errno;
	}
	if (!rc) {
		g.cache = ffs_cache_open(w->cache, false, why);
		rc = g.cache ? 0 : -errno;
	}
	if (!rc) {
		g.times = &r->times;
		r->gate = ffs_gate_new(&g, why);
		rc = r->gate ? ffs_gate_start(r->gate) : -errno;
	}
	if (!rc)
		return r;
	(void)ffs_gateopt_end(r);
	errno = -rc;
	return NULL;
}

const char *
ffs_gateopt_url(const struct ffs_gateopt_run *r)
{
	return ffs_gate_url(r->gate);
}

const char *
ffs_gateopt_metrics(const struct ffs_gateopt_run *r)
{
	return ffs_gate_metrics(r->gate);
}

struct ffs_wanted *
ffs_gateopt_wanted(const struct ffs_gateopt_run *r)
{
	return r->wanted;
}

int
ffs_gateopt_end(struct ffs_gateopt_run *r)
{
	int rc = 0;

	if (!r)
		return 0;
	if (r->gate)
		rc = ffs_gate_join(r->gate);
	ffs_gate_free(r->gate);
	ffs_wanted_free(r->wanted);
	ffs_endpoint_release(&r->origin);
	free(r);
	return rc;
}
