/* ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305 out of a stream and a tag; runs of packets. */
#include "crypto/impl.h"

/* The key of Poly1305 is the first half of block 0; the data start with block 1. */
static void start(const struct aead_parts *with, struct poly1305 *p, struct chacha20 *s,
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

/* The ciphertext with zeros to 16 and the two lengths. */
static void finish(const struct aead_parts *with, uint8_t tag[AEAD_TAG_BYTES], struct poly1305 *p,
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

void aead_seal_parts(const struct aead_parts *with, uint8_t *dst, const uint8_t *src, size_t n,
		     const void *ad, size_t ad_n, struct chacha20 *s)
{
	struct poly1305 p;

	start(with, &p, s, ad, ad_n);
	if (n > 0)
		with->xor(dst, src, n, s);
	finish(with, dst + n, &p, dst, n, ad_n);
	mem_wipe(s, sizeof *s);
}

bool aead_open_parts(const struct aead_parts *with, uint8_t *dst, const uint8_t *src, size_t n,
		     const void *ad, size_t ad_n, struct chacha20 *s)
{
	uint8_t tag[AEAD_TAG_BYTES];
	struct poly1305 p;
	bool ok;

	start(with, &p, s, ad, ad_n);
	finish(with, tag, &p, src, n, ad_n);
	ok = mem_equal_ct(tag, src + n, sizeof tag);
	mem_declassify(&ok, sizeof ok);
	mem_wipe(tag, sizeof tag); /* the right tag of a forged packet is a secret */
	if (ok && n > 0)
		with->xor(dst, src, n, s);
	else if (n > 0)
		memset(dst, 0, n);
	mem_wipe(s, sizeof *s);
	return ok;
}

/* ---- the door ---- */

static struct aead_parts parts(void)
{
	return (struct aead_parts){ crypto_impls()->chacha20->xor, crypto_impls()->poly1305->blocks };
}

void aead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
	       uint64_t counter, const struct wg_sym *key)
{
	struct aead_parts with = parts();
	struct chacha20 s;

	chacha20_init(&s, key, counter);
	aead_seal_parts(&with, dst, src, n, ad, ad_n, &s);
}

bool aead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
	       uint64_t counter, const struct wg_sym *key)
{
	struct aead_parts with = parts();
	struct chacha20 s;

	chacha20_init(&s, key, counter);
	return aead_open_parts(&with, dst, src, n, ad, ad_n, &s);
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
	struct aead_parts with = parts();
	struct chacha20 s;

	xchacha20_init(&s, key, nonce);
	aead_seal_parts(&with, dst, src, n, ad, ad_n, &s);
}

bool xaead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
		const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key)
{
	struct aead_parts with = parts();
	struct chacha20 s;

	xchacha20_init(&s, key, nonce);
	return aead_open_parts(&with, dst, src, n, ad, ad_n, &s);
}

static void xaead_seal_started(const struct xaead_job *job, const uint8_t start[XCHACHA_START_BYTES])
{
	uint8_t covered[64 + 64 + 16]; /* by the tag: each part with zeros to 16 */
	size_t ad_n = (job->ad_n + 15u) & ~15u, n = (job->n + 15u) & ~15u;
	struct poly1305 p;

	memset(covered, 0, ad_n + n);
	memcpy(covered, job->ad, job->ad_n);
	for (size_t i = 0; i < job->n; i++)
		covered[ad_n + i] = job->src[i] ^ start[CHACHA_BLOCK_BYTES + i];
	memcpy(job->dst, covered + ad_n, job->n);
	store_le64(covered + ad_n + n, job->ad_n);
	store_le64(covered + ad_n + n + 8, job->n);
	poly1305_init(&p, start);
	poly1305_blocks_portable(&p, covered, ad_n + n + 16); /* too short for lanes */
	poly1305_tag(job->dst + job->n, &p);
	mem_wipe(&p, sizeof p);
}

void xaead_seal_many(const struct xaead_job *jobs, size_t n, const struct wg_sym *key)
{
	const struct xchacha20_impl *row = crypto_impls()->xchacha20;
	uint8_t stream[XCHACHA_LANES_MAX][XCHACHA_START_BYTES] __attribute__((aligned(64)));
	const uint8_t *nonces[XCHACHA_LANES_MAX];
	size_t used = n < row->worth ? 1 : row->lanes;
	struct chacha20 s;

	chacha20_init(&s, key, 0);
	for (size_t now; n > 0; n -= now, jobs += now) {
		bool in_lanes = n >= row->worth;
		now = !in_lanes ? 1 : n < row->lanes ? n : row->lanes;
		for (size_t i = 0; i < row->lanes; i++) /* lanes without a job repeat the first */
			nonces[i] = jobs[i < now ? i : 0].nonce;
		(in_lanes ? row->starts : xchacha20_starts_portable)(stream, nonces, &s);
		for (size_t i = 0; i < now; i++)
			xaead_seal_started(&jobs[i], stream[i]);
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

/* ---- rows that go packet by packet ---- */

static void seal_each(const struct aead_parts *with, struct aead_packet *p, size_t n,
		      const struct wg_sym *key)
{
	struct chacha20 s;

	for (; n > 0; n--, p++) {
		chacha20_init(&s, key, p->counter);
		aead_seal_parts(with, p->dst, p->src, p->n, NULL, 0, &s);
	}
}

static void open_each(const struct aead_parts *with, struct aead_packet *p, size_t n,
		      const struct wg_sym *key)
{
	struct chacha20 s;

	for (; n > 0; n--, p++) {
		chacha20_init(&s, key, p->counter);
		p->ok = aead_open_parts(with, p->dst, p->src, p->n, NULL, 0, &s);
	}
}

static const struct aead_parts portable = { chacha20_xor_portable, poly1305_blocks_portable };

void aead_seal_run_portable(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	seal_each(&portable, packets, n, key);
}

void aead_open_run_portable(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	open_each(&portable, packets, n, key);
}
