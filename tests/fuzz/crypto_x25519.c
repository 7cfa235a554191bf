/* X25519: all implementations, the field for 32-bit machines and batches agree. Input: scalar, u, and more values of u for
 * the other jobs of a batch. */
#include <stdlib.h>
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "crypto/x25519/fe25.h"
#include "crypto/x25519/x25519_single.inc"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct x25519_job jobs[8] = { 0 };
	uint8_t expected[32], out[ARRAY_LEN(jobs)][32];
	size_t values = n / 32 - 1;

	if (n < 64)
		return 0;
	values = values < ARRAY_LEN(jobs) ? values : ARRAY_LEN(jobs);
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
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		memcpy(&jobs[i].key, data, 32);
		memcpy(&jobs[i].u, data + 32 * (1 + i % values), 32);
	}
	x25519_batch(jobs, ARRAY_LEN(jobs));
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		if (i < values)
			x25519_mul_portable(out[i], jobs[i].key.b, jobs[i].u.b);
		if (memcmp(out[i % values], jobs[i].out.b, sizeof out[0]) != 0 ||
		    jobs[i].ok == mem_is_zero_ct(out[i % values], sizeof out[0]))
			abort();
	}
	return 0;
}
