/* The Noise handshake. The comments in the margin are the tokens of the pattern IKpsk2: e, es, s,
 * ss, ee, se, psk. */
#include "noise.h"

#include "base/mem.h"

/* HASH(CONSTRUCTION) and HASH(HASH(CONSTRUCTION) ‖ IDENTIFIER); noise_test derives both from the
 * strings. */
static const struct wg_hash initial_ck = { {
	0x60, 0xe2, 0x6d, 0xae, 0xf3, 0x27, 0xef, 0xc0, 0x2e, 0xc3, 0x35, 0xe2, 0xa0, 0x25, 0xd2, 0xd0,
	0x16, 0xeb, 0x42, 0x06, 0xf8, 0x72, 0x77, 0xf5, 0x2d, 0x38, 0xd1, 0x98, 0x8b, 0x78, 0xcd, 0x36,
} };
static const struct wg_hash initial_hash = { {
	0x22, 0x11, 0xb3, 0x61, 0x08, 0x1a, 0xc5, 0x66, 0x69, 0x12, 0x43, 0xdb, 0x45, 0x8a, 0xd5, 0x32,
	0x2d, 0x9c, 0x6c, 0x66, 0x22, 0x93, 0xe8, 0xb7, 0x0e, 0xe1, 0x9c, 0x65, 0xba, 0x07, 0x9e, 0xf3,
} };
static const struct wg_public base_point = { { 9 } };

static const uint64_t TAI64_UNIX_EPOCH = 0x400000000000000aull;
static const uint32_t TIMESTAMP_GRAIN_NS = 1u << 24;
static const uint32_t NS_IN_S = 1000000000u;
_Static_assert(TAI64N_BYTES == sizeof(uint64_t) + sizeof(uint32_t), "be64 seconds, be32 nanoseconds");

static void mix_hash(struct wg_hash *h, const void *p, size_t n)
{
	hash2(h, h->b, sizeof h->b, p, n);
}

static void mix_key(struct wg_hash *ck, const uint8_t e[KEY_BYTES])
{
	kdf(ck->b, NULL, NULL, ck, e, KEY_BYTES);
}

/* ck, k = KDF2(ck, dh). False: the public key had low order, so that the result is zero. */
static bool mix_dh(struct wg_hash *ck, struct wg_sym *k, const struct x25519_job *job)
{
	kdf(ck->b, k ? k->b : NULL, NULL, ck, job->out.b, sizeof job->out.b);
	return job->ok;
}

static bool mix_ss(struct wg_hash *ck, struct wg_sym *k, const struct wg_shared *ss)
{
	kdf(ck->b, k->b, NULL, ck, ss->b, sizeof ss->b);
	return !mem_is_zero_ct(ss, sizeof *ss);
}

static void mix_psk(struct wg_hash *ck, struct wg_hash *h, struct wg_sym *k,
		    const struct wg_psk *psk)
{
	struct wg_hash t;

	kdf(ck->b, t.b, k->b, ck, psk->b, sizeof psk->b);
	mix_hash(h, t.b, sizeof t.b);
	mem_wipe(&t, sizeof t);
}

static void seal_hash(uint8_t *sealed, const void *plain, size_t n, const struct wg_sym *k,
		      struct wg_hash *h)
{
	aead_seal(sealed, plain, n, h->b, sizeof h->b, 0, k);
	mix_hash(h, sealed, n + TAG_BYTES);
}

static bool open_hash(uint8_t *plain, const uint8_t *sealed, size_t n, const struct wg_sym *k,
		      struct wg_hash *h)
{
	bool ok = aead_open(plain, sealed, n, h->b, sizeof h->b, 0, k);

	mix_hash(h, sealed, n + TAG_BYTES);
	return ok;
}

static void split_keys(struct wg_keypair *out, const struct wg_hash *ck, bool initiator)
{
	out->initiator = initiator;
	kdf(initiator ? out->tx.b : out->rx.b, initiator ? out->rx.b : out->tx.b, NULL, ck, NULL, 0);
}

