/* `make bench-crypto`: every implementation of every primitive compared with OpenSSL and libsodium, in interleaved rounds
 * of one run. Prints a table of medians, and which implementations precede a faster one in the tables of dispatch.c; with a file name as argument also writes JSON lines there. OpenSSL uses AVX-512
 * if the CPU has it. How fast it is without ("OpenSSL-avx2") is measured by a child process, this program with --child,
 * one round per request. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "crypto_task.h"

enum { RUN = 45, BUFFER_BYTES = 16384 + 64, ROUND_NS = 3000000, CHAIN = 800000 };

struct task tasks[TASKS];
size_t task_n;
static double by_products[ROUNDS], by_rotations[ROUNDS]; /* GHz */
static FILE *to_child, *from_child;

static uint8_t plain[RUN][BUFFER_BYTES], sealed[RUN][BUFFER_BYTES], out[RUN][BUFFER_BYTES];
static struct wg_sym key;
static uint64_t counter;

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct task *add(const char *primitive, const char *name, const char *variant, size_t bytes,
			size_t packets, void (*go)(const struct task *t), const void *impl)
{
	if (task_n == TASKS)
		abort();
	tasks[task_n] = (struct task){ .primitive = primitive, .name = name, .variant = variant,
				       .bytes = bytes, .packets = packets, .go = go, .impl = impl };
	return &tasks[task_n++];
}

static bool have(uint32_t needs)
{
	return (needs & ~cpu_features()) == 0;
}

/* ---- AEAD ---- */

static void run_of(struct aead_packet *run, const struct task *t, bool opening)
{
	for (size_t i = 0; i < t->packets; i++)
		run[i] = (struct aead_packet){ .dst = out[i],
					       .src = opening ? sealed[i] : plain[i],
					       .n = (uint32_t)t->bytes,
					       .counter = opening ? i : counter++ };
}

static void seal_ours(const struct task *t)
{
	struct aead_packet run[RUN];

	run_of(run, t, false);
	((const struct aead_impl *)t->impl)->seal_run(run, t->packets, &key);
}

static void open_ours(const struct task *t)
{
	struct aead_packet run[RUN];

	run_of(run, t, true); /* sealed by seal_for() */
	((const struct aead_impl *)t->impl)->open_run(run, t->packets, &key);
	for (size_t i = 0; i < t->packets; i++)
		if (!run[i].ok)
			abort();
}

static void nonce_of(uint8_t nonce[12], uint64_t value)
{
	memset(nonce, 0, 4);
	store_le64(nonce + 4, value);
}

static void seal_openssl(const struct task *t)
{
	uint8_t nonce[12];
	int l;

	for (size_t i = 0; i < t->packets; i++) {
		nonce_of(nonce, counter++);
		if (EVP_EncryptInit_ex2(t->cipher, NULL, NULL, nonce, NULL) != 1 ||
		    EVP_EncryptUpdate(t->cipher, out[i], &l, plain[i], (int)t->bytes) != 1 ||
		    EVP_EncryptFinal_ex(t->cipher, out[i] + t->bytes, &l) != 1 ||
		    EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_GET_TAG, 16, out[i] + t->bytes) != 1)
			abort();
	}
}

static void open_openssl(const struct task *t)
{
	uint8_t nonce[12];
	int l;

	for (size_t i = 0; i < t->packets; i++) {
		nonce_of(nonce, i);
		if (EVP_DecryptInit_ex2(t->cipher, NULL, NULL, nonce, NULL) != 1 ||
		    EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_SET_TAG, 16,
					sealed[i] + t->bytes) != 1 ||
		    EVP_DecryptUpdate(t->cipher, out[i], &l, sealed[i], (int)t->bytes) != 1 ||
		    EVP_DecryptFinal_ex(t->cipher, out[i] + t->bytes, &l) != 1)
			abort();
	}
}

