/* Resolving with a getaddrinfo() and a nanosleep() that this file defines in place of libc's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/resolve.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int calls, running, meet; /* meet: each call waits until this many are running at once */
static int transient_left;      /* how often "slow" will fail temporarily */
static unsigned int slept_ms;

int nanosleep(const struct timespec *want, struct timespec *left)
{
	(void)left;
	slept_ms += (unsigned int)(want->tv_sec * 1000 + want->tv_nsec / 1000000);
	return 0;
}

/* "A.B" has the address 10.0.A.B; "dead" does not exist; "slow" fails transient_left times; "six" has an IPv6 address. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	struct addrinfo *a;
	bool fail;

	assert_null(service);
	assert_int_equal(hints->ai_socktype, SOCK_DGRAM);
	pthread_mutex_lock(&lock);
	calls++;
	running++;
	pthread_cond_broadcast(&changed);
	while (running < meet)
		pthread_cond_wait(&changed, &lock);
	fail = strcmp(node, "slow") == 0 && transient_left-- > 0;
	pthread_mutex_unlock(&lock);
	if (strcmp(node, "dead") == 0)
		return EAI_NONAME;
	if (fail)
		return EAI_AGAIN;
	a = calloc(1, sizeof *a + sizeof(struct sockaddr_in6));
	a->ai_addr = (struct sockaddr *)(a + 1);
	if (strcmp(node, "six") == 0) {
		struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_scope_id = 3 };
		sa.sin6_addr.s6_addr[0] = 0xfe;
		memcpy(a->ai_addr, &sa, sizeof sa);
		a->ai_family = AF_INET6;
		a->ai_addrlen = sizeof sa;
	} else {
		struct sockaddr_in sa = { .sin_family = AF_INET };
		uint8_t b[4] = { 10, 0, (uint8_t)atoi(node), (uint8_t)atoi(strchr(node, '.') ? strchr(node, '.') + 1 : "0") };
		memcpy(&sa.sin_addr, b, 4);
		memcpy(a->ai_addr, &sa, sizeof sa);
		a->ai_family = AF_INET;
		a->ai_addrlen = sizeof sa;
	}
	*out = a;
	return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

static void add_host(struct wg_device *d, const char *host, uint32_t line)
{
	struct wg_peer *peer = device_add_peer(d);

	peer->host = strdup(host);
	peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_HOST;
	peer->public_key.b[0] = 7;
	peer->line = line;
}

struct reports {
	char text[512];
	unsigned int line, n, waits, wait_ms[20];
};

static void report(void *ctx, const struct diag_message *m)
{
	struct reports *h = ctx;
	struct text t = text_fixed(h->text, sizeof h->text);

	text_add(&t, m->text);
	h->line = m->at.line;
	h->n++;
}

static void report_wait(void *ctx, const char *host, const char *why, unsigned int ms)
{
	struct reports *h = ctx;

	assert_string_equal(host, "slow:1");
	assert_true(strlen(why) > 0);
	assert_true(h->waits < ARRAY_LEN(h->wait_ms));
	h->wait_ms[h->waits++] = ms;
}

static int resolve(struct wg_device *d, struct reports *h, int retries)
{
	struct resolve_options o = { .file = "wg0.conf", .retries = retries, .waiting = report_wait, .ctx = h };
	struct diag diag = { .emit = report, .ctx = h };
	int rc = resolve_device(d, &o, &diag);

	assert_int_equal(diag.errors, h->n);
	return rc;
}

/* Blocks unless all lookups run at the same time. */
static void names_are_resolved_in_parallel(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };
	char name[48];

	(void)state;
	meet = 20;
	calls = running = 0;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "%d.%d:%d", i, i + 1, 1000 + i);
		add_host(&d, name, 0);
	}
	assert_int_equal(resolve(&d, &h, 0), 0);
	for (int i = 0; i < 20; i++) {
		uint8_t expected[4] = { 10, 0, (uint8_t)i, (uint8_t)(i + 1) };

		assert_int_equal(d.peers[i].flags, WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT);
		assert_int_equal(d.peers[i].endpoint.port, 1000 + i);
		assert_memory_equal(d.peers[i].endpoint.addr.b, expected, 4);
	}
	meet = 0;
	device_free(&d);
}

