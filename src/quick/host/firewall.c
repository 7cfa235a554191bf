/* Chooses the tool for firewall rules. */
#include "firewall.h"

#include <errno.h>
#include <unistd.h>

#include "firewall_iptables.h"
#include "firewall_nft.h"
#include "firewall_chains.h"
#include "netfilter.h"
#include "nft.h"

static const uint8_t families[] = { IP_V4, IP_V6 };

/* The kernel may support one tool and not the other. Without root the kernel cannot be asked, and a dry run assumes
 * that nft works. A failure must repeat: with iptables, next to a working nft, the host would have rules of both. */
static bool nft_works(void)
{
	return geteuid() != 0 || (netfilter_has_nftables() && (nft_run("list tables\n", NULL, NULL) == 0 ||
							       nft_run("list tables\n", NULL, NULL) == 0));
}

enum firewall_tool firewall_choose(const char *name)
{
	bool iptables = iptables_is_installed();

	if (nft_can_name(name) && nft_is_installed() && (!iptables || nft_works()))
		return FIREWALL_NFT;
	return iptables ? FIREWALL_IPTABLES : FIREWALL_NONE;
}

/* After a failure: the tool is missing, or the kernel supports none. */
static bool host_lacks(enum firewall_tool tool, uint8_t family)
{
	if (tool == FIREWALL_NFT)
		return !nft_is_installed() || !netfilter_has_nftables();
	return !iptables_is_installed() || (!netfilter_has_nftables() && !netfilter_has_xtables(family));
}

static int set(const struct plan *p, const struct step *s, struct text *trace, char why[256])
{
	bool iptables = p->firewall == FIREWALL_IPTABLES;
	uint8_t family = s->firewall.family;
	int r = iptables ? firewall_iptables_set(p, s, trace, why) : firewall_nft_set(p, s, why);

	if (r < 0)
		return host_lacks(p->firewall, family) ? -EOPNOTSUPP : r;
	return iptables ? firewall_nft_remove(p->name, family, false, trace, why)
			: firewall_iptables_remove(p->name, family, false, trace, why);
}

/* Continues after a failure. Another program may flush all rules between the listing and the removal: then there is nothing
 * to be removed. */
static int remove_family(const char *name, uint8_t family, enum firewall_tool traced, struct text *trace, char why[256])
{
	int nft = firewall_nft_remove(name, family, traced == FIREWALL_NFT, trace, why), iptables;

	if (nft < 0)
		nft = firewall_nft_remove(name, family, false, NULL, why);
	iptables = firewall_iptables_remove(name, family, traced == FIREWALL_IPTABLES, trace, why);
	return nft < 0 ? nft : iptables;
}

int firewall_perform(const struct plan *p, const struct step *s, struct text *trace, char why[256])
{
	int r;

	why[0] = '\0';
	if (!s->remove)
		return set(p, s, trace, why);
	r = remove_family(p->name, s->firewall.family, p->firewall, trace, why);
	if (r == 0 && s->firewall.new_chains)
		firewall_chains_delete_empty(s->firewall.family, s->firewall.new_chains);
	return r;
}

int firewall_remove_all(const char *name, struct text *trace, char why[256])
{
	int r = 0;

	why[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		int error = remove_family(name, families[i], FIREWALL_NONE, trace, why);
		r = error < 0 ? error : r;
	}
	return r;
}

int firewall_list(enum firewall_tool tool, const char *name, uint8_t family, struct text *out)
{
	size_t before = out->n;
	int r = -EOPNOTSUPP;

	switch (tool) {
	case FIREWALL_NFT:
		r = firewall_nft_list(name, family, out);
		break;
	case FIREWALL_IPTABLES:
		r = firewall_iptables_list(name, family, out);
		break;
	case FIREWALL_NONE:
		break;
	}
	return r == 0 && out->n == before && host_lacks(tool, family) ? -EOPNOTSUPP : r;
}

int firewall_list_names(struct string_list *names)
{
	int r = firewall_nft_names(names);

	return r < 0 ? r : firewall_iptables_names(names);
}

bool firewall_exists(const char *name)
{
	bool exists = false;

	for (size_t i = 0; !exists && i < ARRAY_LEN(families); i++) {
		struct text rules = text_heap();
		exists = (firewall_nft_list(name, families[i], &rules) == 0 && rules.n > 0) ||
			 firewall_iptables_exists(name, families[i]);
		text_heap_free(&rules);
	}
	return exists;
}
