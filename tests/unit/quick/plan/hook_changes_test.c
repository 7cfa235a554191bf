/* What hooks changed: nothing differs right after `up`, whatever they did; a reload leaves it alone until the file is
 * edited there. */
#include "hook_tunnel.h"

#define HOOK_PEER "[Peer]\nPublicKey = " THIRD_KEY "\n"
#define INTERFACE "[Interface]\nAddress = 10.0.0.1/24\n"

/* A hook that does `change` to a tunnel with the file `before`; a reload with `after` then does `lines`, and the next
 * one nothing. */
static void assert_change(const char *before, void (*change)(struct tunnel *t), const char *after, const char *lines)
{
	struct tunnel t;

	bring_up(&t, before);
	change(&t);
	note_changes(&t, before);
	assert_diff(&t, before, "");
	assert_diff(&t, after, lines);
	reload(&t, after);
	assert_diff(&t, after, "");
	take_down(&t);
}

static void set_device(struct tunnel *t)
{
	wg(t, "[Interface]\nPrivateKey = " OTHER_PRIVATE "\nListenPort = 7\nFwMark = 8\n");
}

static void device_settings(void **state)
{
	static const char file[] = "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 5\nFwMark = 6\n" PEER
				   "AllowedIPs = 0.0.0.0/0\n";

	(void)state;
	assert_change(file, set_device, file, "");
	assert_change(file, set_device, "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 9\nFwMark = 6\n" PEER
					"AllowedIPs = 0.0.0.0/0\n",
		      "[#] wg set wg0 listen-port 9\n");
	assert_change("[Interface]\nTable = off\nFwMark = 6\n" PEER, set_device,
		      "[Interface]\nTable = off\nFwMark = 9\n" PEER, "[#] wg set wg0 fwmark 9\n");
	assert_change("[Interface]\nPrivateKey = " PRIVATE "\n" PEER, set_device,
		      "[Interface]\nPrivateKey = " PSK "\n" PEER, "[#] wg set wg0 private-key /dev/fd/63\n");
	/* A mark without one in the file. */
	assert_change("[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n", set_device,
		      "[Interface]\nMTU = 1400\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n",
		      "[#] ip link set mtu 1400 dev wg0\n");
}

static void no_mark(struct tunnel *t)
{
	wg(t, "[Interface]\nFwMark = 0\n");
}

static void mark_of_a_default_route(void **state)
{
	static const char file[] = INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n";

	(void)state;
	assert_change(file, no_mark, file, "");
}

static void set_peer(struct tunnel *t)
{
	wg(t, PEER "PresharedKey = " PSK "\nPersistentKeepalive = 25\nEndpoint = 192.0.2.7:7\nAllowedIPs = 10.9.0.0/16\n");
}

static void settings_of_a_peer(void **state)
{
	static const char file[] = INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:1\n";

	(void)state;
	assert_change(file, set_peer, file, "");
	assert_change(file, set_peer, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:1\n"
					"PersistentKeepalive = 15\n",
		      "[#] wg set wg0 peer " KEY " persistent-keepalive 15\n");
	assert_change(file, set_peer, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:1\n"
					"PresharedKey = " OTHER_PSK "\n",
		      "[#] wg set wg0 peer " KEY " preshared-key /dev/fd/63\n");
	assert_change(file, set_peer, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:2\n",
		      "[#] wg set wg0 peer " KEY " endpoint 192.0.2.1:2\n");
	assert_change(file, set_peer, INTERFACE PEER "AllowedIPs = 10.2.0.0/16\nEndpoint = 192.0.2.1:1\n",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.2.0.0/16\n"
		      "[#] ip -4 route add 10.2.0.0/16 dev wg0\n");
	/* In two sections, and in another order. */
	assert_change(INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n", set_peer,
		      INTERFACE PEER "AllowedIPs = 10.2.0.0/16, 10.1.0.0/16\n", "");
	assert_change(INTERFACE PEER PEER "AllowedIPs = 10.1.0.0/16\n", set_peer,
		      INTERFACE PEER PEER "AllowedIPs = 10.1.0.0/16\n", "");
	assert_change(file, set_peer, INTERFACE, "[#] wg set wg0 peer " KEY " remove\n");
}

