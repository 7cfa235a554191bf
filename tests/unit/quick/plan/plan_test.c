/* Plans: their lines are those that a person would type, their inverses go newest first, and nothing
 * but what was wanted and found decides them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/plan/inverse.h"
#include "quick/plan/print.h"
#include "quick/plan/up.h"
#include "model/conf.h"

struct fixture {
	struct tunnel_file file;
	struct host_state state;
	struct plan plan;
	char warnings[1024];
};

static void note_warning(void *ctx, const char *text)
{
	struct fixture *f = ctx;

	strncat(f->warnings, text, sizeof f->warnings - strlen(f->warnings) - 1);
}

/* A host as most are: IPv6, nft, rules of the kernel only, table 51820 free. */
static void host(struct fixture *f)
{
	static const struct step_rule rules[] = {
		{ .family = IP_V4, .pref = 0, .table = 255 },
		{ .family = IP_V4, .pref = 32766, .table = 254 },
		{ .family = IP_V4, .pref = 32767, .table = 253 },
		{ .family = IP_V6, .pref = 0, .table = 255 },
		{ .family = IP_V6, .pref = 32766, .table = 254 },
	};

	f->state.ipv6 = true;
	f->state.free_table = 51820;
	f->state.path_mtu = 1500;
	f->state.firewall = FIREWALL_NFT;
	f->state.dns = DNS_RESOLVCONF;
	f->state.src_valid_mark_before = -1;
	f->state.rules.list = malloc(sizeof rules);
	f->state.rules.cap = f->state.rules.n = ARRAY_LEN(rules);
	memcpy(f->state.rules.list, rules, sizeof rules);
}

static bool read_key(void *reader, const struct conf_extra *x, int peer, struct diag *d)
{
	return peer < 0 && interface_keys_read(reader, x, d);
}

static void wanted(struct fixture *f, const char *text)
{
	struct interface_keys_reader reader = { .keys = &f->file.interface, .file = "wg0.conf" };
	struct conf_options o = { .file = "wg0.conf", .extra = read_key, .ctx = &reader };
	struct diag d = { 0 };

	memcpy(f->file.name, "wg0", 4);
	assert_int_equal(conf_read(&f->file.device, span_of(text), &o, &d), 0);
	assert_false(reader.no_memory);
}

static void make(struct fixture *f)
{
	struct plan_options o = { .hooks = true, .warn = note_warning, .ctx = f };

	assert_int_equal(plan_interface(&f->plan, &f->file, &o), 0);
	assert_int_equal(plan_tunnel(&f->plan, &f->file, &f->state, &o), 0);
}

static void assert_lines(const struct plan *p, const char *expected)
{
	struct text t = text_heap();

	for (size_t i = 0; i < p->n; i++)
		step_print(&t, p, &p->steps[i], false);
	text_char(&t, '\0');
	assert_string_equal(t.p, expected);
	text_heap_free(&t);
}

static void done(struct fixture *f)
{
	plan_free(&f->plan);
	free(f->state.rules.list);
	addresses_free(&f->state.addresses);
	tunnel_file_free(&f->file);
}

#define PEER "[Peer]\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\n"

static void routes_longest_first(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	wanted(&f, "[Interface]\nAddress = 10.1.1.1/32\n" PEER "AllowedIPs = 10.1.1.11/32,192.168.1.0/24\n" PEER
		   "AllowedIPs = 10.1.1.12/32, 172.16.1.0/24, 10.1.1.12/32\n");
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.1.1.1/32 dev wg0\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 route add 10.1.1.12/32 dev wg0\n"
			      "[#] ip -4 route add 10.1.1.11/32 dev wg0\n"
			      "[#] ip -4 route add 192.168.1.0/24 dev wg0\n"
			      "[#] ip -4 route add 172.16.1.0/24 dev wg0\n");
	done(&f);
}

