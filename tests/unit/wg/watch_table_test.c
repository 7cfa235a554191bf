/* Rates, history, order and filter of `wg watch`, and its compact texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wg/watch_table.h"

static struct wg_device device(const char *name)
{
	struct wg_device d = { 0 };

	strcpy(d.name, name);
	return d;
}

static struct wg_peer *add_peer(struct wg_device *d, uint8_t key, uint64_t rx, uint64_t tx, uint64_t handshake_s)
{
	struct wg_peer *p = device_add_peer(d);

	assert_non_null(p);
	p->public_key.b[0] = key;
	p->rx_bytes = rx;
	p->tx_bytes = tx;
	p->handshake_s = handshake_s;
	return p;
}

/* Names of peers by the first byte of their keys. */
static const char *name_of(void *ctx, const struct wg_device *d, const struct wg_peer *p)
{
	static const char *const names[] = { [2] = "laptop", [3] = "Phone", [4] = "hub" };

	(void)ctx;
	(void)d;
	return p->public_key.b[0] < 5 ? names[p->public_key.b[0]] : NULL;
}

/* The first bytes of the keys that are shown, in order. */
static const char *shown(struct watch_table *w, enum watch_sort sort, const char *filter)
{
	static char text[64];
	struct text t = text_fixed(text, sizeof text);

	assert_true(watch_arrange(w, sort, filter));
	for (size_t i = 0; i < w->n_shown; i++)
		text_f(&t, "%s%s:%u", i > 0 ? " " : "", w->shown[i]->interface, w->shown[i]->key.b[0]);
	return text;
}

static void rates(void **state)
{
	struct watch_table w = { 0 };
	struct wg_device d[2] = { device("wg0"), device("wg1") };

	(void)state;
	add_peer(&d[0], 1, 1000, 5, 0);
	add_peer(&d[1], 1, 7, 7, 0); /* the same key on another interface is another peer */
	assert_true(watch_sample(&w, d, 2, 10.0, NULL, NULL));
	assert_true(w.list[0].rx_rate == 0 && w.list[0].tx_rate == 0);
	d[0].peers[0].rx_bytes = 3000;
	d[0].peers[0].tx_bytes = 4; /* counters that started again */
	assert_true(watch_sample(&w, d, 2, 12.0, NULL, NULL));
	assert_true(w.list[0].rx_rate == 1000 && w.list[0].tx_rate == 0);
	assert_true(w.list[1].rx_rate == 0 && w.list[1].history[w.sample % WATCH_HISTORY] == 0);
	assert_true(w.list[0].history[w.sample % WATCH_HISTORY] == 1000);
	/* A peer that is gone and comes back has no history. */
	assert_true(watch_sample(&w, d + 1, 1, 13.0, NULL, NULL));
	assert_int_equal(w.n, 1);
	assert_true(watch_sample(&w, d, 2, 14.0, NULL, NULL));
	assert_true(w.list[0].rx_rate == 0 && w.list[0].history[(w.sample + WATCH_HISTORY - 2) % WATCH_HISTORY] == 0);
	/* A daemon may report any counter: a rate is still an integer of 64 bits. */
	d[0].peers[0].rx_bytes = UINT64_MAX;
	assert_true(watch_sample(&w, d, 2, 14.1, NULL, NULL));
	assert_true(w.list[0].rx_rate == WATCH_RATE_MAX);
	/* No device at all. */
	assert_true(watch_sample(&w, d, 0, 15.0, NULL, NULL));
	assert_string_equal(shown(&w, WATCH_BY_RX, ""), "");
	device_free(&d[0]);
	device_free(&d[1]);
	watch_table_free(&w);
}

static void order_and_filter(void **state)
{
	struct watch_table w = { 0 };
	struct wg_device d = device("wg0");
	struct wg_allowedip *a;

	(void)state;
	for (uint8_t i = 1; i <= 4; i++)
		add_peer(&d, i, 0, 0, i == 2 ? 0 : i);
	d.peers[2].flags |= WG_PEER_HAS_ENDPOINT;
	assert_true(endpoint_parse(&d.peers[2].endpoint, span_of("203.0.113.7:51820"), NULL));
	a = peer_add_allowedip(&d.peers[3]);
	assert_true(a && prefix_parse(&a->prefix, span_of("10.8.0.4"), NULL));
	assert_true(watch_sample(&w, &d, 1, 1.0, name_of, NULL));
	d.peers[0].rx_bytes = 10;
	d.peers[1].tx_bytes = 20;
	d.peers[3].rx_bytes = 30;
	assert_true(watch_sample(&w, &d, 1, 2.0, name_of, NULL));
	assert_string_equal(shown(&w, WATCH_BY_DEVICE, ""), "wg0:1 wg0:2 wg0:3 wg0:4");
	assert_string_equal(shown(&w, WATCH_BY_NAME, ""), "wg0:3 wg0:4 wg0:2 wg0:1");
	assert_string_equal(shown(&w, WATCH_BY_HANDSHAKE, ""), "wg0:4 wg0:3 wg0:1 wg0:2");
	assert_string_equal(shown(&w, WATCH_BY_RX, ""), "wg0:4 wg0:1 wg0:2 wg0:3");
	assert_string_equal(shown(&w, WATCH_BY_TX, ""), "wg0:2 wg0:1 wg0:3 wg0:4");
	assert_string_equal(shown(&w, WATCH_BY_TOTAL, ""), "wg0:4 wg0:2 wg0:1 wg0:3");
	assert_string_equal(shown(&w, WATCH_BY_DEVICE, "PHO"), "wg0:3");
	assert_string_equal(shown(&w, WATCH_BY_DEVICE, "113.7:518"), "wg0:3");
	assert_string_equal(shown(&w, WATCH_BY_DEVICE, "10.8.0.4/"), "wg0:4");
	assert_string_equal(shown(&w, WATCH_BY_DEVICE, "AQAAAAAA"), "wg0:1");
	assert_string_equal(shown(&w, WATCH_BY_TX, "g0"), "wg0:2 wg0:1 wg0:3 wg0:4");
	assert_string_equal(shown(&w, WATCH_BY_DEVICE, "nothing"), "");
	device_free(&d);
	watch_table_free(&w);
}

