/* CPU features: CPUID, and for wide registers also whether the operating system saves them (XCR0); their names. */
#include "impl.h"
#if CRYPTO_X86
#include <cpuid.h>
#endif

enum { FEATURES_KNOWN = 1u << 31 }; /* in `detected`: detect() has run */

/* What every CPU with the feature has; "avx2" alone would otherwise choose nothing, because AVX2 code needs BMI2. */
enum {
	WITH_AVX2 = CPU_AVX2 | CPU_BMI2 | CPU_SSSE3,
	WITH_AVX512 = CPU_AVX512 | WITH_AVX2 | CPU_ADX,
};

static uint32_t detected;

#if CRYPTO_X86
static uint64_t xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

/* Executes CPUID twice only: in a virtual machine each is an exit to the hypervisor, measured at 7 to 10 µs or 1 %
 * of `wg pubkey`. The highest leaf need not be queried: every 64-bit CPU has leaf 1, and a CPU with AVX has leaf 13
 * (XSAVE), hence also leaf 7. */
static uint32_t detect(void)
{
	const uint32_t avx_state = 0x6, avx512_state = 0xe6;
	const uint32_t f_vl_bw_dq = bit_AVX512F | bit_AVX512VL | bit_AVX512BW | bit_AVX512DQ;
	uint32_t a, b, c, d, ecx1, out = 0;
	uint64_t saved = 0;

	__cpuid(1, a, b, ecx1, d);
	if (ecx1 & bit_SSSE3)
		out |= CPU_SSSE3;
	if (ecx1 & bit_OSXSAVE)
		saved = xcr0();
	if (!(ecx1 & bit_AVX))
		return out;
	__cpuid_count(7, 0, a, b, c, d);
	if (b & bit_BMI2)
		out |= CPU_BMI2;
	if (b & bit_ADX)
		out |= CPU_ADX;
	if ((b & bit_AVX2) && (saved & avx_state) == avx_state)
		out |= CPU_AVX2;
	if ((out & CPU_AVX2) && (b & f_vl_bw_dq) == f_vl_bw_dq &&
	    (saved & avx512_state) == avx512_state)
		out |= CPU_AVX512 | (b & bit_AVX512IFMA ? CPU_IFMA : 0);
	return out;
}
#elif CRYPTO_NEON
static uint32_t detect(void)
{
	return CPU_NEON; /* mandatory in AArch64 */
}
#else
static uint32_t detect(void)
{
	return 0;
}
#endif

uint32_t cpu_features(void)
{
	uint32_t f = __atomic_load_n(&detected, __ATOMIC_RELAXED);

	if (f == 0) {
		f = detect() | FEATURES_KNOWN;
		__atomic_store_n(&detected, f, __ATOMIC_RELAXED);
	}
	return f & ~(uint32_t)FEATURES_KNOWN;
}

bool cpu_parse(uint32_t *features, const char *names)
{
	static const struct {
		const char *name;
		uint32_t bits;
	} known[] = {
		{ "generic", 0 },	  { "ssse3", CPU_SSSE3 },      { "bmi2", CPU_BMI2 },
		{ "adx", CPU_ADX },	  { "avx2", WITH_AVX2 },       { "avx512", WITH_AVX512 },
		{ "ifma", WITH_AVX512 | CPU_IFMA },		       { "neon", CPU_NEON },
	};
	uint32_t out = 0;

	for (const char *p = names;; p++) {
		size_t n = strcspn(p, ","), i = 0;
		while (i < ARRAY_LEN(known) &&
		       (strlen(known[i].name) != n || memcmp(known[i].name, p, n) != 0))
			i++;
		if (i == ARRAY_LEN(known))
			return false;
		out |= known[i].bits;
		p += n;
		if (*p == '\0')
			break;
	}
	*features = out;
	return true;
}
