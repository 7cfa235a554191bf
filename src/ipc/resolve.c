/* getaddrinfo(3) in a thread for each distinct name, in rounds while failures are temporary. */
#include "resolve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/vector.h"
#include "lookup.h"

enum {
	THREADS_MAX = 64,
	STACK_BYTES = 256 * 1024, /* the resolver's buffers take some tens of KiB */
	RETRIES_DEFAULT = 15,
	ADDRESSES_MAX = 16, /* that are looked at, of one name */
	WAIT_FIRST_US = 1000000, /* each wait is 6/5 of the previous one */
	WAIT_MAX_US = 20000000,
	STOP_POLL_NS = 100 * 1000 * 1000, /* how often a waiting thread looks for a signal */
};

enum lookup_state { LOOKUP_PENDING, LOOKUP_FOUND, LOOKUP_FAILED };

struct lookup {
	char *text;       /* "name:port", owned */
	enum lookup_state state;
	bool needed;      /* a peer has no other endpoint yet */
	int error;        /* of the last getaddrinfo() */
	struct ip_endpoint endpoint;
};

/* Shared by the threads of a round; the last one frees it, because getaddrinfo(3) cannot be interrupted and may outlast
 * the caller. */
struct lookups {
	struct lookup *list; /* sorted by text */
	size_t n;
	uint8_t family;      /* as in struct resolve_options */
	_Atomic size_t next; /* the next lookup of this round */
	pthread_mutex_t lock;
	pthread_cond_t finished;
	unsigned int running; /* threads of this round, under lock */
	unsigned int users;   /* threads, and the caller; under lock */
};

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
	if (text[0] != '\0' && !span_to_u64(&v, ipc_without_sign(span_of(text)), INT_MAX))
		return false;
	*out = (int)v;
	return true;
}

/* ---- one name ---- */

static bool is_permanent(int error)
{
	return error == EAI_NONAME || error == EAI_FAIL || error == EAI_NODATA || error == EAI_SERVICE;
}

/* Uses the first address in the order of getaddrinfo() (RFC 6724). */
static void lookup_try(struct lookup *l, uint8_t family)
{
	struct ip_endpoint found[ADDRESSES_MAX];
	size_t n, i = 0;

	l->error = resolve_addresses(found, ADDRESSES_MAX, &n, l->text);
	while (family != IP_NONE && i < n && found[i].addr.family != family)
		i++;
	if (l->error == 0 && i == n)
		l->error = EAI_NODATA;
	if (l->error == 0)
		l->endpoint = found[i];
	if (l->error == 0)
		l->state = LOOKUP_FOUND;
	else if (is_permanent(l->error))
		l->state = LOOKUP_FAILED;
}

/* ---- all names ---- */

static void lookups_release(struct lookups *all)
{
	bool last;

	pthread_mutex_lock(&all->lock);
	last = --all->users == 0;
	pthread_mutex_unlock(&all->lock);
	if (!last)
		return;
	for (size_t i = 0; i < all->n; i++)
		free(all->list[i].text);
	free(all->list);
	pthread_cond_destroy(&all->finished);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

static bool is_pending(const struct lookup *l)
{
	return l->state == LOOKUP_PENDING && l->needed;
}

static void look_up(struct lookups *all)
{
	size_t i;

	while ((i = all->next++) < all->n)
		if (is_pending(&all->list[i]))
			lookup_try(&all->list[i], all->family);
}

static void *lookup_thread(void *ctx)
{
	struct lookups *all = ctx;

	look_up(all);
	pthread_mutex_lock(&all->lock);
	if (--all->running == 0)
		pthread_cond_signal(&all->finished);
	pthread_mutex_unlock(&all->lock);
	lookups_release(all);
	return NULL;
}

static bool start_thread(struct lookups *all, const pthread_attr_t *attr)
{
	pthread_t thread;
	bool started;

	pthread_mutex_lock(&all->lock);
	started = pthread_create(&thread, attr, lookup_thread, all) == 0;
	all->running += started;
	all->users += started;
	pthread_mutex_unlock(&all->lock);
	return started;
}

static size_t count_pending(const struct lookups *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += is_pending(&all->list[i]);
	return n;
}

static bool any_failed(const struct lookups *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].state == LOOKUP_FAILED)
			return true;
	return false;
}

static bool is_stopped(const struct resolve_options *o)
{
	return o->stop && *o->stop;
}

/* Until the threads of the round have finished, or the caller is to stop. */
static void wait_for_threads(struct lookups *all, const struct resolve_options *o)
{
	pthread_mutex_lock(&all->lock);
	while (all->running > 0 && !is_stopped(o)) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += STOP_POLL_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&all->finished, &all->lock, &until);
	}
	pthread_mutex_unlock(&all->lock);
}

/* Tries each pending name once. If no thread can be created, the calling thread does it, and cannot be stopped
 * meanwhile. */
