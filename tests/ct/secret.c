/* The program of the constant-time test: every primitive with secret inputs, under a tool that reports branches and
 * addresses that depend on them (run.sh). With an argument it runs a deliberate leak instead, which must be reported. */
#include <stdio.h>
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/dispatch.h"
#include "crypto/x25519.h"

enum { TEXT_BYTES = 2048, RUN = 19 };

static uint8_t text[RUN][TEXT_BYTES], other[RUN][TEXT_BYTES];
static struct wg_sym key;
static volatile uint8_t sink;

/* Marks texts and key as secret for the tool; their values stay. */
static void secrets(void)
{
	ct_secret(text, sizeof text);
	ct_secret(&key, sizeof key);
}

/* Ends the secrecy of all inputs and outputs. */
static void publish(void)
{
	ct_public(text, sizeof text);
	ct_public(other, sizeof other);
	ct_public(&key, sizeof key);
}

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	bool yes = (needs & ~cpu_features()) == 0;

#ifdef CT_MSAN
	yes = yes && (needs & CPU_AVX512); /* memcheck runs the others, in optimised binaries */
#endif
	if (yes)
		printf("  %s %s\n", primitive, name);
	else
		printf("  skip: %s %s\n", primitive, name);
	return yes;
}

static void check_chacha20(void)
{
	static const size_t sizes[] = { 1, 63, 64, 300, 1024, 2000 };

	for (const struct chacha20_impl *impl = crypto_tables.chacha20;; impl++) {
		if (have("chacha20", impl->name, impl->needs)) {
			for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
				struct chacha20 s;
				secrets();
				chacha20_init(&s, &key, 7);
				impl->xor(other[0], text[0], sizes[i], &s);
				publish();
			}
		}
		if (impl->needs == 0)
			break;
	}
}

static void check_poly1305(void)
{
	for (const struct poly1305_impl *impl = crypto_tables.poly1305;; impl++) {
		if (have("poly1305", impl->name, impl->needs)) {
			for (size_t n = 0; n <= 1600; n += n < 300 ? 16 : 208) {
				struct poly1305 p;
				secrets();
				poly1305_init(&p, key.b);
				impl->blocks(&p, text[0], n);
				poly1305_last(&p, text[1], n % 16);
				poly1305_tag(other[0], &p);
				publish();
			}
		}
		if (impl->needs == 0)
			break;
	}
}

static void seal_and_open(const struct aead_impl *impl, size_t packets, uint32_t size, bool forged)
{
	struct aead_packet run[RUN];

	for (size_t i = 0; i < packets; i++)
		run[i] = (struct aead_packet){ .dst = other[i], .src = text[i],
					       .n = size + (uint32_t)i % 3, .counter = i };
	secrets();
	impl->seal_run(run, packets, &key);
	for (size_t i = 0; i < packets; i++) {
		run[i].src = other[i];
		run[i].dst = text[i];
		other[i][run[i].n] ^= forged;
	}
	ct_secret(other, sizeof other);
	impl->open_run(run, packets, &key);
	for (size_t i = 0; i < packets; i++)
		if (run[i].ok == forged)
			printf("FAILED to %s\n", forged ? "refuse" : "open");
	publish();
}

static void check_runs(void)
{
	static const uint32_t sizes[] = { 0, 1, 16, 64, 100, 517, 1420 };

	for (const struct aead_impl *impl = crypto_tables.aead;; impl++) {
		if (have("aead", impl->name, impl->needs)) {
			for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
				seal_and_open(impl, 1, sizes[i], false);
				seal_and_open(impl, RUN, sizes[i], false);
				seal_and_open(impl, 1 + i, sizes[i], true);
			}
		}
		if (impl->needs == 0)
			break;
	}
}

static void check_single_aead(void)
{
	uint8_t nonce[XAEAD_NONCE_BYTES] = { 1 };
	bool ok;

	printf("  aead with associated data, xaead\n");
	for (uint32_t n = 0; n < 200; n += 33) {
		secrets();
		aead_seal(other[0], text[0], n, text[1], n / 2, 5, &key);
		ok = aead_open(text[0], other[0], n, text[1], n / 2, 5, &key);
		ct_public(&ok, sizeof ok);
		xaead_seal(other[0], text[0], n, text[1], n / 2, nonce, &key);
		ok &= xaead_open(text[0], other[0], n, text[1], n / 2, nonce, &key);
		ct_public(&ok, sizeof ok);
		if (!ok)
			printf("FAILED to open\n");
		publish();
	}
}

