/* Runs of packets: every row seals as the portable one does and opens what it sealed; a flipped bit
 * refuses its packet alone. Input: 32 bytes of key, then per packet two bytes of size, one of what to
 * flip; the rest is text. */
#include <stdlib.h>
#include "crypto/impl.h"

enum { MOST = 40, SIZE = 2000 };

static uint8_t text[SIZE + 64], right[MOST][SIZE + 16], sealed[MOST][SIZE + 16];

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_row(const struct aead_impl *row, const struct aead_packet *want, size_t n,
		      const uint8_t *flip, const struct wg_sym *key)
{
	struct aead_packet run[MOST];

	for (size_t i = 0; i < n; i++) {
		run[i] = want[i];
		run[i].dst = sealed[i];
		memcpy(sealed[i], want[i].src, want[i].n); /* in place for every other packet */
		if (i % 2)
			run[i].src = sealed[i];
	}
	row->seal_run(run, n, key);
	for (size_t i = 0; i < n; i++) {
		check(memcmp(sealed[i], right[i], want[i].n + 16) == 0);
		if (flip[i])
			sealed[i][flip[i] % (want[i].n + 16)] ^= flip[i];
		run[i].src = sealed[i];
	}
	row->open_run(run, n, key);
	for (size_t i = 0; i < n; i++) {
		check(run[i].ok == !flip[i]);
		check(flip[i] ? mem_is_zero_ct(run[i].dst, want[i].n) :
				memcmp(run[i].dst, want[i].src, want[i].n) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct aead_packet run[MOST];
	uint8_t flip[MOST];
	struct wg_sym key;
	size_t packets = 0;

	if (n < sizeof key + 3)
		return 0;
	memcpy(&key, data, sizeof key);
	data += sizeof key;
	n -= sizeof key;
	for (; n >= 3 && packets < MOST; data += 3, n -= 3) {
		flip[packets] = data[2];
		run[packets++] = (struct aead_packet){ .n = (uint32_t)((data[0] | data[1] << 8) % SIZE),
						       .counter = load_be16(data) };
	}
	memset(text, 0x77, sizeof text);
	memcpy(text, data, n < sizeof text ? n : sizeof text);
	for (size_t i = 0; i < packets; i++) {
		run[i].src = text + i; /* unaligned */
		run[i].dst = right[i];
	}
	aead_seal_run_portable(run, packets, &key);
	for (const struct aead_impl *row = crypto_tables.aead; row->needs; row++)
		if ((row->needs & ~cpu_features()) == 0)
			check_row(row, run, packets, flip, &key);
	return 0;
}
