/* mac1, mac2 and cookies. */
#include "cookie.h"

#include "../base/mem.h"
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

void cookie_checker_set_key(struct cookie_checker *c, const struct wg_public *own)
{
	label_key(&c->mac1_key, "mac1----", own);
	label_key(&c->seal_key, "cookie--", own);
}

bool cookie_secret_is_due(const struct cookie_checker *c, uint64_t now_ns)
{
	return !c->has_secret || ns_since(now_ns, c->secret_born_ns) >= COOKIE_SECRET_LIFE_NS;
}

void cookie_secret_set(struct cookie_checker *c, uint64_t now_ns,
		       const uint8_t secret[COOKIE_SECRET_BYTES])
{
	memcpy(c->secret, secret, sizeof c->secret);
	c->secret_born_ns = now_ns;
	c->has_secret = true;
}

static void cookie_of(uint8_t out[COOKIE_BYTES], const struct cookie_checker *c,
		      const struct ip_endpoint *from)
{
	uint8_t port[2];

	store_be16(port, from->port);
	mac16_2(out, c->secret, sizeof c->secret, from->addr.b, ip_bytes(&from->addr), port,
		sizeof port);
}

bool cookie_mac1_is_right(const struct cookie_checker *c, const uint8_t *msg, size_t n)
{
	uint8_t mac[MAC_BYTES];

	mac16_2(mac, c->mac1_key.b, sizeof c->mac1_key.b, msg, mac1_at(n), NULL, 0);
	return mem_equal_ct(mac, msg + mac1_at(n), sizeof mac);
}

bool cookie_mac2_is_right(const struct cookie_checker *c, const uint8_t *msg, size_t n,
			  const struct ip_endpoint *from)
{
	uint8_t cookie[COOKIE_BYTES], mac[MAC_BYTES];
	bool ok;

	if (mem_is_zero_ct(msg + mac2_at(n), MAC_BYTES)) /* he has no cookie: a flood mostly is that */
		return false;
	cookie_of(cookie, c, from);
	mac16_2(mac, cookie, sizeof cookie, msg, mac2_at(n), NULL, 0);
	ok = mem_equal_ct(mac, msg + mac2_at(n), sizeof mac);
	mem_wipe(cookie, sizeof cookie);
	mem_wipe(mac, sizeof mac);
	return ok;
}

void cookie_reply(const struct cookie_checker *c, struct msg_cookie *out, const uint8_t *msg,
		  size_t n, const struct ip_endpoint *from, const uint8_t nonce[XAEAD_NONCE_BYTES])
{
	uint8_t cookie[COOKIE_BYTES];
	struct wg_sym key;

	memcpy(key.b, c->seal_key.b, sizeof key.b);
	store_le32(out->type, MSG_COOKIE);
	memcpy(out->receiver, msg + SENDER_AT, sizeof out->receiver);
	memcpy(out->nonce, nonce, sizeof out->nonce);
	cookie_of(cookie, c, from);
	xaead_seal(out->sealed_cookie, cookie, sizeof cookie, msg + mac1_at(n), MAC_BYTES, nonce,
		   &key);
	mem_wipe(cookie, sizeof cookie);
	mem_wipe(&key, sizeof key);
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
