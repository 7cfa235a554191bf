/* plan_undo(): newest first, only what was done, and nothing that belongs to others. */
#include "model_host.h"

#include "quick/plan/inverse.h"
#include "quick/plan/unjournaled.h"
#include "quick/plan/up.h"

struct fixture {
	struct model_host host;
	struct tunnel_file file;
	struct plan plan;
};

static void plan_all(struct fixture *f)
{
	struct plan_options o = { .hooks = true };

	assert_int_equal(plan_interface(&f->plan, &f->file, &o), 0);
	assert_int_equal(plan_tunnel(&f->plan, &f->file, &f->host.state, &o), 0);
}

static void release(struct fixture *f)
{
	plan_free(&f->plan);
	model_host_free(&f->host);
	tunnel_file_free(&f->file);
}

static const char full[] = "[Interface]\nAddress = 10.0.0.2/24\nDNS = 10.0.0.1\nPreUp = a %i;b # c\n"
			   "PostUp = %%i\nPostDown = d\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n";

static void undo_is_newest_first_and_link_before_firewall(void **state)
{
	struct fixture f = { 0 };
	struct plan undo = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, full);
	plan_all(&f);
	assert_int_equal(plan_undo(&undo, &f.plan, true), 0);
	assert_lines(&undo, "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=0\n"
			    "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -4 rule delete table 51820\n"
			    "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
			    "[#] ip -6 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -6 rule delete table 51820\n"
			    "[#] ip -6 route delete unreachable ::/0 metric 32767 table 51820\n"
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
	release(&f);
}

static void inverse_of_the_inverse(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, full);
	plan_all(&f);
	for (size_t i = 0; i < f.plan.n; i++) {
		struct step once, twice;
		if (!step_inverse(&once, &f.plan.steps[i]))
			continue;
		assert_int_not_equal(once.remove, f.plan.steps[i].remove);
		assert_true(step_inverse(&twice, &once));
		assert_int_equal(twice.remove, f.plan.steps[i].remove);
	}
	release(&f);
}

/* Where the tunnel's rule is gone, the suppress rule with its preference may be another tunnel's by now. */
static void foreign_rules_stay(void **state)
{
	struct fixture f = { 0 };
	struct plan undo = { 0 };
	struct step *s;

	(void)state;
	model_host_init(&f.host);
	memcpy(undo.name, "wg0", 4);
	s = plan_add(&undo, STEP_RULE);
	assert_non_null(s);
	s->remove = true;
	s->rule = (struct step_rule){ .family = IP_V4, .suppress = true, .pref = 32764, .table = 254 };
	s = plan_add(&undo, STEP_RULE);
	assert_non_null(s);
	s->remove = true;
	s->rule = (struct step_rule){ .family = IP_V4, .invert = true, .pref = 32765, .mark = 1, .table = 1 };
	f.host.state.rules.list[0] = undo.steps[0].rule;
	f.host.state.rules.list[1] =
		(struct step_rule){ .family = IP_V4, .invert = true, .pref = 32765, .mark = 2, .table = 2 };
	plan_drop_absent_rules(&undo, &f.host.state);
	assert_int_equal(undo.n, 0);
	plan_free(&undo);
	release(&f);
}

/* Added again manually, with another preference. */
static void moved_rules_go(void **state)
{
	struct fixture f = { 0 };
	struct plan undo = { 0 };
	struct step_rule *rules;

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	plan_all(&f);
	model_perform(&f.host, &f.plan);
	rules = f.host.state.rules.list;
	assert_true(rule_is_tunnel(&rules[2]));
	rules[2].pref--;
	rules[1].pref--;
	assert_int_equal(plan_undo(&undo, &f.plan, true), 0);
	plan_drop_absent_rules(&undo, &f.host.state);
	assert_int_equal(plan_undo_other_rules(&undo, &f.plan, &f.host.state), 0);
	plan_drop_kind(&undo, STEP_SYSCTL);
	assert_lines(&undo, "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
			    "[#] ip link delete dev wg0\n"
			    "[#] nft -f /dev/fd/63\n"
			    "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -4 rule delete table 51820\n");
	model_perform(&f.host, &undo);
	plan_free(&undo);
	release(&f);
}

/* Those of an earlier tunnel were in their places, so that `up` added a route only. */
static void rules_that_up_found_go(void **state)
{
	struct fixture f = { 0 };
	struct plan undo = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	plan_all(&f);
	model_perform(&f.host, &f.plan);
	plan_drop_kind(&f.plan, STEP_RULE);
	plan_drop_kind(&f.plan, STEP_SYSCTL);
	assert_int_equal(plan_undo(&undo, &f.plan, true), 0);
	plan_drop_absent_rules(&undo, &f.host.state);
	assert_int_equal(plan_undo_other_rules(&undo, &f.plan, &f.host.state), 0);
	assert_lines(&undo, "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
			    "[#] ip link delete dev wg0\n"
			    "[#] nft -f /dev/fd/63\n"
			    "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -4 rule delete table 51820\n");
	plan_free(&undo);
	release(&f);
}

/* Undone after any number of steps, the host is as it was. */
static void undo_of_every_part(void **state)
{
	struct fixture whole = { 0 };
	size_t n;

	(void)state;
	model_host_init(&whole.host);
	model_read_file(&whole.file, full);
	plan_all(&whole);
	n = whole.plan.n;
	release(&whole);
	for (size_t performed = 0; performed <= n; performed++) {
		struct string_list before = { 0 }, after = { 0 };
		struct plan undo = { 0 };
		struct fixture f = { 0 };
		model_host_init(&f.host);
		model_print(&before, &f.host);
		model_read_file(&f.file, full);
		plan_all(&f);
		f.plan.n = performed;
		model_perform(&f.host, &f.plan);
		f.plan.n = n;
		assert_int_equal(plan_undo(&undo, &f.plan, false), 0);
		model_perform(&f.host, &undo);
		model_print(&after, &f.host);
		assert_same_strings(&before, &after);
		string_list_free(&before);
		string_list_free(&after);
		plan_free(&undo);
		release(&f);
	}
}

