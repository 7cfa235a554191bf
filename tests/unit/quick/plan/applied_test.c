/* What the journal contains after `up`, during a reload and after it. */
#include "model_host.h"

#include "quick/plan/diff.h"
#include "quick/plan/up.h"

#define INTERFACE "[Interface]\nAddress = 10.0.0.1/24\nPreDown = old\nDNS = 10.0.0.53\n"

static void apply_up(struct applied *a, struct model_host *h, const char *text)
{
	struct plan_options o = { .hooks = true };
	struct tunnel_file file = { 0 };
	struct plan plan = { 0 };

	model_read_file(&file, text);
	assert_int_equal(endpoint_texts(&a->endpoints, &file), 0);
	assert_int_equal(plan_interface(&plan, &file, &o), 0);
	assert_int_equal(plan_tunnel(&plan, &file, &h->state, &o), 0);
	model_perform(h, &plan);
	assert_int_equal(applied_set(a, &file, &plan), 0);
	plan_free(&plan);
	tunnel_file_free(&file);
}

static void only_what_outlives_the_interface(void **state)
{
	struct applied a = { 0 };
	struct model_host h;

	(void)state;
	model_host_init(&h);
	apply_up(&a, &h, INTERFACE "Table = 77\n" PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:1\n");
	assert_lines(&a.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] resolvconf -a wg0 -m 0 -x\n");
	assert_int_equal(a.table, 77);
	assert_int_equal(a.hooks[HOOK_PRE_DOWN].n, 1);
	assert_int_equal(a.endpoints.n, 1);
	assert_int_equal(a.addresses.n, 1);
	applied_free(&a);
	model_host_free(&h);
}

static void routes_that_block_are_included(void **state)
{
	struct applied a = { 0 };
	struct model_host h;
	size_t unreachable_routes = 0;

	(void)state;
	model_host_init(&h);
	apply_up(&a, &h, INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n");
	for (size_t i = 0; i < a.plan.n; i++) {
		assert_true(step_is_journaled(&a.plan.steps[i]));
		unreachable_routes += a.plan.steps[i].kind == STEP_ROUTE;
	}
	assert_int_equal(unreachable_routes, 1);
	applied_free(&a);
	model_host_free(&h);
}

/* Killed at any moment of a reload, `down` removes the old state and the new one. */
static void during_and_after_a_reload(void **state)
{
	struct applied before = { 0 }, during = { 0 }, after = { 0 };
	struct plan plan = { 0 }, old_dns = { 0 };
	struct string_list endpoints = { 0 };
	struct tunnel_file file = { 0 };
	struct model_host h;
	struct diff_input in = { .desired = &file, .actual = &h.state, .applied = &before, .endpoints = &endpoints };

	(void)state;
	model_host_init(&h);
	apply_up(&before, &h, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n");
	model_read_file(&file, "[Interface]\nAddress = 10.0.0.2/24\nPreDown = new\nDNS = 10.0.0.54\n" PEER
			       "AllowedIPs = 0.0.0.0/0\n");
	model_inspect_routes(&h, TABLE_MAIN, TABLE_MAIN);
	assert_int_equal(plan_diff(&plan, &old_dns, &in), 0);

	assert_int_equal(applied_during_reload(&during, &before, &file, &plan, &before.plan.dns), 0);
	assert_lines(&during.plan, "[#] ip link add dev wg0 type wireguard\n"
				   "[#] nft -f /dev/fd/63\n"
				   "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
				   "[#] ip -4 rule add not fwmark 51820 table 51820\n"
				   "[#] ip -4 rule add table main suppress_prefixlength 0\n"
				   "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n"
				   "[#] resolvconf -a wg0 -m 0 -x\n");
	assert_string_equal(during.plan.dns.servers.list[0], "10.0.0.53");
	assert_int_equal(during.addresses.n, 2);
	assert_string_equal(during.hooks[HOOK_PRE_DOWN].list[0], "old"); /* matches the PreUp that ran */

	assert_int_equal(applied_after_reload(&after, &before, &file, &plan), 0);
	assert_string_equal(after.plan.dns.servers.list[0], "10.0.0.54");
	assert_int_equal(after.addresses.n, 1);
	assert_int_equal(after.plan.guarded.n, 1);
	assert_string_equal(after.hooks[HOOK_PRE_DOWN].list[0], "old");
	applied_free(&before);
	applied_free(&during);
	applied_free(&after);
	plan_free(&plan);
	plan_free(&old_dns);
	tunnel_file_free(&file);
	model_host_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_outlives_the_interface),
		cmocka_unit_test(routes_that_block_are_included),
		cmocka_unit_test(during_and_after_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
