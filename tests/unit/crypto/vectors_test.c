/* Published test vectors in every implementation that this machine can run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "../../lib/vectors.h"

enum { BUFFER_BYTES = 1 << 16 };
static uint8_t in[BUFFER_BYTES], out[BUFFER_BYTES], sealed[BUFFER_BYTES];

static bool have(uint32_t needs)
{
	return (needs & ~cpu_features()) == 0;
}

static struct wg_sym key_of(const struct vector *v, size_t i)
{
	struct wg_sym key;

	assert_int_equal(vector_bytes(v, i, key.b, sizeof key.b), sizeof key.b);
	return key;
}

static void chacha20_line(const struct vector *v, void *ctx)
{
	const struct chacha20_impl *impl = crypto_tables.chacha20;
	struct wg_sym key = key_of(v, 1);
	struct chacha20 s;
	uint8_t nonce[12];

	(void)ctx;
	assert_int_equal(vector_bytes(v, 3, nonce, sizeof nonce), sizeof nonce);
	chacha20_init(&s, &key, 0);
	s.w[12] = (uint32_t)vector_number(v, 2);
	for (size_t i = 0; i < 3; i++)
		s.w[13 + i] = load_le32(nonce + 4 * i);
	for (;; impl++) {
		if (have(impl->needs)) {
			memset(out, 0, 64);
			impl->xor(out, out, 64, &s);
			vector_equal(v, 4, out, 64);
		}
		if (impl->needs == 0)
			break;
	}
}

static void hchacha20_line(const struct vector *v, void *ctx)
{
	struct wg_sym key = key_of(v, 1), sub;
	uint8_t nonce[16];

	(void)ctx;
	assert_int_equal(vector_bytes(v, 2, nonce, sizeof nonce), sizeof nonce);
	hchacha20(&sub, &key, nonce);
	vector_equal(v, 3, sub.b, sizeof sub.b);
}

/* The XChaCha20 key stream is that of ChaCha20 under the subkey of the vector, in every lane. */
static void xchacha20_line(const struct vector *v, void *ctx)
{
	uint8_t nonce[XAEAD_NONCE_BYTES] = { [16] = 1, 2, 3 }, sub[32], expected[XCHACHA_PREFIX_BYTES];
	uint8_t stream[XCHACHA_LANES_MAX][XCHACHA_PREFIX_BYTES];
	const uint8_t *nonces[XCHACHA_LANES_MAX];
	struct wg_sym key = key_of(v, 1), sub_key;
	struct chacha20 s;

	(void)ctx;
	assert_int_equal(vector_bytes(v, 2, nonce, 16), 16);
	assert_int_equal(vector_bytes(v, 3, sub, sizeof sub), sizeof sub);
	memcpy(sub_key.b, sub, sizeof sub);
	chacha20_init(&s, &sub_key, load_le64(nonce + 16));
	memset(expected, 0, sizeof expected);
	chacha20_xor_portable(expected, expected, sizeof expected, &s);
	chacha20_init(&s, &key, 0);
	for (const struct xchacha20_impl *impl = crypto_tables.xchacha20;; impl++) {
		for (size_t i = 0; i < impl->lanes; i++)
			nonces[i] = nonce;
		if (have(impl->needs)) {
			memset(stream, 0xee, sizeof stream);
			impl->prefix(stream, nonces, &s);
			for (size_t i = 0; i < impl->lanes; i++)
				assert_memory_equal(stream[i], expected, sizeof expected);
		}
		if (impl->needs == 0)
			break;
	}
}

static void chacha20_vectors(void **state)
{
	(void)state;
	assert_true(vectors_each("chacha20.txt", 5, chacha20_line, NULL) >= 6);
	assert_true(vectors_each("hchacha20.txt", 4, hchacha20_line, NULL) >= 1);
	assert_true(vectors_each("hchacha20.txt", 4, xchacha20_line, NULL) >= 1);
}

static void poly1305_line(const struct vector *v, void *ctx)
{
	const struct poly1305_impl *impl = crypto_tables.poly1305;
	struct wg_sym key = key_of(v, 1);
	size_t n = vector_bytes(v, 2, in, sizeof in), whole = n & ~(size_t)15;
	struct poly1305 p;
	uint8_t tag[16];

	(void)ctx;
	for (;; impl++) {
		if (have(impl->needs)) {
			poly1305_init(&p, key.b);
			impl->blocks(&p, in, whole);
			poly1305_last(&p, in + whole, n - whole);
			poly1305_tag(tag, &p);
			vector_equal(v, 3, tag, sizeof tag);
		}
		if (impl->needs == 0)
			break;
	}
}

static void poly1305_vectors(void **state)
{
	(void)state;
	assert_true(vectors_each("poly1305.txt", 4, poly1305_line, NULL) >= 12);
}

