/* The plan of `run`: all routes in the main table of a namespace that has nothing else, and what is ignored. */
#include "model_host.h"

#include "quick/plan/private_plan.h"

static void all_routes_are_in_the_main_table(void **state)
{
	struct host_state path = { .path_mtu = 1400, .ipv6 = true };
	struct plan_options o = { .hooks = true };
	struct tunnel_file file = { 0 };
	struct plan plan = { 0 };

	(void)state;
	model_read_file(&file, "[Interface]\nAddress = 10.1.1.1/32, fd00::1/64\nTable = off\nFwMark = 5\nListenPort = 7\n"
			       "DNS = 10.1.1.2\nPostUp = false\nSaveConfig = true\n" PEER
			       "AllowedIPs = 0.0.0.0/0, ::/0, 192.0.2.0/24\n");
	private_file_adapt(&file);
	assert_int_equal(file.device.flags & (WG_DEVICE_HAS_FWMARK | WG_DEVICE_HAS_LISTEN_PORT), 0);
	assert_int_equal(plan_private(&plan, &file, &path, &o), 0);
	assert_lines(&plan, "[#] ip link add dev wg0 type wireguard\n"
			    "[#] wg addconf wg0 /dev/fd/63\n"
			    "[#] ip -4 address add 10.1.1.1/32 dev wg0\n"
			    "[#] ip -6 address add fd00::1/64 dev wg0\n"
			    "[#] ip link set mtu 1320 up dev wg0\n"
			    "[#] ip -4 route add 192.0.2.0/24 dev wg0\n"
			    "[#] ip -6 route add ::/0 dev wg0\n"
			    "[#] ip -4 route add 0.0.0.0/0 dev wg0\n");
	plan_free(&plan);
	tunnel_file_free(&file);
}

static void ipv6_is_left_out_where_the_kernel_has_none(void **state)
{
	struct host_state path = { 0 };
	struct plan_options o = { 0 };
	struct tunnel_file file = { 0 };
	struct plan plan = { 0 };

	(void)state;
	model_read_file(&file, "[Interface]\nAddress = 10.1.1.1/24, fd00::1/64\nMTU = 1300\n" PEER "AllowedIPs = ::/0, 10.0.0.0/8\n");
	private_file_adapt(&file);
	assert_int_equal(plan_private(&plan, &file, &path, &o), 0);
	assert_lines(&plan, "[#] ip link add dev wg0 type wireguard\n"
			    "[#] wg addconf wg0 /dev/fd/63\n"
			    "[#] ip -4 address add 10.1.1.1/24 dev wg0\n"
			    "[#] ip link set mtu 1300 up dev wg0\n"
			    "[#] ip -4 route add 10.0.0.0/8 dev wg0\n");
	plan_free(&plan);
	tunnel_file_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_routes_are_in_the_main_table),
		cmocka_unit_test(ipv6_is_left_out_where_the_kernel_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
