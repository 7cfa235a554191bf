/* The handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper 5.4.2-5.4.5). Every step's result
 * is what the next step needs, so nothing can be answered that was not accepted, nor finished that was
 * not begun. The costly half, the Diffie-Hellmans, is split off: X_jobs() says which are needed, the
 * caller computes them (alone, or in lanes with those of other handshakes) and hands them to X().
 *
 *   initiator:  noise_initiate → struct noise_pending and message 1
 *               noise_finish(pending, message 2) → struct wg_keypair
 *   responder:  noise_open(message 1) → struct noise_opened: who is it?
 *               noise_accept(opened, what we know of that peer) → struct noise_accepted
 *               noise_answer(accepted) → struct wg_keypair and message 2
 * All these structs are secret: wipe them. */
#ifndef WG_NOISE_H
#define WG_NOISE_H

#include "crypto/crypto.h"
#include "message.h"

enum {
	NOISE_INITIATE_JOBS = 2,
	NOISE_FINISH_JOBS = 2,
	NOISE_ANSWER_JOBS = 3,
};

struct noise_identity {
	struct wg_private key; /* clamped */
	struct wg_public pub;
	struct wg_hash hash;   /* a responder's first transcript hash: HASH(H0 ‖ pub) */
};

struct noise_pending { /* after message 1 was sent */
	struct wg_private e;
	struct wg_hash ck, h;
	uint32_t index;
};

struct noise_opened { /* message 1 of somebody who knows our key and says he is `peer` */
	struct wg_public peer;
	struct wg_public e;
	struct wg_hash ck, h;
	uint8_t sealed_timestamp[TAI64N_BYTES + TAG_BYTES];
	uint32_t index;
};

struct noise_accepted { /* it is him, and it is news */
	struct wg_public peer;
	struct wg_public e;
	struct wg_hash ck, h;
	uint8_t timestamp[TAI64N_BYTES];
	uint32_t index;
};

struct wg_keypair {
	struct wg_sym tx, rx;
	uint32_t local, remote; /* indices: ours, theirs */
	bool initiator;
};

enum noise_verdict {
	NOISE_OK,
	NOISE_BAD,    /* does not verify */
	NOISE_REPLAY, /* verifies, but its timestamp is not the greatest */
};

/* The key may be unclamped; it is stored clamped. */
void noise_identity_init(struct noise_identity *id, const struct wg_private *key);

struct noise_initiate_in {
	const struct noise_identity *self;
	const struct wg_public *peer;
	const struct wg_shared *ss; /* DH(own static, peer), computed once per peer; not zero */
	const uint8_t *timestamp;   /* TAI64N_BYTES */
	uint32_t index;
	const struct x25519_job *jobs; /* done */
};
void noise_initiate_jobs(struct x25519_job jobs[NOISE_INITIATE_JOBS], const struct wg_private *e,
			 const struct wg_public *peer);
/* mac1 and mac2 stay zero. False: the peer's key has low order; *m is not to be sent. */
must_check bool noise_initiate(struct noise_pending *out, struct msg_initiation *m,
			       const struct noise_initiate_in *in);

void noise_finish_jobs(struct x25519_job jobs[NOISE_FINISH_JOBS], const struct noise_pending *pending,
		       const struct noise_identity *self, const struct msg_response *m);
/* False: m does not verify, and `pending` still waits for the true one. */
must_check bool noise_finish(struct wg_keypair *out, const struct noise_pending *pending,
			     const struct msg_response *m, const struct wg_psk *psk,
			     const struct x25519_job jobs[NOISE_FINISH_JOBS]);

void noise_open_job(struct x25519_job *job, const struct noise_identity *self,
		    const struct msg_initiation *m);
must_check bool noise_open(struct noise_opened *out, const struct noise_identity *self,
			   const struct msg_initiation *m, const struct x25519_job *job);

/* `latest`: the greatest timestamp accepted from this peer so far, zeros for none. */
must_check enum noise_verdict noise_accept(struct noise_accepted *out,
					   const struct noise_opened *opened,
					   const struct wg_shared *ss,
					   const uint8_t latest[TAI64N_BYTES]);

void noise_answer_jobs(struct x25519_job jobs[NOISE_ANSWER_JOBS], const struct wg_private *e,
		       const struct noise_accepted *accepted);
/* mac1 and mac2 stay zero. False: a low-order key. */
must_check bool noise_answer(struct wg_keypair *out, struct msg_response *m,
			     const struct noise_accepted *accepted, const struct wg_psk *psk,
			     uint32_t index, const struct x25519_job jobs[NOISE_ANSWER_JOBS]);

/* Wall clock to TAI64N, the nanoseconds rounded down to 2^24 so that the clock's fine grain stays ours. */
void tai64n_from_unix(uint8_t out[TAI64N_BYTES], uint64_t unix_s, uint32_t ns);
/* The next step of that grain after t. */
void tai64n_next(uint8_t t[TAI64N_BYTES]);

#endif
