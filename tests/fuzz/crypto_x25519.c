/* X25519: all implementations, the field for 32-bit machines and batches agree. Input: scalar, u, and more values of u for
 * the other jobs of a batch. Calls functions inside libwgproto, which clamps scalars and chooses one implementation. */
#include <stdlib.h>
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "crypto/x25519/fe25.h"
#include "crypto/x25519/x25519_single.inc"

enum { JOBS = 8 };

static void check_batch(const struct x25519_batch_impl *impl, struct x25519_job jobs[JOBS],
			const uint8_t expected[JOBS][32], size_t values)
{
	crypto_restrict(impl->needs);
	x25519_batch(jobs, JOBS);
	for (size_t i = 0; i < JOBS; i++)
		if (memcmp(expected[i % values], jobs[i].out.b, 32) != 0 ||
		    jobs[i].ok == mem_is_zero_ct(expected[i % values], 32))
			abort();
	crypto_restrict(UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct x25519_job jobs[JOBS] = { 0 };
	uint8_t expected[32], out[JOBS][32];
	size_t values = n / 32 - 1;

	if (n < 64)
		return 0;
	values = values < JOBS ? values : JOBS;
	ladder(expected, data, data + 32);
	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if ((impl->needs & ~cpu_features()) == 0) {
			impl->mul(out[0], data, data + 32);
			if (memcmp(out[0], expected, sizeof expected) != 0)
				abort();
		}
		if (impl->needs == 0)
			break;
	}
	for (size_t i = 0; i < JOBS; i++) {
		memcpy(&jobs[i].key, data, 32);
		memcpy(&jobs[i].u, data + 32 * (1 + i % values), 32);
	}
	for (size_t i = 0; i < values; i++)
		x25519_mul_portable(out[i], jobs[i].key.b, jobs[i].u.b);
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch; impl->needs; impl++) {
		if ((impl->needs & ~cpu_features()) == 0)
			check_batch(impl, jobs, out, values);
	}
	return 0;
}