/* A name that many peers have is looked up once; brackets are removed. */
static void each_name_once(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	calls = running = 0;
	for (int i = 0; i < 50; i++)
		add_host(&d, "1.1:5", 0);
	add_host(&d, "[six]:domain", 0);
	assert_non_null(device_add_peer(&d)); /* without a name */
	assert_int_equal(resolve(&d, &h, 0), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(d.peers[49].endpoint.addr.b[3], 1);
	assert_int_equal(d.peers[50].endpoint.port, 53);
	assert_int_equal(d.peers[50].endpoint.scope, 3);
	assert_int_equal(d.peers[51].flags, 0);
	device_free(&d);
}

static void errors_name_the_peer_and_line(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	add_host(&d, "1.1:5", 3);
	add_host(&d, "dead:5", 9);
	assert_int_equal(resolve(&d, &h, -1), 1);
	assert_int_equal(h.line, 9);
	assert_non_null(strstr(h.text, "`dead:5'"));
	assert_non_null(strstr(h.text, "peer BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	assert_int_equal(h.waits, 0);
	assert_true(d.peers[1].flags & WG_PEER_HAS_HOST);
	assert_true(d.peers[0].flags & WG_PEER_HAS_HOST); /* no peer was changed */
	device_free(&d);
}

static void temporary_failures_are_retried(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	calls = running = 0;
	transient_left = 1;
	add_host(&d, "slow:1", 1);
	add_host(&d, "2.2:1", 2);
	assert_int_equal(resolve(&d, &h, 15), 0);
	assert_int_equal(h.waits, 1);
	assert_int_equal(h.wait_ms[0], 1000);
	assert_int_equal(calls, 3);
	device_free(&d);
}

static void retries_are_limited(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	transient_left = 100;
	add_host(&d, "slow:1", 1);
	assert_int_equal(resolve(&d, &h, 0), 1);
	assert_int_equal(h.waits, 0);
	assert_int_equal(h.n, 1);
	transient_left = 0;
	device_free(&d);
}

static int resolve_lists(struct wg_device *d, struct reports *h, int retries)
{
	struct resolve_options o = { .retries = retries, .waiting = report_wait, .ctx = h, .partial = true, .lists = true };
	struct diag diag = { .emit = report, .ctx = h };

	return resolve_device(d, &o, &diag);
}

/* In order of preference, and without waiting for names that are not needed. */
static void the_first_of_a_list_that_resolves(void **state)
{
	static const struct { const char *list; uint8_t third; uint16_t port; } cases[] = {
		{ "1.1:5,2.2:6", 1, 5 }, { "dead:5,2.2:6,3.3:7", 2, 6 }, { "slow:1,3.3:7", 3, 7 }, { "3.3:7,slow:1", 3, 7 },
		{ "192:5,dead:6", 192, 5 },
	};
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	transient_left = 100;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		add_host(&d, cases[i].list, 1);
	assert_int_equal(resolve_lists(&d, &h, 15), 0);
	assert_int_equal(h.waits, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(d.peers[i].flags, WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT);
		assert_int_equal(d.peers[i].endpoint.addr.b[2], cases[i].third);
		assert_int_equal(d.peers[i].endpoint.port, cases[i].port);
	}
	transient_left = 0;
	device_free(&d);
}

/* Another peer may need what this one does not. */
static void a_list_without_any_address_fails(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	transient_left = 1;
	add_host(&d, "dead:5,dead:6", 4);
	add_host(&d, "1.1:5,slow:1", 5);
	add_host(&d, "slow:1", 6);
	assert_int_equal(resolve_lists(&d, &h, 15), 1);
	assert_int_equal(h.line, 4);
	assert_non_null(strstr(h.text, "`dead:5,dead:6'"));
	assert_int_equal(h.waits, 1);
	assert_true(d.peers[0].flags & WG_PEER_HAS_HOST);
	assert_true(d.peers[1].flags & WG_PEER_HAS_ENDPOINT);
	assert_true(d.peers[2].flags & WG_PEER_HAS_ENDPOINT);
	device_free(&d);
}

/* wg(8) reads one endpoint. */
static void without_the_option_a_list_is_a_name(void **state)
{
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	add_host(&d, "dead:5,1.1:6", 1);
	calls = 0;
	assert_int_equal(resolve(&d, &h, 0), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(d.peers[0].endpoint.port, 6);
	device_free(&d);
}

/* The same waits as upstream, in hundredths of a second. */
static void waits_increase(void **state)
{
	static const unsigned int ms[] = {
		1000, 1200, 1440, 1730, 2070, 2490, 2990, 3580, 4300, 5160, 6190, 7430, 8920, 10700, 12840, 15410, 18490, 20000, 20000
	};
	struct wg_device d = { 0 };
	struct reports h = { .n = 0 };

	(void)state;
	transient_left = 100;
	slept_ms = 0;
	add_host(&d, "slow:1", 1);
	assert_int_equal(resolve(&d, &h, ARRAY_LEN(ms)), 1);
	assert_int_equal(h.waits, ARRAY_LEN(ms));
	assert_memory_equal(h.wait_ms, ms, sizeof ms);
	assert_in_range(slept_ms, 145900, 146000);
	transient_left = 0;
	device_free(&d);
}

static void ports_do_not_overflow(void **state)
{
	static const char *const wrong[] = { "1.1:65536", "1.1:nosuchservice", "1.1", "1.1:-1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct wg_device d = { 0 };
		struct reports h = { .n = 0 };

		add_host(&d, wrong[i], 1);
		assert_int_equal(resolve(&d, &h, -1), 1);
		device_free(&d);
	}
}

static void retries_from_the_environment(void **state)
{
	static const struct {
		const char *value;
		bool ok;
		int retries;
	} cases[] = {
		{ NULL, true, 15 }, { "0", true, 0 }, { "3", true, 3 }, { "2147483647", true, 2147483647 },
		{ "infinity", true, -1 }, { "2147483648", false, 0 }, { "-1", false, 0 }, { "", true, 0 },
		{ "3 ", false, 0 }, { "Infinity", false, 0 }, { " ", false, 0 }, { "+", false, 0 },
		{ " +3", true, 3 }, { "++3", false, 0 }, { "0x3", false, 0 }, { "010", true, 10 },
	};
	int retries;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsetenv("WG_ENDPOINT_RESOLUTION_RETRIES");
		if (cases[i].value)
			setenv("WG_ENDPOINT_RESOLUTION_RETRIES", cases[i].value, 1);
		assert_int_equal(resolve_retries(&retries), cases[i].ok);
		if (cases[i].ok)
			assert_int_equal(retries, cases[i].retries);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_resolved_in_parallel),
		cmocka_unit_test(each_name_once),
		cmocka_unit_test(errors_name_the_peer_and_line),
		cmocka_unit_test(temporary_failures_are_retried),
		cmocka_unit_test(retries_are_limited),
		cmocka_unit_test(the_first_of_a_list_that_resolves),
		cmocka_unit_test(a_list_without_any_address_fails),
		cmocka_unit_test(without_the_option_a_list_is_a_name),
		cmocka_unit_test(waits_increase),
		cmocka_unit_test(ports_do_not_overflow),
		cmocka_unit_test(retries_from_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