void noise_identity_init(struct noise_identity *id, const struct wg_private *key)
{
	id->key = *key;
	x25519_clamp(&id->key);
	x25519_public(&id->pub, &id->key);
	id->hash = initial_hash;
	mix_hash(&id->hash, id->pub.b, sizeof id->pub.b);
}

static void job_init(struct x25519_job *job, const struct wg_private *key,
		     const uint8_t u[KEY_BYTES])
{
	job->key = *key;
	memcpy(job->u.b, u, KEY_BYTES);
	job->ok = false;
}

void noise_initiate_jobs(struct x25519_job jobs[NOISE_INITIATE_JOBS], const struct wg_private *e,
			 const struct wg_public *peer)
{
	job_init(&jobs[0], e, base_point.b);
	job_init(&jobs[1], e, peer->b);
}

bool noise_initiate(struct noise_pending *out, struct msg_initiation *m,
		    const struct noise_initiate_in *in)
{
	struct wg_sym k;
	bool ok;

	memset(m, 0, sizeof *m);
	store_le32(m->type, MSG_INITIATION);
	store_le32(m->sender, in->index);
	memcpy(m->ephemeral, in->jobs[0].out.b, sizeof m->ephemeral);

	out->index = in->index;
	out->e = in->jobs[0].key;
	out->ck = initial_ck;
	out->h = initial_hash;
	mix_hash(&out->h, in->peer->b, sizeof in->peer->b);
	mix_key(&out->ck, m->ephemeral); /* e */
	mix_hash(&out->h, m->ephemeral, sizeof m->ephemeral);
	ok = mix_dh(&out->ck, &k, &in->jobs[1]); /* es */
	seal_hash(m->sealed_static, in->self->pub.b, KEY_BYTES, &k, &out->h); /* s: identity hiding */
	ok = mix_ss(&out->ck, &k, in->ss) && ok; /* ss */
	seal_hash(m->sealed_timestamp, in->timestamp, TAI64N_BYTES, &k, &out->h);
	mem_wipe(&k, sizeof k);
	if (!ok) {
		mem_wipe(out, sizeof *out);
		mem_wipe(m, sizeof *m);
	}
	return ok;
}

void noise_finish_jobs(struct x25519_job jobs[NOISE_FINISH_JOBS], const struct noise_pending *pending,
		       const struct noise_identity *self, const struct msg_response *m)
{
	job_init(&jobs[0], &pending->e, m->ephemeral);
	job_init(&jobs[1], &self->key, m->ephemeral);
}

bool noise_finish(struct wg_keypair *out, const struct noise_pending *pending,
		  const struct msg_response *m, const struct wg_psk *psk,
		  const struct x25519_job jobs[NOISE_FINISH_JOBS])
{
	struct wg_hash ck = pending->ck, h = pending->h;
	struct wg_sym k;
	uint8_t nothing[1];
	bool ok;

	mix_hash(&h, m->ephemeral, sizeof m->ephemeral); /* e */
	mix_key(&ck, m->ephemeral);
	ok = mix_dh(&ck, NULL, &jobs[0]);       /* ee */
	ok = mix_dh(&ck, NULL, &jobs[1]) && ok; /* se */
	mix_psk(&ck, &h, &k, psk);              /* psk */
	ok = open_hash(nothing, m->sealed_empty, 0, &k, &h) && ok;
	if (ok) {
		split_keys(out, &ck, true);
		out->local = pending->index;
		out->remote = load_le32(m->sender);
	}
	mem_wipe(&ck, sizeof ck);
	mem_wipe(&h, sizeof h);
	mem_wipe(&k, sizeof k);
	return ok;
}

void noise_open_job(struct x25519_job *job, const struct noise_identity *self,
		    const struct msg_initiation *m)
{
	job_init(job, &self->key, m->ephemeral);
}