static void seal_sodium(const struct task *t)
{
	unsigned long long l;
	uint8_t nonce[12];

	for (size_t i = 0; i < t->packets; i++) {
		nonce_of(nonce, counter++);
		(void)crypto_aead_chacha20poly1305_ietf_encrypt(out[i], &l, plain[i], t->bytes, NULL, 0,
								NULL, nonce, key.b);
	}
}

static void open_sodium(const struct task *t)
{
	unsigned long long l;
	uint8_t nonce[12];

	for (size_t i = 0; i < t->packets; i++) {
		nonce_of(nonce, i);
		if (crypto_aead_chacha20poly1305_ietf_decrypt(out[i], &l, NULL, sealed[i],
							      t->bytes + 16, NULL, 0, nonce,
							      key.b) != 0)
			abort();
	}
}

static EVP_CIPHER_CTX *openssl_cipher(bool opening)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[12] = { 0 };

	if (!cipher || !ctx ||
	    (opening ? EVP_DecryptInit_ex2(ctx, cipher, key.b, nonce, NULL) :
		       EVP_EncryptInit_ex2(ctx, cipher, key.b, nonce, NULL)) != 1)
		abort();
	return ctx;
}

static void add_openssl(const char *primitive, size_t bytes, size_t packets,
			void (*go)(const struct task *t))
{
	bool opening = strcmp(primitive, "open") == 0;

	add(primitive, "OpenSSL", "", bytes, packets, go, NULL)->cipher = openssl_cipher(opening);
	add(primitive, "OpenSSL-avx2", "", bytes, packets, go, NULL)->cipher = openssl_cipher(opening);
	tasks[task_n - 1].in_child = CRYPTO_X86;
}

static void add_aead(size_t bytes, size_t packets)
{
	add_openssl("seal", bytes, packets, seal_openssl);
	add("seal", "libsodium", "", bytes, packets, seal_sodium, NULL);
	for (const struct aead_impl *impl = crypto_tables.aead;; impl++) {
		if (have(impl->needs))
			add("seal", impl->name, "", bytes, packets, seal_ours, impl);
		if (impl->needs == 0)
			break;
	}
	add_openssl("open", bytes, packets, open_openssl);
	add("open", "libsodium", "", bytes, packets, open_sodium, NULL);
	for (const struct aead_impl *impl = crypto_tables.aead;; impl++) {
		if (have(impl->needs))
			add("open", impl->name, "", bytes, packets, open_ours, impl);
		if (impl->needs == 0)
			break;
	}
}

/* ---- X25519 ---- */

static EVP_PKEY_CTX *derive;

static void x25519_openssl(const struct task *t)
{
	size_t l = 32;

	(void)t;
	if (EVP_PKEY_derive(derive, out[0], &l) != 1)
		abort();
}

static void x25519_sodium(const struct task *t)
{
	(void)t;
	if (crypto_scalarmult(out[0], plain[0], plain[1]) != 0)
		abort();
}

static void x25519_ours(const struct task *t)
{
	((const struct x25519_impl *)t->impl)->mul(out[0], plain[0], plain[1]);
}

static void x25519_lanes(const struct task *t)
{
	static struct x25519_job jobs[16];

	((const struct x25519_batch_impl *)t->impl)->mul(jobs, t->packets);
}

static void add_x25519(void)
{
	EVP_PKEY *a = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, plain[0], 32);
	EVP_PKEY *b = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, plain[1], 32);

	derive = EVP_PKEY_CTX_new(a, NULL);
	if (!derive || EVP_PKEY_derive_init(derive) != 1 || EVP_PKEY_derive_set_peer(derive, b) != 1)
		abort();
	add("x25519", "OpenSSL", "", 32, 1, x25519_openssl, NULL);
	add("x25519", "libsodium", "", 32, 1, x25519_sodium, NULL);
	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if (have(impl->needs))
			add("x25519", impl->name, "", 32, 1, x25519_ours, impl);
		if (impl->needs == 0)
			break;
	}
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch; impl->needs; impl++)
		if (have(impl->needs))
			add("x25519", impl->name, "batch", 32, impl->lanes, x25519_lanes, impl);
}

