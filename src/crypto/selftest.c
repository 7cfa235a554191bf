/* Known-answer tests of every implementation in use, to detect a CPU, a compiler or code that computes wrong results
 * before the first packet. The digests of sealed data come from independent implementations. */
#include "blake2s.h"
#include "chacha20.h"

enum { PACKETS = 24, LONGEST = 1040 };

/* RFC 7748 section 5.2, first test vector. */
static const uint8_t scalar[32] = {
	0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52, 0x7c, 0x9d, 0x3b, 0x16, 0x15, 0x4b, 0x82, 0x46, 0x5e, 0xdd,
	0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc, 0x5a, 0x18, 0x50, 0x6a, 0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4,
};
static const uint8_t point[32] = {
	0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30, 0x30, 0xdb, 0x35, 0x94, 0xc1, 0xa4, 0x24, 0xb1, 0x5f, 0x7c,
	0x72, 0x66, 0x24, 0xec, 0x26, 0xb3, 0x35, 0x3b, 0x10, 0xa9, 0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c,
};
static const uint8_t product[32] = {
	0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9, 0xc6, 0x90, 0x8e, 0x94, 0xea, 0x4d, 0xf2, 0x8d, 0x08, 0x4f,
	0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c, 0x71, 0xf7, 0x54, 0xb4, 0x07, 0x55, 0x77, 0xa2, 0x85, 0x52,
};
/* BLAKE2s of everything that aead_works() seals. */
static const uint8_t sealed_digest[32] = {
	0x91, 0xa5, 0x5f, 0xe8, 0xb6, 0xa1, 0x3c, 0xac, 0x26, 0x84, 0x75, 0x3a, 0x93, 0x1f, 0x83, 0xc6,
	0xaa, 0xe9, 0xf8, 0xf7, 0x48, 0xe2, 0x38, 0x90, 0x77, 0x5c, 0x4f, 0xc9, 0xb7, 0x45, 0x22, 0x29,
};
/* RFC 7693 appendix E: the result of the self-test there, a digest of digests. */
static const uint8_t blake2s_digest[32] = {
	0x6a, 0x41, 0x1f, 0x08, 0xce, 0x25, 0xad, 0xcd, 0xfb, 0x02, 0xab, 0xa6, 0x41, 0x45, 0x1c, 0xec,
	0x53, 0xc5, 0x98, 0xb2, 0x4f, 0x4f, 0xc7, 0x87, 0xfb, 0xdc, 0x88, 0x79, 0x7f, 0x4c, 0x1d, 0xfe,
};
/* BLAKE2s of everything that xaead_works() seals, computed with libsodium. */
static const uint8_t xaead_digest[32] = {
	0xdb, 0xe5, 0x59, 0xff, 0xbd, 0x88, 0x88, 0xe2, 0x55, 0xef, 0xf3, 0x53, 0x59, 0x19, 0xf2, 0x3c,
	0x4b, 0x64, 0x41, 0x0c, 0x34, 0x08, 0xee, 0xb7, 0x98, 0x36, 0x32, 0x9e, 0xff, 0x6b, 0xdb, 0xcf,
};

static bool x25519_works(void)
{
	struct x25519_job jobs[9];
	struct wg_shared out;
	struct wg_private k;
	struct wg_public u;
	bool ok;

	memcpy(k.b, scalar, sizeof k.b);
	memcpy(u.b, point, sizeof u.b);
	ok = x25519(&out, &k, &u) && memcmp(out.b, product, sizeof product) == 0;
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		jobs[i].key = k;
		jobs[i].u = u;
	}
	x25519_batch(jobs, ARRAY_LEN(jobs));
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		ok &= jobs[i].ok && memcmp(jobs[i].out.b, product, sizeof product) == 0;
	return ok;
}

/* The deterministic "random" bytes of RFC 7693 appendix E. */
static void sequence(uint8_t *out, size_t n, uint32_t seed)
{
	uint32_t a = 0xdead4bad * seed, b = 1, t;

	for (size_t i = 0; i < n; i++) {
		t = a + b;
		a = b;
		b = t;
		out[i] = (uint8_t)(t >> 24);
	}
}

