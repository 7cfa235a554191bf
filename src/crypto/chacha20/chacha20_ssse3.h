/* The rounds of four blocks of ChaCha20 in SSSE3, for chacha20_x4.inc, in assembly: the state fills all sixteen registers,
 * and compilers spill and copy more of it than necessary. Words 8-11, of which a quarter round uses one only twice, take
 * turns in two registers; the other registers hold the other words and two temporary values. */
#ifndef WG_CHACHA20_SSSE3_H
#define WG_CHACHA20_SSSE3_H

#include "crypto/chacha20.h"
#include "crypto/simd_ssse3.h"

#define X(i) "%%xmm" #i
#define LOAD(at, i) "movdqa 16*" #at "(%[x]), " X(i) "\n\t"
#define STORE(i, at) "movdqa " X(i) ", 16*" #at "(%[x])\n\t"
/* to += from, and so on, in both of two quarter rounds. */
#define BOTH(op, to1, from1, to2, from2) op " " X(from1) ", " X(to1) "\n\t" op " " X(from2) ", " X(to2) "\n\t"
#define BYTES(d1, d2, by) "pshufb %[" by "], " X(d1) "\n\tpshufb %[" by "], " X(d2) "\n\t"
#define ROTATE(b1, b2, left, right)                                                   \
	BOTH("movdqa", 14, b1, 15, b2)                                                \
	"pslld $" #left ", " X(b1) "\n\tpslld $" #left ", " X(b2) "\n\t"              \
	"psrld $" #right ", " X(14) "\n\tpsrld $" #right ", " X(15) "\n\t"            \
	BOTH("por", b1, 14, b2, 15)
#define HALF(a1, b1, c1, d1, a2, b2, c2, d2, by, left, right)                         \
	BOTH("paddd", a1, b1, a2, b2) BOTH("pxor", d1, a1, d2, a2) BYTES(d1, d2, by)  \
	BOTH("paddd", c1, d1, c2, d2) BOTH("pxor", b1, c1, b2, c2) ROTATE(b1, b2, left, right)
/* Two quarter rounds at a time hide each other's latency. Words 0-7 are in registers 0-7, words 12-15 in 10-13. */
#define QUARTERS(...) HALF(__VA_ARGS__, "by16", 12, 20) HALF(__VA_ARGS__, "by8", 7, 25)
#define EXCHANGE(out1, out2, in1, in2) STORE(8, out1) STORE(9, out2) LOAD(in1, 8) LOAD(in2, 9)

always_inline void twenty_rounds4(vec x[16])
{
	const vec by16 = _mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
	const vec by8 = _mm_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
	uint32_t n = 10;

	__asm__ volatile(
		LOAD(0, 0) LOAD(1, 1) LOAD(2, 2) LOAD(3, 3) LOAD(4, 4) LOAD(5, 5) LOAD(6, 6) LOAD(7, 7)
		LOAD(8, 8) LOAD(9, 9) LOAD(12, 10) LOAD(13, 11) LOAD(14, 12) LOAD(15, 13)
		".p2align 5\n\t"
		"1:\n\t"
		QUARTERS(0, 4, 8, 10, 1, 5, 9, 11)
		EXCHANGE(8, 9, 10, 11)
		QUARTERS(2, 6, 8, 12, 3, 7, 9, 13)
		QUARTERS(0, 5, 8, 13, 1, 6, 9, 10)
		EXCHANGE(10, 11, 8, 9)
		QUARTERS(2, 7, 8, 11, 3, 4, 9, 12)
		"decl %[n]\n\t"
		"jnz 1b\n\t"
		STORE(0, 0) STORE(1, 1) STORE(2, 2) STORE(3, 3) STORE(4, 4) STORE(5, 5) STORE(6, 6) STORE(7, 7)
		STORE(8, 8) STORE(9, 9) STORE(10, 12) STORE(11, 13) STORE(12, 14) STORE(13, 15)
		: [n] "+&r"(n)
		: [x] "r"(x), [by16] "m"(by16), [by8] "m"(by8)
		: "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		  "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#undef X
#undef LOAD
#undef STORE
#undef BOTH
#undef BYTES
#undef ROTATE
#undef HALF
#undef QUARTERS
#undef EXCHANGE
#define CHACHA_ROUNDS4 twenty_rounds4

#endif
