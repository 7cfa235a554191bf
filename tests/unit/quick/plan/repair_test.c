/* Repairs: what was applied and is missing, and nothing else. */
#include "diff_tunnel.h"

#include "quick/plan/repair.h"

static const char full[] = "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n";
static const char split[] = "[Interface]\nAddress = 10.0.0.1/24\n" PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n";

/* The repair of the tunnel, whose file is `text` by now. */
static void plan_repair(struct reload *r, struct tunnel *t, const char *text, bool edited)
{
	struct diff_input in = { .desired = &r->file, .actual = &t->host.state, .applied = &t->applied, .endpoints = &r->endpoints };
	uint32_t table;

	*r = (struct reload){ 0 };
	model_read_file(&r->file, text);
	assert_int_equal(endpoint_texts(&r->endpoints, &r->file), 0);
	assert_int_equal(repair_desired(&r->file, &t->host.state, &t->applied, edited), 0);
	table = tunnel_file_table(&r->file);
	model_inspect_routes(&t->host, table, t->applied.has_table ? t->applied.table : table);
	assert_int_equal(plan_diff(&r->plan, &r->old_dns, &in), 0);
	repair_select(&r->plan, &t->applied, t->host.state.link.up);
}

/* These commands repair the tunnel, after which nothing is missing. */
static void assert_repair(struct tunnel *t, const char *text, bool edited, const char *lines)
{
	struct reload r;

	plan_repair(&r, t, text, edited);
	assert_lines(&r.plan, lines);
	assert_true(repair_is_journaled(&r.plan, &t->applied));
	model_perform(&t->host, &r.plan);
	reload_free(&r);
	plan_repair(&r, t, text, edited);
	assert_lines(&r.plan, "");
	reload_free(&r);
}

static void remove_rule(struct tunnel *t, size_t at)
{
	struct rules *all = &t->host.state.rules;

	memmove(&all->list[at], &all->list[at + 1], (all->n - at - 1) * sizeof *all->list);
	all->n--;
}

static void remove_tunnel_rules(struct tunnel *t)
{
	for (size_t i = t->host.state.rules.n; i-- > 0;)
		if (rule_is_tunnel(&t->host.state.rules.list[i]))
			remove_rule(t, i);
}

static void rules_are_restored(void **state)
{
	struct tunnel t;
	struct reload r;

	(void)state;
	bring_up(&t, full);
	plan_repair(&r, &t, full, false);
	assert_lines(&r.plan, "");
	reload_free(&r);
	remove_tunnel_rules(&t);
	plan_repair(&r, &t, full, false);
	assert_int_equal(r.plan.n, 2);
	assert_true(repair_id(&r.plan, &r.plan.steps[0]) != repair_id(&r.plan, &r.plan.steps[1]));
	assert_true(repair_is_journaled(&r.plan, &t.applied));
	model_perform(&t.host, &r.plan);
	reload_free(&r);
	/* A file that was edited is not what was applied. */
	remove_tunnel_rules(&t);
	plan_repair(&r, &t, split, true);
	assert_int_equal(r.plan.n, 2);
	assert_true(rule_is_tunnel(&r.plan.steps[0].rule));
	reload_free(&r);
	take_down(&t);
}

static void routes_and_addresses_are_restored(void **state)
{
	struct step_route lost = { .table = TABLE_MAIN };
	struct tunnel t;

	(void)state;
	bring_up(&t, split);
	assert_true(prefix_parse(&lost.prefix, SPAN("10.2.0.0/16"), NULL));
	model_routes_change(&t.host.all_routes, &lost, true);
	t.host.state.addresses.n = 0;
	assert_repair(&t, split, false, "[#] ip -4 address add 10.0.0.1/24 dev wg0\n[#] ip -4 route add 10.2.0.0/16 dev wg0\n");
	take_down(&t);
}

/* Neither an edit of the file nor a change with wg(8) is undone or applied. */
static void changes_on_purpose_stay(void **state)
{
	static const char edited[] = "[Interface]\nAddress = 10.0.0.9/24\nMTU = 1300\n" PEER "AllowedIPs = 10.3.0.0/16\n";
	struct step_route lost = { .table = TABLE_MAIN };
	struct wg_peer *peer;
	struct tunnel t;

	(void)state;
	bring_up(&t, split);
	t.host.state.link.mtu = 1300;
	assert_repair(&t, edited, true, "");
	t.host.state.link.mtu = 1420;
	/* A removed allowed IP has no route any more. */
	peer = &t.host.state.device.peers[0];
	peer->n_allowedips = 1;
	lost.prefix = peer->allowedips[1].prefix;
	model_routes_change(&t.host.all_routes, &lost, true);
	assert_repair(&t, split, false, "");
	take_down(&t);
}

static void a_link_that_is_down_waits(void **state)
{
	struct tunnel t;
	struct reload r;

	(void)state;
	bring_up(&t, full);
	t.host.state.link.up = false;
	t.host.state.addresses.n = 0;
	remove_tunnel_rules(&t);
	plan_repair(&r, &t, full, false);
	for (size_t i = 0; i < r.plan.n; i++)
		assert_int_equal(r.plan.steps[i].kind, STEP_RULE);
	assert_int_equal(r.plan.n, 2);
	reload_free(&r);
	take_down(&t);
}

static void the_sysctl_is_restored(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, full);
	assert_int_equal(t.host.state.src_valid_mark, 1);
	t.host.state.src_valid_mark = 0;
	assert_repair(&t, full, false, "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n");
	take_down(&t);
}

static void the_mtu_follows_the_path(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, split);
	t.host.state.path_mtu = 1400;
	assert_repair(&t, split, false, "[#] ip link set mtu 1320 dev wg0\n");
	take_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_restored),
		cmocka_unit_test(routes_and_addresses_are_restored),
		cmocka_unit_test(changes_on_purpose_stay),
		cmocka_unit_test(a_link_that_is_down_waits),
		cmocka_unit_test(the_sysctl_is_restored),
		cmocka_unit_test(the_mtu_follows_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
