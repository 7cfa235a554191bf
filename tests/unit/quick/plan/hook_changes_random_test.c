/* Random tunnel files and hooks: nothing differs right after `up`; after a reload with another file, what was edited is
 * as in that file, and nothing differs again. */
#include "hook_tunnel.h"

struct random {
	uint64_t state;
};

static uint32_t below(struct random *r, uint32_t n)
{
	r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(r->state >> 33) % n;
}

#define PICK(r, list) (list)[below(r, ARRAY_LEN(list))]

static const char *const keys[] = { KEY, OTHER_KEY, THIRD_KEY };
static const char *const prefixes[] = { "10.1.0.0/16", "10.2.0.0/16", "10.2.3.0/24", "0.0.0.0/0", "::/0", "fd01::/64",
					"10.0.0.0/24", "10.0.0.7/32" };
static const char *const addresses[] = { "10.0.0.1/24", "10.0.5.1/32", "fd00::1/64", "10.0.6.1/24" };
static const char *const secrets[] = { PSK, OTHER_PSK };

static void random_peer(struct text *t, struct random *r, const char *key)
{
	text_f(t, "[Peer]\nPublicKey = %s\n", key);
	if (below(r, 3) == 0)
		text_f(t, "PresharedKey = %s\n", PICK(r, secrets));
	if (below(r, 3) == 0)
		text_f(t, "PersistentKeepalive = %u\n", below(r, 3));
	if (below(r, 3) == 0)
		text_f(t, "Endpoint = 192.0.2.%u:1\n", below(r, 3));
	for (uint32_t n = below(r, 4); n > 0; n--)
		text_f(t, "AllowedIPs = %s\n", PICK(r, prefixes));
}

static void random_device(struct text *t, struct random *r)
{
	if (below(r, 3) == 0)
		text_f(t, "PrivateKey = %s\n", below(r, 2) ? PRIVATE : OTHER_PRIVATE);
	if (below(r, 3) == 0)
		text_f(t, "ListenPort = %u\n", below(r, 3));
	if (below(r, 4) == 0)
		text_f(t, "FwMark = %u\n", below(r, 3));
}

static void random_file(struct text *t, struct random *r)
{
	static const char *const tables[] = { "auto", "auto", "off", "777" };

	t->n = 0;
	text_f(t, "[Interface]\nTable = %s\n", PICK(r, tables));
	random_device(t, r);
	if (below(r, 3) == 0)
		text_f(t, "MTU = %u\n", 1300 + below(r, 2) * 100);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (below(r, 2) == 0)
			text_f(t, "Address = %s\n", addresses[i]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (below(r, 3) > 0)
			random_peer(t, r, keys[i]);
}

static bool has_route(const struct tunnel *t, const char *text, uint32_t table)
{
	struct ip_prefix p;

	assert_true(prefix_parse(&p, span_of(text), NULL));
	for (size_t i = 0; i < t->host.all_routes.n; i++)
		if (!t->host.all_routes.list[i].unreachable && t->host.all_routes.list[i].table == table &&
		    prefix_equal(&t->host.all_routes.list[i].prefix, &p))
			return true;
	return false;
}

static bool has_address(const struct tunnel *t, const char *text)
{
	struct span rest = span_of(text), bad;
	struct interface_address a;

	assert_int_equal(address_next(&a, &rest, &bad), 1);
	return addresses_have(&t->host.state.addresses, &a);
}

static void random_wg(struct tunnel *t, struct random *r)
{
	char buffer[2048];
	struct text text = text_fixed(buffer, sizeof buffer);

	if (below(r, 3) == 0) {
		remove_peer(t, PICK(r, keys));
		return;
	}
	if (below(r, 3) == 0) {
		text_add(&text, "[Interface]\n");
		random_device(&text, r);
	}
	random_peer(&text, r, PICK(r, keys));
	wg(t, buffer);
}

static void random_rule(struct tunnel *t, struct random *r)
{
	struct rules *rules = &t->host.state.rules;
	struct step_rule rule = rules->list[below(r, (uint32_t)rules->n)];

	if (rule.table != 254 && rule.table != 253 && rule.table != 255)
		model_rules_change(rules, &rule, true);
}

static void random_hook(struct tunnel *t, struct random *r)
{
	static const uint32_t tables[] = { TABLE_MAIN, 777, 51820 };
	const char *prefix = PICK(r, prefixes), *address = PICK(r, addresses);
	uint32_t table = PICK(r, tables);

	switch (below(r, 8)) {
	case 0:
	case 1:
		random_wg(t, r);
		return;
	case 2:
		change_address(t, address, has_address(t, address));
		return;
	case 3:
	case 4:
		if (table != 51820 || has_route(t, prefix, table)) /* `up` chose a table without routes */
			change_route(t, prefix, table, has_route(t, prefix, table));
		return;
	case 5:
		t->host.state.link.mtu = 1280 + below(r, 3) * 100;
		return;
	case 6:
		t->host.state.link.up = below(r, 2);
		model_lose_firewall(&t->host, below(r, 2));
		return;
	}
	random_rule(t, r);
}

static const struct wg_peer *find_peer(const struct wg_device *d, const struct wg_public *key)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			return &d->peers[i];
	return NULL;
}