/* The public interface has no nonces whose first four bytes are not zero; aead_seal_with() takes any state. */
static void chacha_aead(const struct vector *v, const struct aead_primitives *with, bool good)
{
	struct wg_sym key = key_of(v, 2);
	uint8_t nonce[12], ad[1024];
	size_t ad_n = vector_bytes(v, 4, ad, sizeof ad), n = vector_bytes(v, 5, in, sizeof in);
	size_t sealed_n = vector_bytes(v, 6, sealed, sizeof sealed);
	struct chacha20 s[2];

	assert_int_equal(vector_bytes(v, 3, nonce, sizeof nonce), sizeof nonce);
	for (int i = 0; i < 2; i++) {
		chacha20_init(&s[i], &key, load_le64(nonce + 4));
		s[i].w[13] = load_le32(nonce);
	}
	if (good) {
		aead_seal_with(with, out, in, n, ad, ad_n, &s[0]);
		vector_equal(v, 6, out, n + 16);
	}
	if (!good) /* vectors of forgeries have no plaintext */
		n = sealed_n - 16;
	assert_int_equal(sealed_n, n + 16);
	memset(out, 0xee, n);
	assert_int_equal(aead_open_with(with, out, sealed, n, ad, ad_n, &s[1]), good);
	if (good)
		assert_int_equal(memcmp(out, in, n), 0);
	else
		assert_true(mem_is_zero_ct(out, n));
}

static void xchacha_aead(const struct vector *v, bool good)
{
	struct wg_sym key = key_of(v, 2);
	uint8_t nonce[24], ad[1024];
	size_t ad_n = vector_bytes(v, 4, ad, sizeof ad), n = vector_bytes(v, 5, in, sizeof in);
	size_t sealed_n = vector_bytes(v, 6, sealed, sizeof sealed);

	assert_int_equal(vector_bytes(v, 3, nonce, sizeof nonce), sizeof nonce);
	if (good) {
		xaead_seal(out, in, n, ad, ad_n, nonce, &key);
		vector_equal(v, 6, out, n + 16);
	}
	if (!good)
		n = sealed_n - 16;
	assert_int_equal(sealed_n, n + 16);
	memset(out, 0xee, n);
	assert_int_equal(xaead_open(out, sealed, n, ad, ad_n, nonce, &key), good);
	if (good)
		assert_int_equal(memcmp(out, in, n), 0);
	else
		assert_true(mem_is_zero_ct(out, n));
}

static void aead_line(const struct vector *v, void *ctx)
{
	bool good = strcmp(v->field[7], "ok") == 0;

	(void)ctx;
	if (strlen(v->field[6]) < 32) /* shorter than a tag: callers check lengths */
		return;
	if (strcmp(v->field[1], "xchacha") == 0) {
		xchacha_aead(v, good);
		return;
	}
	for (const struct chacha20_impl *c = crypto_tables.chacha20;; c++) {
		for (const struct poly1305_impl *p = crypto_tables.poly1305;; p++) {
			struct aead_primitives with = { c->xor, p->blocks };
			if (have(c->needs) && have(p->needs))
				chacha_aead(v, &with, good);
			if (p->needs == 0)
				break;
		}
		if (c->needs == 0)
			break;
	}
}

static void aead_vectors(void **state)
{
	(void)state;
	assert_true(vectors_each("aead.txt", 8, aead_line, NULL) >= 4);
}

static void blake2s_line(const struct vector *v, void *ctx)
{
	uint8_t key[32], digest[32];
	size_t out_n = vector_number(v, 1), key_n = vector_bytes(v, 2, key, sizeof key);
	size_t n = vector_bytes(v, 3, in, sizeof in);
	struct blake2s s;

	(void)ctx;
	blake2s_init(&s, out_n, key, key_n);
	blake2s_update(&s, in, n);
	blake2s_final(&s, digest);
	vector_equal(v, 4, digest, out_n);
	if (out_n == 16) {
		mac16_2(digest, key, key_n, in, n / 3, in + n / 3, n - n / 3);
		vector_equal(v, 4, digest, out_n);
	}
	if (out_n == 32 && key_n == 0) {
		struct wg_hash h;
		hash2(&h, in, n, NULL, 0);
		vector_equal(v, 4, h.b, sizeof h.b);
	}
}

/* The same in every lane; a key is hashed as the first block of the message. */
static void lanes_line(const struct vector *v, void *ctx)
{
	uint8_t key[32], digest[32], message[64 + 1024] = { 0 };
	size_t out_n = vector_number(v, 1), key_n = vector_bytes(v, 2, key, sizeof key);
	size_t n = vector_bytes(v, 3, in, sizeof in), at = key_n > 0 ? 64 : 0;
	struct blake2s_lane lanes[BLAKE2S_LANES_MAX];
	const struct blake2s_lanes_impl *impl = ctx;
	struct blake2s s;

	if (at + n == 0 || n > 1024)
		return;
	blake2s_init(&s, out_n, key, key_n);
	memcpy(message, key, key_n);
	memcpy(message + at, in, n);
	for (size_t i = 0; i < impl->lanes; i++)
		lanes[i] = (struct blake2s_lane){ .h = s.h, .p = message, .n = (uint32_t)(at + n),
						  .last = true };
	impl->run(lanes, impl->lanes);
	for (size_t i = 0; i < impl->lanes; i++) {
		for (size_t k = 0; k < 8; k++)
			store_le32(digest + 4 * k, lanes[i].out[k]);
		vector_equal(v, 4, digest, out_n);
	}
}

