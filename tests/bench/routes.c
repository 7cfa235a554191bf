/* Cost of routes_find() with up to a million prefixes. Prints one JSON line per kind and size of table: prefixes, ns to
 * add one, ns per lookup one by one and in batches of 64 (mean CPU time of addresses in random order, median of five
 * rounds), bytes per prefix. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/routes.h"

static uint64_t random_state = 1;

static uint64_t random_u64(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

typedef void make_fn(struct ip_prefix *out, uint32_t i);

static void random_v4_host(struct ip_prefix *out, uint32_t i)
{
	(void)i;
	out->addr.family = IP_V4;
	store_be32(out->addr.b, (uint32_t)random_u64());
	out->bits = 32;
}

static void consecutive_v4_hosts(struct ip_prefix *out, uint32_t i)
{
	out->addr.family = IP_V4;
	store_be32(out->addr.b, 0x0a000000 + i);
	out->bits = 32;
}

static void mixed_v4(struct ip_prefix *out, uint32_t i)
{
	struct ip_addr a = { .family = IP_V4 };

	(void)i;
	store_be32(a.b, (uint32_t)random_u64());
	if (!prefix_make(out, &a, 16 + (unsigned int)(random_u64() % 17)))
		abort();
}

static void random_v6_64(struct ip_prefix *out, uint32_t i)
{
	(void)i;
	out->addr.family = IP_V6;
	store_be64(out->addr.b, 0x2000000000000000ull | random_u64() >> 4);
	out->bits = 64;
}

static void v6_hosts_of_one_64(struct ip_prefix *out, uint32_t i)
{
	(void)i;
	out->addr.family = IP_V6;
	store_be64(out->addr.b, 0xfd00000000000000ull);
	store_be64(out->addr.b + 8, random_u64());
	out->bits = 128;
}

enum { LOOKUPS = 1000000, ROUNDS = 5 };

static uintptr_t sum; /* of the results, so that the compiler keeps the lookups */

static double find_one_by_one(const struct routes *routes, const struct ip_addr *addresses, uint32_t n)
{
	uint64_t start = now_ns();

	for (uint32_t i = 0, j = 0; i < LOOKUPS; i++, j = j + 1 < n ? j + 1 : 0)
		sum += (uintptr_t)routes_find(routes, addresses[j].family, addresses[j].b);
	return (double)(now_ns() - start) / LOOKUPS;
}

static double find_in_batches(const struct routes *routes, const struct ip_addr *addresses, uint32_t n)
{
	uint64_t start = now_ns();

	for (uint32_t i = 0, j = 0; i < LOOKUPS; i += ROUTE_QUERIES_MAX) {
		struct route_query q[ROUTE_QUERIES_MAX];

		for (size_t k = 0; k < ROUTE_QUERIES_MAX; k++, j = j + 1 < n ? j + 1 : 0)
			q[k] = (struct route_query){ NULL, addresses[j].b, addresses[j].family };
		routes_find_many(routes, q, ROUTE_QUERIES_MAX);
		sum += (uintptr_t)q[0].owner;
	}
	return (double)(now_ns() - start) / LOOKUPS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

typedef double find_fn(const struct routes *routes, const struct ip_addr *addresses, uint32_t n);

static double median(find_fn *find, const struct routes *routes, const struct ip_addr *addresses, uint32_t n)
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = find(routes, addresses, n);
	qsort(ns, ROUNDS, sizeof *ns, by_value);
	return ns[ROUNDS / 2];
}

static void measure(const char *name, make_fn *make, uint32_t n)
{
	struct routes routes = { 0 };
	struct routes_owner *owners = calloc(n, sizeof *owners);
	struct ip_addr *addresses = calloc(n, sizeof *addresses);
	size_t before = mallinfo2().uordblks, used;
	uint64_t start, added;
	double one, many;

	if (!owners || !addresses)
		abort();
	start = now_ns();
	for (uint32_t i = 0; i < n; i++) {
		struct ip_prefix p = { 0 };

		make(&p, i);
		if (!routes_add(&routes, &owners[i], &p))
			abort();
		addresses[i] = p.addr;
	}
	added = now_ns() - start;
	used = mallinfo2().uordblks - before;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(random_u64() % (i + 1));
		struct ip_addr a = addresses[i];

		addresses[i] = addresses[j];
		addresses[j] = a;
	}
	one = median(find_one_by_one, &routes, addresses, n);
	many = median(find_in_batches, &routes, addresses, n);
	printf("{\"bench\":\"routes\",\"table\":\"%s\",\"prefixes\":%u,\"add_ns\":%.0f,"
	       "\"find_ns\":%.1f,\"find_in_batch_ns\":%.1f,\"bytes\":%.1f,\"sum\":%u}\n",
	       name, n, (double)added / n, one, many, (double)used / n,
	       (unsigned int)(sum & 0xff));
	routes_free(&routes);
	free(owners);
	free(addresses);
}

int main(void)
{
	static const uint32_t sizes[] = { 1, 1000, 100000, 1000000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		measure("v4 /32 random", random_v4_host, sizes[i]);
		measure("v4 /32 consecutive", consecutive_v4_hosts, sizes[i]);
		measure("v4 /16-/32 random", mixed_v4, sizes[i]);
		measure("v6 /64 random", random_v6_64, sizes[i]);
		measure("v6 /128 random in one /64", v6_hosts_of_one_64, sizes[i]);
	}
	return 0;
}