/* What was edited is as in the file, whatever hooks did to it. */
static void assert_edits(const struct tunnel *t, const char *before_text, const char *after_text)
{
	struct tunnel_file before, after;

	read_file(&before, before_text);
	read_file(&after, after_text);
	for (uint32_t i = 0; i < after.device.n_peers; i++) {
		const struct wg_peer *p = &after.device.peers[i], *was = find_peer(&before.device, &p->public_key);
		const struct wg_peer *now = find_peer(&t->host.state.device, &p->public_key);
		if (was && now && p->keepalive_s != was->keepalive_s)
			assert_int_equal(now->keepalive_s, p->keepalive_s);
		if (was && now && memcmp(&p->psk, &was->psk, sizeof p->psk) != 0)
			assert_memory_equal(&now->psk, &p->psk, sizeof p->psk);
		if (!was)
			assert_non_null(now);
	}
	for (size_t i = 0; i < after.interface.addresses.n; i++)
		if (!addresses_have(&before.interface.addresses, &after.interface.addresses.list[i]))
			assert_true(addresses_have(&t->host.state.addresses, &after.interface.addresses.list[i]));
	if (after.interface.mtu != before.interface.mtu && after.interface.mtu)
		assert_int_equal(t->host.state.link.mtu, after.interface.mtu);
	if (after.device.listen_port != before.device.listen_port && (after.device.flags & WG_DEVICE_HAS_LISTEN_PORT))
		assert_int_equal(t->host.state.device.listen_port, after.device.listen_port);
	tunnel_file_free(&before);
	tunnel_file_free(&after);
}

static void random_pre_up(struct tunnel *t, void *ctx)
{
	struct random *r = ctx;

	for (uint32_t n = below(r, 3); n > 0; n--) {
		const char *address = PICK(r, addresses);
		if (below(r, 3) == 0)
			change_address(t, address, has_address(t, address));
		else
			random_wg(t, r);
	}
}

static void whatever_hooks_do(void **state)
{
	enum { SEEDS = 10000 };
	struct text file = text_heap(), edited = text_heap();

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct random r = { seed };
		struct tunnel t;
		random_file(&file, &r);
		bring_up_with(&t, file.p, random_pre_up, &r);
		for (uint32_t n = below(&r, 6); n > 0; n--)
			random_hook(&t, &r);
		note_changes(&t, file.p);
		assert_diff(&t, file.p, "");
		random_file(&edited, &r);
		reload(&t, edited.p);
		assert_diff(&t, edited.p, "");
		assert_edits(&t, file.p, edited.p);
		take_down(&t);
	}
	text_heap_free(&file);
	text_heap_free(&edited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_hooks_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