/* ---- BLAKE2s ---- */

static EVP_MD_CTX *md_ctx;
static EVP_MD *md;

static void blake2s_openssl(const struct task *t)
{
	unsigned int l;

	if (EVP_DigestInit_ex2(md_ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(md_ctx, plain[0], t->bytes) != 1 ||
	    EVP_DigestFinal_ex(md_ctx, out[0], &l) != 1)
		abort();
}

static void blake2b_sodium(const struct task *t)
{
	(void)crypto_generichash(out[0], 32, plain[0], t->bytes, NULL, 0);
}

static void blake2s_ours(const struct task *t)
{
	uint32_t h[8];

	memcpy(h, blake2s_iv, sizeof h);
	((const struct blake2s_impl *)t->impl)->compress(h, plain[0], t->bytes / 64, 64, false);
	memcpy(out[0], h, sizeof h);
}

static void blake2s_hash(const struct task *t)
{
	struct wg_hash h;

	hash2(&h, plain[0], t->bytes, NULL, 0);
	memcpy(out[0], &h, sizeof h);
}

static void add_blake2s(size_t bytes)
{
	add("blake2s", "OpenSSL", "", bytes, 1, blake2s_openssl, NULL);
	add("blake2s", "libsodium", "BLAKE2b", bytes, 1, blake2b_sodium, NULL);
	add("blake2s", "wgsuite", "hash", bytes, 1, blake2s_hash, NULL);
	for (const struct blake2s_impl *impl = crypto_tables.blake2s;; impl++) {
		if (have(impl->needs) && bytes % 64 == 0)
			add("blake2s", impl->name, "blocks", bytes, 1, blake2s_ours, impl);
		if (impl->needs == 0)
			break;
	}
}

/* ---- for a flood of handshakes: mac1 of an initiation, a cookie reply ---- */

enum { FLOOD = 16, MAC1_BYTES = 116, COOKIE_BYTES = 16 };

static EVP_MAC_CTX *mac_ctx;

static void mac_openssl(const struct task *t)
{
	size_t out_n = MAC_BYTES;
	OSSL_PARAM size[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &out_n),
			      OSSL_PARAM_construct_end() };

	(void)t;
	if (EVP_MAC_init(mac_ctx, key.b, sizeof key.b, size) != 1 ||
	    EVP_MAC_update(mac_ctx, plain[0], MAC1_BYTES) != 1 ||
	    EVP_MAC_final(mac_ctx, out[0], &out_n, MAC_BYTES) != 1)
		abort();
}

static void mac_single(const struct task *t)
{
	(void)t;
	mac16_2(out[0], key.b, sizeof key.b, plain[0], MAC1_BYTES, NULL, 0);
}

static void mac_lanes(const struct task *t)
{
	const struct blake2s_lanes_impl *impl = t->impl;
	struct blake2s_lane lanes[FLOOD];
	static uint32_t h[8];

	for (size_t i = 0; i < FLOOD; i++)
		lanes[i] = (struct blake2s_lane){ .h = h, .p = plain[i], .n = MAC1_BYTES, .last = true,
						  .before = BLAKE2S_BLOCK_BYTES };
	for (size_t i = 0; i < FLOOD; i += impl->lanes)
		impl->run(lanes + i, impl->lanes);
	memcpy(out[0], lanes, sizeof lanes);
}

static void reply_sodium(const struct task *t)
{
	unsigned long long l;

	(void)t;
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out[0], &l, plain[0], COOKIE_BYTES, plain[1],
							 16, NULL, plain[2], key.b);
}

static void reply_single(const struct task *t)
{
	(void)t;
	xaead_seal(out[0], plain[0], COOKIE_BYTES, plain[1], 16, plain[2], &key);
}

