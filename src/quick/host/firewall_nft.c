/* Firewall rules in nftables. */
#include "firewall_nft.h"

#include <errno.h>

#include "nft.h"
#include "quick/plan/firewall_text.h"
#include "report/report.h"

bool nft_can_name(const char *name)
{
	return !strpbrk(name, "=+");
}

int firewall_nft_apply(const struct plan *p, const struct step *s)
{
	struct text t = text_heap();
	char why[256] = "";
	int r;

	firewall_nft_text(&t, p, s);
	r = t.failed ? -ENOMEM : nft_run(t.p, NULL, why);
	text_heap_free(&t);
	if (r < 0 && !s->remove)
		report_warning("nft: %s", why[0] ? why : strerror(-r));
	return r;
}

bool firewall_nft_exists(const char *name, uint8_t family)
{
	struct text out = text_heap();
	char command[128];
	struct text t = text_fixed(command, sizeof command);
	bool found;

	if (!nft_can_name(name))
		return false;
	text_f(&t, "list table %s wg-quick-%s\n", nft_family_name(family), name);
	found = nft_run(command, &out, NULL) == 0;
	text_heap_free(&out);
	return found;
}

void firewall_nft_sweep(const char *name, struct text *trace)
{
	static const uint8_t families[] = { IP_V4, IP_V6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		char command[128];
		struct text t = text_fixed(command, sizeof command);
		if (!firewall_nft_exists(name, families[i]))
			continue;
		text_f(&t, "delete table %s wg-quick-%s\n", nft_family_name(families[i]), name);
		text_add(trace, "[#] nft -f /dev/fd/63\n");
		if (nft_run(command, NULL, NULL) < 0)
			report_warning("cannot remove the nft table wg-quick-%s", name);
	}
}
