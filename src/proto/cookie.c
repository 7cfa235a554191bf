/* mac1, mac2 and cookies: computed, checked, granted and used. */
#include "cookie.h"

#include <assert.h>

#include "base/mem.h"
#include "timers.h"

enum { LABEL_BYTES = 8, SENDER_AT = offsetof(struct msg_initiation, sender) };

static void label_key(struct wg_hash *out, const char *label, const struct wg_public *key)
{
	hash2(out, label, LABEL_BYTES, key->b, sizeof key->b);
}

static size_t mac1_at(size_t n)
{
	return n - MSG_MACS_BYTES;
}

static size_t mac2_at(size_t n)
{
	return n - MAC_BYTES;
}

static void mac_key_of(struct mac_key *out, const void *key, size_t n)
{
	mac_keys(out, &key, n, 1);
}

void cookie_checker_set_key(struct cookie_checker *c, const struct wg_public *own)
{
	struct wg_hash key;

	label_key(&key, "mac1----", own);
	mac_key_of(&c->mac1_key, key.b, sizeof key.b);
	label_key(&key, "cookie--", own);
	memcpy(c->seal_key.b, key.b, sizeof c->seal_key.b);
}

bool cookie_secret_is_expired(const struct cookie_checker *c, uint64_t now_ns)
{
	return !c->has_secret || ns_since(now_ns, c->secret_created_ns) >= COOKIE_SECRET_MAX_AGE_NS;
}

void cookie_secret_set(struct cookie_checker *c, uint64_t now_ns,
		       const uint8_t secret[COOKIE_SECRET_BYTES])
{
	mac_key_of(&c->secret, secret, COOKIE_SECRET_BYTES);
	c->secret_created_ns = now_ns;
	c->has_secret = true;
}

void cookie_check_mac1(const struct cookie_checker *c, struct mac_check *checks, size_t n)
{
	struct mac_job jobs[MAC_CHECKS_MAX];

	assert(n <= MAC_CHECKS_MAX);
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct mac_job){ .key = &c->mac1_key, .p = checks[i].msg,
					    .n = (uint32_t)mac1_at(checks[i].n) };
	mac16_many(jobs, n);
	for (size_t i = 0; i < n; i++)
		checks[i].ok = mem_equal_ct(jobs[i].out, checks[i].msg + mac1_at(checks[i].n),
					    MAC_BYTES);
}

/* cookie = MAC(secret, source address ‖ source port), for every message. */
static void compute_cookies(const struct cookie_checker *c, struct mac_check *checks, size_t n)
{
	uint8_t sources[MAC_CHECKS_MAX][sizeof checks->from->addr.b + 2];
	struct mac_job jobs[MAC_CHECKS_MAX];

	assert(n <= MAC_CHECKS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct ip_endpoint *from = checks[i].from;
		uint32_t addr_n = ip_bytes(&from->addr);

		memcpy(sources[i], from->addr.b, sizeof from->addr.b);
		store_be16(sources[i] + addr_n, from->port);
		jobs[i] = (struct mac_job){ .key = &c->secret, .p = sources[i], .n = addr_n + 2 };
	}
	mac16_many(jobs, n);
	for (size_t i = 0; i < n; i++)
		memcpy(checks[i].cookie, jobs[i].out, sizeof checks[i].cookie);
	mem_wipe(jobs, sizeof jobs);
}

void cookie_check_mac2(const struct cookie_checker *c, struct mac_check *checks, size_t n)
{
	struct mac_check *with[MAC_CHECKS_MAX]; /* those that have a mac2: in a flood, few */
	const void *cookies[MAC_CHECKS_MAX];
	struct mac_key keys[MAC_CHECKS_MAX];
	struct mac_job jobs[MAC_CHECKS_MAX];
	size_t n_with = 0;

	compute_cookies(c, checks, n);
	for (size_t i = 0; i < n; i++) {
		checks[i].ok = false;
		if (mem_is_zero_ct(checks[i].msg + mac2_at(checks[i].n), MAC_BYTES))
			continue;
		cookies[n_with] = checks[i].cookie;
		jobs[n_with] = (struct mac_job){ .key = &keys[n_with], .p = checks[i].msg,
						 .n = (uint32_t)mac2_at(checks[i].n) };
		with[n_with++] = &checks[i];
	}
	mac_keys(keys, cookies, COOKIE_BYTES, n_with);
	mac16_many(jobs, n_with);
	for (size_t i = 0; i < n_with; i++)
		with[i]->ok = mem_equal_ct(jobs[i].out, with[i]->msg + mac2_at(with[i]->n), MAC_BYTES);
	mem_wipe(keys, n_with * sizeof keys[0]);
	mem_wipe(jobs, n_with * sizeof jobs[0]);
}

void cookie_make_replies(const struct cookie_checker *c, struct msg_cookie *out,
			 const struct mac_check *checks, size_t n,
			 const uint8_t (*nonces)[XAEAD_NONCE_BYTES])
{
	struct xaead_job jobs[MAC_CHECKS_MAX];

	assert(n <= MAC_CHECKS_MAX);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *msg = checks[i].msg;

		store_le32(out[i].type, MSG_COOKIE);
		memcpy(out[i].receiver, msg + SENDER_AT, sizeof out[i].receiver);
		memcpy(out[i].nonce, nonces[i], sizeof out[i].nonce);
		jobs[i] = (struct xaead_job){ .dst = out[i].sealed_cookie, .src = checks[i].cookie,
					      .n = COOKIE_BYTES, .ad = msg + mac1_at(checks[i].n),
					      .ad_n = MAC_BYTES, .nonce = out[i].nonce };
	}
	xaead_seal_many(jobs, n, &c->seal_key);
}

void cookie_add_macs(struct cookie_maker *m, uint64_t now_ns, uint8_t *msg, size_t n,
		     const struct wg_public *peer)
{
	struct wg_hash key;

	label_key(&key, "mac1----", peer);
	mac16_2(msg + mac1_at(n), key.b, sizeof key.b, msg, mac1_at(n), NULL, 0);
	memcpy(m->last_mac1, msg + mac1_at(n), sizeof m->last_mac1);
	m->has_sent_mac1 = true;
	if (m->has_cookie && ns_since(now_ns, m->cookie_received_ns) < COOKIE_MAX_AGE_NS)
		mac16_2(msg + mac2_at(n), m->cookie, sizeof m->cookie, msg, mac2_at(n), NULL, 0);
	else
		memset(msg + mac2_at(n), 0, MAC_BYTES);
}

bool cookie_consume_reply(struct cookie_maker *m, uint64_t now_ns,
			  const struct msg_cookie *reply, const struct wg_public *peer)
{
	uint8_t cookie[COOKIE_BYTES];
	struct wg_hash hash;
	struct wg_sym key;
	bool ok;

	if (!m->has_sent_mac1)
		return false;
	label_key(&hash, "cookie--", peer);
	memcpy(key.b, hash.b, sizeof key.b);
	ok = xaead_open(cookie, reply->sealed_cookie, sizeof cookie, m->last_mac1,
			sizeof m->last_mac1, reply->nonce, &key);
	if (ok) {
		memcpy(m->cookie, cookie, sizeof m->cookie);
		m->cookie_received_ns = now_ns;
		m->has_cookie = true;
		m->has_sent_mac1 = false;
	}
	mem_wipe(cookie, sizeof cookie);
	mem_wipe(&key, sizeof key);
	mem_wipe(&hash, sizeof hash);
	return ok;
}
