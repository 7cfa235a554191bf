/* Steps as commands that bash can run, with the input that the command would read from wg-quick, and in messages. */
#include "model_host.h"

#include "quick/plan/shell_quote.h"

static void assert_printed(const struct plan *p, const char *expected)
{
	struct text t = text_heap();

	plan_print(&t, p);
	text_char(&t, '\0');
	assert_string_equal(t.p, expected);
	text_heap_free(&t);
}

static struct step *add(struct plan *p, enum step_kind kind)
{
	struct step *s = plan_add(p, kind);

	assert_non_null(s);
	return s;
}

static void quoting(void **state)
{
	struct text t = text_heap();

	(void)state;
	shell_quote(&t, SPAN("it's\na \\ b\n\n"));
	text_char(&t, '\0');
	assert_string_equal(t.p, "$'it\\'s\\na \\\\ b'");
	text_heap_free(&t);
}

static void hooks_are_expanded(void **state)
{
	struct text t = text_heap();

	(void)state;
	hook_expand(&t, "%i %%i 100% %, %n ", "wg0", "");
	hook_expand(&t, "%n %i %%n %", "wg0", "private");
	text_char(&t, '\0');
	assert_string_equal(t.p, "wg0 %wg0 100% %, %n private wg0 %private %");
	text_heap_free(&t);
}

static void wg_reads_the_stripped_file(void **state)
{
	struct wg_device patch = { 0 };
	struct plan p = { .name = "wg0", .config = "/etc/wireguard/wg0.conf", .implementation = "wireguardd" };
	struct step *s;

	(void)state;
	add(&p, STEP_LINK);
	s = add(&p, STEP_WG);
	s->wg.command = WG_ADDCONF;
	s->wg.patch = &patch;
	assert_printed(&p, "[#] ip link add dev wg0 type wireguard || wireguardd wg0\n"
			   "[#] wg addconf wg0 /dev/fd/63 63< <(wg-quick strip /etc/wireguard/wg0.conf)\n");
	p.implementation = "wireguardd@.service";
	assert_printed(&p, "[#] ip link add dev wg0 type wireguard || systemctl start wireguardd@wg0.service\n"
			   "[#] wg addconf wg0 /dev/fd/63 63< <(wg-quick strip /etc/wireguard/wg0.conf)\n");
	p.implementation = "/opt/wireguardd@.service"; /* a program */
	assert_printed(&p, "[#] ip link add dev wg0 type wireguard || /opt/wireguardd@.service wg0\n"
			   "[#] wg addconf wg0 /dev/fd/63 63< <(wg-quick strip /etc/wireguard/wg0.conf)\n");
	p.implementation = "wireguardd";
	p.config = "/home/a b/wg0.conf";
	assert_printed(&p, "[#] ip link add dev wg0 type wireguard || wireguardd wg0\n"
			   "[#] wg addconf wg0 /dev/fd/63 63< <(wg-quick strip $'/home/a b/wg0.conf')\n");
	plan_free(&p);
}

static void firewall_rules(void **state)
{
	struct plan p = { .name = "wg0", .firewall = FIREWALL_IPTABLES };
	struct interface_address a = { .bits = 24 };
	struct step *s = add(&p, STEP_FIREWALL);

	(void)state;
	assert_true(ip_parse(&a.local, SPAN("10.0.0.1")) && addresses_add(&p.guarded, &a));
	s->firewall.family = IP_V4;
	s->firewall.mark = 51820;
	s->remove = true;
	assert_printed(&p, "[#] iptables-restore -n <<<$'*raw\\n"
			   "-D PREROUTING ! -i wg0 -d 10.0.0.1 -m addrtype ! --src-type LOCAL -j DROP -m comment "
			   "--comment \"wg-quick(8) rule for wg0\"\\nCOMMIT\\n*mangle\\n"
			   "-D POSTROUTING -m mark --mark 51820 -p udp -j CONNMARK --save-mark -m comment "
			   "--comment \"wg-quick(8) rule for wg0\"\\n"
			   "-D PREROUTING -m connmark --mark 51820 -p udp -j CONNMARK --restore-mark -m comment "
			   "--comment \"wg-quick(8) rule for wg0\"\\nCOMMIT'\n");
	p.firewall = FIREWALL_NFT;
	assert_printed(&p, "[#] nft -f /dev/fd/63 63<<<$'delete table ip wg-quick-wg0'\n");
	plan_free(&p);
}

