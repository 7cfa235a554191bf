/* The wiretap, part 1: initiations, responses, cookie replies, roaming. */
#include "tap.h"
#include <stdlib.h>
#include "base/mem.h"
#include "memory.h"

static const uint64_t REKEY_TIMEOUT_NS = 5 * NS_PER_S;
static const uint64_t COOKIE_USED_NS = 115 * NS_PER_S;
enum { TOS_HANDSHAKE = 0x88 };

static size_t pair(const struct sim *s, unsigned int a, unsigned int b)
{
	return (size_t)a * s->n_nodes + b;
}

static void *must_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

struct tap *tap_new(struct sim *s)
{
	struct tap *t = must_calloc(1, sizeof *t);
	size_t pairs = (size_t)s->n_nodes * s->n_nodes;

	t->handshake_at = must_calloc(pairs, sizeof *t->handshake_at);
	t->timestamps = must_calloc(pairs, sizeof *t->timestamps);
	t->answered = must_calloc(pairs, sizeof *t->answered);
	t->cookies = must_calloc(pairs, sizeof *t->cookies);
	t->last_mac1 = must_calloc(pairs, sizeof *t->last_mac1);
	t->ss = must_calloc(pairs, sizeof *t->ss);
	t->generation = must_calloc(pairs, sizeof *t->generation);
	t->seen = counters_new();
	for (size_t i = 0; i < pairs; i++)
		t->handshake_at[i] = NEVER;
	return t;
}

void tap_free(struct tap *t)
{
	free(t->initiations);
	free(t->sessions);
	free(t->replies);
	free(t->handshake_at);
	free(t->timestamps);
	free(t->answered);
	free(t->cookies);
	free(t->last_mac1);
	free(t->ss);
	free(t->generation);
	counters_free(t->seen);
	free(t);
}

