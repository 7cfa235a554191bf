/* ChaCha20 (RFC 8439 section 2.4), HChaCha20 and XChaCha20 prefixes (draft-irtf-cfrg-xchacha-03 sections 2.2
 * and 2.3) in portable C. */
#include "crypto/chacha20.h"

static const uint32_t sigma[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

always_inline uint32_t rotl(uint32_t v, unsigned int n)
{
	return v << n | v >> (32 - n);
}

always_inline void quarter_round(uint32_t x[16], int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 7);
}

static void twenty_rounds(uint32_t x[16])
{
	for (int i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
}

void chacha20_init(struct chacha20 *s, const struct wg_sym *key, uint64_t nonce)
{
	memcpy(s->w, sigma, sizeof sigma);
	UNROLL
	for (int i = 0; i < 8; i++)
		s->w[4 + i] = load_le32(key->b + 4 * i);
	s->w[12] = 0;
	s->w[13] = 0;
	s->w[14] = (uint32_t)nonce;
	s->w[15] = (uint32_t)(nonce >> 32);
}

void hchacha20(struct wg_sym *out, const struct wg_sym *key, const uint8_t nonce[16])
{
	struct chacha20 s;

	chacha20_init(&s, key, 0);
	UNROLL
	for (int i = 0; i < 4; i++)
		s.w[12 + i] = load_le32(nonce + 4 * i);
	twenty_rounds(s.w);
	UNROLL
	for (int i = 0; i < 4; i++) {
		store_le32(out->b + 4 * i, s.w[i]);
		store_le32(out->b + 16 + 4 * i, s.w[12 + i]);
	}
	mem_wipe(&s, sizeof s);
}

void xchacha20_prefix_portable(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], const uint8_t *const *nonces,
			       const struct chacha20 *key)
{
	struct wg_sym long_key, sub;
	struct chacha20 s;

	UNROLL
	for (int i = 0; i < 8; i++)
		store_le32(long_key.b + 4 * i, key->w[4 + i]);
	hchacha20(&sub, &long_key, nonces[0]);
	chacha20_init(&s, &sub, load_le64(nonces[0] + 16));
	memset(stream[0], 0, sizeof stream[0]);
	chacha20_xor_portable(stream[0], stream[0], sizeof stream[0], &s);
	mem_wipe(&long_key, sizeof long_key);
	mem_wipe(&sub, sizeof sub);
	mem_wipe(&s, sizeof s);
}

void chacha20_xor_portable(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	uint32_t x[16], counter = s->w[12];
	uint8_t stream[CHACHA_BLOCK_BYTES];

	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		memcpy(x, s->w, sizeof x);
		x[12] = counter;
		twenty_rounds(x);
		UNROLL
		for (int i = 0; i < 16; i++)
			store_le32(stream + 4 * i, x[i] + (i == 12 ? counter : s->w[i]));
		for (size_t i = 0; i < now; i++)
			dst[i] = src[i] ^ stream[i];
		counter++;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(x, sizeof x);
	mem_wipe(stream, sizeof stream);
}