static const char *spark(const struct watch_table *w, size_t samples, bool utf8)
{
	static char text[4 * WATCH_HISTORY];
	struct text t = text_fixed(text, sizeof text);

	watch_sparkline(&t, w, &w->list[0], samples, utf8);
	return text;
}

static void sparklines(void **state)
{
	struct watch_table w = { 0 };
	struct wg_device d = device("wg0");
	uint64_t total = 0;

	(void)state;
	add_peer(&d, 1, 0, 0, 0);
	for (unsigned int i = 0; i <= 3; i++) {
		d.peers[0].rx_bytes = total += (uint64_t[]){ 0, 1, 700, 350 }[i];
		assert_true(watch_sample(&w, &d, 1, i, NULL, NULL));
	}
	assert_string_equal(spark(&w, 3, true), "\u2581\u2588\u2585");
	assert_string_equal(spark(&w, 4, false), " .@+");
	assert_int_equal(strlen(spark(&w, 100, false)), WATCH_HISTORY);
	/* After a full history, the oldest sample is overwritten. */
	for (unsigned int i = 4; i < 4 + WATCH_HISTORY; i++)
		assert_true(watch_sample(&w, &d, 1, i, NULL, NULL));
	for (const char *p = spark(&w, WATCH_HISTORY, false); *p; p++)
		assert_int_equal(*p, ' ');
	device_free(&d);
	watch_table_free(&w);
}

static const char *amount(double v)
{
	static char text[16];
	struct text t = text_fixed(text, sizeof text);

	watch_amount(&t, v);
	assert_true(t.n <= 5);
	return text;
}

static const char *age(uint64_t then, uint64_t now)
{
	static char text[32];
	struct text t = text_fixed(text, sizeof text);

	watch_age(&t, then, now);
	return text;
}

static void texts(void **state)
{
	(void)state;
	assert_string_equal(amount(0), "0");
	assert_string_equal(amount(999.4), "999");
	assert_string_equal(amount(999.6), "1.0K");
	assert_string_equal(amount(1024), "1.0K");
	assert_string_equal(amount(1536), "1.5K");
	assert_string_equal(amount(10189), "10K");
	assert_string_equal(amount(1023 * 1024.0), "1.0M");
	assert_string_equal(amount(57 * 1048576.0), "57M");
	assert_string_equal(amount(18446744073709551615.0), "16E");
	assert_string_equal(age(0, 100), "never");
	assert_string_equal(age(100, 100), "now");
	assert_string_equal(age(200, 100), "now"); /* a clock that was set back */
	assert_string_equal(age(41, 100), "59s");
	assert_string_equal(age(1, 3600), "59m");
	assert_string_equal(age(1, 3601), "1h");
	assert_string_equal(age(1, 400ull * 86400 + 1), "400d");
}

/* Ten thousand peers: a sample and an order cost about as much as reading them. */
static void many_peers(void **state)
{
	enum { MANY = 10000 };
	struct watch_table w = { 0 };
	struct wg_device d = device("wg0");

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct wg_peer *p = add_peer(&d, 0, i, 0, i);
		memcpy(p->public_key.b, &(uint64_t){ i * 0x9e3779b97f4a7c15ull }, 8);
	}
	for (unsigned int i = 0; i < 5; i++) {
		for (uint32_t j = 0; j < MANY; j++)
			d.peers[j].rx_bytes += j;
		assert_true(watch_sample(&w, &d, 1, i, NULL, NULL));
		assert_true(watch_arrange(&w, WATCH_BY_RX, ""));
	}
	assert_int_equal(w.n_shown, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_true(w.shown[i]->rx_rate == (double)(MANY - 1 - i));
	device_free(&d);
	watch_table_free(&w);
}

/* A daemon may repeat a key, or report keys that begin alike: a sample costs no more. */
static void alike_keys(void **state)
{
	enum { MANY = 100000 };
	struct watch_table w = { 0 };
	struct wg_device d = device("wg0");

	(void)state;
	for (uint32_t i = 0; i < 2 * MANY; i++) {
		struct wg_peer *p = add_peer(&d, 1, i, 0, 0);
		if (i >= MANY)
			memcpy(p->public_key.b + 8, &i, sizeof i);
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_true(watch_sample(&w, &d, 1, i, NULL, NULL));
	assert_int_equal(w.n, 2 * MANY);
	assert_true(w.list[2 * MANY - 1].rx_rate == 0); /* found as itself */
	device_free(&d);
	watch_table_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(order_and_filter),
		cmocka_unit_test(sparklines),
		cmocka_unit_test(texts),
		cmocka_unit_test(many_peers),
		cmocka_unit_test(alike_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
