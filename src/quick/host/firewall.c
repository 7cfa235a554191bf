/* Chooses the firewall tool and performs firewall steps with it. */
#include "firewall.h"

#include <unistd.h>

#include "firewall_iptables.h"
#include "firewall_nft.h"
#include "nft.h"

/* The kernel may support one tool and not the other. Without root the kernel cannot be asked, and a dry run assumes
 * that nft works. A failure must repeat: iptables, next to a working nft, leaves empty tables behind. */
static bool nft_works(void)
{
	return geteuid() != 0 || nft_run("list tables\n", NULL, NULL) == 0 ||
	       nft_run("list tables\n", NULL, NULL) == 0;
}

enum firewall_tool firewall_choose(const char *name)
{
	bool iptables = iptables_is_installed();

	if (nft_can_name(name) && nft_is_installed() && (!iptables || nft_works()))
		return FIREWALL_NFT;
	return iptables ? FIREWALL_IPTABLES : FIREWALL_NONE;
}

int firewall_apply(const struct plan *p, const struct step *s)
{
	return p->firewall == FIREWALL_IPTABLES ? firewall_iptables_apply(p, s) : firewall_nft_apply(p, s);
}

bool firewall_exists(const char *name, uint8_t family)
{
	return firewall_nft_exists(name, family);
}

void firewall_sweep(const char *name, struct text *trace)
{
	firewall_nft_sweep(name, trace);
	firewall_iptables_sweep(name, trace);
}
