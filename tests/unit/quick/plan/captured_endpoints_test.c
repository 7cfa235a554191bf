/* Which endpoints are to be looked up, which routes capture them, and which allowed IPs would not. */
#include "model_host.h"

#include "quick/plan/captured_endpoints.h"

static struct tunnel_file file;
static struct captured_endpoints captured;

static void begin(const char *text)
{
	file = (struct tunnel_file){ 0 };
	model_read_file(&file, text);
	assert_int_equal(captured_endpoints_init(&captured, &file, &file.device, &file.interface.addresses), 0);
}

static void end(void)
{
	captured_endpoints_free(&captured);
	tunnel_file_free(&file);
}

/* The peers that are looked up, as text; routes: the kernel's answers for them, "PREFIX …", "-" for another link. */
static const char *look_up(const char *routes)
{
	static char buffer[128];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct span rest = span_of(routes), word = { 0 };

	for (uint32_t i = 0; i < file.device.n_peers; i++) {
		struct ip_prefix p;
		if (!captured_endpoints_may_have(&captured, i))
			continue;
		text_f(&t, "%u ", i);
		if (!span_next(&word, &rest, ' ') || !prefix_parse(&p, word, NULL))
			continue;
		assert_int_equal(captured_endpoints_add(&captured, i, &p), 0);
	}
	return buffer;
}

/* "PEER PREFIX, …", connected ones with a "c". */
static const char *result(void)
{
	static char buffer[256];
	struct text t = text_fixed(buffer, sizeof buffer);

	for (size_t i = 0; i < captured.n; i++) {
		text_f(&t, "%s%u ", i > 0 ? ", " : "", captured.list[i].peer);
		prefix_print(&t, &captured.list[i].prefix);
		text_add(&t, captured.list[i].connected ? "c" : "");
	}
	return buffer;
}

/* "PREFIX: PIECE PIECE …; …" */
static const char *remedy(void)
{
	static char buffer[2048];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct ip_prefix prefixes[4], pieces[40];
	size_t n = captured_endpoints_prefixes(prefixes, ARRAY_LEN(prefixes), &captured);

	for (size_t i = 0; i < n; i++) {
		size_t k = captured_endpoints_split(pieces, ARRAY_LEN(pieces), &captured, &prefixes[i]);
		assert_true(k <= ARRAY_LEN(pieces));
		text_add(&t, i > 0 ? "; " : "");
		prefix_print(&t, &prefixes[i]);
		text_char(&t, ':');
		for (size_t m = 0; m < k; m++) {
			text_char(&t, ' ');
			prefix_print(&t, &pieces[m]);
		}
	}
	return buffer;
}

#define HEAD "[Interface]\nAddress = 10.99.0.1/24\n"

static void one_endpoint(void **state)
{
	(void)state;
	begin(HEAD PEER "AllowedIPs = 10.1.2.0/29\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("10.1.2.0/29"), "0 ");
	assert_string_equal(result(), "0 10.1.2.0/29");
	assert_string_equal(remedy(), "10.1.2.0/29: 10.1.2.0/31 10.1.2.2/32 10.1.2.4/30");
	end();
	begin(HEAD PEER "AllowedIPs = fd00::/126\nEndpoint = [fd00::1]:1\n");
	assert_string_equal(look_up("fd00::/126"), "0 ");
	assert_string_equal(remedy(), "fd00::/126: fd00::/128 fd00::2/127");
	end();
	begin(HEAD PEER "AllowedIPs = 192.0.2.1/32\nEndpoint = 192.0.2.1:1\n");
	assert_string_equal(look_up("192.0.2.1/32"), "0 ");
	assert_string_equal(remedy(), "192.0.2.1/32:");
	end();
}

static void no_look_up(void **state)
{
	static const char *const texts[] = {
		HEAD PEER "AllowedIPs = 10.0.0.0/8\nEndpoint = 192.0.2.1:1\n",
		HEAD PEER "AllowedIPs = 10.0.0.0/8\n",
		HEAD PEER "AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 192.0.2.1:1\n", /* policy rules exempt it */
		HEAD "Table = off\n" PEER "AllowedIPs = 10.0.0.0/8\nEndpoint = 10.1.2.3:1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		begin(texts[i]);
		assert_string_equal(look_up(""), "");
		end();
	}
}

static void default_routes_in_other_tables_are_looked_up(void **state)
{
	(void)state;
	begin(HEAD "Table = main\n" PEER "AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n");
	assert_string_equal(look_up("0.0.0.0/0"), "0 ");
	assert_string_equal(result(), "0 0.0.0.0/0");
	end();
	/* The half of a default route has no policy rules. */
	begin(HEAD PEER "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1\nEndpoint = 192.0.2.1:1\n");
	assert_string_equal(look_up("128.0.0.0/1"), "0 ");
	assert_string_equal(result(), "0 128.0.0.0/1");
	end();
}

static void routes_of_others(void **state)
{
	(void)state;
	begin(HEAD PEER "AllowedIPs = 10.0.0.0/8\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("-"), "0 "); /* by another link */
	assert_string_equal(result(), "");
	end();
	begin(HEAD PEER "AllowedIPs = 10.0.0.0/8\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("10.1.0.0/16"), "0 "); /* into the tunnel, by a hook */
	assert_string_equal(result(), "");
	assert_string_equal(remedy(), "");
	end();
}

static void several_prefixes_and_peers(void **state)
{
	(void)state;
	/* The longest prefix decides, and after it the next one would. */
	begin(HEAD PEER "AllowedIPs = 0.0.0.0/0, 10.1.2.0/30, 10.1.2.0/29\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("10.1.2.0/30"), "0 ");
	assert_string_equal(remedy(), "10.1.2.0/30: 10.1.2.0/31 10.1.2.2/32; 10.1.2.0/29: 10.1.2.0/31 10.1.2.2/32 10.1.2.4/30");
	end();
	/* The allowed IPs of one peer contain the endpoint of another one; one remedy for two endpoints. */
	begin(HEAD PEER "AllowedIPs = 10.9.0.0/24\nEndpoint = 10.1.2.0:1\n" PEER "AllowedIPs = 10.8.0.0/24\nEndpoint = 192.0.2.1:1\n" PEER
		   "AllowedIPs = 10.1.2.0/30\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("10.1.2.0/30 10.1.2.0/30"), "0 2 ");
	assert_string_equal(result(), "0 10.1.2.0/30, 2 10.1.2.0/30");
	assert_string_equal(remedy(), "10.1.2.0/30: 10.1.2.1/32 10.1.2.2/32");
	end();
}

static void address_of_the_interface(void **state)
{
	(void)state;
	begin("[Interface]\nAddress = 10.0.0.1/8\n" PEER "AllowedIPs = 10.0.0.2/32\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("10.0.0.0/8"), "0 ");
	assert_string_equal(result(), "0 10.0.0.0/8c");
	assert_string_equal(remedy(), "");
	end();
	/* Which has the route of the allowed IP as well. */
	begin("[Interface]\nTable = off\nAddress = 10.0.0.1/8\n" PEER "AllowedIPs = 10.0.0.0/8\nEndpoint = 10.1.2.3:1\n");
	assert_string_equal(look_up("10.0.0.0/8"), "0 ");
	assert_string_equal(result(), "0 10.0.0.0/8c");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_endpoint),
		cmocka_unit_test(no_look_up),
		cmocka_unit_test(default_routes_in_other_tables_are_looked_up),
		cmocka_unit_test(routes_of_others),
		cmocka_unit_test(several_prefixes_and_peers),
		cmocka_unit_test(address_of_the_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
