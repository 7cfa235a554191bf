/* Internet checksums: sums of 32-bit words in vector registers, or of the widest words whose
 * carries a register keeps. */
#include "checksum.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { SHORT = 128 }; /* bytes: below, setting up the vector registers takes longer than the sum */

static bool always(void)
{
	return true;
}

#if defined(__SIZEOF_INT128__)
static uint64_t portable(uint64_t sum, const uint8_t *p, size_t n)
{
	unsigned __int128 wide = sum;
	uint64_t v[4];
	uint8_t rest[8] = { 0 };

	for (; n >= sizeof v; p += sizeof v, n -= sizeof v) {
		memcpy(v, p, sizeof v);
		wide += v[0];
		wide += v[1];
		wide += v[2];
		wide += v[3];
	}
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(v, p, 8);
		wide += v[0];
	}
	memcpy(rest, p, n);
	memcpy(v, rest, 8);
	wide += v[0];
	wide = (uint64_t)wide + (wide >> 64);
	wide = (uint64_t)wide + (wide >> 64);
	return ((uint64_t)wide & 0xffffffff) + ((uint64_t)wide >> 32);
}
#else
/* 64 bits hold the sum of 2^32 words of 32 bits, which is more than any packet has. */
static uint64_t portable(uint64_t sum, const uint8_t *p, size_t n)
{
	uint32_t v[4];
	uint8_t rest[4] = { 0 };

	sum = (sum & 0xffffffff) + (sum >> 32);
	for (; n >= sizeof v; p += sizeof v, n -= sizeof v) {
		memcpy(v, p, sizeof v);
		sum += v[0];
		sum += v[1];
		sum += v[2];
		sum += v[3];
	}
	for (; n >= 4; p += 4, n -= 4) {
		memcpy(v, p, 4);
		sum += v[0];
	}
	memcpy(rest, p, n);
	memcpy(v, rest, 4);
	sum += v[0];
	return (sum & 0xffffffff) + (sum >> 32);
}
#endif

static uint64_t portable_copy(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n)
{
	memcpy(dst, p, n);
	return portable(sum, p, n);
}

#if defined(__x86_64__)
static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

#define IMPL(isa) __attribute__((target(#isa))) static
#define INLINE(isa) __attribute__((target(#isa), always_inline)) static inline

/* Even and odd 32-bit words are summed in 64-bit lanes, which leave 32 bits for carries. Null dst: no copy. */
INLINE(avx512f) uint64_t wide512(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n)
{
	__m512i low = _mm512_set1_epi64(0xffffffff), even = _mm512_setzero_si512(), odd = even;
	size_t at = 0;

	for (; n - at >= 64; at += 64) {
		__m512i v = _mm512_loadu_si512(p + at);
		even = _mm512_add_epi64(even, _mm512_and_si512(v, low));
		odd = _mm512_add_epi64(odd, _mm512_srli_epi64(v, 32));
		if (dst)
			_mm512_storeu_si512(dst + at, v);
	}
	sum += (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(even, odd));
	return dst ? portable_copy(sum, dst + at, p + at, n - at) : portable(sum, p + at, n - at);
}

IMPL(avx512f) uint64_t avx512(uint64_t sum, const uint8_t *p, size_t n)
{
	return wide512(sum, NULL, p, n);
}

IMPL(avx512f) uint64_t avx512_copy(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n)
{
	return wide512(sum, dst, p, n);
}

INLINE(avx2) uint64_t wide256(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n)
{
	__m256i low = _mm256_set1_epi64x(0xffffffff), even = _mm256_setzero_si256(), odd = even;
	uint64_t parts[4];
	size_t at = 0;

	for (; n - at >= 32; at += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
		even = _mm256_add_epi64(even, _mm256_and_si256(v, low));
		odd = _mm256_add_epi64(odd, _mm256_srli_epi64(v, 32));
		if (dst)
			_mm256_storeu_si256((__m256i *)(void *)(dst + at), v);
	}
	_mm256_storeu_si256((__m256i *)(void *)parts, _mm256_add_epi64(even, odd));
	sum += parts[0] + parts[1] + parts[2] + parts[3];
	return dst ? portable_copy(sum, dst + at, p + at, n - at) : portable(sum, p + at, n - at);
}

IMPL(avx2) uint64_t avx2(uint64_t sum, const uint8_t *p, size_t n)
{
	return wide256(sum, NULL, p, n);
}

IMPL(avx2) uint64_t avx2_copy(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n)
{
	return wide256(sum, dst, p, n);
}
#endif

enum {
#if defined(__x86_64__)
	CHECKSUM_PORTABLE = 2,
#else
	CHECKSUM_PORTABLE = 0,
#endif
};

const struct checksum_impl checksum_impls[CHECKSUM_PORTABLE + 1] = {
#if defined(__x86_64__)
	{ "avx512", has_avx512, avx512, avx512_copy },
	{ "avx2", has_avx2, avx2, avx2_copy },
#endif
	{ "portable", always, portable, portable_copy },
};

static const struct checksum_impl *selected = &checksum_impls[CHECKSUM_PORTABLE];

void checksum_select(bool portable_only)
{
	const struct checksum_impl *impl = checksum_impls;

	while (!impl->supported() || (portable_only && impl->add != portable))
		impl++;
	selected = impl;
}

uint64_t checksum_add(uint64_t sum, const uint8_t *p, size_t n)
{
	return n < SHORT ? portable(sum, p, n) : selected->add(sum, p, n);
}

uint64_t checksum_add_copy(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n)
{
	return n < SHORT ? portable_copy(sum, dst, p, n) : selected->add_copy(sum, dst, p, n);
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
