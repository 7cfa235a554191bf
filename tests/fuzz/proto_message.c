/* Fuzz target: arbitrary bytes as a datagram for a tunnel without peers, and as an inner packet. Calls functions inside libwgproto:
 * for a valid mac1, and for the parser of packets. */
#include <stdlib.h>
#include "crypto/crypto.h"
#include "proto/cookie.h"
#include "proto/packet.h"
#include "proto/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void env_random(void *ctx, void *p, size_t n)
{
	(void)ctx;
	memset(p, 0x42, n);
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

/* Unchanged, or with a valid mac1, so that the code behind that check is reached. */
static void datagram(struct wg_tunnel *t, const struct wg_public *pub, const uint8_t *data, size_t n,
		     bool with_mac1)
{
	uint8_t *in = malloc(n), *dst = malloc(n > 16 ? n - 16 : 1), *out = malloc(WG_DATAGRAM_MAX);
	struct wg_buf buf = { .src = in, .dst = dst, .n = (uint32_t)n };
	struct wg_path path = { .remote = { .port = 1 } }, to;
	struct wg_batch b = { &buf, 1, &path, 1 };
	struct cookie_maker maker = { 0 };
	struct wg_buf next = { .dst = out };

	if (!in || !dst || !out)
		abort();
	memcpy(in, data, n);
	if (with_mac1 && n >= MSG_MACS_BYTES)
		cookie_add_macs(&maker, 1, in, n, pub);
	path.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 });
	tunnel_open(t, 1, &b);
	if (buf.verdict == WG_TO_TUN)
		abort(); /* there are no peers */
	tunnel_control_udp(t, 1, &b, n > 0 && data[n - 1] & 1);
	while (tunnel_control_next(t, 1, &next, &to))
		if (next.out_n != MSG_COOKIE_BYTES || next.out_n >= n)
			abort(); /* an unknown sender gets a cookie reply at most, and no amplification */
	free(in);
	free(dst);
	free(out);
}

static void packet(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct packet_ip ip;

	if (!copy)
		abort();
	memcpy(copy, data, n);
	if (packet_parse(&ip, copy, n)) {
		packet_merge_ecn(copy, &ip, copy[n - 1]);
		if (!packet_parse(&ip, copy, n) || packet_padded(n, ip.claimed) < n)
			abort();
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct wg_tunnel *t;
	static struct wg_public pub;
	struct wg_env env = { .random = env_random, .realtime = env_realtime };
	struct wg_private key = { { 8, 1 } };

	if (!t) {
		t = tunnel_new(&env);
		if (!t)
			abort();
		tunnel_set_private_key(t, &key);
		tunnel_up(t, 0);
		if (!tunnel_public_key(t, &pub))
			abort();
	}
	if (n > WG_DATAGRAM_MAX)
		return 0;
	packet(data, n);
	if (n > 0) {
		datagram(t, &pub, data, n, false);
		datagram(t, &pub, data, n, true);
	}
	return 0;
}