static void reply_lanes(const struct task *t)
{
	struct xaead_job jobs[FLOOD];

	crypto_restrict(((const struct xchacha20_impl *)t->impl)->needs);
	for (size_t i = 0; i < FLOOD; i++)
		jobs[i] = (struct xaead_job){ .dst = out[i], .src = plain[i], .n = COOKIE_BYTES,
					      .ad = plain[i] + 100, .ad_n = 16,
					      .nonce = plain[i] + 200 };
	for (int i = 0; i < 16; i++) /* so that crypto_restrict() does not count */
		xaead_seal_many(jobs, FLOOD, &key);
	crypto_restrict(UINT32_MAX);
}

static void add_flood(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);

	mac_ctx = EVP_MAC_CTX_new(mac);
	add("mac1", "OpenSSL", "", MAC1_BYTES, 1, mac_openssl, NULL);
	add("mac1", "wgsuite", "single", MAC1_BYTES, 1, mac_single, NULL);
	for (const struct blake2s_lanes_impl *impl = crypto_tables.blake2s_lanes;; impl++) {
		if (have(impl->needs))
			add("mac1", impl->name, "lanes", MAC1_BYTES, FLOOD, mac_lanes, impl);
		if (impl->needs == 0)
			break;
	}
	add("reply", "libsodium", "", COOKIE_BYTES, 1, reply_sodium, NULL);
	add("reply", "wgsuite", "single", COOKIE_BYTES, 1, reply_single, NULL);
	for (const struct xchacha20_impl *impl = crypto_tables.xchacha20;; impl++) {
		if (have(impl->needs))
			add("reply", impl->name, "lanes", COOKIE_BYTES, 16 * FLOOD, reply_lanes, impl);
		if (impl->needs == 0)
			break;
	}
}

/* ---- OpenSSL without AVX-512 ---- */

/* Bits 16, 17, 21, 28, 30, 31 of EBX of CPUID leaf 7: AVX512F, DQ, IFMA, CD, BW, VL. */
#define WITHOUT_AVX512 ":~0xd0230000"

