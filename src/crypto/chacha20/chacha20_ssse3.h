/* The rounds of four blocks of ChaCha20 in SSSE3, in assembly, alone or while integer registers add up a Poly1305. (In AVX2 a
 * vector Poly1305 afterwards is faster on Sapphire Rapids.) The state fills all sixteen registers, and compilers spill and copy
 * more of it than necessary. Words 8-11, of which a quarter round uses one only twice, take turns in two registers; the other
 * registers hold the other words and two temporary values. */
#ifndef WG_CHACHA20_SSSE3_H
#define WG_CHACHA20_SSSE3_H

#include <stddef.h>
#include "crypto/chacha20.h"
#include "crypto/poly1305.h"
#include "crypto/simd_ssse3.h"

#define X(i) "%%xmm" #i
#define INTO(op, to, from) op " " from ", " X(to) "\n\t"
#define ROTATE_BEGIN(b, t, left, right)                                                             \
	"movdqa " X(b) ", " X(t) "\n\tpslld $" #left ", " X(t) "\n\tpsrld $" #right ", " X(b) "\n\t"
#define LOAD(at, i) "movdqa 16*" #at "(%[x]), " X(i) "\n\t"
#define STORE(i, at) "movdqa " X(i) ", 16*" #at "(%[x])\n\t"
/* to1 += from1, and so on, in both of two quarter rounds, which hide each other's latency. */
#define BOTH(op, to1, from1, to2, from2) INTO(op, to1, X(from1)) INTO(op, to2, X(from2))
#define BYTES(d1, d2, by) INTO("pshufb", d1, by) INTO("pshufb", d2, by)
#define ROTATE(b1, b2, left, right)                                                                 \
	ROTATE_BEGIN(b1, 14, left, right) ROTATE_BEGIN(b2, 15, left, right) BOTH("por", b1, 14, b2, 15)
/* Words 0-7 are in registers 0-7, words 12-15 in 10-13. m1-m5: instructions to interleave. */
#define HALF(a1, b1, c1, d1, a2, b2, c2, d2, by, left, right, m1, m2, m3, m4, m5)                   \
	BOTH("paddd", a1, b1, a2, b2) m1 BOTH("pxor", d1, a1, d2, a2) m2 BYTES(d1, d2, by)          \
	m3 BOTH("paddd", c1, d1, c2, d2) m4 BOTH("pxor", b1, c1, b2, c2) m5 ROTATE(b1, b2, left, right)
#define QUARTERS(by16, by8, ...)                                                                    \
	HALF(__VA_ARGS__, by16, 12, 20, , , , , ) HALF(__VA_ARGS__, by8, 7, 25, , , , , )
#define QUARTERS_MAC(at, by16, by8, ...)                                                            \
	HALF(__VA_ARGS__, by16, 12, 20, MAC1(at), MAC2, MAC3, MAC4, MAC5)                           \
	HALF(__VA_ARGS__, by8, 7, 25, MAC6, MAC7, MAC8, MAC9, MAC10)
#define EXCHANGE(out1, out2, in1, in2) STORE(8, out1) STORE(9, out2) LOAD(in1, 8) LOAD(in2, 9)

#define LOAD_STATE                                                                                  \
	LOAD(0, 0) LOAD(1, 1) LOAD(2, 2) LOAD(3, 3) LOAD(4, 4) LOAD(5, 5) LOAD(6, 6) LOAD(7, 7)     \
	LOAD(8, 8) LOAD(9, 9) LOAD(12, 10) LOAD(13, 11) LOAD(14, 12) LOAD(15, 13)
#define STORE_STATE                                                                                 \
	STORE(0, 0) STORE(1, 1) STORE(2, 2) STORE(3, 3) STORE(4, 4) STORE(5, 5) STORE(6, 6)         \
	STORE(7, 7) STORE(8, 8) STORE(9, 9) STORE(10, 12) STORE(11, 13) STORE(12, 14) STORE(13, 15)
#define DOUBLE_ROUND(by16, by8)                                                                     \
	QUARTERS(by16, by8, 0, 4, 8, 10, 1, 5, 9, 11) EXCHANGE(8, 9, 10, 11)                        \
	QUARTERS(by16, by8, 2, 6, 8, 12, 3, 7, 9, 13) QUARTERS(by16, by8, 0, 5, 8, 13, 1, 6, 9, 10) \
	EXCHANGE(10, 11, 8, 9) QUARTERS(by16, by8, 2, 7, 8, 11, 3, 4, 9, 12)
#define VECTORS                                                                                     \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",    \
		"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* The shuffles of vec_rotl() by 16 and 8 bits. */
struct rotations {
	vec by16, by8;
};

always_inline struct rotations rotations(void)
{
	return (struct rotations){
		_mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13),
		_mm_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14),
	};
}

always_inline void twenty_rounds_ssse3(vec x[16])
{
	const struct rotations r = rotations();
	uint32_t n = 10;

	__asm__ volatile(LOAD_STATE ".p2align 5\n\t"
				    "1:\n\t" DOUBLE_ROUND("%[by16]", "%[by8]") "decl %[n]\n\t"
				    "jnz 1b\n\t" STORE_STATE
			 : [n] "+&r"(n)
			 : [x] "r"(x), [by16] "m"(r.by16), [by8] "m"(r.by8)
			 : "memory", "cc", VECTORS);
}

