/* Resolver messages in upstream's wording, and the limit on names. */
#include "change.h"

#include <errno.h>
#include <stdlib.h>

#include "access.h"
#include "ipc/resolve.h"
#include "report/report.h"

static void report_waiting(void *ctx, const char *host, const char *why, unsigned int wait_ms)
{
	unsigned int hundredths = (wait_ms + 5) / 10;

	(void)ctx;
	report_verbatim("%s: `%s'. Trying again in %u.%02u seconds...", why, host, hundredths / 100,
		 hundredths % 100);
}

static bool any_peer_has(const struct wg_device *d, uint32_t flags)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & flags)
			return true;
	return false;
}

bool change_resolve(struct wg_device *patch, const char *file, struct diag *d)
{
	struct resolve_options o = { .file = file, .waiting = report_waiting };
	int failed;

	if (!any_peer_has(patch, WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT))
		return true;
	if (!resolve_retries(&o.retries)) {
		report_verbatim("Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: `%s'",
			 getenv("WG_ENDPOINT_RESOLUTION_RETRIES"));
		return false;
	}
	if (!any_peer_has(patch, WG_PEER_HAS_HOST))
		return true;
	failed = resolve_device(patch, &o, d);
	if (failed < 0)
		report_error("cannot resolve endpoints: %s", strerror(-failed));
	return failed == 0;
}

bool change_send(struct program *p, const char *name, struct wg_device *patch)
{
	size_t n = strlen(name);
	int rc = -ENAMETOOLONG; /* a truncated name could be that of another device */

	if (n < sizeof patch->name) {
		memcpy(patch->name, name, n + 1);
		rc = ipc_set(&p->ipc, patch);
	}
	if (rc)
		report_not_modified(&p->ipc, patch, rc);
	return rc == 0;
}
