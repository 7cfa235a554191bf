/* Dumps of a kernel: messages, each after its 16-bit length in little endian. A valid dump is unchanged after encoding and
 * decoding it, with several message sizes. */
#include <assert.h>
#include <stdlib.h>

#include "ipc/genl_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool decode_all(struct wg_device *d, const uint8_t *p, size_t n)
{
	size_t size;

	while (n >= 2) {
		size = (size_t)(p[0] | p[1] << 8);
		p += 2;
		n -= 2;
		if (size > n)
			size = n;
		if (genl_decode(d, p, size) != 0)
			return false;
		p += size;
		n -= size;
	}
	return true;
}

static void same_peer(const struct wg_peer *a, const struct wg_peer *b)
{
	const uint32_t kept = WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_KEEPALIVE | WG_PEER_HAS_PSK;

	assert(memcmp(a->public_key.b, b->public_key.b, KEY_BYTES) == 0);
	assert((a->flags & kept) == (b->flags & kept));
	assert(endpoint_equal(&a->endpoint, &b->endpoint) || !(a->flags & WG_PEER_HAS_ENDPOINT));
	assert(a->n_allowedips == b->n_allowedips);
	for (uint32_t i = 0; i < a->n_allowedips; i++)
		assert(prefix_equal(&a->allowedips[i].prefix, &b->allowedips[i].prefix));
}

/* Neighbouring peers with the same key would be merged; a kernel does not send them. */
static bool has_equal_neighbours(const struct wg_device *d)
{
	for (uint32_t i = 1; i < d->n_peers; i++)
		if (memcmp(d->peers[i - 1].public_key.b, d->peers[i].public_key.b, KEY_BYTES) == 0)
			return true;
	return false;
}

static void round_trip(const struct wg_device *d, size_t cap)
{
	uint8_t *message = malloc(cap);
	struct wg_device back = { 0 };
	struct genl_encoder e;
	size_t n;

	genl_encoder_init(&e, d);
	while ((n = genl_encode(&e, message, cap)) > 0)
		assert(genl_decode(&back, message, n) == 0);
	assert(!e.failed);
	assert(back.n_peers == d->n_peers);
	for (uint32_t i = 0; i < d->n_peers; i++)
		same_peer(&d->peers[i], &back.peers[i]);
	device_free(&back);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wg_device d = { 0 };

	if (decode_all(&d, data, n) && !has_equal_neighbours(&d)) {
		round_trip(&d, GENL_PAYLOAD_MIN + n % 64);
		round_trip(&d, GENL_PAYLOAD_MAX);
	}
	device_free(&d);
	return 0;
}