static void check_blake2s(void)
{
	struct wg_hash h, ck;

	for (const struct blake2s_impl *impl = crypto_tables.blake2s;; impl++) {
		crypto_restrict(impl->needs);
		if (have("blake2s, hmac, kdf, mac", impl->name, impl->needs)) {
			secrets();
			hash2(&h, text[0], 200, text[1], 33);
			mac16_2(other[0], key.b, sizeof key.b, text[0], 100, text[1], 64);
			hmac(&ck, text[0], 80, text[1], 90);
			kdf(other[1], other[2], other[3], &ck, text[2], 32);
			publish();
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

static void check_short_texts(void)
{
	uint8_t nonces[RUN][XAEAD_NONCE_BYTES] = { { 1 } };
	struct xaead_job jobs[RUN];

	for (const struct xchacha20_impl *impl = crypto_tables.xchacha20;; impl++) {
		crypto_restrict(impl->needs);
		if (have("xchacha20, short texts", impl->name, impl->needs)) {
			secrets();
			for (uint32_t i = 0; i < RUN; i++)
				jobs[i] = (struct xaead_job){ .dst = other[i], .src = text[i], .n = 3 * i,
							      .ad = text[i] + 100, .ad_n = i,
							      .nonce = nonces[i] };
			xaead_seal_many(jobs, RUN, &key);
			publish();
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

/* Keys and what is derived from them, messages and MACs are secret; addresses and sizes are not. */
static void check_many_macs(void)
{
	struct mac_key keys[RUN];
	struct mac_job jobs[RUN];
	const void *key_p[RUN];

	for (const struct blake2s_lanes_impl *impl = crypto_tables.blake2s_lanes;; impl++) {
		crypto_restrict(impl->needs);
		if (have("blake2s-lanes", impl->name, impl->needs)) {
			secrets();
			for (size_t i = 0; i < RUN; i++) {
				key_p[i] = text[i];
				jobs[i] = (struct mac_job){ .key = &keys[i], .p = text[i],
							    .n = 1 + (uint32_t)(i * 37 % 200) };
			}
			mac_keys(keys, key_p, 16 + 16 * (impl->needs == 0), RUN);
			mac16_many(jobs, RUN);
			publish();
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

static void check_x25519(void)
{
	struct x25519_job jobs[9] = { 0 };
	struct wg_private k = { { 3 } };
	struct wg_public u = { { 9 } };
	struct wg_shared z;
	bool ok;

	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if (have("x25519", impl->name, impl->needs)) {
			ct_secret(&k, sizeof k);
			ct_secret(&u, sizeof u);
			impl->mul(z.b, k.b, u.b);
			ct_public(&k, sizeof k);
			ct_public(&u, sizeof u);
		}
		if (impl->needs == 0)
			break;
	}
	ct_secret(&k, sizeof k);
	x25519_clamp(&k);
	x25519_public(&u, &k);
	ok = x25519(&z, &k, &u);
	ct_public(&ok, sizeof ok);
	if (!ok)
		printf("FAILED to multiply\n");
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch; impl->needs; impl++) {
		crypto_restrict(impl->needs);
		if (have("x25519-batch", impl->name, impl->needs)) {
			for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
				jobs[i] = (struct x25519_job){ .key = k, .u = u };
			x25519_batch(jobs, ARRAY_LEN(jobs));
		}
	}
	crypto_restrict(UINT32_MAX);
}

static void check_keys(void)
{
	char base64[KEY_BASE64_CHARS + 1], hex[KEY_HEX_CHARS + 1];
	uint8_t back[KEY_BYTES];
	bool ok;

	printf("  base64, hex, comparison\n");
	secrets();
	key_to_base64(base64, key.b);
	key_to_hex(hex, key.b);
	ok = key_from_base64(back, (struct span){ base64, KEY_BASE64_CHARS });
	ok &= key_from_hex(back, (struct span){ hex, KEY_HEX_CHARS });
	base64[7] = '\n';
	hex[5] = 'x';
	ok &= !key_from_base64(back, (struct span){ base64, KEY_BASE64_CHARS });
	ok &= !key_from_hex(back, (struct span){ hex, KEY_HEX_CHARS });
	ok &= mem_equal_ct(text[0], text[0], 100);
	ok &= !mem_is_zero_ct(key.b, sizeof key.b);
	ct_public(&ok, sizeof ok);
	if (!ok)
		printf("FAILED to encode or decode keys\n");
	publish();
}

/* Deliberate leaks, not inlined so that the optimiser keeps them. */
static __attribute__((noinline)) void leak_branch(const uint8_t *p)
{
	if (p[3] & 1)
		sink = 1;
	else
		sink++;
}

static __attribute__((noinline)) void leak_index(const uint8_t *p)
{
	static volatile uint8_t table[256];

	sink = table[p[5]];
}

static __attribute__((noinline)) bool leak_early_exit(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	memset(&key, 0x5d, sizeof key);
	if (argc > 1) {
		secrets();
		if (strcmp(argv[1], "leak-branch") == 0)
			leak_branch(text[0]);
		else if (strcmp(argv[1], "leak-index") == 0)
			leak_index(text[0]);
		else if (strcmp(argv[1], "leak-early-exit") == 0)
			sink = leak_early_exit(text[0], other[0], 16);
		else
			return 2;
		return 0;
	}
	check_chacha20();
	check_poly1305();
	check_runs();
	check_single_aead();
	check_blake2s();
	check_short_texts();
	check_many_macs();
	check_x25519();
	check_keys();
	return 0;
}
