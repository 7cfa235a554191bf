/* mac1 and mac2, the two MACs at the end of handshake messages, and the cookies that make mac2 work
 * (whitepaper 5.4.4, 5.4.7): who holds a cookie receives at the address he sends from. */
#ifndef WG_COOKIE_H
#define WG_COOKIE_H

#include "base/addr.h"
#include "crypto/crypto.h"
#include "message.h"

enum { COOKIE_BYTES = 16, COOKIE_SECRET_BYTES = 32 };

#define COOKIE_SECRET_LIFE_NS (120 * NS_PER_S)
#define COOKIE_LIFE_NS (115 * NS_PER_S) /* 5 s less: it has to arrive before its secret is renewed */

/* The receiving end; one per device. */
struct cookie_checker {
	struct mac_key mac1_key, secret;
	struct wg_sym seal_key;
	uint64_t secret_born_ns;
	bool has_secret;
};

/* The sending end; one per peer. Zeroed: holds nothing. */
struct cookie_maker {
	uint64_t cookie_born_ns;
	uint8_t cookie[COOKIE_BYTES];
	uint8_t last_mac1[MAC_BYTES];
	bool has_cookie;
	bool has_sent_mac1; /* and no cookie reply to it came yet */
};

void cookie_checker_set_key(struct cookie_checker *c, const struct wg_public *own);
/* A new secret is due before the next mac2 check or reply: hand in 32 random bytes. */
bool cookie_secret_is_due(const struct cookie_checker *c, uint64_t now_ns);
void cookie_secret_set(struct cookie_checker *c, uint64_t now_ns,
		       const uint8_t secret[COOKIE_SECRET_BYTES]);

enum { COOKIE_CASES_MAX = 16 };

/* A handshake message and where it came from. What is asked about many costs a fraction of what it
 * costs one by one, and in a flood there is always more than one. */
struct cookie_case {
	const uint8_t *msg; /* a whole initiation or response of n bytes */
	size_t n;
	const struct ip_endpoint *from;
	uint8_t cookie[COOKIE_BYTES]; /* of that endpoint: filled by cookie_check_mac2(), to be wiped */
	bool ok;                      /* the MAC that was asked about is right */
};
/* At most COOKIE_CASES_MAX at once. */
void cookie_check_mac1(const struct cookie_checker *c, struct cookie_case *cases, size_t n);
void cookie_check_mac2(const struct cookie_checker *c, struct cookie_case *cases, size_t n);
/* out[i] replies to cases[i] whose cookie is filled; its sender index is at the same place in both kinds
 * of messages. Each nonce is random. */
void cookie_replies(const struct cookie_checker *c, struct msg_cookie *out,
		    const struct cookie_case *cases, size_t n,
		    const uint8_t (*nonces)[XAEAD_NONCE_BYTES]);

/* Writes mac1, and mac2 when a young enough cookie is held. */
void cookie_add_macs(struct cookie_maker *m, uint64_t now_ns, uint8_t *msg, size_t n,
		     const struct wg_public *peer);
/* False: nothing was asked for, or it does not decrypt; nothing changed. */
must_check bool cookie_take(struct cookie_maker *m, uint64_t now_ns, const struct msg_cookie *reply,
			    const struct wg_public *peer);

#endif
