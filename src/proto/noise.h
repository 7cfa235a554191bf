/* The handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper sections 5.4.2, 5.4.3 and 5.4.5). Each
 * step takes the result type of the step before, so a response cannot be computed for an initiation that
 * was not accepted. The expensive part, X25519, is separate: X_jobs() lists the multiplications that X()
 * needs, and the caller computes them, if possible in one x25519_batch() with those of other handshakes.
 *
 *   initiator:  noise_initiate → struct noise_pending and the initiation
 *               noise_finish(pending, response) → struct wg_keypair
 *   responder:  noise_open(initiation) → struct noise_opened, with the claimed key of the initiator
 *               noise_accept(opened, ss and timestamp of that peer) → struct noise_accepted
 *               noise_respond(accepted) → struct wg_keypair and the response
 *
 * All of these structs and the jobs are secret: the caller wipes them. No function here has state, reads
 * a clock or draws random bytes. */
#ifndef WG_NOISE_H
#define WG_NOISE_H

#include "crypto/crypto.h"
#include "message.h"

enum {
	NOISE_INITIATE_JOBS = 2,
	NOISE_FINISH_JOBS = 2,
	NOISE_RESPOND_JOBS = 3,
};

struct noise_identity {
	struct wg_private key; /* clamped */
	struct wg_public pub;
	struct wg_hash hash;   /* initial transcript hash of a responder: HASH(H0 ‖ pub) */
};

struct noise_pending { /* an initiation was sent; waits for the response */
	struct wg_private e;
	struct wg_hash ck, h;
	uint32_t index;
};

struct noise_opened { /* an initiation whose sender knows our public key and claims to be `peer` */
	struct wg_public peer;
	struct wg_public e;
	struct wg_hash ck, h;
	uint8_t sealed_timestamp[TAI64N_BYTES + TAG_BYTES];
	uint32_t index;
};

struct noise_accepted { /* the initiation authenticates and its timestamp is new */
	struct wg_public peer;
	struct wg_public e;
	struct wg_hash ck, h;
	uint8_t timestamp[TAI64N_BYTES];
	uint32_t index;
};

struct wg_keypair {
	struct wg_sym tx, rx;
	uint32_t local, remote; /* receiver indices: ours, the peer's */
	bool initiator;
};

enum noise_verdict {
	NOISE_OK,
	NOISE_BAD,    /* does not authenticate */
	NOISE_REPLAY, /* authenticates, but its timestamp is not greater than the latest */
};

/* `key` need not be clamped; the stored key is. */
void noise_identity_init(struct noise_identity *id, const struct wg_private *key);

struct noise_initiate_in {
	const struct noise_identity *self;
	const struct wg_public *peer;
	const struct wg_shared *ss; /* DH(own static, peer), computed once per peer; not zero */
	const uint8_t *timestamp;   /* TAI64N_BYTES */
	uint32_t index;
	const struct x25519_job *jobs; /* NOISE_INITIATE_JOBS, computed */
};
void noise_initiate_jobs(struct x25519_job jobs[NOISE_INITIATE_JOBS], const struct wg_private *e,
			 const struct wg_public *peer);
/* Leaves mac1 and mac2 zero. False: the public key of the peer has low order; *out and *m are wiped. */
must_check bool noise_initiate(struct noise_pending *out, struct msg_initiation *m,
			       const struct noise_initiate_in *in);

void noise_finish_jobs(struct x25519_job jobs[NOISE_FINISH_JOBS], const struct noise_pending *pending,
		       const struct noise_identity *self, const struct msg_response *m);
/* False: m does not authenticate; `pending` is unchanged and waits for the genuine response. */
must_check bool noise_finish(struct wg_keypair *out, const struct noise_pending *pending,
			     const struct msg_response *m, const struct wg_psk *psk,
			     const struct x25519_job jobs[NOISE_FINISH_JOBS]);

void noise_open_job(struct x25519_job *job, const struct noise_identity *self,
		    const struct msg_initiation *m);
/* Decrypts the static key of the initiator, which is not authenticated yet; `job` is computed. False: the initiation is not
 * for this identity, or its keys have low order; *out is wiped. */
must_check bool noise_open(struct noise_opened *out, const struct noise_identity *self,
			   const struct msg_initiation *m, const struct x25519_job *job);

/* `latest`: the greatest timestamp accepted from this peer, all zero if there was none. */
must_check enum noise_verdict noise_accept(struct noise_accepted *out,
					   const struct noise_opened *opened,
					   const struct wg_shared *ss,
					   const uint8_t latest[TAI64N_BYTES]);

void noise_respond_jobs(struct x25519_job jobs[NOISE_RESPOND_JOBS], const struct wg_private *e,
			const struct noise_accepted *accepted);
/* Leaves mac1 and mac2 zero. False: a key of the peer has low order; *m is wiped. */
must_check bool noise_respond(struct wg_keypair *out, struct msg_response *m,
			      const struct noise_accepted *accepted, const struct wg_psk *psk,
			      uint32_t index, const struct x25519_job jobs[NOISE_RESPOND_JOBS]);

/* Wall clock to TAI64N. Rounds nanoseconds down to a multiple of 2^24 (16.8 ms), as the Linux kernel
 * does, so that the timestamp does not reveal the fine grain of our clock. */
void tai64n_from_unix(uint8_t out[TAI64N_BYTES], uint64_t unix_s, uint32_t ns);
/* Advances t to the next multiple. */
void tai64n_next(uint8_t t[TAI64N_BYTES]);

#endif
