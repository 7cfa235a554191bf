/* Runs of packets: every implementation seals like the portable one and opens what it sealed; if bits of a packet are
 * flipped, only that packet is refused. Input: 32 bytes of key, then per packet two bytes of size and one byte with the
 * bits to flip; the rest is plaintext. Calls functions inside libwgproto, which seals with the counters and keys of sessions. */
#include <stdlib.h>
#include "crypto/aead.h"
#include "crypto/dispatch.h"

enum { PACKETS_MAX = 40, SIZE = 2000 };

static uint8_t text[SIZE + 64], expected[PACKETS_MAX][SIZE + 16], sealed[PACKETS_MAX][SIZE + 16];

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_impl(const struct aead_impl *impl, const struct aead_packet *packets, size_t n,
		      const uint8_t *flip, const struct wg_sym *key)
{
	struct aead_packet run[PACKETS_MAX];

	for (size_t i = 0; i < n; i++) {
		run[i] = packets[i];
		run[i].dst = sealed[i];
		memcpy(sealed[i], packets[i].src, packets[i].n); /* in place for every other packet */
		if (i % 2)
			run[i].src = sealed[i];
	}
	impl->seal_run(run, n, key);
	for (size_t i = 0; i < n; i++) {
		check(memcmp(sealed[i], expected[i], packets[i].n + 16) == 0);
		if (flip[i])
			sealed[i][flip[i] % (packets[i].n + 16)] ^= flip[i];
		run[i].src = sealed[i];
	}
	impl->open_run(run, n, key);
	for (size_t i = 0; i < n; i++) {
		check(run[i].ok == !flip[i]);
		check(flip[i] ? mem_is_zero_ct(run[i].dst, packets[i].n) :
				memcmp(run[i].dst, packets[i].src, packets[i].n) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct aead_packet run[PACKETS_MAX];
	uint8_t flip[PACKETS_MAX];
	struct wg_sym key;
	size_t packets = 0;

	if (n < sizeof key + 3)
		return 0;
	memcpy(&key, data, sizeof key);
	data += sizeof key;
	n -= sizeof key;
	for (; n >= 3 && packets < PACKETS_MAX; data += 3, n -= 3) {
		flip[packets] = data[2];
		run[packets++] = (struct aead_packet){ .n = (uint32_t)((data[0] | data[1] << 8) % SIZE),
						       .counter = load_be16(data) };
	}
	memset(text, 0x77, sizeof text);
	memcpy(text, data, n < sizeof text ? n : sizeof text);
	for (size_t i = 0; i < packets; i++) {
		run[i].src = text + i; /* unaligned */
		run[i].dst = expected[i];
	}
	aead_seal_run_portable(run, packets, &key);
	for (const struct aead_impl *impl = crypto_tables.aead; impl->needs; impl++)
		if ((impl->needs & ~cpu_features()) == 0)
			check_impl(impl, run, packets, flip, &key);
	return 0;
}
