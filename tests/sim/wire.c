/* The wire: links with faults, NATs that translate addresses, datagrams in flight. */
#include <stdlib.h>
#include "tap.h"

struct message *message_new(unsigned int from, const uint8_t *p, size_t n, uint8_t tos)
{
	struct message *m = calloc(1, sizeof *m + n);

	if (!m)
		abort();
	m->refs = 1;
	m->from = from;
	m->to = m->session = m->initiation = -1;
	m->n = (uint32_t)n;
	m->tos = tos;
	memcpy(m->bytes, p, n);
	return m;
}

void message_put(struct message *m)
{
	if (m && --m->refs == 0)
		free(m);
}

static void datagram_free(struct datagram *d)
{
	message_put(d->msg);
	free(d);
}

static struct datagram *schedule(struct sim *s, uint64_t at, const uint8_t *p, size_t n,
				 struct message *msg)
{
	struct datagram *d = calloc(1, sizeof *d + n);

	if (!d)
		abort();
	memcpy(d->bytes, p, n);
	d->n = (uint32_t)n;
	d->msg = msg;
	d->push_into = -1;
	if (msg)
		msg->refs++;
	if (s->events.n == s->slots_cap) {
		s->slots_cap = s->slots_cap ? s->slots_cap * 2 : 256;
		s->slots = realloc(s->slots, s->slots_cap * sizeof(struct heap_node *));
		if (!s->slots)
			abort();
		s->events.nodes = s->slots;
	}
	heap_set(&s->events, &d->due, at);
	return d;
}

/* ---- NAT ---- */

static struct nat_entry *nat_out(struct sim *s, struct nat *nat, const struct ip_endpoint *near,
				 const struct ip_endpoint *far)
{
	struct nat_entry *oldest = &nat->entries[0];

	for (unsigned int i = 0; i < nat->n; i++) {
		struct nat_entry *e = &nat->entries[i];
		if (endpoint_equal(&e->near, near) && endpoint_equal(&e->far, far) &&
		    s->now - e->used_at < nat->timeout_ns)
			return e;
		if (e->used_at < oldest->used_at)
			oldest = e;
	}
	if (nat->n < ARRAY_LEN(nat->entries))
		oldest = &nat->entries[nat->n++];
	*oldest = (struct nat_entry){*near, *far, nat->next_port++, s->now};
	return oldest;
}

static struct nat_entry *nat_in(struct sim *s, struct nat *nat, const struct ip_endpoint *dst,
				const struct ip_endpoint *src)
{
	for (unsigned int i = 0; i < nat->n; i++) {
		struct nat_entry *e = &nat->entries[i];
		if (e->port == dst->port && endpoint_equal(&e->far, src) &&
		    s->now - e->used_at < nat->timeout_ns)
			return e;
	}
	return NULL;
}

struct node *node_at(struct sim *s, const struct ip_endpoint *dst, const struct ip_endpoint *src,
		     struct ip_endpoint *translated)
{
	for (unsigned int i = 0; i < s->n_nodes; i++) {
		struct node *n = &s->nodes[i];
		*translated = *dst;
		if (!n->nat && (endpoint_equal(&n->v4, dst) || endpoint_equal(&n->v6, dst)))
			return n;
		if (!n->nat || !ip_equal(&n->nat->addr[dst->addr.family == IP_V6], &dst->addr))
			continue;
		struct nat_entry *e = nat_in(s, n->nat, dst, src);
		if (!e || !(endpoint_equal(&e->near, &n->v4) || endpoint_equal(&e->near, &n->v6)))
			return NULL;
		e->used_at = s->now;
		*translated = e->near;
		return n;
	}
	return NULL;
}

/* ---- faults ---- */

/* A receiver that is not under load ignores mac2: changing it has no effect. */
static bool matters(const struct message *m, size_t at)
{
	return !((m->type == 1 && at >= 132) || (m->type == 2 && at >= 76));
}

static void corrupt(struct sim *s, struct datagram *d)
{
	uint64_t kind = rng_below(&s->wire, 10);
	size_t at = rng_below(&s->wire, d->n);

	s->altered_count++;
	if (kind == 0 && d->n > 1) { /* truncated */
		d->n = (uint32_t)rng_below(&s->wire, d->n - 1) + 1;
		d->altered = true;
		return;
	}
	d->bytes[at] ^= (uint8_t)(1 + rng_below(&s->wire, 255));
	d->altered = matters(d->msg, at);
}

static void carry(struct sim *s, struct link *l, const struct ip_endpoint *src,
		  const struct ip_endpoint *dst, struct message *m)
{
	uint64_t at = s->now + l->delay_ns + rng_below(&s->wire, l->jitter_ns + 1);

	if (rng_permille(&s->wire, l->reorder)) {
		at += rng_below(&s->wire, 10 * l->delay_ns + 50 * NS_PER_MS);
		s->reordered++;
	} else if (l->reorder == 0) {
		if (at <= l->last_at)
			at = l->last_at + 1;
		l->last_at = at;
	}
	struct datagram *d = schedule(s, at, m->bytes, m->n, m);
	d->src = *src;
	d->dst = *dst;
	d->tos = m->tos;
	if ((d->tos & 3) != 0 && rng_permille(&s->wire, l->ce))
		d->tos |= 3;
	if (rng_permille(&s->wire, l->corrupt))
		corrupt(s, d);
}

