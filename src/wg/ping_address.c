/* Chooses an address among the allowed IPs of a peer. */
#include "ping_address.h"

/* The number of bits of the longest allowed IP of the peer that has this address; -1: none. */
static int longest_match(const struct wg_peer *p, const struct ip_addr *a)
{
	int longest = -1;

	for (uint32_t i = 0; i < p->n_allowedips; i++) {
		const struct ip_prefix *prefix = &p->allowedips[i].prefix;
		if (prefix->bits > longest && prefix_contains(prefix, a))
			longest = prefix->bits;
	}
	return longest;
}

bool ping_address_is_of(const struct wg_device *d, uint32_t peer, const struct ip_addr *a)
{
	int longest = longest_match(&d->peers[peer], a);

	for (uint32_t i = 0; longest >= 0 && i < d->n_peers; i++)
		if (i != peer && longest_match(&d->peers[i], a) > longest)
			return false;
	return longest >= 0;
}

static bool is_own(const struct own_addresses *own, const struct ip_addr *a)
{
	for (size_t i = 0; i < own->n; i++)
		if (ip_equal(&own->list[i].host, a))
			return true;
	return false;
}

/* The address `offset` after the first of the prefix; offset ≤ 2. */
static struct ip_addr host_of(const struct ip_prefix *p, unsigned int offset)
{
	struct ip_addr a = p->addr;

	a.b[ip_bytes(&a) - 1] = (uint8_t)(a.b[ip_bytes(&a) - 1] + offset);
	return a;
}

static bool is_usable(const struct ip_addr *a, const struct wg_device *d, uint32_t peer, const struct own_addresses *own)
{
	return !is_own(own, a) && ping_address_is_of(d, peer, a);
}

/* The first or second host; of prefixes with two addresses, either. */
static bool choose_in(struct ip_addr *out, const struct ip_prefix *p, const struct wg_device *d, uint32_t peer,
		      const struct own_addresses *own)
{
	unsigned int bits = ip_bits(&p->addr);
	unsigned int first = p->bits + 1u < bits ? 1 : 0;

	for (unsigned int i = 0; i < 2 && (i == 0 || p->bits < bits); i++) {
		*out = host_of(p, first + i);
		if (is_usable(out, d, peer, own))
			return true;
	}
	return false;
}

static bool choose_single(struct ip_addr *out, const struct wg_device *d, uint32_t peer, const struct own_addresses *own)
{
	const struct wg_peer *p = &d->peers[peer];

	for (uint32_t i = 0; i < p->n_allowedips; i++) {
		const struct ip_prefix *prefix = &p->allowedips[i].prefix;
		if (prefix->bits == ip_bits(&prefix->addr) && choose_in(out, prefix, d, peer, own))
			return true;
	}
	return false;
}

bool ping_address_choose(struct ip_addr *out, const struct wg_device *d, uint32_t peer, const struct own_addresses *own)
{
	const struct wg_peer *p = &d->peers[peer];

	if (choose_single(out, d, peer, own))
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (choose_in(out, &own->list[i].network, d, peer, own))
			return true;
	for (unsigned int bits = 1; bits < 128; bits++)
		for (uint32_t i = 0; i < p->n_allowedips; i++)
			if (p->allowedips[i].prefix.bits == bits && choose_in(out, &p->allowedips[i].prefix, d, peer, own))
				return true;
	return false;
}