/* As wireguard-tools leaves it: the rules of this mark, and the interface. */
static void undo_without_a_journal(void **state)
{
	struct plan found = { 0 }, undo = { 0 }, dns = { 0 };
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, full);
	plan_all(&f);
	model_perform(&f.host, &f.plan);
	assert_int_equal(plan_unjournaled(&found, &f.host.state, f.file.name), 0);
	assert_int_equal(found.n, 5);
	plan_free(&found);
	model_inspect_routes(&f.host, 0, 0); /* of a journal that was lost */
	assert_int_equal(plan_unjournaled(&found, &f.host.state, f.file.name), 0);
	assert_int_equal(plan_undo(&undo, &found, true), 0);
	assert_lines(&undo, "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -4 rule delete table 51820\n"
			    "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
			    "[#] ip -6 rule delete table main suppress_prefixlength 0\n"
			    "[#] ip -6 rule delete table 51820\n"
			    "[#] ip -6 route delete unreachable ::/0 metric 32767 table 51820\n"
			    "[#] ip link delete dev wg0\n");
	assert_int_equal(plan_unjournaled_dns(&dns, &f.host.state, f.file.name, &f.file.interface.dns), 0);
	assert_lines(&dns, "[#] resolvconf -d wg0 -f\n");
	plan_free(&dns);
	f.host.state.dns = DNS_RESOLVED; /* its settings end with the interface */
	assert_int_equal(plan_unjournaled_dns(&dns, &f.host.state, f.file.name, &f.file.interface.dns), 0);
	assert_int_equal(dns.n, 0);
	model_resolv_conf(&f.host, "wg0@1", "10.0.0.1");
	assert_int_equal(plan_unjournaled_dns(&dns, &f.host.state, f.file.name, &f.file.interface.dns), 0);
	assert_int_equal(dns.dns_backend, DNS_FILE);
	plan_free(&dns);
	plan_free(&undo);
	plan_free(&found);
	release(&f);
}

/* What could not be undone is a plan again, in the order of `up`; hooks are not repeated. */
static void what_failed_is_kept(void **state)
{
	struct plan done = { .name = "wg0" }, undo = { 0 }, again = { 0 };
	static const enum step_kind kinds[] = { STEP_LINK, STEP_RULE, STEP_SYSCTL, STEP_DNS };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_non_null(plan_add(&done, kinds[i]));
	done.steps[1].rule = (struct step_rule){ .family = IP_V4, .pref = 7, .mark = 1, .table = 1, .invert = true };
	assert_int_equal(plan_undo(&undo, &done, true), 0);
	for (size_t i = 0; i < undo.n; i++)
		undo.steps[i].failed = undo.steps[i].kind == STEP_RULE || undo.steps[i].kind == STEP_SYSCTL;
	assert_int_equal(plan_keep_failed(&done, &undo), 0);
	assert_int_equal(done.n, 2);
	assert_int_equal(done.steps[0].kind, STEP_RULE);
	assert_int_equal(done.steps[0].rule.pref, 7);
	assert_false(done.steps[0].remove);
	assert_int_equal(done.steps[1].kind, STEP_SYSCTL);
	assert_int_equal(plan_undo(&again, &done, true), 0);
	assert_int_equal(again.n, 2);
	assert_true(again.steps[0].remove && again.steps[1].remove);
	for (size_t i = 0; i < again.n; i++)
		assert_false(again.steps[i].failed);
	assert_int_equal(plan_keep_failed(&done, &again), 0);
	assert_int_equal(done.n, 0);
	plan_free(&done);
	plan_free(&undo);
	plan_free(&again);
}

/* What is left there is found with the namespace's name only. */
static void the_namespace_of_what_failed_is_kept(void **state)
{
	struct plan done = { .netns = "private" }, undo = { 0 };

	(void)state;
	assert_non_null(plan_add(&done, STEP_NETNS));
	assert_non_null(plan_add(&done, STEP_LINK));
	done.steps[0].done = done.steps[1].done = true;
	assert_int_equal(plan_undo(&undo, &done, true), 0);
	assert_int_equal(undo.n, 2);
	assert_int_equal(undo.steps[0].kind, STEP_LINK);
	undo.steps[0].failed = true; /* so that the other step had nothing to do, and did not fail */
	assert_int_equal(plan_keep_failed(&done, &undo), 0);
	assert_int_equal(done.n, 2);
	assert_int_equal(done.steps[0].kind, STEP_NETNS);
	assert_int_equal(done.steps[1].kind, STEP_LINK);
	assert_string_equal(done.netns, "private");
	undo.steps[0].failed = false;
	assert_int_equal(plan_keep_failed(&done, &undo), 0);
	assert_int_equal(done.n, 0);
	plan_free(&done);
	plan_free(&undo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undo_is_newest_first_and_link_before_firewall),
		cmocka_unit_test(inverse_of_the_inverse),
		cmocka_unit_test(foreign_rules_stay),
		cmocka_unit_test(moved_rules_go),
		cmocka_unit_test(rules_that_up_found_go),
		cmocka_unit_test(undo_of_every_part),
		cmocka_unit_test(undo_without_a_journal),
		cmocka_unit_test(what_failed_is_kept),
		cmocka_unit_test(the_namespace_of_what_failed_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
