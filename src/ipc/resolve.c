/* getaddrinfo(3) in a thread for each distinct name, in rounds while failures are temporary. */
#include "resolve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "lookup.h"

enum {
	THREADS_MAX = 64,
	STACK_BYTES = 256 * 1024, /* the resolver's buffers take some tens of KiB */
	RETRIES_DEFAULT = 15,
	WAIT_FIRST_US = 1000000, /* each wait is 6/5 of the previous one */
	WAIT_MAX_US = 20000000,
};

enum lookup_state { LOOKUP_PENDING, LOOKUP_FOUND, LOOKUP_FAILED };

struct lookup {
	const char *text; /* "name:port", borrowed from the first peer with it */
	enum lookup_state state;
	int error;        /* of the last getaddrinfo() */
	struct ip_endpoint endpoint;
};

struct lookups {
	struct lookup *list; /* sorted by text */
	size_t n;
	_Atomic size_t next; /* the next lookup of this round */
};

/* As strtoul(3): skips blanks and a plus sign. */
static struct span without_sign(struct span s)
{
	while (s.n > 0 && ascii_is_blank(s.p[0]))
		s = span_sub(s, 1, s.n);
	return s.n > 0 && s.p[0] == '+' ? span_sub(s, 1, s.n) : s;
}

bool resolve_retries(int *out)
{
	const char *text = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");
	uint64_t v = 0;

	*out = RETRIES_DEFAULT;
	if (!text)
		return true;
	if (strcmp(text, "infinity") == 0) {
		*out = -1;
		return true;
	}
	if (text[0] != '\0' && !span_to_u64(&v, without_sign(span_of(text)), INT_MAX))
		return false;
	*out = (int)v;
	return true;
}

/* ---- one name ---- */

static bool is_permanent(int error)
{
	return error == EAI_NONAME || error == EAI_FAIL || error == EAI_NODATA || error == EAI_SERVICE;
}

/* Splits "name:port" or "[name]:port". 0, or an error code of getaddrinfo(). */
static int host_split(char host[NI_MAXHOST], uint16_t *port, const char *text)
{
	struct span all = span_of(text), name, service;
	size_t at = span_find_last(all, ':');
	uint64_t number;

	if (at == all.n)
		return EAI_SERVICE;
	name = span_sub(all, 0, at);
	service = span_sub(all, at + 1, all.n);
	if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = span_sub(name, 1, name.n - 2);
	if (name.n == 0 || name.n >= NI_MAXHOST)
		return EAI_NONAME;
	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	if (span_to_u64(&number, without_sign(service), UINT16_MAX))
		*port = (uint16_t)number;
	else if (!ipc_service(port, service))
		return EAI_SERVICE;
	return 0;
}

static bool endpoint_from(struct ip_endpoint *out, const struct addrinfo *a)
{
	*out = (struct ip_endpoint){ 0 };
	if (a->ai_family == AF_INET && a->ai_addrlen == sizeof(struct sockaddr_in)) {
		struct sockaddr_in sa;

		memcpy(&sa, a->ai_addr, sizeof sa);
		out->addr = ip_v4((const uint8_t *)&sa.sin_addr);
	} else if (a->ai_family == AF_INET6 && a->ai_addrlen == sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 sa;

		memcpy(&sa, a->ai_addr, sizeof sa);
		out->addr = ip_v6(sa.sin6_addr.s6_addr);
		out->scope = sa.sin6_scope_id;
	} else {
		return false;
	}
	return true;
}

/* Uses the first address in the order of getaddrinfo() (RFC 6724). */
static void lookup_try(struct lookup *l)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP,
	};
	struct addrinfo *found = NULL;
	char host[NI_MAXHOST];
	uint16_t port;

	l->error = host_split(host, &port, l->text);
	if (l->error == 0)
		l->error = getaddrinfo(host, NULL, &hints, &found);
	if (l->error == 0 && !endpoint_from(&l->endpoint, found))
		l->error = EAI_FAIL;
	if (l->error == 0) {
		l->endpoint.port = port;
		l->state = LOOKUP_FOUND;
	} else if (is_permanent(l->error)) {
		l->state = LOOKUP_FAILED;
	}
	if (found)
		freeaddrinfo(found);
}

/* ---- all names ---- */

static void *lookup_thread(void *ctx)
{
	struct lookups *all = ctx;
	size_t i;

	while ((i = all->next++) < all->n)
		if (all->list[i].state == LOOKUP_PENDING)
			lookup_try(&all->list[i]);
	return NULL;
}

static size_t count(const struct lookups *all, enum lookup_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += all->list[i].state == state;
	return n;
}