static void name_servers(void **state)
{
	struct plan p = { .name = "wg0", .dns_backend = DNS_RESOLVCONF, .dns_prefix = "tun." };

	(void)state;
	assert_true(string_list_add(&p.dns.servers, SPAN("9.9.9.9")) &&
		    string_list_add(&p.dns.domains, SPAN("corp.example")));
	add(&p, STEP_DNS);
	assert_printed(&p, "[#] resolvconf -a tun.wg0 -m 0 -x <<<$'nameserver 9.9.9.9\\nsearch corp.example'\n");
	p.dns_backend = DNS_RESOLVED;
	assert_printed(&p, "[#] resolvectl dns wg0 9.9.9.9\n[#] resolvectl domain wg0 'corp.example' '~.'\n"
			   "[#] resolvectl default-route wg0 true\n");
	assert_true(string_list_add(&p.dns.domains, SPAN("~only.example")));
	assert_printed(&p, "[#] resolvectl dns wg0 9.9.9.9\n[#] resolvectl domain wg0 'corp.example' '~only.example'\n"
			   "[#] resolvectl default-route wg0 false\n");
	plan_free(&p);
}

/* The file is written as it will be: of the original, the options stay. */
static void name_servers_in_the_file(void **state)
{
	static const char original[] = "nameserver 192.0.2.1\noptions it's";
	struct plan p = { .name = "wg0", .dns_backend = DNS_FILE };
	struct text t = text_heap();
	struct resolv_conf now;

	(void)state;
	assert_true(string_list_add(&p.dns.servers, SPAN("9.9.9.9")) && resolv_conf_parse(&now, span_of(original)));
	p.resolv_conf = &now;
	p.dns_id = "wg0@1";
	add(&p, STEP_DNS);
	plan_print(&t, &p);
	assert_true(span_starts(text_of(&t), "[#] printf %s $'# Made by wg-quick(8) for wg0; the original contents are restored "
					     "by wg-quick down.\\nnameserver 9.9.9.9\\noptions it\\'s\\n#wg-quick: "));
	assert_non_null(strstr(t.p, "\\n' > /etc/resolv.conf\n"));
	p.steps[0].remove = true;
	assert_printed(&p, "[#] printf %s $'nameserver 192.0.2.1\\noptions it\\'s' > /etc/resolv.conf\n");
	text_heap_free(&t);
	resolv_conf_free(&now);
	plan_free(&p);
}

static void assert_described(const struct plan *p, const char *expected)
{
	struct text t = text_heap();

	step_describe(&t, p, &p->steps[p->n - 1]);
	text_char(&t, '\0');
	assert_string_equal(t.p, expected);
	text_heap_free(&t);
}

static void descriptions(void **state)
{
	struct plan p = { .name = "wg0" };
	struct step *s = add(&p, STEP_ROUTE);

	(void)state;
	assert_true(prefix_parse(&s->route.prefix, SPAN("10.0.0.0/8"), NULL));
	s->route.table = TABLE_MAIN;
	assert_described(&p, "add route 10.0.0.0/8");
	s->route.table = 77;
	s->remove = s->route.unreachable = true;
	assert_described(&p, "delete unreachable route 10.0.0.0/8 in table 77");
	s = add(&p, STEP_RULE);
	s->rule = (struct step_rule){ .family = IP_V6, .invert = true, .mark = 5, .table = 5 };
	assert_described(&p, "add IPv6 rule not fwmark 5 table 5");
	s = add(&p, STEP_LINK_UP);
	s->link_up.mtu = 1420;
	assert_described(&p, "set the MTU to 1420 and bring the interface up");
	plan_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting),
		cmocka_unit_test(hooks_are_expanded),
		cmocka_unit_test(wg_reads_the_stripped_file),
		cmocka_unit_test(firewall_rules),
		cmocka_unit_test(name_servers),
		cmocka_unit_test(name_servers_in_the_file),
		cmocka_unit_test(descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
