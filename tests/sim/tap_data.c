/* The wiretap, part 2: data messages. Decrypts each and checks its counter, key and contents. */
#include "memory.h"
#include "tap.h"

static const uint64_t REJECT_AFTER_NS = 180 * NS_PER_S;
static const uint64_t REJECT_AFTER_MESSAGES = UINT64_MAX - (1 << 13);

/* The session on which a node sends to this receiver index. */
static struct tap_session *session_for(struct sim *s, unsigned int from, uint32_t receiver,
				       bool *from_initiator)
{
	for (size_t i = s->tap->n_sessions; i-- > 0;) {
		struct tap_session *k = &s->tap->sessions[i];
		*from_initiator = k->initiator == from;
		if ((k->initiator == from && k->index_r == receiver) ||
		    (k->responder == from && k->index_i == receiver))
			return k;
	}
	return NULL;
}

static void check_key(struct sim *s, const struct node *n, struct tap_session *k,
		      const struct message *m)
{
	uint64_t created = m->from_initiator ? k->created_i : k->created_r;

	if (m->counter >= REJECT_AFTER_MESSAGES)
		sim_fail(s, "node %u uses counter %llx", n->id, (unsigned long long)m->counter);
	if (created == NEVER) {
		sim_fail(s, "node %u sends with keys it cannot have", n->id);
		return;
	}
	if (s->now - created >= REJECT_AFTER_NS)
		sim_fail(s, "node %u sends with keys %llu s old", n->id,
			 (unsigned long long)((s->now - created) / NS_PER_S));
	if (!m->from_initiator && !k->confirmed)
		sim_fail(s, "node %u sends with a session its initiator has not confirmed", n->id);
	if (!counters_add(s->tap->seen, (uint32_t)(k - s->tap->sessions), m->from_initiator,
			  m->counter))
		sim_fail(s, "node %u uses counter %llu twice", n->id,
			 (unsigned long long)m->counter);
	if (m->from_initiator)
		k->used_i = true;
	k->n_sent[!m->from_initiator]++;
	k->last_counter[!m->from_initiator] = m->counter;
}

/* The size of a packet of n bytes with padding (whitepaper section 5.4.6; beyond the MTU as in the Linux
 * kernel). */
static size_t padded_size(size_t n, uint32_t mtu)
{
	size_t last = n, padded;

	if (mtu != 0 && last > mtu)
		last %= mtu;
	padded = (last + 15) & ~(size_t)15;
	if (mtu != 0 && padded > mtu)
		padded = mtu;
	return n + (padded > last ? padded - last : 0);
}

/* The peer with the longest matching prefix in its allowed IPs. -1: none. */
static int routed_to(const struct sim *s, const struct node *n, const struct ip_addr *dst)
{
	int best = -1, bits = -1;

	for (unsigned int i = 0; i < s->n_nodes; i++)
		for (unsigned int r = 0; n->conf[i].present && r < n->conf[i].n_routes; r++) {
			const struct ip_prefix *p = &n->conf[i].routes[r];
			if (prefix_contains(p, dst) && p->bits > bits) {
				bits = p->bits;
				best = (int)i;
			}
		}
	return best;
}

static void check_contents(struct sim *s, const struct node *n, const struct message *m,
			   const uint8_t *p, size_t len)
{
	uint64_t serial;
	size_t padding;
	bool ce;

	if (!ledger_identify(s, p, len, &serial, &padding, &ce)) {
		if (!s->tap->raw_allowed)
			sim_fail(s, "node %u sends %zu bytes that did not come from its TUN", n->id,
				 len);
		return;
	}
	const struct ledger_entry *e = &s->ledger.entries[serial];
	if (e->from != n->id && !n->forward)
		sim_fail(s, "node %u sends packet %llu of node %u", n->id,
			 (unsigned long long)serial, e->from);
	size_t want = padded_size(len - padding, n->mtu);
	if (len != want)
		sim_fail(s, "node %u pads %zu bytes to %zu instead of %zu", n->id, len - padding,
			 len, want);
	struct ip_addr dst = sim_inner(e->to, e->v6);
	if (!s->tap->routes_change && routed_to(s, n, &dst) != m->to)
		sim_fail(s, "node %u sends packet %llu to peer %d", n->id,
			 (unsigned long long)serial, m->to);
	uint8_t ecn = ce ? 3 : e->tos & 3;
	if (m->tos != (ecn == 3 ? 2 : ecn))
		sim_fail(s, "node %u sends TOS %02x for inner ECN %u", n->id, m->tos, ecn);
}

void tap_sent_data(struct sim *s, struct node *n, struct message *m)
{
	uint8_t plain[WGPROTO_DATAGRAM_MAX];
	struct tap_session *k = session_for(s, n->id, load_le32(m->bytes + 4), &m->from_initiator);
	size_t len = m->n - SIM_DATA_BYTES_MIN;

	if (!k) {
		sim_fail(s, "node %u sends data on an unknown session", n->id);
		return;
	}
	m->session = (int)(k - s->tap->sessions);
	m->to = (int)(m->from_initiator ? k->responder : k->initiator);
	m->counter = load_le64(m->bytes + 8);
	m->empty = len == 0;
	if (!aead_open(plain, m->bytes + 16, len, NULL, 0, m->counter,
		       m->from_initiator ? &k->keys.from_initiator : &k->keys.from_responder)) {
		sim_fail(s, "node %u sends data that its peer cannot decrypt", n->id);
		return;
	}
	check_key(s, n, k, m);
	if (!m->empty)
		check_contents(s, n, m, plain, len);
	else if (m->tos != 0)
		sim_fail(s, "node %u sends a keepalive with TOS %02x", n->id, m->tos);
}

struct tap_session *tap_session_of(struct sim *s, unsigned int a, unsigned int b)
{
	for (size_t i = s->tap->n_sessions; i-- > 0;) {
		struct tap_session *k = &s->tap->sessions[i];
		if ((k->initiator == a && k->responder == b) ||
		    (k->initiator == b && k->responder == a))
			return k;
	}
	return NULL;
}

size_t tap_sessions_between(struct sim *s, unsigned int a, unsigned int b)
{
	size_t n = 0;

	for (size_t i = 0; i < s->tap->n_sessions; i++) {
		const struct tap_session *k = &s->tap->sessions[i];
		n += (k->initiator == a && k->responder == b) ||
		     (k->initiator == b && k->responder == a);
	}
	return n;
}

size_t tap_forge(const struct tap_session *k, bool as_initiator, uint64_t counter, const uint8_t *p,
		 size_t n, uint8_t *out)
{
	store_le32(out, 4);
	store_le32(out + 4, as_initiator ? k->index_r : k->index_i);
	store_le64(out + 8, counter);
	aead_seal(out + 16, p, n, NULL, 0, counter,
		  as_initiator ? &k->keys.from_initiator : &k->keys.from_responder);
	return n + SIM_DATA_BYTES_MIN;
}
