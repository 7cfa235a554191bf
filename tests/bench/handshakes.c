/* Prints the CPU time per handshake as JSON lines. For the responder: answering initiations of peers without a session, in
 * batches of 1 and of 64, refusing those with a wrong mac1, and sending cookies under load. For the initiator: sending
 * an initiation, and processing a response and sending the keepalive that follows. WG_CPU restricts the cryptography, as
 * for wireguardd. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/crypto.h"
#include "proto/message.h"
#include "proto/tunnel.h"

enum { HANDSHAKES = 1024 };

static uint64_t random_state = 1;
static const uint64_t NOW = 1000 * NS_PER_S;
static uint8_t messages[HANDSHAKES][MSG_INITIATION_BYTES];
static struct wg_public initiators[HANDSHAKES];

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
	static uint8_t datagram[WG_DATAGRAM_MAX];
	struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }) };
	struct wg_tunnel *t = tunnel(&initiators[i]);
	struct wg_buf out = { .dst = datagram };
	struct wg_tunnel_peer *p;
	struct wg_path to;

	must(tunnel_peer_add(&p, t, responder) == 0);
	tunnel_peer_set_endpoint(t, p, &endpoint);
	tunnel_peer_set_keepalive(t, NOW, p, 1);
	tunnel_tick(t, NOW);
	must(tunnel_control_next(t, NOW, &out, &to) && out.out_n == MSG_INITIATION_BYTES);
	memcpy(messages[i], datagram, MSG_INITIATION_BYTES);
	tunnel_free(t);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Passes all messages, of n bytes, to a tunnel. Returns the number of datagrams of answer_n bytes that it sends. */
static uint32_t feed(struct wg_tunnel *t, uint32_t n, size_t batch, bool under_load, uint32_t answer_n)
{
	static uint8_t datagram[WG_DATAGRAM_MAX], opened[64][MSG_INITIATION_BYTES];
	struct wg_path path = { .remote = { .port = 1 } }, to;
	struct wg_buf bufs[64], out = { .dst = datagram };
	uint32_t answers = 0;

	path.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 9 });
	for (size_t i = 0; i < HANDSHAKES; i += batch) {
		struct wg_batch b = { bufs, batch, &path, 1 };

		for (size_t k = 0; k < batch; k++)
			bufs[k] = (struct wg_buf){ .src = messages[i + k], .dst = opened[k],
						   .n = n };
		tunnel_open(t, NOW, &b);
		tunnel_control_udp(t, NOW, &b, under_load);
		while (tunnel_control_next(t, NOW, &out, &to))
			answers += out.out_n == answer_n;
	}
	return answers;
}

static void report(const char *operation, size_t batch, uint64_t ns)
{
	printf("{\"bench\":\"handshakes\",\"operation\":\"%s\",\"batch\":%zu,\"us\":%.2f,\"x25519_batch\":\"%s\"}\n",
	       operation, batch, (double)ns / 1e3 / HANDSHAKES, crypto_impl_name("x25519-batch"));
}

/* answer_n: bytes of the expected answer; 0: none, because mac1 is wrong. */
static void measure_responder(const char *operation, size_t batch, bool under_load, uint32_t answer_n)
{
	struct wg_tunnel_peer *p;
	struct wg_public pub;
	struct wg_tunnel *t;
	uint64_t start;
	uint32_t answers;

	random_state = 1;
	t = tunnel(&pub);
	for (uint32_t i = 0; i < HANDSHAKES; i++)
		initiate(i, &pub);
	for (uint32_t i = 0; i < HANDSHAKES; i++)
		must(tunnel_peer_add(&p, t, &initiators[i]) == 0);
	for (uint32_t i = 0; answer_n == 0 && i < HANDSHAKES; i++)
		messages[i][MSG_INITIATION_BYTES - 20] ^= 1; /* mac1 */
	start = cpu_ns();
	answers = feed(t, MSG_INITIATION_BYTES, batch, under_load, answer_n);
	start = cpu_ns() - start;
	must(answers == (answer_n ? HANDSHAKES : 0));
	report(operation, batch, start);
	tunnel_free(t);
}

/* The responder's part, not measured: replaces messages[i] by its answer. */
static void answer(uint32_t i, struct wg_tunnel *responder)
{
	static uint8_t datagram[WG_DATAGRAM_MAX];
	struct wg_path path = { .remote = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 9 }),
					    .port = 1 } };
	struct wg_buf buf = { .src = messages[i], .dst = datagram, .n = MSG_INITIATION_BYTES };
	struct wg_batch b = { &buf, 1, &path, 1 };

	tunnel_open(responder, NOW, &b);
	tunnel_control_udp(responder, NOW, &b, false);
	must(tunnel_control_next(responder, NOW, &buf, &path) && buf.out_n == MSG_RESPONSE_BYTES);
	memcpy(messages[i], datagram, MSG_RESPONSE_BYTES);
}

/* One tunnel initiates handshakes with HANDSHAKES others, `batch` at a time. */
static void measure_initiator(size_t batch)
{
	static uint8_t datagram[WG_DATAGRAM_MAX];
	static struct wg_tunnel *others[HANDSHAKES];
	static struct wg_tunnel_peer *peers[HANDSHAKES];
	struct wg_public pub, other;
	struct wg_tunnel *t = tunnel(&pub);
	struct wg_tunnel_peer *p;
	struct wg_path to;
	uint64_t start;
	uint32_t n = 0;

	for (uint16_t i = 0; i < HANDSHAKES; i++) {
		struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }), .port = i };

		others[i] = tunnel(&other);
		must(tunnel_peer_add(&p, others[i], &pub) == 0);
		must(tunnel_peer_add(&peers[i], t, &other) == 0);
		tunnel_peer_set_endpoint(t, peers[i], &endpoint);
	}
	start = cpu_ns();
	for (size_t i = 0; i < HANDSHAKES; i += batch) {
		struct wg_buf out = { .dst = datagram };

		for (size_t k = 0; k < batch; k++)
			tunnel_peer_set_keepalive(t, NOW, peers[i + k], 25);
		tunnel_tick(t, NOW);
		while (tunnel_control_next(t, NOW, &out, &to)) {
			must(out.out_n == MSG_INITIATION_BYTES);
			memcpy(messages[to.remote.port], datagram, MSG_INITIATION_BYTES);
			n++;
		}
	}
	report("initiate", batch, cpu_ns() - start);
	must(n == HANDSHAKES);
	for (uint32_t i = 0; i < HANDSHAKES; i++)
		answer(i, others[i]);
	start = cpu_ns();
	must(feed(t, MSG_RESPONSE_BYTES, batch, false, WG_OVERHEAD) == HANDSHAKES);
	report("complete", batch, cpu_ns() - start);
	for (uint32_t i = 0; i < HANDSHAKES; i++)
		tunnel_free(others[i]);
	tunnel_free(t);
}

int main(void)
{
	const char *cpu = getenv("WG_CPU"); /* as wireguardd */
	uint32_t features;

	if (cpu) {
		must(cpu_parse(&features, cpu));
		crypto_restrict(features);
	}
	measure_responder("answer", 1, false, MSG_RESPONSE_BYTES);
	measure_responder("answer", 64, false, MSG_RESPONSE_BYTES);
	measure_initiator(1);
	measure_initiator(64);
	measure_responder("cookie", 64, true, MSG_COOKIE_BYTES);
	measure_responder("wrong mac1", 64, false, 0);
	return 0;
}
