/* Poly1305: every implementation, and the 26-bit limbs for 32-bit machines, against the portable one, from any state that
 * can occur within a message. Input: key, accumulator, then whole blocks. Calls functions inside libwgproto, as no packet
 * leads to a given state. */
#include <stdlib.h>
#include "crypto/dispatch.h"
#include "crypto/poly1305.h"
#include "crypto/poly1305/poly1305_limbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct poly1305_impl *impl = crypto_tables.poly1305;
	struct poly1305 start, p;
	uint8_t expected[16], tag[16];

	if (n < 32 + 17)
		return 0;
	poly1305_init(&start, data);
	start.h[0] = load_le64(data + 32);
	start.h[1] = load_le64(data + 40);
	start.h[2] = data[48] & 7;
	data += 49;
	n = (n - 49) & ~(size_t)15;
	p = start;
	poly1305_blocks_portable(&p, data, n);
	poly1305_tag(expected, &p);
	for (; impl->needs; impl++) {
		if ((impl->needs & ~cpu_features()) != 0)
			continue;
		p = start;
		impl->blocks(&p, data, n);
		poly1305_tag(tag, &p);
		if (memcmp(tag, expected, sizeof tag) != 0 || p.h[2] > 7)
			abort();
	}
	p = start;
	limbs_blocks(&p, data, n, 1);
	poly1305_tag(tag, &p);
	if (memcmp(tag, expected, sizeof tag) != 0)
		abort();
	return 0;
}
