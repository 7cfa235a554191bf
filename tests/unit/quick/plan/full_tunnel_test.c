/* Which tunnels are full, and which of them are unreachable. */
#include "model_host.h"

#include "quick/plan/full_tunnel.h"

static void read_both(struct model_host *host, struct tunnel_file *file, const char *interface, const char *peers)
{
	char text[1024];
	struct text t = text_fixed(text, sizeof text);

	text_f(&t, "[Interface]\n%s\n%s", interface, peers);
	assert_false(t.failed);
	model_host_init(host);
	*file = (struct tunnel_file){ 0 };
	model_read_file(file, text);
}

static bool is_full(const char *interface, const char *peers, bool ipv6)
{
	struct model_host host;
	struct tunnel_file file;
	bool full;

	read_both(&host, &file, interface, peers);
	host.state.ipv6 = ipv6;
	full = tunnel_is_full(&file, &host.state);
	model_host_free(&host);
	tunnel_file_free(&file);
	return full;
}

static void full_tunnels(void **state)
{
	(void)state;
	assert_false(is_full("", "", true));
	assert_true(is_full("", PEER "AllowedIPs = 0.0.0.0/0\n", true));
	assert_true(is_full("", PEER "AllowedIPs = ::/0\n", true));
	assert_false(is_full("", PEER "AllowedIPs = ::/0\n", false));
	assert_false(is_full("", PEER "AllowedIPs = 0.0.0.0/1\n", true));
	assert_false(is_full("", PEER "AllowedIPs = 0.0.0.0/1, 8000::/1\n", true));
	assert_true(is_full("", PEER "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1\n", true));
	assert_true(is_full("", PEER "AllowedIPs = 0.0.0.0/1\n" PEER "AllowedIPs = 128.0.0.0/1\n", true));
	assert_false(is_full("", PEER "AllowedIPs = 10.0.0.0/8\n", true));
	assert_true(is_full("Table = main", PEER "AllowedIPs = 0.0.0.0/0\n", true));
	assert_false(is_full("Table = off", PEER "AllowedIPs = 0.0.0.0/0\n", true));
	assert_false(is_full("Table = 1234", PEER "AllowedIPs = 0.0.0.0/0\n", true));
}

/* Names are not resolved in a model: an endpoint with a name is one that could not be. */
static bool is_unreachable(const char *interface, const char *peers)
{
	struct model_host host;
	struct tunnel_file file;
	bool unreachable;

	read_both(&host, &file, interface, peers);
	unreachable = full_tunnel_is_unreachable(&file, &host.state);
	model_host_free(&host);
	tunnel_file_free(&file);
	return unreachable;
}

#define NAMED "Endpoint = vpn.example:1\n"
#define ADDRESS "Endpoint = 192.0.2.1:1\n"

static void unreachable_tunnels(void **state)
{
	(void)state;
	assert_true(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/0\n" NAMED));
	assert_true(is_unreachable("Table = main", PEER "AllowedIPs = 0.0.0.0/0\n" NAMED));
	assert_true(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/1\n" NAMED PEER "AllowedIPs = 128.0.0.0/1\n" NAMED));
	assert_false(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/0\n" ADDRESS));
	assert_false(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/0\n")); /* waits for the peer */
	assert_false(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/1\n" NAMED PEER "AllowedIPs = 128.0.0.0/1\n" ADDRESS));
	/* Not full: only some of the traffic is lost, as it would be while the peer is down. */
	assert_false(is_unreachable("", PEER "AllowedIPs = 10.0.0.0/8\n" NAMED));
	assert_false(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/1\n" NAMED));
	assert_false(is_unreachable("Table = off", PEER "AllowedIPs = 0.0.0.0/0\n" NAMED));
	/* The peer with the default route has an endpoint, another one has not. */
	assert_false(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/0\n" ADDRESS PEER "AllowedIPs = 10.0.0.0/8\n" NAMED));
	assert_true(is_unreachable("", PEER "AllowedIPs = 0.0.0.0/0\n" NAMED PEER "AllowedIPs = 10.0.0.0/8\n" ADDRESS));
}

/* A PreUp hook gave the interface a peer. */
static void peers_of_hooks_count(void **state)
{
	struct model_host host;
	struct tunnel_file file, hook = { 0 };

	(void)state;
	read_both(&host, &file, "", PEER "AllowedIPs = 0.0.0.0/0\n" NAMED);
	model_read_file(&hook, "[Interface]\n" PEER "AllowedIPs = ::/0\n" ADDRESS);
	assert_true(device_copy(&host.state.device, &hook.device));
	assert_false(full_tunnel_is_unreachable(&file, &host.state));
	host.state.ipv6 = false;
	assert_true(full_tunnel_is_unreachable(&file, &host.state));
	model_host_free(&host);
	tunnel_file_free(&file);
	tunnel_file_free(&hook);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_tunnels),
		cmocka_unit_test(unreachable_tunnels),
		cmocka_unit_test(peers_of_hooks_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
