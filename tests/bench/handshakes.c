/* What an answered handshake costs the responder: initiations of strangers met for the first time, in
 * batches of 1 and of 64, and what refusing costs: a wrong mac1, and a cookie under load. What one costs
 * who begins it: the initiation, and the response with the keepalive that follows. CPU time, JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/crypto.h"
#include "proto/message.h"
#include "proto/tunnel.h"

enum { N = 1024 };

static uint64_t random_state = 1;
static const uint64_t NOW = 1000 * NS_PER_S;
static uint8_t messages[N][MSG_INITIATION_BYTES];
static struct wg_public initiators[N];

static void env_random(void *ctx, void *p, size_t n)
{
	uint8_t *out = p;

	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
		out[i] = (uint8_t)(random_state >> 56);
	}
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct wg_tunnel *tunnel(struct wg_public *pub)
{
	struct wg_env env = { .random = env_random, .realtime = env_realtime };
	struct wg_tunnel *t = tunnel_new(&env);
	struct wg_private key;

	must(t != NULL);
	env_random(NULL, &key, sizeof key);
	tunnel_set_private_key(t, &key);
	must(tunnel_public_key(t, pub));
	tunnel_up(t, NOW);
	return t;
}

static void initiate(uint32_t i, const struct wg_public *responder)
{
	static uint8_t room[WG_DATAGRAM_MAX];
	struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }) };
	struct wg_tunnel *t = tunnel(&initiators[i]);
	struct wg_buf out = { .dst = room };
	struct wg_tunnel_peer *p;
	struct wg_path to;

	must(tunnel_peer_add(&p, t, responder) == 0);
	tunnel_peer_set_endpoint(t, p, &endpoint);
	tunnel_peer_set_keepalive(t, NOW, p, 1);
	tunnel_tick(t, NOW);
	must(tunnel_control_next(t, NOW, &out, &to) && out.out_n == MSG_INITIATION_BYTES);
	memcpy(messages[i], room, MSG_INITIATION_BYTES);
	tunnel_free(t);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* All messages, of n bytes, through a tunnel; says how many datagrams of `want` bytes came back. */
static uint32_t feed(struct wg_tunnel *t, uint32_t n, size_t batch, bool under_load, uint32_t want)
{
	static uint8_t room[WG_DATAGRAM_MAX], rooms[64][MSG_INITIATION_BYTES];
	struct wg_path path = { .remote = { .port = 1 } }, to;
	struct wg_buf bufs[64], out = { .dst = room };
	uint32_t answers = 0;

	path.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 9 });
	for (size_t i = 0; i < N; i += batch) {
		struct wg_batch b = { bufs, batch, &path, 1 };

		for (size_t k = 0; k < batch; k++)
			bufs[k] = (struct wg_buf){ .src = messages[i + k], .dst = rooms[k],
						   .n = n };
		tunnel_open(t, NOW, &b);
		tunnel_control_udp(t, NOW, &b, under_load);
		while (tunnel_control_next(t, NOW, &out, &to))
			answers += out.out_n == want;
	}
	return answers;
}

static void tell(const char *what, size_t batch, uint64_t ns)
{
	printf("{\"bench\":\"handshakes\",\"what\":\"%s\",\"batch\":%zu,\"us\":%.2f,\"x25519_batch\":\"%s\"}\n",
	       what, batch, (double)ns / 1e3 / N, crypto_impl_name("x25519-batch"));
}

static void measure(const char *what, size_t batch, bool under_load, uint32_t want)
{
	struct wg_tunnel_peer *p;
	struct wg_public pub;
	struct wg_tunnel *t;
	uint64_t start;
	uint32_t answers;

	random_state = 1;
	t = tunnel(&pub);
	for (uint32_t i = 0; i < N; i++)
		initiate(i, &pub);
	for (uint32_t i = 0; i < N; i++)
		must(tunnel_peer_add(&p, t, &initiators[i]) == 0);
	for (uint32_t i = 0; want == 0 && i < N; i++)
		messages[i][MSG_INITIATION_BYTES - 20] ^= 1; /* mac1 */
	start = cpu_ns();
	answers = feed(t, MSG_INITIATION_BYTES, batch, under_load, want);
	start = cpu_ns() - start;
	must(answers == (want ? N : 0));
	tell(what, batch, start);
	tunnel_free(t);
}

/* The responder's part of a handshake, on nobody's account: messages[i] is answered in place. */
static void answer(uint32_t i, struct wg_tunnel *responder)
{
	static uint8_t room[WG_DATAGRAM_MAX];
	struct wg_path path = { .remote = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 9 }),
					    .port = 1 } };
	struct wg_buf buf = { .src = messages[i], .dst = room, .n = MSG_INITIATION_BYTES };
	struct wg_batch b = { &buf, 1, &path, 1 };

	tunnel_open(responder, NOW, &b);
	tunnel_control_udp(responder, NOW, &b, false);
	must(tunnel_control_next(responder, NOW, &buf, &path) && buf.out_n == MSG_RESPONSE_BYTES);
	memcpy(messages[i], room, MSG_RESPONSE_BYTES);
}

/* A hub begins with N others, `batch` at a time. */
static void measure_begun(size_t batch)
{
	static uint8_t room[WG_DATAGRAM_MAX];
	static struct wg_tunnel *others[N];
	static struct wg_tunnel_peer *peers[N];
	struct wg_public pub, other;
	struct wg_tunnel *t = tunnel(&pub);
	struct wg_tunnel_peer *p;
	struct wg_path to;
	uint64_t start;
	uint32_t n = 0;

	for (uint16_t i = 0; i < N; i++) {
		struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }), .port = i };

		others[i] = tunnel(&other);
		must(tunnel_peer_add(&p, others[i], &pub) == 0);
		must(tunnel_peer_add(&peers[i], t, &other) == 0);
		tunnel_peer_set_endpoint(t, peers[i], &endpoint);
	}
	start = cpu_ns();
	for (size_t i = 0; i < N; i += batch) {
		struct wg_buf out = { .dst = room };

		for (size_t k = 0; k < batch; k++)
			tunnel_peer_set_keepalive(t, NOW, peers[i + k], 25);
		tunnel_tick(t, NOW);
		while (tunnel_control_next(t, NOW, &out, &to)) {
			must(out.out_n == MSG_INITIATION_BYTES);
			memcpy(messages[to.remote.port], room, MSG_INITIATION_BYTES);
			n++;
		}
	}
	tell("begun", batch, cpu_ns() - start);
	must(n == N);
	for (uint32_t i = 0; i < N; i++)
		answer(i, others[i]);
	start = cpu_ns();
	must(feed(t, MSG_RESPONSE_BYTES, batch, false, WG_OVERHEAD) == N);
	tell("completed", batch, cpu_ns() - start);
	for (uint32_t i = 0; i < N; i++)
		tunnel_free(others[i]);
	tunnel_free(t);
}

int main(void)
{
	measure("answered", 1, false, MSG_RESPONSE_BYTES);
	measure("answered", 64, false, MSG_RESPONSE_BYTES);
	measure_begun(1);
	measure_begun(64);
	measure("cookie", 64, true, MSG_COOKIE_BYTES);
	measure("wrong mac1", 64, false, 0);
	return 0;
}
