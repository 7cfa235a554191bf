/* Cost of up to a million idle peers in the protocol core: seconds to configure them (key, endpoint, one IPv4 and one
 * IPv6 allowed IP each, without Diffie-Hellman), resident bytes per peer, ns to remove one. Prints JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "proto/tunnel.h"

static uint64_t random_state = 1;

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

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static double resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long total, resident = 0;

	if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2)
		abort();
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void configure(struct wg_tunnel *t, uint32_t i)
{
	struct ip_endpoint endpoint = { .port = 51820 };
	struct wg_tunnel_peer *p;
	struct ip_prefix prefix = { .bits = 32 };
	struct wg_public key;

	env_random(NULL, &key, sizeof key);
	must(tunnel_peer_add(&p, t, &key) == 0);
	endpoint.addr.family = prefix.addr.family = IP_V4;
	store_be32(endpoint.addr.b, 0xc6120000 + i);
	tunnel_peer_set_endpoint(t, p, &endpoint);
	store_be32(prefix.addr.b, 0x0a000000 + i);
	must(tunnel_route_add(t, p, &prefix) == 0);
	prefix = (struct ip_prefix){ .bits = 128 };
	prefix.addr.family = IP_V6;
	prefix.addr.b[0] = 0xfd;
	store_be32(prefix.addr.b + 12, i);
	must(tunnel_route_add(t, p, &prefix) == 0);
	tunnel_peer_flush(t, p);
}

static void measure(uint32_t n)
{
	struct wg_env env = { .random = env_random, .realtime = env_realtime };
	struct wg_private key = { { 8 } };
	struct wg_tunnel *t = tunnel_new(&env);
	double before = resident_bytes(), bytes;
	uint64_t start = cpu_ns(), added;

	must(t != NULL);
	tunnel_set_private_key(t, &key);
	tunnel_up(t, 1);
	for (uint32_t i = 0; i < n; i++)
		configure(t, i);
	added = cpu_ns() - start;
	bytes = resident_bytes() - before;
	must(tunnel_deadline(t) == NEVER);
	start = cpu_ns();
	for (uint32_t i = 0; i < n / 2; i++)
		tunnel_peer_remove(t, tunnel_peer_next(t, NULL));
	printf("{\"bench\":\"peers\",\"peers\":%u,\"configure_s\":%.3f,\"bytes\":%.0f,"
	       "\"remove_ns\":%.0f}\n",
	       n, (double)added / 1e9, bytes / n, (double)(cpu_ns() - start) / (n / 2));
	tunnel_free(t);
}

int main(void)
{
	measure(1000);
	measure(100000);
	measure(1000000);
	return 0;
}
