/* mac1 and mac2, the two MACs at the end of handshake messages, and the cookies that key mac2
 * (whitepaper sections 5.3, 5.4.4 and 5.4.7). A sender that can present a cookie receives packets at
 * the address it sends from. Control half only. */
#ifndef WG_COOKIE_H
#define WG_COOKIE_H

#include "base/addr.h"
#include "crypto/crypto.h"
#include "message.h"

enum { COOKIE_BYTES = 16, COOKIE_SECRET_BYTES = 32 };

#define COOKIE_SECRET_MAX_AGE_NS (120 * NS_PER_S)
#define COOKIE_MAX_AGE_NS (115 * NS_PER_S) /* 5 s less, as it has to arrive before its secret expires */

/* The receiver of handshake messages; one per tunnel. */
struct cookie_checker {
	struct mac_key mac1_key, secret;
	struct wg_sym seal_key;
	uint64_t secret_created_ns;
	bool has_secret;
};

/* The sender of handshake messages; one per peer. Zeroed: holds no cookie. */
struct cookie_maker {
	uint64_t cookie_received_ns;
	uint8_t cookie[COOKIE_BYTES];
	uint8_t last_mac1[MAC_BYTES];
	bool has_cookie;
	bool has_sent_mac1; /* last_mac1 was sent, and no cookie reply to it was accepted */
};

void cookie_checker_set_key(struct cookie_checker *c, const struct wg_public *own);
/* True: call cookie_secret_set with COOKIE_SECRET_BYTES random bytes before the next mac2 check or
 * reply. */
bool cookie_secret_is_expired(const struct cookie_checker *c, uint64_t now_ns);
void cookie_secret_set(struct cookie_checker *c, uint64_t now_ns,
		       const uint8_t secret[COOKIE_SECRET_BYTES]);

enum { MAC_CHECKS_MAX = 16 };

/* A handshake message whose MACs are to be checked. The functions below take up to MAC_CHECKS_MAX of
 * them, because MACs computed side by side in vector lanes cost a fraction of the same number
 * computed one by one. */
struct mac_check {
	const uint8_t *msg; /* a whole initiation or response, n bytes */
	size_t n;
	const struct ip_endpoint *from;
	uint8_t cookie[COOKIE_BYTES]; /* out, cookie_check_mac2(): the cookie of `from`. Secret: wipe it */
	bool ok;                      /* out: the MAC is valid */
};
void cookie_check_mac1(const struct cookie_checker *c, struct mac_check *checks, size_t n);
void cookie_check_mac2(const struct cookie_checker *c, struct mac_check *checks, size_t n);
/* out[i] answers checks[i], whose cookie cookie_check_mac2() has filled in. nonces: n random ones. */
void cookie_make_replies(const struct cookie_checker *c, struct msg_cookie *out,
			 const struct mac_check *checks, size_t n,
			 const uint8_t (*nonces)[XAEAD_NONCE_BYTES]);

/* Writes mac1, and mac2 if a cookie younger than COOKIE_MAX_AGE_NS is held (zeros otherwise). */
void cookie_add_macs(struct cookie_maker *m, uint64_t now_ns, uint8_t *msg, size_t n,
		     const struct wg_public *peer);
/* Stores the cookie of a reply to the handshake message that was sent last. False: no reply is
 * expected or it does not authenticate, and nothing changed. */
must_check bool cookie_consume_reply(struct cookie_maker *m, uint64_t now_ns,
				     const struct msg_cookie *reply, const struct wg_public *peer);

#endif