static void covered_routes_are_left_out(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	wanted(&f, "[Interface]\nAddress = 10.0.0.1/24 fd00::1, 10.5.0.1 peer 10.5.0.2/32\nMTU = 1280\n" PEER
		   "AllowedIPs = 10.0.0.2/32, 10.0.0.0/24, 10.0.0.0/16, fd00::1/128, 10.5.0.2/32\n");
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
			      "[#] ip -6 address add fd00::1 dev wg0\n"
			      "[#] ip -4 address add 10.5.0.1 peer 10.5.0.2/32 dev wg0\n"
			      "[#] ip link set mtu 1280 up dev wg0\n"
			      "[#] ip -4 route add 10.0.0.0/16 dev wg0\n");
	done(&f);
}

static const char full[] = "[Interface]\nAddress = 10.0.0.2/24\nDNS = 10.0.0.1\nPreUp = a %i;b # c\n"
			   "PostUp = %%i\nPostDown = d\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n";

static void default_routes(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	wanted(&f, full);
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] a wg0;b # c\n"
			      "[#] nft -f /dev/fd/63\n"
			      "[#] nft -f /dev/fd/63\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] wg set wg0 fwmark 51820\n"
			      "[#] ip -4 address add 10.0.0.2/24 dev wg0\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] resolvconf -a wg0 -m 0 -x\n"
			      "[#] ip -6 rule add not fwmark 51820 table 51820\n"
			      "[#] ip -6 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -6 route add ::/0 dev wg0 table 51820\n"
			      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
			      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
			      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n"
			      "[#] %wg0\n");
	done(&f);
}

/* The order in which the kernel is told: no moment at which a tunnelled destination goes the old way. */
static void unreachable_before_the_first_rule(void **state)
{
	struct fixture f = { 0 };
	int guard = 0, in_table = 0;

	(void)state;
	host(&f);
	wanted(&f, full);
	make(&f);
	for (size_t i = 0; i < f.plan.n; i++) {
		const struct step *s = &f.plan.steps[i];
		if (s->kind == STEP_FIREWALL)
			guard++;
		if (s->kind == STEP_ADDRESS)
			assert_int_equal(guard, 2); /* guarded before it exists */
		if (s->kind == STEP_ROUTE && s->route.table == 51820)
			in_table += s->remove ? -1 : 1;
		if (s->kind == STEP_RULE)
			assert_true(in_table > 0);
	}
	assert_int_equal(in_table, 2);
	done(&f);
}

