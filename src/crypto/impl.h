/* Compiler and architecture facts that all implementations share.
 *
 * An implementation of a primitive is a source file per instruction set. The suffix of its name is the instruction
 * set, which selects the compiler flags (isa_* in the Makefile; x64 needs none); for another architecture it compiles to
 * nothing.
 * Its functions are declared in the header of the primitive (chacha20.h, poly1305.h, aead.h, blake2s.h, x25519.h),
 * and dispatch.c has a table of implementations per primitive. The portable one needs no CPU feature and is the
 * specification: tests compare all others with it. */
#ifndef WG_CRYPTO_IMPL_H
#define WG_CRYPTO_IMPL_H

#include <assert.h>
#include "base/mem.h"
#include "crypto.h"

#if defined(__x86_64__)
#define CRYPTO_X86 1
#else
#define CRYPTO_X86 0
#endif
#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CRYPTO_NEON 1
#else
#define CRYPTO_NEON 0
#endif
/* 64 x 64 -> 128 bit products. Tests define CRYPTO_32BIT to compile the code for machines without them. */
#if defined(__SIZEOF_INT128__) && !defined(CRYPTO_32BIT)
#define CRYPTO_INT128 1
__extension__ typedef unsigned __int128 u128;
#else
#define CRYPTO_INT128 0
#endif

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define CRYPTO_MSAN 1
#endif
#endif

#define always_inline static inline __attribute__((always_inline))

/* In front of a short loop over an array that is to live in registers: indices must become constants. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* In front of loops that copy words between memory and lanes: the gathers and scatters that clang would use are
 * slower, and MSan reports them as uses of the copied values. */
#if defined(__clang__)
#define NO_VECTORIZE _Pragma("clang loop vectorize(disable)")
#else
#define NO_VECTORIZE
#endif

/* value_barrier() for a vector register. */
#ifndef vector_barrier
#define vector_barrier(v) __asm__("" : "+v"(v))
#endif

/* After a step of a vector kernel, for gcc only: it otherwise computes all products before the first addition and
 * spills. clang schedules these kernels well, and spills when it meets the barriers. */
#if defined(__clang__)
#define GCC_VECTOR_BARRIER(v) ((void)0)
#else
#define GCC_VECTOR_BARRIER(v) vector_barrier(v)
#endif

#endif
