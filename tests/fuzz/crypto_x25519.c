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
	uint8_t expected[32], out[32];

	if (n < 64)
		return 0;
	ladder(expected, data, data + 32);
	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if ((impl->needs & ~cpu_features()) == 0) {
			impl->mul(out, data, data + 32);
			if (memcmp(out, expected, sizeof out) != 0)
				abort();
		}
		if (impl->needs == 0)
			break;
	}
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		memcpy(&jobs[i].key, data, 32);
		memcpy(&jobs[i].u, data + 32 * (1 + i % (n / 32 - 1)), 32);
	}
	x25519_batch(jobs, ARRAY_LEN(jobs));
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		x25519_mul_portable(out, jobs[i].key.b, jobs[i].u.b);
		if (memcmp(out, jobs[i].out.b, sizeof out) != 0 ||
		    jobs[i].ok == mem_is_zero_ct(out, sizeof out))
			abort();
	}
	return 0;
}
