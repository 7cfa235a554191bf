/* Inner packets: from serial number to bytes and back, and the checks at delivery. */
#include "ledger.h"
#include <stdlib.h>
#include <string.h>
#include "sim.h"

static const uint8_t marker[8] = {'S', 'I', 'M', 'P', 'L', 'A', 'I', 'N'};
enum { MARKER_BYTES = 8, ECN_CE = 3 };

uint64_t ledger_add(struct sim *s, const struct ledger_entry *e)
{
	struct ledger *l = &s->ledger;

	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 256;
		l->entries = realloc(l->entries, l->cap * sizeof *l->entries);
		if (!l->entries)
			abort();
	}
	struct ledger_entry *mine = &l->entries[l->n];
	*mine = *e;
	mine->reached = 0;
	mine->spoofed = e->spoofed;
	if (mine->size == 0) {
		struct rng c = rng_stream(s->seed, 0x51e0000 + l->n);
		unsigned int small = e->v6 ? LEDGER_V6_MIN : LEDGER_V4_MIN;
		mine->size = (uint16_t)(small + rng_below(&c, rng_below(&c, 4) ? 200 : 1300));
	}
	return l->n++;
}

static uint16_t ip_checksum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += load_be16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void set_tos(uint8_t *p, uint8_t tos)
{
	if (p[0] >> 4 == 4) {
		p[1] = tos;
		store_be16(p + 10, 0);
		store_be16(p + 10, ip_checksum(p));
	} else {
		p[0] = (uint8_t)(0x60 | tos >> 4);
		p[1] = (uint8_t)((p[1] & 0x0f) | tos << 4);
	}
}

static uint8_t get_tos(const uint8_t *p)
{
	return (uint8_t)(p[0] >> 4 == 4 ? p[1] : p[0] << 4 | p[1] >> 4);
}

size_t ledger_packet(const struct sim *s, uint64_t serial, uint8_t out[LEDGER_PACKET_MAX])
{
	const struct ledger_entry *e = &s->ledger.entries[serial];
	struct ip_addr src = sim_inner(e->as, e->v6), dst = sim_inner(e->to, e->v6);
	struct rng c = rng_stream(s->seed, 0xda7a000000 + serial);
	size_t head = e->v6 ? 40 : 20, n = e->size;

	memset(out, 0, head);
	if (e->v6) {
		out[0] = 0x60;
		store_be16(out + 4, (uint16_t)(n - 40));
		out[6] = 253;
		out[7] = 64;
		memcpy(out + 8, src.b, 16);
		memcpy(out + 24, dst.b, 16);
	} else {
		out[0] = 0x45;
		store_be16(out + 2, (uint16_t)n);
		store_be16(out + 4, (uint16_t)serial);
		out[8] = 64;
		out[9] = 253;
		memcpy(out + 12, src.b, 4);
		memcpy(out + 16, dst.b, 4);
	}
	set_tos(out, e->tos);
	memcpy(out + head, marker, MARKER_BYTES);
	store_be64(out + head + 8, serial);
	rng_bytes(&c, out + head + 16, n - head - 16);
	return n;
}

bool ledger_identify(struct sim *s, const uint8_t *p, size_t n, uint64_t *serial, size_t *padding,
		     bool *ce)
{
	uint8_t same[LEDGER_PACKET_MAX];
	size_t head, size;

	if (n < LEDGER_V4_MIN)
		return false;
	head = p[0] >> 4 == 6 ? 40 : 20;
	if (n < head + 16 || memcmp(p + head, marker, MARKER_BYTES) != 0)
		return false;
	*serial = load_be64(p + head + 8);
	if (*serial >= s->ledger.n)
		return false;
	size = ledger_packet(s, *serial, same);
	if (n < size)
		return false;
	*padding = n - size;
	for (size_t i = size; i < n; i++)
		if (p[i] != 0)
			return false;
	*ce = (get_tos(p) & 3) == ECN_CE;
	if (*ce && (get_tos(same) & 3) != 0)
		set_tos(same, get_tos(same) | ECN_CE);
	return memcmp(p, same, size) == 0;
}

static void check_ecn(struct sim *s, const struct ledger_entry *e, uint8_t outer_tos, bool ce)
{
	bool able = (e->tos & 3) != 0, outer_ce = (outer_tos & 3) == ECN_CE;
	bool was_ce = (e->tos & 3) == ECN_CE;

	if (able && outer_ce && !ce)
		sim_fail(s, "congestion mark of the outer header lost");
	if (ce && !was_ce && !e->forwarded && !(able && outer_ce))
		sim_fail(s, "congestion mark that nobody set");
}

void ledger_delivered(struct sim *s, unsigned int node, const uint8_t *p, size_t n,
		      uint8_t outer_tos, bool altered)
{
	uint64_t serial;
	size_t padding;
	bool ce;

	if (altered)
		sim_fail(s, "node %u: an altered datagram was delivered", node);
	if (!ledger_identify(s, p, n, &serial, &padding, &ce)) {
		sim_fail(s, "node %u: delivered %zu bytes that nobody sent", node, n);
		return;
	}
	struct ledger_entry *e = &s->ledger.entries[serial];
	if (padding != 0)
		sim_fail(s, "packet %llu delivered with %zu bytes of padding",
			 (unsigned long long)serial, padding);
	if (e->spoofed)
		sim_fail(s, "packet %llu with a wrong source was delivered to %u",
			 (unsigned long long)serial, node);
	if (e->to != node && !s->nodes[node].forward)
		sim_fail(s, "packet %llu for %u was delivered to %u", (unsigned long long)serial, e->to,
			 node);
	if (e->reached >> node & 1)
		sim_fail(s, "packet %llu delivered to %u twice", (unsigned long long)serial, node);
	check_ecn(s, e, outer_tos, ce);
	e->reached |= 1ull << node;
	e->order = ++s->ledger.n_delivered;
	e->out_at = s->now;
	if (e->to != node)
		e->forwarded = true;
}

bool ledger_shows_plaintext(const uint8_t *p, size_t n)
{
	return memmem(p, n, marker, MARKER_BYTES) != NULL;
}

size_t ledger_arrived(const struct sim *s, unsigned int node)
{
	size_t n = 0;

	for (size_t i = 0; i < s->ledger.n; i++)
		n += s->ledger.entries[i].to == node && s->ledger.entries[i].reached >> node & 1;
	return n;
}

bool ledger_has_arrived(const struct sim *s, uint64_t serial)
{
	const struct ledger_entry *e = &s->ledger.entries[serial];

	return e->reached >> e->to & 1;
}