static void remember(struct sim *s, struct message *m)
{
	struct message **slot = &s->recent[s->n_recent++ % RECENT_KEPT];

	message_put(*slot);
	*slot = m;
	m->refs++;
}

static void wrap_for_carrier(struct sim *s, struct node *n, const struct ip_endpoint *src,
			     const struct ip_endpoint *dst, struct message *m)
{
	uint8_t p[28 + 2048] = {0x45};
	size_t all = 28 + m->n;

	if (all > sizeof p || all > s->nodes[n->carrier].mtu)
		return; /* would be fragments; the stories keep MTUs that fit */
	store_be16(p + 2, (uint16_t)all);
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, src->addr.b, 4);
	memcpy(p + 16, dst->addr.b, 4);
	store_be16(p + 20, src->port);
	store_be16(p + 22, dst->port);
	store_be16(p + 24, (uint16_t)(8 + m->n));
	memcpy(p + 28, m->bytes, m->n);
	struct datagram *d = schedule(s, s->now + 1000, p, all, m);
	d->push_into = n->carrier;
}

void wire_send(struct sim *s, struct node *n, const struct wgproto_path *path, struct message *m)
{
	struct ip_endpoint src = path->remote.addr.family == IP_V6 ? n->v6 : n->v4, unused;
	struct ip_endpoint remote = endpoint_from_lib(&path->remote);

	remember(s, m);
	if (path->local.family != IP_NONE && memcmp(path->local.b, src.addr.b, sizeof src.addr.b) != 0) {
		n->stale_sources++;
		host_enter(n);
		host_must(n, wgproto_clear_source(n->tunnel, path));
		host_leave(n);
	}
	if (n->carrier >= 0) {
		wrap_for_carrier(s, n, &src, &remote, m);
		return;
	}
	if (n->nat) {
		struct nat_entry *e = nat_out(s, n->nat, &src, &remote);
		e->used_at = s->now;
		src.addr = n->nat->addr[src.addr.family == IP_V6];
		src.port = e->port;
	}
	struct node *to = node_at(s, &remote, &src, &unused);
	if (!to) {
		s->undeliverable++;
		return;
	}
	struct link *l = sim_link(s, n->id, to->id);
	if (l->cut || rng_permille(&s->wire, l->loss)) {
		s->lost++;
		return;
	}
	carry(s, l, &src, &remote, m);
	while (rng_permille(&s->wire, l->dup))
		carry(s, l, &src, &remote, m);
}

void sim_inject(struct sim *s, const struct ip_endpoint *src, const struct ip_endpoint *dst,
		const uint8_t *p, size_t n, struct message *msg, bool altered)
{
	struct datagram *d = schedule(s, s->now, p, n, msg);

	d->src = *src;
	d->dst = *dst;
	d->altered = altered;
}

void wire_due(struct sim *s)
{
	struct heap_node *first = heap_first(&s->events);
	struct datagram *d = container_of(first, struct datagram, due);
	struct ip_endpoint dst;

	heap_remove(&s->events, first);
	if (d->push_into >= 0) {
		const uint8_t *p = d->bytes;
		size_t n = d->n;
		host_push(s, &s->nodes[d->push_into], &p, &n, 1, NULL);
	} else {
		struct node *n = node_at(s, &d->dst, &d->src, &dst);
		if (n)
			host_receive(s, n, d, &d->src, &dst);
		else
			s->undeliverable++;
	}
	datagram_free(d);
}

void wire_free(struct sim *s)
{
	struct heap_node *first;

	while ((first = heap_first(&s->events))) {
		heap_remove(&s->events, first);
		datagram_free(container_of(first, struct datagram, due));
	}
	for (unsigned int i = 0; i < RECENT_KEPT; i++)
		message_put(s->recent[i]);
	free(s->slots);
}

struct message *sim_recent(struct sim *s, unsigned int from, uint8_t type)
{
	for (unsigned int i = 1; i <= RECENT_KEPT && i <= s->n_recent; i++) {
		struct message *m = s->recent[(s->n_recent - i) % RECENT_KEPT];
		if (m->from == from && m->type == type)
			return m;
	}
	return NULL;
}

struct message *sim_recent_like(struct sim *s, const uint8_t *p, size_t n)
{
	for (unsigned int i = 0; i < RECENT_KEPT; i++)
		if (s->recent[i] && s->recent[i]->n == n && memcmp(s->recent[i]->bytes, p, n) == 0)
			return s->recent[i];
	return NULL;
}