/* Tries each pending name once. The calling thread takes part, so the round works even if no thread can be created. */
static void lookup_round(struct lookups *all)
{
	size_t pending = count(all, LOOKUP_PENDING), n = 0;
	pthread_t threads[THREADS_MAX];
	pthread_attr_t attr;

	all->next = 0;
	if (pending > 1 && pthread_attr_init(&attr) == 0) {
		(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
		while (n < THREADS_MAX && n + 1 < pending &&
		       pthread_create(&threads[n], &attr, lookup_thread, all) == 0)
			n++;
		pthread_attr_destroy(&attr);
	}
	lookup_thread(all);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

static bool is_stopped(const struct resolve_options *o)
{
	return o->stop && *o->stop;
}

static void wait_us(unsigned int us, const struct resolve_options *o)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };

	while (!is_stopped(o) && nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* The time is rounded to hundredths of a second, as it is printed. */
static void report_waiting(const struct lookups *all, const struct resolve_options *o, unsigned int us)
{
	unsigned int ms = (us + 5000) / 10000 * 10;

	for (size_t i = 0; o->waiting && i < all->n; i++)
		if (all->list[i].state == LOOKUP_PENDING)
			o->waiting(o->ctx, all->list[i].text, gai_strerror(all->list[i].error), ms);
}

/* Without o->partial a permanent failure ends the rounds, because the device will not be changed. */
static void lookup_all(struct lookups *all, const struct resolve_options *o)
{
	unsigned int us = WAIT_FIRST_US;

	lookup_round(all);
	for (int i = 0; o->retries < 0 || i < o->retries; i++) {
		if (count(all, LOOKUP_PENDING) == 0 || is_stopped(o) ||
		    (count(all, LOOKUP_FAILED) > 0 && !o->partial))
			return;
		report_waiting(all, o, us);
		wait_us(us, o);
		if (is_stopped(o))
			return;
		us = us * 6 / 5 < WAIT_MAX_US ? us * 6 / 5 : WAIT_MAX_US;
		lookup_round(all);
	}
}

static int by_text(const void *a, const void *b)
{
	const struct lookup *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Collects the distinct names of the device, sorted. */
static bool lookups_collect(struct lookups *all, const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		n += (d->peers[i].flags & WG_PEER_HAS_HOST) != 0;
	*all = (struct lookups){ .list = calloc(n ? n : 1, sizeof *all->list) };
	if (!all->list)
		return false;
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_HOST)
			all->list[all->n++].text = d->peers[i].host;
	qsort(all->list, all->n, sizeof *all->list, by_text);
	n = 0;
	for (size_t i = 0; i < all->n; i++)
		if (n == 0 || strcmp(all->list[n - 1].text, all->list[i].text) != 0)
			all->list[n++] = all->list[i];
	all->n = n;
	return true;
}

static void report(const struct wg_peer *peer, const struct lookup *l, const struct resolve_options *o,
		   struct diag *diag)
{
	struct diag_at at = { .file = o->file, .line = peer->line };
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, peer->public_key.b);
	diag_f(diag, DIAG_ERROR, &at, NULL, "%s: `%s' (endpoint of peer %s)", gai_strerror(l->error),
	       peer->host, key);
}

int resolve_device(struct wg_device *d, const struct resolve_options *o, struct diag *diag)
{
	struct lookups all;
	int failed = 0;

	if (!lookups_collect(&all, d))
		return -ENOMEM;
	lookup_all(&all, o);
	for (uint32_t i = 0; i < d->n_peers; i++) {
		struct wg_peer *peer = &d->peers[i];
		struct lookup key = { .text = peer->host }, *l;

		if (!(peer->flags & WG_PEER_HAS_HOST))
			continue;
		l = bsearch(&key, all.list, all.n, sizeof *all.list, by_text);
		if (l->state != LOOKUP_FOUND) {
			report(peer, l, o, diag);
			failed++;
		}
	}
	for (uint32_t i = 0; (failed == 0 || o->partial) && i < d->n_peers; i++) {
		struct wg_peer *peer = &d->peers[i];
		struct lookup key = { .text = peer->host }, *l;

		if (!(peer->flags & WG_PEER_HAS_HOST))
			continue;
		l = bsearch(&key, all.list, all.n, sizeof *all.list, by_text);
		if (l->state != LOOKUP_FOUND)
			continue;
		peer->endpoint = l->endpoint;
		peer->flags = (peer->flags & ~(uint32_t)WG_PEER_HAS_HOST) | WG_PEER_HAS_ENDPOINT;
	}
	free(all.list);
	return failed;
}
