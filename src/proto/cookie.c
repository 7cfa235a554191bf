/* mac1, mac2 and cookies. */
#include "cookie.h"

#include "base/mem.h"
#include "timers.h"

enum { LABEL_BYTES = 8, SENDER_AT = 4 };

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

bool cookie_secret_is_due(const struct cookie_checker *c, uint64_t now_ns)
{
	return !c->has_secret || ns_since(now_ns, c->secret_born_ns) >= COOKIE_SECRET_LIFE_NS;
}

void cookie_secret_set(struct cookie_checker *c, uint64_t now_ns,
		       const uint8_t secret[COOKIE_SECRET_BYTES])
{
	mac_key_of(&c->secret, secret, COOKIE_SECRET_BYTES);
	c->secret_born_ns = now_ns;
	c->has_secret = true;
}

void cookie_check_mac1(const struct cookie_checker *c, struct cookie_case *cases, size_t n)
{
	struct mac_job jobs[COOKIE_CASES_MAX];

	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct mac_job){ .key = &c->mac1_key, .p = cases[i].msg,
					    .n = (uint32_t)mac1_at(cases[i].n) };
	mac16_many(jobs, n);
	for (size_t i = 0; i < n; i++)
		cases[i].ok = mem_equal_ct(jobs[i].out, cases[i].msg + mac1_at(cases[i].n),
					   MAC_BYTES);
}

/* The cookies of where the messages came from. */
static void find_cookies(const struct cookie_checker *c, struct cookie_case *cases, size_t n)
{
	uint8_t sources[COOKIE_CASES_MAX][sizeof cases->from->addr.b + 2];
	struct mac_job jobs[COOKIE_CASES_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct ip_endpoint *from = cases[i].from;
		uint32_t addr_n = ip_bytes(&from->addr);

		memcpy(sources[i], from->addr.b, sizeof from->addr.b);
		store_be16(sources[i] + addr_n, from->port);
		jobs[i] = (struct mac_job){ .key = &c->secret, .p = sources[i], .n = addr_n + 2 };
	}
	mac16_many(jobs, n);
	for (size_t i = 0; i < n; i++)
		memcpy(cases[i].cookie, jobs[i].out, sizeof cases[i].cookie);
	mem_wipe(jobs, sizeof jobs);
}

void cookie_check_mac2(const struct cookie_checker *c, struct cookie_case *cases, size_t n)
{
	struct cookie_case *with[COOKIE_CASES_MAX]; /* a mac2: most of a flood has none */
	const void *cookies[COOKIE_CASES_MAX];
	struct mac_key keys[COOKIE_CASES_MAX];
	struct mac_job jobs[COOKIE_CASES_MAX];
	size_t n_with = 0;

	find_cookies(c, cases, n);
	for (size_t i = 0; i < n; i++) {
		cases[i].ok = false;
		if (mem_is_zero_ct(cases[i].msg + mac2_at(cases[i].n), MAC_BYTES))
			continue;
		cookies[n_with] = cases[i].cookie;
		jobs[n_with] = (struct mac_job){ .key = &keys[n_with], .p = cases[i].msg,
						 .n = (uint32_t)mac2_at(cases[i].n) };
		with[n_with++] = &cases[i];
	}
	mac_keys(keys, cookies, COOKIE_BYTES, n_with);
	mac16_many(jobs, n_with);
	for (size_t i = 0; i < n_with; i++)
		with[i]->ok = mem_equal_ct(jobs[i].out, with[i]->msg + mac2_at(with[i]->n), MAC_BYTES);
	mem_wipe(keys, n_with * sizeof keys[0]);
	mem_wipe(jobs, n_with * sizeof jobs[0]);
}

void cookie_replies(const struct cookie_checker *c, struct msg_cookie *out,
		    const struct cookie_case *cases, size_t n,
		    const uint8_t (*nonces)[XAEAD_NONCE_BYTES])
{
	struct xaead_job jobs[COOKIE_CASES_MAX];

	for (size_t i = 0; i < n; i++) {
		const uint8_t *msg = cases[i].msg;

		store_le32(out[i].type, MSG_COOKIE);
		memcpy(out[i].receiver, msg + SENDER_AT, sizeof out[i].receiver);
		memcpy(out[i].nonce, nonces[i], sizeof out[i].nonce);
		jobs[i] = (struct xaead_job){ .dst = out[i].sealed_cookie, .src = cases[i].cookie,
					      .n = COOKIE_BYTES, .ad = msg + mac1_at(cases[i].n),
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
	if (m->has_cookie && ns_since(now_ns, m->cookie_born_ns) < COOKIE_LIFE_NS)
		mac16_2(msg + mac2_at(n), m->cookie, sizeof m->cookie, msg, mac2_at(n), NULL, 0);
	else
		memset(msg + mac2_at(n), 0, MAC_BYTES);
}

bool cookie_take(struct cookie_maker *m, uint64_t now_ns, const struct msg_cookie *reply,
		 const struct wg_public *peer)
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
		m->cookie_born_ns = now_ns;
		m->has_cookie = true;
		m->has_sent_mac1 = false;
	}
	mem_wipe(cookie, sizeof cookie);
	mem_wipe(&key, sizeof key);
	mem_wipe(&hash, sizeof hash);
	return ok;
}