static void add_peer(struct tunnel *t)
{
	wg(t, HOOK_PEER "PresharedKey = " PSK "\nAllowedIPs = 10.20.0.0/16, 10.1.0.0/16\nEndpoint = 192.0.2.3:3\n");
	change_route(t, "10.20.0.0/16", TABLE_MAIN, false);
}

static void other_peers(void **state)
{
	static const char file[] = INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n";
	struct tunnel t;

	(void)state;
	assert_change(file, add_peer, file, "");
	assert_change(file, add_peer, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n" OTHER_PEER,
		      "[#] wg set wg0 peer " OTHER_KEY "\n");
	/* The file takes the allowed IP back. */
	assert_change(file, add_peer, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.1.0.0/16\n"
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n");
	/* The peer is now the file's, and then no longer. */
	bring_up(&t, file);
	add_peer(&t);
	note_changes(&t, file);
	reload(&t, INTERFACE PEER "AllowedIPs = 10.2.0.0/16\n" HOOK_PEER "AllowedIPs = 10.20.0.0/16\n");
	assert_diff(&t, INTERFACE PEER "AllowedIPs = 10.2.0.0/16\n",
		    "[#] wg set wg0 peer " THIRD_KEY " remove\n"
		    "[#] ip -4 route delete 10.20.0.0/16 dev wg0\n");
	take_down(&t);
}

static void delete_peer(struct tunnel *t)
{
	remove_peer(t, KEY);
}

static void removed_peers(void **state)
{
	static const char file[] = INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:1\n";
	struct tunnel t;

	(void)state;
	assert_change(file, delete_peer, file, "");
	assert_change(file, delete_peer, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:2\n",
		      "[#] wg set wg0 peer " KEY " endpoint 192.0.2.1:2 allowed-ips +10.1.0.0/16\n");
	/* Another program added it again. */
	bring_up(&t, file);
	delete_peer(&t);
	note_changes(&t, file);
	wg(&t, PEER "PersistentKeepalive = 5\n");
	assert_diff(&t, file, "");
	take_down(&t);
}

static void change_interface(struct tunnel *t)
{
	change_address(t, "10.0.0.1/24", true);
	change_address(t, "10.0.0.1 peer 10.0.0.2/32", false);
	t->host.state.link.mtu = 1380;
	change_route(t, "10.1.0.0/16", TABLE_MAIN, true);
	change_route(t, "192.0.2.0/24", TABLE_MAIN, false);
}

static void addresses_mtu_and_routes(void **state)
{
	static const char file[] = INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n";

	(void)state;
	assert_change(file, change_interface, file, "");
	assert_change(file, change_interface, INTERFACE "MTU = 1400\n" PEER "AllowedIPs = 10.1.0.0/16\n",
		      "[#] ip link set mtu 1400 dev wg0\n");
	assert_change(file, change_interface, "[Interface]\nAddress = 10.0.0.1/24, 10.0.5.1/24\n" PEER
					      "AllowedIPs = 10.1.0.0/16\n",
		      "[#] ip -4 address add 10.0.5.1/24 dev wg0\n");
	assert_change(file, change_interface, INTERFACE "Table = 777\n" PEER "AllowedIPs = 10.1.0.0/16\n",
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0 table 777\n");
	assert_change(INTERFACE "MTU = 1300\n" PEER "AllowedIPs = 10.1.0.0/16\n", change_interface,
		      INTERFACE "MTU = 1400\n" PEER "AllowedIPs = 10.1.0.0/16\n",
		      "[#] ip link set mtu 1400 dev wg0\n");
}

static void set_link_down(struct tunnel *t)
{
	t->host.state.link.up = false;
}

static void link_state(void **state)
{
	(void)state;
	assert_change(INTERFACE, set_link_down, INTERFACE, "");
	assert_change(INTERFACE, set_link_down, INTERFACE "MTU = 1400\n", "[#] ip link set mtu 1400 up dev wg0\n");
}

static void remove_policy(struct tunnel *t)
{
	model_lose_firewall(&t->host, 0);
	for (size_t i = 0; i < t->host.state.rules.n; i++)
		if (t->host.state.rules.list[i].suppress)
			model_rules_change(&t->host.state.rules, &(struct step_rule){ .family = t->host.state.rules.list[i].family,
				.pref = t->host.state.rules.list[i].pref, .suppress = true,
				.table = t->host.state.rules.list[i].table }, true);
}

static void rules_and_firewall(void **state)
{
	static const char file[] = INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n";
	struct tunnel t;

	(void)state;
	assert_change(file, remove_policy, file, "");
	/* New addresses are protected; from then on, the rules are ours again. */
	assert_change(file, remove_policy, INTERFACE "Address = 10.0.5.1/24\n" PEER "AllowedIPs = 0.0.0.0/0\n",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip -4 address add 10.0.5.1/24 dev wg0\n");
	bring_up(&t, file);
	remove_policy(&t);
	note_changes(&t, file);
	reload(&t, INTERFACE "Address = 10.0.5.1/24\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	model_lose_firewall(&t.host, 0);
	assert_diff(&t, INTERFACE "Address = 10.0.5.1/24\n" PEER "AllowedIPs = 0.0.0.0/0\n", "[#] nft -f /dev/fd/63\n");
	take_down(&t);
	/* A removed address does not count as lost firewall rules. */
	bring_up(&t, file);
	change_address(&t, "10.0.0.1/24", true);
	note_changes(&t, file);
	model_lose_firewall(&t.host, 0);
	assert_diff(&t, file, "[#] nft -f /dev/fd/63\n");
	take_down(&t);
}

static void policy_routing_of_a_hook(struct tunnel *t)
{
	struct step_rule rule = { .family = IP_V4, .pref = 100, .invert = true, .mark = 6, .table = 6 };

	model_rules_change(&t->host.state.rules, &rule, false);
	change_route(t, "0.0.0.0/0", 6, false);
}

static void rules_of_a_hook(void **state)
{
	static const char off[] = "[Interface]\nFwMark = 6\nTable = off\n" PEER "AllowedIPs = 0.0.0.0/0\n";

	(void)state;
	assert_change(off, policy_routing_of_a_hook, off, "");
	assert_change(off, policy_routing_of_a_hook,
		      "[Interface]\nFwMark = 6\nTable = off\nMTU = 1400\n" PEER "AllowedIPs = 0.0.0.0/0\n",
		      "[#] ip link set mtu 1400 dev wg0\n");
}

/* Secrets, not even those that the file does not have. */
static void notes_have_no_secrets(void **state)
{
	static const char file[] = "[Interface]\nPrivateKey = " PRIVATE "\n" PEER "PresharedKey = " OTHER_PSK "\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, file);
	set_device(&t);
	set_peer(&t);
	add_peer(&t);
	note_changes(&t, file);
	assert_true(t.applied.changes.n >= 5);
	for (size_t i = 0; i < t.applied.changes.n; i++) {
		const char *note = t.applied.changes.list[i];
		assert_null(strstr(note, PRIVATE));
		assert_null(strstr(note, OTHER_PRIVATE));
		assert_null(strstr(note, PSK));
		assert_null(strstr(note, OTHER_PSK));
	}
	take_down(&t);
}

static void hook_lines(void **state)
{
	static const char *const files[] = { INTERFACE, INTERFACE "PostUp = a\n", INTERFACE "PostUp = a\nPostUp = b\n",
					     INTERFACE "PostUp = b\nPostUp = a\n", INTERFACE "PreDown = a\n" };
	struct hook_lines lines[ARRAY_LEN(files)], again;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct tunnel_file f;
		read_file(&f, files[i]);
		hook_lines_of_file(&lines[i], &f);
		hook_lines_of_file(&again, &f);
		tunnel_file_free(&f);
		assert_memory_equal(&lines[i], &again, sizeof again);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(&lines[i], &lines[k], sizeof lines[i]);
		assert_string_equal(lines[i].of_phase[HOOK_PRE_UP], lines[0].of_phase[HOOK_PRE_UP]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_settings),
		cmocka_unit_test(mark_of_a_default_route),
		cmocka_unit_test(settings_of_a_peer),
		cmocka_unit_test(other_peers),
		cmocka_unit_test(removed_peers),
		cmocka_unit_test(addresses_mtu_and_routes),
		cmocka_unit_test(link_state),
		cmocka_unit_test(rules_and_firewall),
		cmocka_unit_test(rules_of_a_hook),
		cmocka_unit_test(notes_have_no_secrets),
		cmocka_unit_test(hook_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