/* Appends a zeroed element. */
static void *append(void **array, size_t *n, size_t *cap, size_t size)
{
	if (*n == *cap) {
		*cap = *cap ? *cap * 2 : 64;
		*array = realloc(*array, *cap * size);
		if (!*array)
			abort();
	}
	void *p = (uint8_t *)*array + (*n)++ * size;
	memset(p, 0, size);
	return p;
}
#define APPEND(t, what)                                                                            \
	append((void **)&(t)->what, &(t)->n_##what, &(t)->cap_##what, sizeof *(t)->what)

void tap_reset_pair(struct sim *s, unsigned int a, unsigned int b, bool timestamps_too)
{
	struct tap *t = s->tap;

	t->handshake_at[pair(s, a, b)] = NEVER;
	if (timestamps_too) {
		t->generation[pair(s, a, b)]++;
		memset(t->timestamps[pair(s, a, b)], 0, SIM_TIMESTAMP_BYTES);
		memset(t->answered[pair(s, a, b)], 0, SIM_TIMESTAMP_BYTES);
		t->cookies[pair(s, a, b)] = (struct tap_cookie){0};
		memset(t->last_mac1[pair(s, a, b)], 0, 16);
	}
}

void tap_down(struct sim *s, unsigned int a)
{
	for (unsigned int b = 0; b < s->n_nodes; b++) {
		tap_reset_pair(s, a, b, false);
		s->tap->cookies[pair(s, a, b)].uncertain = true;
		memset(s->tap->last_mac1[pair(s, a, b)], 0, 16); /* its index is released */
	}
}

void tap_new_key(struct sim *s, unsigned int a)
{
	memory_secret(s->nodes[a].private_key.b, SECRET_STATIC, "a private key");
	for (unsigned int b = 0; b < s->n_nodes; b++) {
		memset(&s->tap->ss[pair(s, a, b)], 0, sizeof(struct wg_shared));
		memset(&s->tap->ss[pair(s, b, a)], 0, sizeof(struct wg_shared));
		tap_reset_pair(s, a, b, false);
		s->tap->cookies[pair(s, a, b)].uncertain = true;
		memset(s->tap->last_mac1[pair(s, a, b)], 0, 16); /* its index is released */
		s->tap->cookies[pair(s, b, a)].uncertain = true;
		memset(s->tap->answered[pair(s, b, a)], 0, SIM_TIMESTAMP_BYTES);
	}
}

/* ---- ephemerals ---- */

static bool ephemeral_of(struct sim *s, struct node *n, const uint8_t pub[32],
			 struct wg_private *out)
{
	unsigned int kept = n->n_draws < DRAWS_KEPT ? n->n_draws : DRAWS_KEPT;

	(void)s;
	for (unsigned int i = 1; i <= kept; i++) {
		struct draw *d = &n->draws[(n->n_draws - i) % DRAWS_KEPT];
		if (!d->have_pub) {
			x25519_public(&d->pub, &d->b);
			d->have_pub = true;
		}
		if (memcmp(d->pub.b, pub, 32) != 0)
			continue;
		*out = d->b;
		memory_secret(out->b, SECRET_SESSION, "an ephemeral key as drawn");
		x25519_clamp(out);
		memory_secret(out->b, SECRET_SESSION, "an ephemeral key");
		return true;
	}
	return false;
}

/* ---- mac1, mac2 ---- */

/* The node whose public key mac1 is keyed with, and that key pair. -1: none. */
static int receiver_by_mac1(struct sim *s, const struct message *m, size_t covered,
			    const struct wg_private **priv, const struct wg_public **pub)
{
	uint8_t mac[16];

	for (unsigned int i = 0; i < s->n_nodes; i++) {
		struct node *n = &s->nodes[i];
		for (unsigned int k = 0; k <= n->n_old; k++) {
			*priv = k ? &n->old_keys[k - 1] : &n->private_key;
			*pub = k ? &n->old_publics[k - 1] : &n->public_key;
			ref_mac1(mac, *pub, m->bytes, covered);
			if (memcmp(mac, m->bytes + covered, 16) == 0)
				return (int)i;
		}
	}
	return -1;
}

static void check_mac2(struct sim *s, const struct message *m, size_t covered)
{
	struct tap_cookie *c = &s->tap->cookies[pair(s, m->from, (unsigned int)m->to)];
	uint8_t mac[16];
	bool zero = mem_is_zero_ct(m->bytes + covered, 16);
	bool fresh = c->held && s->now - c->at < COOKIE_USED_NS;

	if (c->uncertain || !s->nodes[m->from].tunnel)
		return;
	if (zero && fresh)
		sim_fail(s, "node %u has a cookie and does not use it", m->from);
	if (!zero && !fresh)
		sim_fail(s, "node %u uses a mac2 without a fresh cookie", m->from);
	if (!zero && fresh) {
		mac16_2(mac, c->value, 16, m->bytes, covered, NULL, 0);
		if (memcmp(mac, m->bytes + covered, 16) != 0)
			sim_fail(s, "node %u sends a wrong mac2", m->from);
	}
}

static void handshake_sent(struct sim *s, const struct message *m, size_t mac1_at)
{
	size_t p = pair(s, m->from, (unsigned int)m->to);

	check_mac2(s, m, mac1_at + 16);
	memcpy(s->tap->last_mac1[p], m->bytes + mac1_at, 16);
	s->tap->handshake_at[p] = s->now;
}

/* ---- type 1 ---- */

static void check_timestamp(struct sim *s, const struct node *n, unsigned int to,
			    const struct ref_transcript *t)
{
	uint8_t *last = s->tap->timestamps[pair(s, n->id, to)], wall[SIM_TIMESTAMP_BYTES],
		soon[SIM_TIMESTAMP_BYTES];
	uint64_t unix_s;
	uint32_t ns;

	if (!n->tunnel)
		return;
	if (memcmp(t->timestamp, last, SIM_TIMESTAMP_BYTES) <= 0)
		sim_fail(s, "node %u: timestamp does not increase", n->id);
	if (load_be32(t->timestamp + 8) & 0xffffff)
		sim_fail(s, "node %u: timestamp is not rounded", n->id);
	sim_wall(s, n, &unix_s, &ns);
	ref_timestamp(wall, unix_s, ns);
	/* a little later if the time was used already, but not any other time */
	ref_timestamp(soon, unix_s + 1, ns);
	if (!n->clock_was_set_back && (memcmp(t->timestamp, wall, sizeof wall) < 0 ||
				       memcmp(t->timestamp, soon, sizeof soon) > 0))
		sim_fail(s, "node %u: timestamp is not the time", n->id);
	memcpy(last, t->timestamp, SIM_TIMESTAMP_BYTES);
}

static const struct wg_shared *static_secret(struct sim *s, unsigned int i, unsigned int r,
					     const struct wg_private *priv_r)
{
	struct wg_shared *ss = &s->tap->ss[pair(s, i, r)];

	if (mem_is_zero_ct(ss, sizeof *ss)) {
		if (!x25519(ss, priv_r, &s->nodes[i].public_key))
			return NULL;
		memory_secret(ss->b, SECRET_STATIC, "a static-static secret");
	}
	return ss;
}

static void sent_initiation(struct sim *s, struct node *n, struct message *m)
{
	const struct wg_private *priv = NULL;
	const struct wg_public *pub = NULL;
	struct wg_private e;

	m->to = receiver_by_mac1(s, m, 116, &priv, &pub);
	if (m->to < 0) /* for a key that no node has any more */
		return;
	unsigned int to = (unsigned int)m->to;
	uint64_t last = s->tap->handshake_at[pair(s, n->id, to)];
	if (n->tunnel && last != NEVER && s->now - last < REKEY_TIMEOUT_NS)
		sim_fail(s, "node %u: initiation %llu ms after the last handshake message to %u",
			 n->id, (unsigned long long)((s->now - last) / NS_PER_MS), to);
	struct tap_initiation *i = APPEND(s->tap, initiations);
	m->initiation = (int)s->tap->n_initiations - 1;
	bool current = priv == &s->nodes[to].private_key;
	if (!ref_open_initiation(&i->transcript, m->bytes, priv, pub,
				 current ? static_secret(s, n->id, to, priv) : NULL)) {
		sim_fail(s, "node %u: initiation does not authenticate", n->id);
		return;
	}
	if (memcmp(&i->transcript.s_i, &n->public_key, KEY_BYTES) != 0)
		sim_fail(s, "node %u: initiation with another identity", n->id);
	if (n->tunnel && !ephemeral_of(s, n, m->bytes + 8, &e))
		sim_fail(s, "node %u: ephemeral key not from env.random", n->id);
	i->at = s->now;
	i->from = n->id;
	i->to = to;
	i->index = load_le32(m->bytes + 4);
	i->genuine = n->tunnel;
	memcpy(i->mac1, m->bytes + 116, 16);
	check_timestamp(s, n, to, &i->transcript);
	handshake_sent(s, m, 116);
}

/* ---- type 2 ---- */

static int initiation_for(struct sim *s, unsigned int responder, uint32_t index)
{
	for (size_t i = s->tap->n_initiations; i-- > 0;) {
		const struct tap_initiation *in = &s->tap->initiations[i];
		if (in->to == responder && in->index == index)
			return (int)i;
	}
	return -1;
}

static void check_answer_is_new(struct sim *s, const struct node *n, struct tap_initiation *in)
{
	uint8_t *last = s->tap->answered[pair(s, n->id, in->from)];

	if (memcmp(in->transcript.timestamp, last, SIM_TIMESTAMP_BYTES) <= 0)
		sim_fail(s, "node %u answers a replayed or old initiation of %u", n->id, in->from);
	memcpy(last, in->transcript.timestamp, SIM_TIMESTAMP_BYTES);
	in->answered = true;
	in->generation = s->tap->generation[pair(s, n->id, in->from)];
}

static void sent_response(struct sim *s, struct node *n, struct message *m)
{
	int at = initiation_for(s, n->id, load_le32(m->bytes + 8));
	struct ref_transcript t;
	struct wg_private e;
	uint8_t mac[16];

	if (at < 0) {
		sim_fail(s, "node %u answers an initiation that was never sent", n->id);
		return;
	}
	struct tap_initiation *in = &s->tap->initiations[at];
	m->to = (int)in->from;
	m->initiation = at;
	check_answer_is_new(s, n, in);
	ref_mac1(mac, &in->transcript.s_i, m->bytes, 60);
	if (memcmp(mac, m->bytes + 60, 16) != 0)
		sim_fail(s, "node %u: response with a wrong mac1", n->id);
	if (!ephemeral_of(s, n, m->bytes + 12, &e)) {
		sim_fail(s, "node %u: ephemeral key not from env.random", n->id);
		return;
	}
	struct tap_session *k = APPEND(s->tap, sessions);
	m->session = (int)s->tap->n_sessions - 1;
	t = in->transcript;
	if (!ref_follow_response(&k->keys, &t, m->bytes, &e, &n->conf[in->from].psk))
		sim_fail(s, "node %u: response does not authenticate", n->id);
	memory_secret(t.ck.b, SECRET_SESSION, "a chaining key");
	memory_secret(k->keys.from_initiator.b, SECRET_SESSION, "a session key");
	memory_secret(k->keys.from_responder.b, SECRET_SESSION, "a session key");
	k->initiator = in->from;
	k->responder = n->id;
	k->index_i = in->index;
	k->index_r = load_le32(m->bytes + 4);
	k->created_i = NEVER;
	k->created_r = s->now;
	if (k->index_i == 0 && k->index_r == 0)
		sim_fail(s, "indices are not random");
	handshake_sent(s, m, 60);
}

/* ---- type 3 ---- */

/* The node that used this sender index in a handshake message to n. -1: none. */
static int owner_of_index(struct sim *s, unsigned int n, uint32_t index)
{
	int at = initiation_for(s, n, index);

	if (at >= 0)
		return (int)s->tap->initiations[at].from;
	for (size_t i = s->tap->n_sessions; i-- > 0;) {
		const struct tap_session *k = &s->tap->sessions[i];
		if (k->initiator == n && k->index_r == index)
			return (int)k->responder;
	}
	return -1;
}

static void sent_cookie_reply(struct sim *s, struct node *n, struct message *m)
{
	struct wg_sym key;
	struct tap_reply *r;

	if (!n->under_load)
		sim_fail(s, "node %u sends a cookie reply without load", n->id);
	m->to = owner_of_index(s, n->id, load_le32(m->bytes + 4));
	if (m->to < 0)
		return;
	r = APPEND(s->tap, replies);
	m->session = (int)s->tap->n_replies - 1;
	r->holder = (unsigned int)m->to;
	r->sender = n->id;
	memcpy(r->mac1, s->tap->last_mac1[pair(s, r->holder, n->id)], 16);
	ref_cookie_key(&key, &n->public_key);
	if (!xaead_open(r->value, m->bytes + 32, 16, r->mac1, 16, m->bytes + 8, &key))
		memset(r->mac1, 0, 16); /* for an older message: it cannot be consumed */
}

static void cookie_arrives(struct sim *s, const struct node *n, const struct message *m)
{
	const struct tap_reply *r = m->session < 0 ? NULL : &s->tap->replies[m->session];

	if (!r || r->holder != n->id || !n->up ||
	    memcmp(&n->conf[r->sender].key, &s->nodes[r->sender].public_key, KEY_BYTES) != 0)
		return;
	size_t p = pair(s, n->id, r->sender);
	if (mem_is_zero_ct(r->mac1, 16) || memcmp(r->mac1, s->tap->last_mac1[p], 16) != 0)
		return;
	struct tap_cookie *c = &s->tap->cookies[p];
	memcpy(c->value, r->value, 16);
	c->at = s->now;
	c->held = true;
	/* an initiation that failed for lack of memory may have released its index */
	c->uncertain = s->memory_failed && (s->memory_failed_at == NEVER ||
					    s->now - s->memory_failed_at < 10 * NS_PER_S);
	memset(s->tap->last_mac1[p], 0, 16); /* a second reply is not accepted */
}

/* ---- all ---- */

static void check_shape(struct sim *s, const struct node *n, const struct message *m)
{
	static const uint32_t sizes[5] = {0, SIM_INITIATION_BYTES, SIM_RESPONSE_BYTES,
					  SIM_COOKIE_BYTES, 0};
	uint8_t tos = m->type == 1 || m->type == 2 ? TOS_HANDSHAKE : 0;

	if (m->n < 4 || load_le32(m->bytes) < 1 || load_le32(m->bytes) > 4)
		sim_fail(s, "node %u sends bytes that are not a message", n->id);
	if (m->type == 4 ? m->n < SIM_DATA_BYTES_MIN : m->n != sizes[m->type])
		sim_fail(s, "node %u sends type %u with %u bytes", n->id, m->type, m->n);
	if (m->type != 4 && m->tos != tos)
		sim_fail(s, "node %u sends type %u with TOS %02x", n->id, m->type, m->tos);
	if (ledger_shows_plaintext(m->bytes, m->n))
		sim_fail(s, "node %u sends plaintext", n->id);
	if (!n->up)
		sim_fail(s, "node %u is down and sends", n->id);
	if (s->cause && s->cause_node == n->id && m->type != 3 &&
	    (s->cause_was_accepted || s->cause->altered || !s->cause->msg))
		sim_fail(s, "node %u answers a %s datagram with type %u", n->id,
			 s->cause_was_accepted ? "replayed" : "forged", m->type);
}

void tap_sent(struct sim *s, struct node *n, struct message *m)
{
	m->type = m->n ? m->bytes[0] : 0;
	m->to = m->session = m->initiation = -1;
	check_shape(s, n, m);
	if (m->type == 1)
		sent_initiation(s, n, m);
	else if (m->type == 2)
		sent_response(s, n, m);
	else if (m->type == 3)
		sent_cookie_reply(s, n, m);
	else
		tap_sent_data(s, n, m);
}

static void endpoints_of(struct sim *s, const struct node *n, struct ip_endpoint *out)
{
	struct wgproto_peer peer;

	for (unsigned int i = 0; i < s->n_nodes; i++) {
		memset(&out[i], 0, sizeof out[i]);
		if (n->conf[i].present &&
		    wgproto_peer_get(n->tunnel, n->conf[i].key.b, KEY_BYTES, &peer) == WGPROTO_OK)
			out[i] = endpoint_from_lib(&peer.endpoint);
	}
}

void tap_before_receive(struct sim *s, struct node *n, const struct datagram *d)
{
	struct message *m = d->msg;

	s->cause = d;
	s->cause_node = n->id;
	s->cause_was_accepted = m && m->accepted && m->to == (int)n->id &&
				m->generation == s->tap->generation[pair(s, n->id, m->from)];
	if (n->tunnel && s->n_nodes <= 8)
		endpoints_of(s, n, s->tap->before);
	if (!m || d->altered || m->to != (int)n->id)
		return;
	if (m->type == 2 && m->session >= 0) {
		struct tap_session *k = &s->tap->sessions[m->session];
		if (!k->used_i)
			k->created_i = s->now;
	}
	if (m->type == 3)
		cookie_arrives(s, n, m);
	if (m->type == 4 && m->session >= 0 && m->from_initiator)
		s->tap->sessions[m->session].confirmed = true;
}

static void check_roaming(struct sim *s, const struct node *n, const struct datagram *d)
{
	struct ip_endpoint after[NODES_MAX];

	endpoints_of(s, n, after);
	for (unsigned int i = 0; i < s->n_nodes; i++) {
		if (endpoint_equal(&after[i], &s->tap->before[i]) ||
		    after[i].addr.family == IP_NONE)
			continue;
		if (!d->msg || d->altered || d->msg->to != (int)n->id || d->msg->from != i ||
		    d->msg->type == 3 || s->cause_was_accepted)
			sim_fail(s, "node %u: peer %u roamed because of a datagram that it did not send",
				 n->id, i);
	}
}

void tap_after_receive(struct sim *s, struct node *n, const struct datagram *d)
{
	struct message *m = d->msg;

	if (n->tunnel && s->n_nodes <= 8)
		check_roaming(s, n, d);
	s->cause = NULL;
	if (!m || d->altered || m->to != (int)n->id)
		return;
	m->generation = s->tap->generation[pair(s, n->id, m->from)];
	if (m->type == 4)
		m->accepted = true;
	else if (m->type == 1 && m->initiation >= 0)
		m->accepted = s->tap->initiations[m->initiation].answered &&
			      s->tap->initiations[m->initiation].generation == m->generation;
	else if (m->type == 2 && m->session >= 0)
		m->accepted = s->tap->sessions[m->session].used_i;
}