static void start_child(const char *program)
{
	int to[2], from[2];
	pid_t pid;

	if (pipe(to) != 0 || pipe(from) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		if (dup2(to[0], 0) < 0 || dup2(from[1], 1) < 0 || close(to[1]) != 0 ||
		    close(from[0]) != 0 || setenv("OPENSSL_ia32cap", WITHOUT_AVX512, 1) != 0)
			abort();
		execl(program, program, "--child", (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	to_child = fdopen(to[1], "w");
	from_child = fdopen(from[0], "r");
	if (!to_child || !from_child)
		abort();
}

static void measure(struct task *t, int round);

/* Reads numbers of a task and a round, prints the time. */
static int child(void)
{
	unsigned int task, round;

	while (scanf("%u %u", &task, &round) == 2 && task < task_n && round < ROUNDS) {
		tasks[task].in_child = false;
		measure(&tasks[task], (int)round);
		printf("%a\n", tasks[task].ns[round]);
		(void)fflush(stdout);
	}
	return 0;
}

static void measure_in_child(struct task *t, int round)
{
	if (fprintf(to_child, "%zu %d\n", (size_t)(t - tasks), round) < 0 || fflush(to_child) != 0 ||
	    fscanf(from_child, "%la", &t->ns[round]) != 1)
		abort();
}

/* ---- measuring ---- */

/* Cycles per ns: a chain of instructions, each of which waits for the one before, takes `cycles` per instruction. */
#define CLOCK_BY(instruction, cycles)                                                               \
	do {                                                                                        \
		double start = now_ns();                                                            \
		uint64_t x = 3;                                                                     \
		for (int k = 0; k < CHAIN / 8; k++)                                                 \
			__asm__ volatile(instruction instruction instruction instruction            \
						 instruction instruction instruction instruction    \
					 : "+r"(x));                                                \
		return (cycles) * CHAIN / (now_ns() - start);                                       \
	} while (0)

/* Additions would not do: Intel's processors since Golden Cove add constants while they rename registers, several in a cycle. */
#if CRYPTO_X86
#define PRODUCT "imul %0, %0\n\t" /* 3 cycles in all processors with AVX2 */
#define ROTATION "rol $7, %0\n\t"
enum { PRODUCT_CYCLES = 3 };
#elif CRYPTO_NEON
#define PRODUCT ROTATION /* products take 3 to 5 cycles */
#define ROTATION "ror %0, %0, #7\n\t"
enum { PRODUCT_CYCLES = 1 };
#else
#define PRODUCT "" /* unknown: reported as 0 GHz */
#define ROTATION ""
enum { PRODUCT_CYCLES = 0 };
#endif

static double clock_of_products(void)
{
	CLOCK_BY(PRODUCT, PRODUCT_CYCLES);
}

static double clock_of_rotations(void)
{
	CLOCK_BY(ROTATION, (PRODUCT_CYCLES > 0));
}

/* The clock changes with the load of the machine: measured in each round, as everything else. */
static void measure_clock(int round)
{
	by_products[round] = clock_of_products();
	by_rotations[round] = clock_of_rotations();
}

/* Seals packets of this size, with counters from 0, for the tasks that open them. */
static void seal_for(size_t bytes)
{
	static size_t have_bytes;
	struct aead_packet run[RUN];

	if (have_bytes == bytes)
		return;
	for (size_t i = 0; i < RUN; i++)
		run[i] = (struct aead_packet){ .dst = sealed[i], .src = plain[i],
					       .n = (uint32_t)bytes, .counter = i };
	aead_seal_run(run, RUN, &key);
	have_bytes = bytes;
}

static void measure(struct task *t, int round)
{
	double start, took;

	if (t->in_child) {
		measure_in_child(t, round);
		return;
	}
	if (strcmp(t->primitive, "open") == 0)
		seal_for(t->bytes);
	if (t->calls == 0) {
		t->go(t);
		start = now_ns();
		for (t->calls = 1; now_ns() - start < ROUND_NS; t->calls++)
			t->go(t);
	}
	start = now_ns();
	for (uint64_t i = 0; i < t->calls; i++)
		t->go(t);
	took = now_ns() - start;
	t->ns[round] = took / (double)t->calls / (double)t->packets;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 64, 256, 1420, 16384 };
	bool is_child = argc > 1 && strcmp(argv[1], "--child") == 0;
	FILE *json = argc > 1 && !is_child ? fopen(argv[1], "w") : NULL;

	if (sodium_init() < 0 || (argc > 1 && !is_child && !json))
		return 1;
	randombytes_buf(&key, sizeof key);
	randombytes_buf(plain, sizeof plain);
	md = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
	md_ctx = EVP_MD_CTX_new();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		add_aead(sizes[i], 1);
		add_aead(sizes[i], RUN);
	}
	add_x25519();
	add_blake2s(32);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		add_blake2s(sizes[i]);
	add_flood();
	if (is_child)
		return child();
	start_child("/proc/self/exe");
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < task_n; i++)
			measure(&tasks[i], round);
		measure_clock(round);
	}
	qsort(by_products, ROUNDS, sizeof by_products[0], by_value);
	qsort(by_rotations, ROUNDS, sizeof by_rotations[0], by_value);
	for (size_t i = 0; i < task_n; i++)
		qsort(tasks[i].ns, ROUNDS, sizeof tasks[i].ns[0], by_value);
	printf("OpenSSL %s, libsodium %s, clock %.2f GHz by products and %.2f GHz by rotations, medians of %d interleaved rounds\n",
	       OpenSSL_version(OPENSSL_VERSION_STRING), sodium_version_string(), by_products[ROUNDS / 2],
	       by_rotations[ROUNDS / 2], ROUNDS);
	crypto_report(json, by_products[ROUNDS / 2]);
	crypto_report_order();
	if (json)
		(void)fclose(json);
	return 0;
}
