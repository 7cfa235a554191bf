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

/* Each try looks at all allowed IPs of the device. */
enum { TRIES_MAX = 64 };

struct choice {
	const struct wg_device *d;
	uint32_t peer;
	const struct own_addresses *own;
	unsigned int tries;
};

static bool is_usable(struct choice *c, const struct ip_addr *a)
{
	return !is_own(c->own, a) && c->tries++ < TRIES_MAX && ping_address_is_of(c->d, c->peer, a);
}

/* The first or second host; of prefixes with two addresses, either. */
static bool choose_in(struct ip_addr *out, struct choice *c, const struct ip_prefix *p)
{
	unsigned int bits = ip_bits(&p->addr);
	unsigned int first = p->bits + 1u < bits ? 1 : 0;

	for (unsigned int i = 0; i < 2 && (i == 0 || p->bits < bits); i++) {
		*out = host_of(p, first + i);
		if (is_usable(c, out))
			return true;
	}
	return false;
}

enum { SINGLE = 0 };

/* Among the allowed IPs with so many bits, or SINGLE addresses. */
static bool choose_of_length(struct ip_addr *out, struct choice *c, unsigned int bits)
{
	const struct wg_peer *p = &c->d->peers[c->peer];

	for (uint32_t i = 0; i < p->n_allowedips && c->tries < TRIES_MAX; i++) {
		const struct ip_prefix *prefix = &p->allowedips[i].prefix;
		bool fits = bits == SINGLE ? prefix->bits == ip_bits(&prefix->addr) : prefix->bits == bits;
		if (fits && choose_in(out, c, prefix))
			return true;
	}
	return false;
}

bool ping_address_choose(struct ip_addr *out, const struct wg_device *d, uint32_t peer, const struct own_addresses *own)
{
	struct choice c = { .d = d, .peer = peer, .own = own };

	if (choose_of_length(out, &c, SINGLE))
		return true;
	for (size_t i = 0; i < own->n && c.tries < TRIES_MAX; i++)
		if (choose_in(out, &c, &own->list[i].network))
			return true;
	for (unsigned int bits = 1; bits < 128; bits++)
		if (choose_of_length(out, &c, bits))
			return true;
	return false;
}
