/* Noise_IKpsk2, message by message, as the whitepaper writes it (sections 5.4.2 and 5.4.3). */
#include "reference.h"

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

static void mix_hash(struct ref_transcript *t, const void *p, size_t n)
{
	hash2(&t->h, t->h.b, sizeof t->h.b, p, n);
}

static void mix_key(struct ref_transcript *t, const void *p, size_t n)
{
	kdf(t->ck.b, NULL, NULL, &t->ck, p, n);
}

static bool mix_dh(struct ref_transcript *t, struct wg_sym *k, const struct wg_private *priv,
		   const struct wg_public *pub)
{
	struct wg_shared dh;
	bool ok = x25519(&dh, priv, pub);

	if (ok)
		kdf(t->ck.b, k ? k->b : NULL, NULL, &t->ck, dh.b, sizeof dh.b);
	return ok;
}

static void begin(struct ref_transcript *t, const struct wg_public *s_r)
{
	hash2(&t->ck, construction, sizeof construction - 1, NULL, 0);
	hash2(&t->h, t->ck.b, sizeof t->ck.b, identifier, sizeof identifier - 1);
	mix_hash(t, s_r->b, sizeof s_r->b);
}

void ref_timestamp(uint8_t out[SIM_TIMESTAMP_BYTES], uint64_t unix_s, uint32_t ns)
{
	store_be64(out, 0x400000000000000aull + unix_s);
	store_be32(out + 8, ns & ~0xffffffu);
}

void ref_mac1(uint8_t out[16], const struct wg_public *receiver, const uint8_t *msg, size_t covered)
{
	struct wg_hash key;

	hash2(&key, "mac1----", 8, receiver->b, sizeof receiver->b);
	mac16_2(out, key.b, sizeof key.b, msg, covered, NULL, 0);
}

void ref_cookie_key(struct wg_sym *out, const struct wg_public *sender)
{
	struct wg_hash key;

	hash2(&key, "cookie--", 8, sender->b, sizeof sender->b);
	memcpy(out->b, key.b, sizeof out->b);
}

bool ref_initiate(struct ref_transcript *t, uint8_t msg[SIM_INITIATION_BYTES],
		  const struct wg_private *s_i, const struct wg_private *e_i,
		  const struct wg_public *s_r, const uint8_t timestamp[SIM_TIMESTAMP_BYTES],
		  uint32_t index)
{
	struct wg_sym k;

	memset(msg, 0, SIM_INITIATION_BYTES);
	begin(t, s_r);
	store_le32(msg, 1);
	store_le32(msg + 4, index);
	t->index_i = index;
	memcpy(t->timestamp, timestamp, SIM_TIMESTAMP_BYTES);
	x25519_public(&t->s_i, s_i);
	x25519_public(&t->e_i, e_i);
	memcpy(msg + 8, t->e_i.b, sizeof t->e_i.b);
	mix_key(t, msg + 8, 32);
	mix_hash(t, msg + 8, 32);
	if (!mix_dh(t, &k, e_i, s_r))
		return false;
	aead_seal(msg + 40, t->s_i.b, 32, t->h.b, 32, 0, &k);
	mix_hash(t, msg + 40, 48);
	if (!mix_dh(t, &k, s_i, s_r))
		return false;
	aead_seal(msg + 88, timestamp, SIM_TIMESTAMP_BYTES, t->h.b, 32, 0, &k);
	mix_hash(t, msg + 88, 28);
	ref_mac1(msg + 116, s_r, msg, 116);
	return true;
}

bool ref_open_initiation(struct ref_transcript *t, const uint8_t msg[SIM_INITIATION_BYTES],
			 const struct wg_private *s_r, const struct wg_public *s_r_pub,
			 const struct wg_shared *ss)
{
	struct wg_sym k;

	begin(t, s_r_pub);
	t->index_i = load_le32(msg + 4);
	memcpy(t->e_i.b, msg + 8, 32);
	mix_key(t, msg + 8, 32);
	mix_hash(t, msg + 8, 32);
	if (!mix_dh(t, &k, s_r, &t->e_i) || !aead_open(t->s_i.b, msg + 40, 32, t->h.b, 32, 0, &k))
		return false;
	mix_hash(t, msg + 40, 48);
	if (ss)
		kdf(t->ck.b, k.b, NULL, &t->ck, ss->b, sizeof ss->b);
	else if (!mix_dh(t, &k, s_r, &t->s_i))
		return false;
	if (!aead_open(t->timestamp, msg + 88, SIM_TIMESTAMP_BYTES, t->h.b, 32, 0, &k))
		return false;
	mix_hash(t, msg + 88, 28);
	return true;
}

/* The second message up to its encrypted empty field. */
static bool second_message(struct ref_transcript *t, struct wg_sym *k, const uint8_t e_r_pub[32],
			   const struct wg_private *e_r, const struct wg_psk *psk)
{
	struct wg_hash tau;

	mix_hash(t, e_r_pub, 32);
	mix_key(t, e_r_pub, 32);
	if (!mix_dh(t, NULL, e_r, &t->e_i) || !mix_dh(t, NULL, e_r, &t->s_i))
		return false;
	kdf(t->ck.b, tau.b, k->b, &t->ck, psk->b, sizeof psk->b);
	mix_hash(t, tau.b, sizeof tau.b);
	return true;
}

static void split(struct ref_keys *keys, const struct ref_transcript *t)
{
	kdf(keys->from_initiator.b, keys->from_responder.b, NULL, &t->ck, "", 0);
}

bool ref_answer(struct ref_keys *keys, uint8_t msg[SIM_RESPONSE_BYTES], struct ref_transcript *t,
		const struct wg_private *e_r, const struct wg_psk *psk, uint32_t index)
{
	struct wg_public e_r_pub;
	struct wg_sym k;

	memset(msg, 0, SIM_RESPONSE_BYTES);
	store_le32(msg, 2);
	store_le32(msg + 4, index);
	store_le32(msg + 8, t->index_i);
	x25519_public(&e_r_pub, e_r);
	memcpy(msg + 12, e_r_pub.b, 32);
	if (!second_message(t, &k, e_r_pub.b, e_r, psk))
		return false;
	aead_seal(msg + 44, (const uint8_t *)"", 0, t->h.b, 32, 0, &k);
	mix_hash(t, msg + 44, 16);
	ref_mac1(msg + 60, &t->s_i, msg, 60);
	split(keys, t);
	return true;
}

bool ref_follow_response(struct ref_keys *keys, struct ref_transcript *t,
			 const uint8_t msg[SIM_RESPONSE_BYTES], const struct wg_private *e_r,
			 const struct wg_psk *psk)
{
	uint8_t nothing[1];
	struct wg_sym k;

	if (!second_message(t, &k, msg + 12, e_r, psk) ||
	    !aead_open(nothing, msg + 44, 0, t->h.b, 32, 0, &k))
		return false;
	split(keys, t);
	return true;
}