static void kdf_line(const struct vector *v, void *ctx)
{
	uint8_t key[200], t[3][32], message[33];
	size_t key_n = vector_bytes(v, 1, key, sizeof key), n = vector_bytes(v, 2, in, sizeof in);
	struct wg_hash secret, h, ck = { { 0 } };

	(void)ctx;
	hmac(&secret, key, key_n, in, n);
	for (uint8_t i = 0; i < 3; i++) { /* HKDF, written with hmac() */
		size_t before = i > 0 ? 32 : 0;
		memcpy(message, h.b, before);
		message[before] = i + 1;
		hmac(&h, secret.b, sizeof secret.b, message, before + 1);
		vector_equal(v, 3 + i, h.b, sizeof h.b);
	}
	if (key_n > sizeof ck.b)
		return;
	memcpy(ck.b, key, key_n); /* HMAC pads keys with zeros */
	for (size_t outputs = 1; outputs <= 3; outputs++) {
		memset(t, 0xee, sizeof t);
		kdf(t[0], outputs > 1 ? t[1] : NULL, outputs > 2 ? t[2] : NULL, &ck, in, n);
		for (size_t i = 0; i < outputs; i++)
			vector_equal(v, 3 + i, t[i], sizeof t[i]);
	}
	kdf(ck.b, t[1], NULL, &ck, in, n); /* t1 may be ck */
	vector_equal(v, 3, ck.b, sizeof ck.b);
	vector_equal(v, 4, t[1], sizeof t[1]);
}

static void blake2s_vectors(void **state)
{
	const struct blake2s_impl *impl = crypto_tables.blake2s;

	(void)state;
	for (;; impl++) {
		crypto_restrict(impl->needs);
		if (have(impl->needs)) {
			assert_string_equal(crypto_impl_name("blake2s"), impl->name);
			assert_true(vectors_each("blake2s.txt", 5, blake2s_line, NULL) >= 30);
			assert_true(vectors_each("kdf.txt", 6, kdf_line, NULL) >= 4);
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

static void blake2s_lanes_vectors(void **state)
{
	struct blake2s_lanes_impl impl; /* a copy: the context of lines is not const */

	(void)state;
	for (const struct blake2s_lanes_impl *r = crypto_tables.blake2s_lanes;; r++) {
		impl = *r;
		if (have(impl.needs))
			assert_true(vectors_each("blake2s.txt", 5, lanes_line, &impl) >= 30);
		if (impl.needs == 0)
			break;
	}
}

static void x25519_in_batch(const struct vector *v, const struct wg_private *k, const struct wg_public *u, bool good)
{
	struct x25519_job jobs[9];

	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		jobs[i] = (struct x25519_job){ .key = *k, .u = *u, .ok = !good };
	x25519_batch(jobs, ARRAY_LEN(jobs));
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		assert_int_equal(jobs[i].ok, good);
		vector_equal(v, 3, jobs[i].out.b, sizeof jobs[i].out.b);
	}
}

static void x25519_line(const struct vector *v, void *ctx)
{
	struct wg_private k;
	struct wg_public u;
	struct wg_shared z;
	bool good = strcmp(v->field[4], "ok") == 0;

	(void)ctx;
	assert_int_equal(vector_bytes(v, 1, k.b, sizeof k.b), sizeof k.b);
	assert_int_equal(vector_bytes(v, 2, u.b, sizeof u.b), sizeof u.b);
	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if (have(impl->needs)) {
			impl->mul(z.b, k.b, u.b);
			vector_equal(v, 3, z.b, sizeof z.b);
		}
		if (impl->needs == 0)
			break;
	}
	memset(&z, 0xee, sizeof z);
	assert_int_equal(x25519(&z, &k, &u), good);
	vector_equal(v, 3, z.b, sizeof z.b);
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch;; impl++) {
		if (have(impl->needs)) {
			crypto_restrict(impl->needs);
			x25519_in_batch(v, &k, &u, good);
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

static void x25519_vectors(void **state)
{
	(void)state;
	assert_true(vectors_each("x25519.txt", 5, x25519_line, NULL) >= 30);
}

static void key_pair_line(const struct vector *v, void *ctx)
{
	struct wg_private k;
	struct wg_public u;
	char text[KEY_BASE64_CHARS + 1];

	(void)ctx;
	assert_true(key_from_base64(k.b, (struct span){ v->field[0], strlen(v->field[0]) }));
	x25519_public(&u, &k);
	key_to_base64(text, u.b);
	assert_string_equal(text, v->field[1]);
}

static void published_key_pairs(void **state)
{
	(void)state;
	assert_int_equal(vectors_each("keypairs.txt", 2, key_pair_line, NULL), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chacha20_vectors),
		cmocka_unit_test(poly1305_vectors),
		cmocka_unit_test(aead_vectors),
		cmocka_unit_test(blake2s_vectors),
		cmocka_unit_test(blake2s_lanes_vectors),
		cmocka_unit_test(x25519_vectors),
		cmocka_unit_test(published_key_pairs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