bool noise_open(struct noise_opened *out, const struct noise_identity *self,
		const struct msg_initiation *m, const struct x25519_job *job)
{
	struct wg_sym k;
	bool ok;

	memcpy(out->e.b, m->ephemeral, sizeof m->ephemeral);
	memcpy(out->sealed_timestamp, m->sealed_timestamp, sizeof m->sealed_timestamp);
	out->index = load_le32(m->sender);
	out->ck = initial_ck;
	out->h = self->hash;
	mix_hash(&out->h, m->ephemeral, sizeof m->ephemeral); /* e */
	mix_key(&out->ck, m->ephemeral);
	ok = mix_dh(&out->ck, &k, job); /* es */
	ok = open_hash(out->peer.b, m->sealed_static, KEY_BYTES, &k, &out->h) && ok; /* s */
	mem_wipe(&k, sizeof k);
	if (!ok)
		mem_wipe(out, sizeof *out);
	return ok;
}

enum noise_verdict noise_accept(struct noise_accepted *out, const struct noise_opened *opened,
				const struct wg_shared *ss, const uint8_t latest[TAI64N_BYTES])
{
	struct wg_sym k;
	enum noise_verdict verdict = NOISE_OK;

	out->peer = opened->peer;
	out->e = opened->e;
	out->index = opened->index;
	out->ck = opened->ck;
	out->h = opened->h;
	if (!mix_ss(&out->ck, &k, ss) /* ss */ ||
	    !open_hash(out->timestamp, opened->sealed_timestamp, TAI64N_BYTES, &k, &out->h))
		verdict = NOISE_BAD;
	else if (memcmp(out->timestamp, latest, TAI64N_BYTES) <= 0)
		verdict = NOISE_REPLAY;
	mem_wipe(&k, sizeof k);
	if (verdict != NOISE_OK)
		mem_wipe(out, sizeof *out);
	return verdict;
}

void noise_respond_jobs(struct x25519_job jobs[NOISE_RESPOND_JOBS], const struct wg_private *e,
			const struct noise_accepted *accepted)
{
	job_init(&jobs[0], e, base_point.b);
	job_init(&jobs[1], e, accepted->e.b);
	job_init(&jobs[2], e, accepted->peer.b);
}

bool noise_respond(struct wg_keypair *out, struct msg_response *m,
		   const struct noise_accepted *accepted, const struct wg_psk *psk, uint32_t index,
		   const struct x25519_job jobs[NOISE_RESPOND_JOBS])
{
	struct wg_hash ck = accepted->ck, h = accepted->h;
	struct wg_sym k;
	uint8_t nothing[1] = { 0 };
	bool ok;

	memset(m, 0, sizeof *m);
	store_le32(m->type, MSG_RESPONSE);
	store_le32(m->sender, index);
	store_le32(m->receiver, accepted->index);
	memcpy(m->ephemeral, jobs[0].out.b, sizeof m->ephemeral);
	mix_hash(&h, m->ephemeral, sizeof m->ephemeral); /* e */
	mix_key(&ck, m->ephemeral);
	ok = mix_dh(&ck, NULL, &jobs[1]);       /* ee */
	ok = mix_dh(&ck, NULL, &jobs[2]) && ok; /* se */
	mix_psk(&ck, &h, &k, psk);              /* psk */
	seal_hash(m->sealed_empty, nothing, 0, &k, &h);
	if (ok) {
		split_keys(out, &ck, false);
		out->local = index;
		out->remote = accepted->index;
	} else {
		mem_wipe(m, sizeof *m);
	}
	mem_wipe(&ck, sizeof ck);
	mem_wipe(&h, sizeof h);
	mem_wipe(&k, sizeof k);
	return ok;
}

void tai64n_from_unix(uint8_t out[TAI64N_BYTES], uint64_t unix_s, uint32_t ns)
{
	store_be64(out, TAI64_UNIX_EPOCH + unix_s);
	store_be32(out + 8, ns & ~(TIMESTAMP_GRAIN_NS - 1));
}

void tai64n_next(uint8_t t[TAI64N_BYTES])
{
	uint32_t ns = (load_be32(t + 8) & ~(TIMESTAMP_GRAIN_NS - 1)) + TIMESTAMP_GRAIN_NS;

	if (ns < NS_IN_S) {
		store_be32(t + 8, ns);
		return;
	}
	store_be64(t, load_be64(t) + 1);
	store_be32(t + 8, 0);
}
