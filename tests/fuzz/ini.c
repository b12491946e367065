/* The configuration's parsers: INI lines and endpoint URLs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/s3/config.h"
#include "common/s3/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ffs_ini ini;
	char *u, *again;
	unsigned line;
	size_t i;

	if (!ffs_ini_parse(&ini, (const char *)p, n, &line))
		for (i = 0; i < ini.n; i++) {
			if (!ini.v[i].key) {
				if (!ffs_ini_has(&ini, ini.v[i].section))
					abort();
				u = ffs_endpoint_url(ini.v[i].section);
				again = u ? ffs_endpoint_url(u) : NULL;
				/* The one spelling is its own. */
				if (u && (!again || strcmp(u, again)))
					abort();
				free(u);
				free(again);
			} else if (*ini.v[i].value && !ffs_ini_get(&ini, ini.v[i].section,
							  ini.v[i].parent, ini.v[i].key)) {
				abort();
			}
		}
	ffs_ini_release(&ini);
	return 0;
}