static void rules_go_where_the_kernel_would_put_them(void **state)
{
	struct fixture f = { 0 };
	uint32_t prefs[2] = { 0 };
	size_t n = 0;

	(void)state;
	host(&f);
	wanted(&f, "[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	make(&f);
	for (size_t i = 0; i < f.plan.n; i++)
		if (f.plan.steps[i].kind == STEP_RULE)
			prefs[n++ & 1] = f.plan.steps[i].rule.pref;
	assert_int_equal(n, 2);
	assert_int_equal(prefs[0], 32765);
	assert_int_equal(prefs[1], 32764);
	done(&f);
}

static void second_tunnel_keeps_out_of_the_first(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	f.state.rules.list[1] = (struct step_rule){ .family = IP_V4, .invert = true, .pref = 32765,
						    .mark = 51820, .table = 51820 };
	f.state.free_table = 51821;
	f.state.src_valid_mark = 1;
	wanted(&f, "[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] nft -f /dev/fd/63\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] wg set wg0 fwmark 51821\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 rule add not fwmark 51821 table 51821\n"
			      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -4 rule add fwmark 51820 table main\n"
			      "[#] ip -4 rule add fwmark 51821 table main\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51821\n");
	done(&f);
}

static void undo_is_newest_first_and_link_before_firewall(void **state)
{
	struct fixture f = { 0 };
	struct plan undo = { 0 };

	(void)state;
	host(&f);
	wanted(&f, full);
	make(&f);
	assert_int_equal(plan_undo(&undo, &f.plan, true), 0);
	assert_lines(&undo, "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=0\n"
			    "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -4 rule delete table 51820\n"
			    "[#] ip -6 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -6 rule delete table 51820\n"
			    "[#] resolvconf -d wg0 -f\n"
			    "[#] ip link delete dev wg0\n"
			    "[#] nft -f /dev/fd/63\n"
			    "[#] nft -f /dev/fd/63\n");
	plan_free(&undo);
	/* Only what was done. */
	f.plan.steps[0].done = true;
	assert_int_equal(plan_undo(&undo, &f.plan, false), 0);
	assert_lines(&undo, "[#] ip link delete dev wg0\n");
	plan_free(&undo);
	done(&f);
}

static void inverse_of_the_inverse(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	wanted(&f, full);
	make(&f);
	for (size_t i = 0; i < f.plan.n; i++) {
		struct step once, twice;
		if (!step_inverse(&once, &f.plan.steps[i]))
			continue;
		assert_int_not_equal(once.remove, f.plan.steps[i].remove);
		assert_true(step_inverse(&twice, &once));
		assert_int_equal(twice.remove, f.plan.steps[i].remove);
	}
	done(&f);
}

static void tables(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	wanted(&f, "[Interface]\nAddress = 10.0.0.1/8\nTable = 777\n" PEER "AllowedIPs = 10.0.0.2/32,0.0.0.0/0\n");
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.0.0.1/8 dev wg0\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 route add 10.0.0.2/32 dev wg0 table 777\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 777\n");
	done(&f);
	f = (struct fixture){ 0 };
	host(&f);
	wanted(&f, "[Interface]\nTable = OFF\n" PEER "AllowedIPs = 10.0.0.2/32,0.0.0.0/0\n");
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip link set mtu 1420 up dev wg0\n");
	done(&f);
}

static void without_ipv6_and_firewall(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	host(&f);
	f.state.ipv6 = false;
	f.state.firewall = FIREWALL_NONE;
	wanted(&f, "[Interface]\nAddress = fd00::1/64\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n");
	make(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] wg set wg0 fwmark 51820\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
			      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
			      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n");
	assert_non_null(strstr(f.warnings, "IPv6 is disabled"));
	assert_non_null(strstr(f.warnings, "neither nft nor iptables"));
	done(&f);
}

/* A suppress rule whose tunnel rule is gone may be another tunnel's. */
static void foreign_rules_stay(void **state)
{
	struct fixture f = { 0 };
	struct plan undo = { 0 };
	struct step *s;

	(void)state;
	host(&f);
	memcpy(undo.name, "wg0", 4);
	s = plan_add(&undo, STEP_RULE);
	assert_non_null(s);
	s->remove = true;
	s->rule = (struct step_rule){ .family = IP_V4, .suppress = true, .pref = 32764, .table = 254 };
	s = plan_add(&undo, STEP_RULE);
	assert_non_null(s);
	s->remove = true;
	s->rule = (struct step_rule){ .family = IP_V4, .invert = true, .pref = 32765, .mark = 1, .table = 1 };
	f.state.rules.list[1] = undo.steps[0].rule; /* only the suppress rule is there */
	plan_drop_absent_rules(&undo, &f.state);
	assert_int_equal(undo.n, 0);
	plan_free(&undo);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_longest_first),
		cmocka_unit_test(covered_routes_are_left_out),
		cmocka_unit_test(default_routes),
		cmocka_unit_test(unreachable_before_the_first_rule),
		cmocka_unit_test(rules_go_where_the_kernel_would_put_them),
		cmocka_unit_test(second_tunnel_keeps_out_of_the_first),
		cmocka_unit_test(undo_is_newest_first_and_link_before_firewall),
		cmocka_unit_test(inverse_of_the_inverse),
		cmocka_unit_test(tables),
		cmocka_unit_test(without_ipv6_and_firewall),
		cmocka_unit_test(foreign_rules_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