/* A block of Poly1305 in ten parts, as in poly1305_x64.c, which explains it. */
#define MAC1(at) "addq 16*" #at "(%[m]), %[h0]\n\tadcq 16*" #at "+8(%[m]), %[h1]\n\tadcq $1, %[h2]\n\t"
#define MAC2 "addq %[late], %[h0]\n\tadcq $0, %[h1]\n\tadcq $0, %[h2]\n\t"
#define MAC8 "addq %[a], %[h0]\n\tadcq %[b], %[mid]\n\taddq %[h2], %[mid]\n\tmovq %[up], %[h2]\n\t"
#define MAC9 "andq $3, %[h2]\n\taddq %[late], %[h1]\n\tadcq $0, %[h2]\n\tmovq %[up], %[late]\n\t"
#define MAC10                                                                                       \
	"shrq $2, %[late]\n\tandq $-4, %[up]\n\taddq %[up], %[late]\n\taddq %[mid], %[h1]\n\tadcq $0, %[h2]\n\t"
#define MAC3 "movq %[h0], %%rax\n\tmulq 296(%[x])\n\tmovq %%rax, %[late]\n\tmovq %%rdx, %[up]\n\t"
#define MAC4 "movq %[h0], %%rax\n\tmulq 288(%[x])\n\tmovq %%rax, %[h0]\n\tmovq %%rdx, %[mid]\n\t"
#define MAC5 "movq %[h1], %%rax\n\tmulq 304(%[x])\n\tmovq %%rax, %[a]\n\tmovq %%rdx, %[b]\n\t"
#define MAC6 "movq %[h1], %%rax\n\tmulq 288(%[x])\n\tmovq %%rax, %[h1]\n\taddq %%rdx, %[up]\n\t"
#define MAC7 "movq %[h2], %%rax\n\timulq 304(%[x]), %[h2]\n\timulq 288(%[x]), %%rax\n\taddq %%rax, %[up]\n\t"

enum { CHACHA_MAC_CHUNK = 32 }; /* two blocks of Poly1305 in a double round */
#define DOUBLE_ROUND_MAC(by16, by8)                                                                 \
	QUARTERS_MAC(0, by16, by8, 0, 4, 8, 10, 1, 5, 9, 11) EXCHANGE(8, 9, 10, 11)                 \
	QUARTERS(by16, by8, 2, 6, 8, 12, 3, 7, 9, 13)                                               \
	QUARTERS_MAC(1, by16, by8, 0, 5, 8, 13, 1, 6, 9, 10) EXCHANGE(10, 11, 8, 9)                 \
	QUARTERS(by16, by8, 2, 7, 8, 11, 3, 4, 9, 12)
enum { CHACHA_MAC_CHUNKS = 10 }; /* at most: one in each double round */

/* In memory at known places, because there are not enough registers for several addresses. */
struct rounds_mac {
	vec x[16];
	vec by16, by8;
	uint64_t r0, r1, s1;
	uint32_t with, without; /* double rounds with and without blocks of Poly1305 */
};
_Static_assert(offsetof(struct rounds_mac, by16) == 256 && offsetof(struct rounds_mac, r0) == 288 &&
		       offsetof(struct rounds_mac, with) == 312,
	       "as in the assembly");

/* The rounds on t->x, and p absorbs `chunks` chunks of m. */
always_inline void twenty_rounds_mac_ssse3(struct rounds_mac *t, struct poly1305 *p, const uint8_t *m,
					   uint32_t chunks)
{
	const struct rotations r = rotations();
	uint64_t h0 = p->h[0], h1 = p->h[1], h2 = p->h[2], late = 0, mid, up, a, b;
	u128 sum;

	assert(chunks <= CHACHA_MAC_CHUNKS);
	t->by16 = r.by16;
	t->by8 = r.by8;
	t->r0 = p->r[0];
	t->r1 = p->r[1];
	t->s1 = t->r1 + (t->r1 >> 2);
	t->with = chunks;
	t->without = CHACHA_MAC_CHUNKS - chunks;
	__asm__ volatile(LOAD_STATE
			 "cmpl $0, 312(%[x])\n\t"
			 "je 2f\n\t"
			 ".p2align 5\n\t"
			 "1:\n\t" DOUBLE_ROUND_MAC("256(%[x])", "272(%[x])") "addq %[chunk], %[m]\n\t"
			 "decl 312(%[x])\n\t"
			 "jnz 1b\n\t"
			 "2:\n\t"
			 "cmpl $0, 316(%[x])\n\t"
			 "je 4f\n\t"
			 ".p2align 5\n\t"
			 "3:\n\t" DOUBLE_ROUND("256(%[x])", "272(%[x])") "decl 316(%[x])\n\t"
			 "jnz 3b\n\t"
			 "4:\n\t" STORE_STATE
			 : [m] "+&r"(m), [h0] "+&r"(h0), [h1] "+&r"(h1), [h2] "+&r"(h2), [late] "+&r"(late),
			   [mid] "=&r"(mid), [up] "=&r"(up), [a] "=&r"(a), [b] "=&r"(b)
			 : [x] "r"(t), [chunk] "i"(CHACHA_MAC_CHUNK)
			 : "rax", "rdx", "memory", "cc", VECTORS);
	sum = (u128)h0 + late;
	p->h[0] = (uint64_t)sum;
	sum = (u128)h1 + (uint64_t)(sum >> 64);
	p->h[1] = (uint64_t)sum;
	p->h[2] = h2 + (uint64_t)(sum >> 64);
	t->r0 = t->r1 = t->s1 = 0;
}

/* Assembly leaves the state in memory. */
always_inline void wipe_state_ssse3(vec x[16])
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = _mm_setzero_si128();
	__asm__ volatile("" : : "r"(x) : "memory");
}

#endif
