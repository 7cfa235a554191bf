/* Poly1305 against multiplication byte by byte, which shares no code with any implementation: multipliers at bounds of limbs, and
 * messages in which one block differs from all others, at every place and so in every lane. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/dispatch.h"
#include "crypto/poly1305.h"
#include "crypto/poly1305/poly1305_limbs.h"

enum { BYTES = 17, BLOCKS_MAX = 45 };
struct number { /* below 2^136 */
	uint32_t b[BYTES];
};

static void carry(uint32_t *b, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		b[i + 1] += b[i] >> 8;
		b[i] &= 255;
	}
}

/* a = a * r mod 2^130 - 5, below 2^130 + 2^10. */
static void multiply(struct number *a, const struct number *r)
{
	uint32_t product[2 * BYTES + 1] = { 0 };

	for (size_t i = 0; i < BYTES; i++)
		for (size_t k = 0; k < BYTES; k++)
			product[i + k] += a->b[i] * r->b[k];
	carry(product, 2 * BYTES + 1);
	for (int round = 0; round < 3; round++) { /* 2^130 = 5 */
		uint32_t above[BYTES + 1] = { 0 };
		for (size_t i = 0; i <= BYTES; i++)
			above[i] = product[16 + i] >> 2 | (i < BYTES ? (product[17 + i] & 3) << 6 : 0);
		product[16] &= 3;
		memset(product + BYTES, 0, (BYTES + 1) * sizeof product[0]);
		for (size_t i = 0; i <= BYTES; i++)
			product[i] += 5 * above[i];
		carry(product, 2 * BYTES + 1);
	}
	memcpy(a->b, product, sizeof a->b);
}

static void reference(uint8_t tag[16], const uint8_t key[32], const uint8_t *m, size_t n)
{
	struct number h = { { 0 } }, r = { { 0 } }, over;

	for (size_t i = 0; i < 16; i++)
		r.b[i] = key[i] & (i % 4 == 3 ? 0x0fu : i % 4 == 0 && i > 0 ? 0xfcu : 0xffu);
	for (; n > 0; n -= 16, m += 16) {
		for (size_t i = 0; i < 16; i++)
			h.b[i] += m[i];
		h.b[16]++;
		carry(h.b, BYTES);
		multiply(&h, &r);
	}
	over = h; /* h + 5 reaches 2^130 from 2^130 - 5 on */
	over.b[0] += 5;
	carry(over.b, BYTES);
	if (over.b[16] > 3)
		h = over;
	for (size_t i = 0; i < 16; i++)
		h.b[i] += key[16 + i];
	carry(h.b, BYTES);
	for (size_t i = 0; i < 16; i++)
		tag[i] = (uint8_t)h.b[i];
}

static void limbs_blocks_whole(struct poly1305 *p, const uint8_t *m, size_t n)
{
	limbs_blocks(p, m, n, 1);
}

static void check(const uint8_t key[32], const uint8_t *m, size_t n)
{
	static const struct poly1305_impl limbs = { "26-bit limbs", 0, limbs_blocks_whole };
	const struct poly1305_impl *impl = &limbs;
	uint8_t expected[16], tag[16];
	struct poly1305 p;

	reference(expected, key, m, n);
	for (const struct poly1305_impl *next = crypto_tables.poly1305;; impl = next++) {
		if ((impl->needs & ~cpu_features()) == 0) {
			poly1305_init(&p, key);
			impl->blocks(&p, m, n);
			poly1305_tag(tag, &p);
			assert_memory_equal(tag, expected, sizeof tag);
		}
		if (impl != &limbs && impl->needs == 0)
			break;
	}
}

/* Words of r that clamping leaves at the bounds of limbs of 26, 44 and 64 bits. */
static const uint64_t multipliers[][2] = {
	{ UINT64_MAX, UINT64_MAX }, { 1, 0 },		  { 2, 0 },	      { 0, 4 },
	{ 0x03ffffff, 0 },	    { UINT64_MAX << 26, 0 }, { 0, UINT64_MAX }, { (1ull << 44) - 1, 0 },
	{ 0, UINT64_MAX << 40 },    { 0x0ffffffc0fffffff, 0x0ffffffc00000000 },
};

static const uint8_t contents[][2] = { /* first byte, others */
	{ 0xff, 0xff }, { 0x00, 0x00 }, { 0xfb, 0xff }, { 0x01, 0x00 }, { 0xfa, 0xff },
};

static void fill(uint8_t *block, size_t kind)
{
	memset(block, contents[kind][1], 16);
	block[0] = contents[kind][0];
}

static void one_block_differs(void **state)
{
	static const size_t blocks[] = { 1, 2, 3, 11, 12, 13, 14, 15, 16, 20, 28, 29, 32, 36, 44, BLOCKS_MAX };
	uint8_t m[16 * BLOCKS_MAX], key[32];

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(multipliers); r++) {
		store_le64(key, multipliers[r][0]);
		store_le64(key + 8, multipliers[r][1]);
		memset(key + 16, r % 2 ? 0xff : 0, 16);
		for (size_t k = 0; k < ARRAY_LEN(blocks); k++) {
			size_t all = (r + k) % ARRAY_LEN(contents);
			for (size_t at = 0; at < blocks[k]; at++) {
				for (size_t i = 0; i < blocks[k]; i++)
					fill(m + 16 * i, all);
				fill(m + 16 * at, (all + 1 + at % 4) % ARRAY_LEN(contents));
				check(key, m, 16 * blocks[k]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_block_differs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
