/* Sixteen blocks of ChaCha20 at a time in AVX-512: register i holds word i of all sixteen states. The 32 registers hold
 * two sets of states, so that 32 blocks are two interleaved sets without spills. */
#ifndef WG_CHACHA20_AVX512_H
#define WG_CHACHA20_AVX512_H

#include "crypto/chacha20.h"
#include "crypto/simd_avx512.h"

/* The index of the i-th of words 4r to 4r + 3, which in a diagonal round are rotated by r. */
#define AT(r, i, diagonal) (4 * (r) + ((i) + (r) * (diagonal)) % 4)
#define ADD(x, a, b)                                                    \
	do {                                                            \
		x[a] = vec_add(x[a], x[b]);                             \
		GCC_VECTOR_BARRIER(x[a]);                               \
	} while (0)
#define MIX(x, d, a, n)                                                 \
	do {                                                            \
		x[d] = vec_rotl(vec_xor(x[d], x[a]), n);                \
		GCC_VECTOR_BARRIER(x[d]);                               \
	} while (0)

/* One step of four quarter rounds: a += b, d = (d ^ a) <<< n, where a, b and d stand for four words each. Spelled
 * out instead of a loop, so that x stays in registers from one double round to the next. */
#define STEP(x, a, b, d, n, diagonal)                                   \
	do {                                                            \
		ADD(x, AT(a, 0, diagonal), AT(b, 0, diagonal));         \
		ADD(x, AT(a, 1, diagonal), AT(b, 1, diagonal));         \
		ADD(x, AT(a, 2, diagonal), AT(b, 2, diagonal));         \
		ADD(x, AT(a, 3, diagonal), AT(b, 3, diagonal));         \
		MIX(x, AT(d, 0, diagonal), AT(a, 0, diagonal), n);      \
		MIX(x, AT(d, 1, diagonal), AT(a, 1, diagonal), n);      \
		MIX(x, AT(d, 2, diagonal), AT(a, 2, diagonal), n);      \
		MIX(x, AT(d, 3, diagonal), AT(a, 3, diagonal), n);      \
	} while (0)

always_inline void double_round_set(vec x[16])
{
	STEP(x, 0, 1, 3, 16, 0);
	STEP(x, 2, 3, 1, 12, 0);
	STEP(x, 0, 1, 3, 8, 0);
	STEP(x, 2, 3, 1, 7, 0);
	STEP(x, 0, 1, 3, 16, 1);
	STEP(x, 2, 3, 1, 12, 1);
	STEP(x, 0, 1, 3, 8, 1);
	STEP(x, 2, 3, 1, 7, 1);
}

/* The same for two sets, which hide each other's latency. */
#define STEP_BOTH(...)                  \
	do {                            \
		STEP(x, __VA_ARGS__);   \
		STEP(y, __VA_ARGS__);   \
	} while (0)

always_inline void double_round_both(vec x[16], vec y[16])
{
	STEP_BOTH(0, 1, 3, 16, 0);
	STEP_BOTH(2, 3, 1, 12, 0);
	STEP_BOTH(0, 1, 3, 8, 0);
	STEP_BOTH(2, 3, 1, 7, 0);
	STEP_BOTH(0, 1, 3, 16, 1);
	STEP_BOTH(2, 3, 1, 12, 1);
	STEP_BOTH(0, 1, 3, 8, 1);
	STEP_BOTH(2, 3, 1, 7, 1);
}

always_inline void load_states(vec x[16], const struct chacha20 *s, const vec last[4])
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = i < 12 ? vec_set1(s->w[i]) : last[i - 12];
}

always_inline void store_stream(uint8_t stream[1024], vec x[16], const struct chacha20 *s, const vec last[4])
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = vec_add(x[i], i < 12 ? vec_set1(s->w[i]) : last[i - 12]);
	vec_transpose(x);
	UNROLL
	for (int i = 0; i < 16; i++)
		_mm512_store_si512(stream + 64 * i, x[i]);
}

/* The key stream of 16 blocks. last[k]: word 12 + k of each state, block counters and nonces. stream: aligned to 64. */
always_inline void blocks16(uint8_t stream[1024], const struct chacha20 *s, const vec last[4])
{
	vec x[16];

	load_states(x, s, last);
	for (int i = 0; i < 10; i++)
		double_round_set(x);
	store_stream(stream, x, s, last);
}

/* The key stream of 32 blocks, in two interleaved sets. */
always_inline void blocks32(uint8_t stream[2048], const struct chacha20 *s, vec last[2][4])
{
	vec x[16], y[16];

	load_states(x, s, last[0]);
	load_states(y, s, last[1]);
	for (int i = 0; i < 10; i++)
		double_round_both(x, y);
	store_stream(stream, x, s, last[0]);
	store_stream(stream + 1024, y, s, last[1]);
}

/* dst = src ^ stream, n bytes. A mask keeps the last, partial block from accessing memory beyond n. */
always_inline void xor_bytes(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	for (; n >= 64; n -= 64, dst += 64, src += 64, stream += 64)
		vec_store(dst, vec_xor(vec_load(src), vec_load_aligned(stream)));
	if (n > 0) {
		__mmask64 m = ((__mmask64)1 << n) - 1;
		_mm512_mask_storeu_epi8(dst, m, _mm512_xor_si512(_mm512_maskz_loadu_epi8(m, src),
								 _mm512_load_si512(stream)));
	}
}

#endif
