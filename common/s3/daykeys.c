#include "common/s3/daykeys.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 8 }; /* (day, region) pairs that are in use at a time */

struct ffs_daykeys {
	char *secret;
	pthread_mutex_t lock;
	unsigned next;
	struct {
		char day[9], region[65];
		unsigned char key[32];
	} v[KEYS];
};

struct ffs_daykeys *
ffs_daykeys_new(const char *secret_key)
{
	struct ffs_daykeys *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->secret = strdup(secret_key);
	if (!k->secret) {
		free(k);
		return NULL;
	}
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void
ffs_daykeys_free(struct ffs_daykeys *k)
{
	if (!k)
		return;
	OPENSSL_cleanse(k->secret, strlen(k->secret));
	free(k->secret);
	pthread_mutex_destroy(&k->lock);
	OPENSSL_cleanse(k->v, sizeof(k->v));
	free(k);
}

int
ffs_daykeys_get(struct ffs_daykeys *k, const struct ffs_sigv4_claim *c, unsigned char key[32])
{
	struct ffs_sigv4_scope s = { .secret_key = k->secret, .region = c->region };
	unsigned i;
	int rc = 0;

	pthread_mutex_lock(&k->lock);
	for (i = 0; i < KEYS; i++)
		if (!strcmp(k->v[i].day, c->day) && !strcmp(k->v[i].region, c->region))
			break;
	if (i == KEYS) {
		i = k->next;
		rc = ffs_sigv4_key(k->v[i].key, &s, c->day);
		memcpy(k->v[i].day, rc ? "" : c->day, rc ? 1 : sizeof(c->day));
		memcpy(k->v[i].region, c->region, sizeof(c->region));
		k->next = (i + 1) % KEYS;
	}
	memcpy(key, k->v[i].key, 32);
	pthread_mutex_unlock(&k->lock);
	return rc;
}
