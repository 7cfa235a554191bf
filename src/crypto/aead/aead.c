/* ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with the implementations in use. */
#include "crypto/aead.h"
#include "crypto/dispatch.h"

static struct aead_primitives primitives(void)
{
	return (struct aead_primitives){ crypto_impls()->chacha20->xor, crypto_impls()->poly1305->blocks };
}

void aead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
	       uint64_t counter, const struct wg_sym *key)
{
	struct aead_primitives with = primitives();
	struct chacha20 s;

	chacha20_init(&s, key, counter);
	aead_seal_with(&with, dst, src, n, ad, ad_n, &s);
}

bool aead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
	       uint64_t counter, const struct wg_sym *key)
{
	struct aead_primitives with = primitives();
	struct chacha20 s;

	chacha20_init(&s, key, counter);
	return aead_open_with(&with, dst, src, n, ad, ad_n, &s);
}

static void xchacha20_init(struct chacha20 *s, const struct wg_sym *key, const uint8_t nonce[24])
{
	struct wg_sym sub;

	hchacha20(&sub, key, nonce);
	chacha20_init(s, &sub, load_le64(nonce + 16));
	mem_wipe(&sub, sizeof sub);
}

void xaead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
		const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key)
{
	struct aead_primitives with = primitives();
	struct chacha20 s;

	xchacha20_init(&s, key, nonce);
	aead_seal_with(&with, dst, src, n, ad, ad_n, &s);
}

bool xaead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
		const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key)
{
	struct aead_primitives with = primitives();
	struct chacha20 s;

	xchacha20_init(&s, key, nonce);
	return aead_open_with(&with, dst, src, n, ad, ad_n, &s);
}

static void xaead_seal_with_prefix(const struct xaead_job *job, const uint8_t prefix[XCHACHA_PREFIX_BYTES])
{
	uint8_t covered[64 + 64 + 16]; /* by the tag: padded data, padded ciphertext, lengths */
	size_t ad_n = (job->ad_n + 15u) & ~15u, n = (job->n + 15u) & ~15u;
	struct poly1305 p;

	assert(job->n <= CHACHA_BLOCK_BYTES && job->ad_n <= 64);
	memset(covered, 0, ad_n + n);
	memcpy(covered, job->ad, job->ad_n);
	for (size_t i = 0; i < job->n; i++)
		covered[ad_n + i] = job->src[i] ^ prefix[CHACHA_BLOCK_BYTES + i];
	memcpy(job->dst, covered + ad_n, job->n);
	store_le64(covered + ad_n + n, job->ad_n);
	store_le64(covered + ad_n + n + 8, job->n);
	poly1305_init(&p, prefix);
	poly1305_blocks_portable(&p, covered, ad_n + n + 16); /* too short for vectors */
	poly1305_tag(job->dst + job->n, &p);
	mem_wipe(&p, sizeof p);
}

void xaead_seal_many(const struct xaead_job *jobs, size_t n, const struct wg_sym *key)
{
	const struct xchacha20_impl *impl = crypto_impls()->xchacha20;
	uint8_t stream[XCHACHA_LANES_MAX][XCHACHA_PREFIX_BYTES] __attribute__((aligned(64)));
	const uint8_t *nonces[XCHACHA_LANES_MAX];
	size_t used = n < impl->lanes_min ? 1 : impl->lanes;
	struct chacha20 s;

	chacha20_init(&s, key, 0);
	for (size_t now; n > 0; n -= now, jobs += now) {
		bool in_lanes = n >= impl->lanes_min;
		now = !in_lanes ? 1 : n < impl->lanes ? n : impl->lanes;
		for (size_t i = 0; i < impl->lanes; i++) /* lanes without a job repeat the first */
			nonces[i] = jobs[i < now ? i : 0].nonce;
		(in_lanes ? impl->prefix : xchacha20_prefix_portable)(stream, nonces, &s);
		for (size_t i = 0; i < now; i++)
			xaead_seal_with_prefix(&jobs[i], stream[i]);
	}
	mem_wipe(&s, sizeof s);
	mem_wipe(stream, used * sizeof stream[0]);
}

void aead_seal_run(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	crypto_impls()->aead->seal_run(packets, n, key);
}

void aead_open_run(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	crypto_impls()->aead->open_run(packets, n, key);
}