static void lookup_round(struct lookups *all, const struct resolve_options *o)
{
	size_t pending = count_pending(all), n = 0;
	pthread_attr_t attr;

	all->next = 0;
	if (pthread_attr_init(&attr) == 0) {
		(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
		(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		while (n < THREADS_MAX && n < pending && start_thread(all, &attr))
			n++;
		pthread_attr_destroy(&attr);
	}
	if (n == 0)
		look_up(all);
	wait_for_threads(all, o);
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
		if (is_pending(&all->list[i]))
			o->waiting(o->ctx, all->list[i].text, gai_strerror(all->list[i].error), ms);
}

/* ---- the endpoints of a peer ---- */

/* The next endpoint of the peer, whose `host` may be a list. */
static bool next_endpoint(struct span *one, struct span *rest, const struct resolve_options *o)
{
	if (o->lists)
		return span_next(one, rest, ',');
	*one = *rest;
	*rest = (struct span){ NULL, 0 };
	return one->p != NULL;
}

static int by_text(const void *a, const void *b)
{
	const struct lookup *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static int compare_with(const void *key, const void *lookup)
{
	const struct span *text = key;
	const char *other = ((const struct lookup *)lookup)->text;
	int order = strncmp(text->p, other, text->n);

	return order == 0 && other[text->n] != '\0' ? -1 : order;
}

static struct lookup *lookup_of(const struct lookups *all, struct span text)
{
	return bsearch(&text, all->list, all->n, sizeof *all->list, compare_with);
}

/* The first endpoint of the peer that was resolved; else the first one. */
static struct lookup *best_lookup(const struct lookups *all, const struct wg_peer *peer, const struct resolve_options *o)
{
	struct span rest = span_of(peer->host), one;
	struct lookup *first = NULL;

	while (next_endpoint(&one, &rest, o)) {
		struct lookup *l = lookup_of(all, one);
		if (l->state == LOOKUP_FOUND)
			return l;
		first = first ? first : l;
	}
	return first;
}

/* A peer with one resolved endpoint waits for no other. */
static void note_needed(struct lookups *all, const struct wg_device *d, const struct resolve_options *o)
{
	for (size_t i = 0; i < all->n; i++)
		all->list[i].needed = false;
	for (uint32_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *peer = &d->peers[i];
		struct span rest, one;
		if (!(peer->flags & WG_PEER_HAS_HOST) || best_lookup(all, peer, o)->state == LOOKUP_FOUND)
			continue;
		rest = span_of(peer->host);
		while (next_endpoint(&one, &rest, o))
			lookup_of(all, one)->needed = true;
	}
}

/* Without o->partial a permanent failure ends the rounds, because the device will not be changed. */
static void lookup_all(struct lookups *all, const struct wg_device *d, const struct resolve_options *o)
{
	unsigned int us = WAIT_FIRST_US;

	lookup_round(all, o);
	for (int i = 0; o->retries < 0 || i < o->retries; i++) {
		if (is_stopped(o))
			return;
		note_needed(all, d, o);
		if (count_pending(all) == 0 || (any_failed(all) && !o->partial))
			return;
		report_waiting(all, o, us);
		wait_us(us, o);
		if (is_stopped(o))
			return;
		us = us * 6 / 5 < WAIT_MAX_US ? us * 6 / 5 : WAIT_MAX_US;
		lookup_round(all, o);
	}
}

static void sort_and_unite(struct lookups *all)
{
	size_t n = 0;

	qsort(all->list, all->n, sizeof *all->list, by_text);
	for (size_t i = 0; i < all->n; i++)
		if (n == 0 || strcmp(all->list[n - 1].text, all->list[i].text) != 0)
			all->list[n++] = all->list[i];
		else
			free(all->list[i].text);
	all->n = n;
}

static bool add_lookups(struct lookups *all, size_t *cap, const struct wg_peer *peer, const struct resolve_options *o)
{
	struct span rest = span_of(peer->host), one;

	while (next_endpoint(&one, &rest, o)) {
		if (!vector_reserve(&all->list, cap, all->n + 1, sizeof *all->list))
			return false;
		all->list[all->n] = (struct lookup){ .text = span_dup(one), .needed = true };
		if (!all->list[all->n].text)
			return false;
		all->n++;
	}
	return true;
}

/* Collects the distinct names of the device, sorted; null: out of memory. */
static struct lookups *lookups_new(const struct wg_device *d, const struct resolve_options *o)
{
	struct lookups *all = calloc(1, sizeof *all);
	size_t cap = 0;
	bool ok = true;

	if (!all)
		return NULL;
	all->family = o->family;
	all->users = 1;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->finished, NULL);
	for (uint32_t i = 0; ok && i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_HOST)
			ok = add_lookups(all, &cap, &d->peers[i], o);
	if (!ok) {
		lookups_release(all);
		return NULL;
	}
	if (all->n > 0)
		sort_and_unite(all);
	return all;
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

static int report_failures(const struct lookups *all, const struct wg_device *d, const struct resolve_options *o,
			   struct diag *diag)
{
	int failed = 0;

	for (uint32_t i = 0; i < d->n_peers; i++) {
		const struct lookup *l;

		if (!(d->peers[i].flags & WG_PEER_HAS_HOST))
			continue;
		l = best_lookup(all, &d->peers[i], o);
		if (l->state == LOOKUP_FOUND)
			continue;
		report(&d->peers[i], l, o, diag);
		failed++;
	}
	return failed;
}

int resolve_device(struct wg_device *d, const struct resolve_options *o, struct diag *diag)
{
	struct lookups *all = lookups_new(d, o);
	int failed;

	if (!all)
		return -ENOMEM;
	lookup_all(all, d, o);
	if (is_stopped(o)) { /* threads may still write the results */
		lookups_release(all);
		return -EINTR;
	}
	failed = report_failures(all, d, o, diag);
	for (uint32_t i = 0; (failed == 0 || o->partial) && i < d->n_peers; i++) {
		struct wg_peer *peer = &d->peers[i];
		const struct lookup *l;

		if (!(peer->flags & WG_PEER_HAS_HOST))
			continue;
		l = best_lookup(all, peer, o);
		if (l->state != LOOKUP_FOUND)
			continue;
		peer->endpoint = l->endpoint;
		peer->flags = (peer->flags & ~(uint32_t)WG_PEER_HAS_HOST) | WG_PEER_HAS_ENDPOINT;
	}
	lookups_release(all);
	return failed;
}
