/* ChaCha20-Poly1305 (RFC 8439 section 2.8) of single packets, from any implementations of the two primitives; runs of
 * packets from the portable ones. */
#include "crypto/aead.h"

/* Takes the Poly1305 key from the first half of block 0, adds the padded associated data, and advances s to block 1. */
static void mac_begin(const struct aead_primitives *with, struct poly1305 *p, struct chacha20 *s,
		      const void *ad, size_t ad_n)
{
	static const uint8_t zeros[32];
	uint8_t block[32], tail[16] = { 0 };
	size_t whole = ad_n & ~(size_t)15;

	with->xor(block, zeros, sizeof block, s);
	s->w[12]++;
	poly1305_init(p, block);
	mem_wipe(block, sizeof block);
	if (whole > 0)
		with->blocks(p, ad, whole);
	if (ad_n > whole) {
		memcpy(tail, (const uint8_t *)ad + whole, ad_n - whole);
		with->blocks(p, tail, sizeof tail);
	}
}

/* Adds the padded ciphertext and the two lengths. */
static void mac_end(const struct aead_primitives *with, uint8_t tag[AEAD_TAG_BYTES], struct poly1305 *p,
		    const uint8_t *text, size_t n, size_t ad_n)
{
	uint8_t tail[32] = { 0 };
	size_t whole = n & ~(size_t)15, rest = n - whole, at = rest > 0 ? 16 : 0;

	if (whole > 0)
		with->blocks(p, text, whole);
	if (rest > 0)
		memcpy(tail, text + whole, rest);
	store_le64(tail + at, ad_n);
	store_le64(tail + at + 8, n);
	with->blocks(p, tail, at + 16);
	poly1305_tag(tag, p);
	mem_wipe(p, sizeof *p);
}

void aead_seal_with(const struct aead_primitives *with, uint8_t *dst, const uint8_t *src, size_t n,
		    const void *ad, size_t ad_n, struct chacha20 *s)
{
	struct poly1305 p;

	mac_begin(with, &p, s, ad, ad_n);
	if (n > 0)
		with->xor(dst, src, n, s);
	mac_end(with, dst + n, &p, dst, n, ad_n);
	mem_wipe(s, sizeof *s);
}

bool aead_open_with(const struct aead_primitives *with, uint8_t *dst, const uint8_t *src, size_t n,
		    const void *ad, size_t ad_n, struct chacha20 *s)
{
	uint8_t tag[AEAD_TAG_BYTES];
	struct poly1305 p;
	bool ok;

	mac_begin(with, &p, s, ad, ad_n);
	mac_end(with, tag, &p, src, n, ad_n);
	ok = mem_equal_ct(tag, src + n, sizeof tag);
	mem_declassify(&ok, sizeof ok);
	mem_wipe(tag, sizeof tag); /* the valid tag of a forged packet is secret */
	if (ok && n > 0)
		with->xor(dst, src, n, s);
	else if (n > 0)
		memset(dst, 0, n);
	mem_wipe(s, sizeof *s);
	return ok;
}

/* ---- runs, one packet after the other ---- */

static void seal_each(const struct aead_primitives *with, struct aead_packet *p, size_t n,
		      const struct wg_sym *key)
{
	struct chacha20 s;

	for (; n > 0; n--, p++) {
		chacha20_init(&s, key, p->counter);
		aead_seal_with(with, p->dst, p->src, p->n, NULL, 0, &s);
	}
}

static void open_each(const struct aead_primitives *with, struct aead_packet *p, size_t n,
		      const struct wg_sym *key)
{
	struct chacha20 s;

	for (; n > 0; n--, p++) {
		chacha20_init(&s, key, p->counter);
		p->ok = aead_open_with(with, p->dst, p->src, p->n, NULL, 0, &s);
	}
}

static const struct aead_primitives portable = { chacha20_xor_portable, poly1305_blocks_portable };

void aead_seal_run_portable(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	seal_each(&portable, packets, n, key);
}

void aead_open_run_portable(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	open_each(&portable, packets, n, key);
}