static bool blake2s_works(void)
{
	static const size_t out_sizes[] = { 16, 20, 28, 32 };
	static const size_t in_sizes[] = { 0, 3, 64, 65, 255, 1024 };
	uint8_t in[1024], key[32], digest[32];
	struct blake2s all, s;

	blake2s_init(&all, 32, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(out_sizes); i++) {
		uint32_t out_n = (uint32_t)out_sizes[i];
		for (size_t j = 0; j < ARRAY_LEN(in_sizes); j++) {
			sequence(in, in_sizes[j], (uint32_t)in_sizes[j]);
			sequence(key, out_n, out_n);
			for (size_t keyed = 0; keyed < 2; keyed++) {
				blake2s_init(&s, out_n, key, keyed * out_n);
				blake2s_update(&s, in, in_sizes[j]);
				blake2s_final(&s, digest);
				blake2s_update(&all, digest, out_n);
			}
		}
	}
	blake2s_final(&all, digest);
	return memcmp(digest, blake2s_digest, sizeof digest) == 0;
}

/* MACs computed together against single ones, which blake2s_works() has tested. */
static bool macs_work(void)
{
	struct mac_key keys[2 * BLAKE2S_LANES_MAX + 1];
	struct mac_job jobs[ARRAY_LEN(keys)];
	const void *key_p[ARRAY_LEN(keys)];
	uint8_t in[256], mac[MAC_BYTES];
	bool ok = true;

	sequence(in, sizeof in, 3);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		key_p[i] = in + i;
		jobs[i] = (struct mac_job){ .key = &keys[i], .p = in + i, .n = (uint32_t)(6 * i + 1) };
	}
	mac_keys(keys, key_p, 16, ARRAY_LEN(jobs));
	mac16_many(jobs, ARRAY_LEN(jobs));
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		mac16_2(mac, key_p[i], 16, jobs[i].p, jobs[i].n, NULL, 0);
		ok &= memcmp(mac, jobs[i].out, sizeof mac) == 0;
	}
	return ok;
}

static bool xaead_works(void)
{
	enum { JOBS = 2 * XCHACHA_LANES_MAX + 1, BYTES = 16 };
	uint8_t in[256], sealed[JOBS][BYTES + AEAD_TAG_BYTES];
	struct xaead_job jobs[JOBS];
	struct wg_sym key;
	struct wg_hash all;

	sequence(in, sizeof in, 4);
	sequence(key.b, sizeof key.b, 5);
	for (size_t i = 0; i < JOBS; i++)
		jobs[i] = (struct xaead_job){ .dst = sealed[i], .src = in + i, .n = BYTES,
					      .ad = in + 64 + i, .ad_n = 16, .nonce = in + 128 + i };
	xaead_seal_many(jobs, JOBS, &key);
	hash2(&all, sealed, sizeof sealed, NULL, 0);
	return memcmp(all.b, xaead_digest, sizeof all.b) == 0;
}

/* Lengths around block and vector boundaries, and a long packet at each end of the run. */
static uint32_t packet_size(size_t i)
{
	return i == 0 || i == PACKETS - 1 ? LONGEST : (uint32_t)(i * i * 2 + i % 3);
}

static bool aead_works(void)
{
	uint8_t text[LONGEST], sealed[PACKETS][LONGEST + AEAD_TAG_BYTES];
	uint8_t single[LONGEST + AEAD_TAG_BYTES];
	struct aead_packet run[PACKETS];
	struct wg_sym key;
	struct blake2s all;
	uint8_t digest[32];
	bool ok = true;

	sequence(text, sizeof text, 1);
	sequence(key.b, sizeof key.b, 2);
	for (size_t i = 0; i < PACKETS; i++)
		run[i] = (struct aead_packet){ .dst = sealed[i], .src = text, .n = packet_size(i),
					       .counter = 0xfffffff0ull + i };
	aead_seal_run(run, PACKETS, &key);
	blake2s_init(&all, sizeof digest, NULL, 0);
	for (size_t i = 0; i < PACKETS; i++) {
		aead_seal(single, text, run[i].n, NULL, 0, run[i].counter, &key);
		ok &= memcmp(single, sealed[i], run[i].n + AEAD_TAG_BYTES) == 0;
		blake2s_update(&all, sealed[i], run[i].n + AEAD_TAG_BYTES);
		run[i].src = sealed[i];
	}
	blake2s_final(&all, digest);
	sealed[3][0] ^= 1;
	aead_open_run(run, PACKETS, &key);
	for (size_t i = 0; i < PACKETS; i++)
		ok &= run[i].ok == (i != 3) && (i == 3 || memcmp(run[i].dst, text, run[i].n) == 0);
	return ok && memcmp(digest, sealed_digest, sizeof digest) == 0;
}

bool crypto_self_test(void)
{
	return blake2s_works() && macs_work() && xaead_works() && x25519_works() && aead_works();
}
