/* A second implementation of the handshake, written from the whitepaper (sections 5.4.2 and 5.4.3), which
 * shares only the primitives with src/proto. The wiretap decrypts with it and puppets use it. */
#ifndef SIM_REFERENCE_H
#define SIM_REFERENCE_H

#include "crypto/crypto.h"

enum {
	SIM_INITIATION_BYTES = 148,
	SIM_RESPONSE_BYTES = 92,
	SIM_COOKIE_BYTES = 64,
	SIM_DATA_BYTES_MIN = 32,
	SIM_TIMESTAMP_BYTES = 12,
};

/* The state after a message. */
struct ref_transcript {
	struct wg_hash ck, h;
	struct wg_public s_i, e_i; /* the initiator's */
	uint32_t index_i;
	uint8_t timestamp[SIM_TIMESTAMP_BYTES];
};

struct ref_keys {
	struct wg_sym from_initiator, from_responder;
};

void ref_timestamp(uint8_t out[SIM_TIMESTAMP_BYTES], uint64_t unix_s, uint32_t ns);
/* mac1 is the 16 bytes from `covered` on. */
void ref_mac1(uint8_t out[16], const struct wg_public *receiver, const uint8_t *msg,
	      size_t covered);
void ref_cookie_key(struct wg_sym *out, const struct wg_public *sender);

/* Writes an initiation with mac1 and a zero mac2. False: low-order key. */
must_check bool ref_initiate(struct ref_transcript *t, uint8_t msg[SIM_INITIATION_BYTES],
			     const struct wg_private *s_i, const struct wg_private *e_i,
			     const struct wg_public *s_r,
			     const uint8_t timestamp[SIM_TIMESTAMP_BYTES], uint32_t index);
/* Decrypts an initiation with the keys of the responder. ss: the static-static secret; null: compute it. */
must_check bool ref_open_initiation(struct ref_transcript *t,
				    const uint8_t msg[SIM_INITIATION_BYTES],
				    const struct wg_private *s_r, const struct wg_public *s_r_pub,
				    const struct wg_shared *ss);
/* Writes a response, and derives the keys. */
must_check bool ref_answer(struct ref_keys *keys, uint8_t msg[SIM_RESPONSE_BYTES],
			   struct ref_transcript *t, const struct wg_private *e_r,
			   const struct wg_psk *psk, uint32_t index);
/* Derives the keys of a response that another implementation wrote, given its ephemeral private key.
 * False: it does not authenticate. */
must_check bool ref_follow_response(struct ref_keys *keys, struct ref_transcript *t,
				    const uint8_t msg[SIM_RESPONSE_BYTES],
				    const struct wg_private *e_r, const struct wg_psk *psk);

#endif
