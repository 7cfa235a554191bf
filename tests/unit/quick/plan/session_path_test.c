/* Whether a reload cuts the session that it is typed in: from the files before and after, and the client's address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/plan/session_path.h"

#define KEY "PrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n"
#define INTERFACE "[Interface]\n" KEY "Address = 10.7.0.1/24\n"
#define PEER "[Peer]\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\nEndpoint = 198.51.100.1:51820\n"
#define OTHER "[Peer]\nPublicKey = KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=\n"
#define OUTSIDE "192.0.2.7 50022 203.0.113.5 22"
#define INSIDE "10.7.0.9 50022 10.7.0.1 22"

enum { MARK = 51820 };

static void parse(struct tunnel_file *f, const char *text)
{
	static const struct tunnel_file_lookups none = { .scopes = NULL };
	struct diag silent = { 0 };

	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")), .text = span_dup(span_of(text)), .n_text = strlen(text) };
	assert_int_equal(tunnel_file_parse(f, &none, &silent), 0);
}

static void add_route(struct routes *r, struct ip_prefix prefix)
{
	assert_true(vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list));
	r->list[r->n++] = (struct step_route){ .prefix = prefix, .table = TABLE_MAIN };
}

static void add_rule(struct host_state *s, uint8_t family)
{
	s->rules.list[s->rules.n++] = (struct step_rule){ .family = family, .invert = true, .mark = MARK, .table = MARK };
}

/* The state after an `up` with the file. */
static void bring_up(struct host_state *s, struct tunnel_file *f)
{
	static struct step_rule rules[2];

	*s = (struct host_state){ .link = { .index = 7, .mtu = 1420, .up = true, .ipv6 = true }, .ipv6 = true, .rules.list = rules };
	s->device = f->device; /* borrowed */
	s->device.fwmark = MARK;
	s->addresses = f->interface.addresses; /* likewise */
	for (uint32_t i = 0; i < f->device.n_peers; i++)
		for (uint32_t k = 0; k < f->device.peers[i].n_allowedips; k++) {
			struct ip_prefix p = f->device.peers[i].allowedips[k].prefix;
			add_route(p.bits > 0 ? &s->routes : &s->mark_routes, p);
			if (p.bits == 0)
				add_rule(s, p.addr.family);
		}
}

static enum session_end judge(const char *connection, const char *before, const char *after, const char *outside)
{
	struct tunnel_file was, desired;
	struct ssh_session session;
	struct host_state now;
	struct string_list none = { 0 };
	struct diff_input in = { .desired = &desired, .actual = &now, .endpoints = &none };
	struct span rest = span_of(outside), word;
	enum session_end end;

	parse(&was, before);
	parse(&desired, after);
	bring_up(&now, &was);
	assert_true(ssh_session_parse(&session, span_of(connection)));
	while (span_next(&word, &rest, ' ')) {
		struct ip_prefix p;
		assert_true(prefix_parse(&p, word, NULL));
		add_route(&session.outside, p);
	}
	assert_int_equal(ssh_session_judge(&end, &session, &in), 0);
	ssh_session_free(&session);
	free(now.routes.list);
	free(now.mark_routes.list);
	tunnel_file_free(&was);
	tunnel_file_free(&desired);
	return end;
}

#define V4 "0.0.0.0/0 203.0.113.0/24"

static void connections(void **state)
{
	static const char *const wrong[] = { "", "1.2.3.4", "1.2.3.4 1 5.6.7.8", "1.2.3.4 1 5.6.7.8 22 9", "x 1 5.6.7.8 22", "1.2.3.4 1 ::1 22" };
	struct ssh_session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(ssh_session_parse(&s, span_of(wrong[i])));
	assert_true(ssh_session_parse(&s, SPAN("fe80::2%eth0 50022 fe80::1%eth0 22")));
	assert_int_equal(s.client.family, IP_V6);
}

static void outside(void **state)
{
	const char *split = INTERFACE PEER "AllowedIPs = 10.8.0.0/16\n";

	(void)state;
	assert_int_equal(judge(OUTSIDE, split, split, V4), SESSION_KEPT);
	assert_int_equal(judge(OUTSIDE, split, INTERFACE PEER "AllowedIPs = 10.8.0.0/16, 0.0.0.0/0\n", V4), SESSION_ENTERS_TUNNEL);
	assert_int_equal(judge(OUTSIDE, split, INTERFACE PEER "AllowedIPs = 192.0.0.0/16\n", V4), SESSION_ENTERS_TUNNEL);
	assert_int_equal(judge(OUTSIDE, split, INTERFACE PEER "AllowedIPs = ::/0\n", V4), SESSION_KEPT);
	/* The main table has a longer prefix. */
	assert_int_equal(judge(OUTSIDE, split, INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n", V4 " 192.0.2.0/24"), SESSION_KEPT);
	assert_int_equal(judge(OUTSIDE, split, INTERFACE PEER "AllowedIPs = 192.0.2.7/32\n", V4 " 192.0.2.0/24"), SESSION_ENTERS_TUNNEL);
	assert_int_equal(judge(OUTSIDE, split, "[Interface]\nTable = off\n" KEY PEER "AllowedIPs = 0.0.0.0/0\n", V4), SESSION_KEPT);
	assert_int_equal(judge(OUTSIDE, split, INTERFACE "ExcludeIPs = 192.0.2.0/24\n" PEER "AllowedIPs = 0.0.0.0/0\n", V4), SESSION_KEPT);
	/* The kill switch. */
	assert_int_equal(judge(OUTSIDE, split, INTERFACE "KillSwitch = on\n" PEER "AllowedIPs = 10.8.0.0/16\n", V4), SESSION_KILLED);
	assert_int_equal(judge(OUTSIDE, split, INTERFACE "KillSwitch = lan\n" PEER "AllowedIPs = 10.8.0.0/16\n", V4), SESSION_KILLED);
	assert_int_equal(judge("192.168.5.7 1 192.168.5.1 22", split, INTERFACE "KillSwitch = lan\n" PEER "AllowedIPs = 10.8.0.0/16\n",
			       V4 " 192.168.5.0/24"), SESSION_KEPT);
	assert_int_equal(judge("192.168.5.7 1 192.168.5.1 22", split, INTERFACE "KillSwitch = on\n" PEER "AllowedIPs = 10.8.0.0/16\n",
			       V4 " 192.168.5.0/24"), SESSION_KILLED);
	assert_int_equal(judge("127.0.0.1 1 127.0.0.1 22", split, INTERFACE "KillSwitch = on\n" PEER "AllowedIPs = 0.0.0.0/0\n", V4),
			 SESSION_KEPT);
	/* IPv6. */
	assert_int_equal(judge("2001:db8::7 1 2001:db8:5::1 22", split, INTERFACE "Address = fd07::1/64\n" PEER "AllowedIPs = 2001:db8::/64\n",
			       "::/0"), SESSION_ENTERS_TUNNEL);
	assert_int_equal(judge("2001:db8::7 1 2001:db8:5::1 22", split, INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n", "::/0"), SESSION_KEPT);
}

static void inside(void **state)
{
	const char *now = INTERFACE PEER "AllowedIPs = 10.7.0.0/24\n";

	(void)state;
	assert_int_equal(judge(INSIDE, now, now, V4), SESSION_KEPT);
	assert_int_equal(judge(INSIDE, now, INTERFACE PEER "AllowedIPs = 10.7.0.0/25, 10.9.0.0/16\n", V4), SESSION_KEPT);
	assert_int_equal(judge(INSIDE, now, "[Interface]\n" KEY "Address = 10.7.0.2/24\n" PEER "AllowedIPs = 10.7.0.0/24\n", V4),
			 SESSION_ADDRESS_REMOVED);
	assert_int_equal(judge(INSIDE, now, INTERFACE PEER "AllowedIPs = 10.9.0.0/16\n", V4), SESSION_NOT_ALLOWED);
	assert_int_equal(judge(INSIDE, now, INTERFACE OTHER "AllowedIPs = 10.7.0.0/24\n", V4), SESSION_OTHER_PEER);
	assert_int_equal(judge(INSIDE, now, INTERFACE PEER "AllowedIPs = 10.7.0.0/24\n" OTHER "AllowedIPs = 10.7.0.9/32\n", V4),
			 SESSION_OTHER_PEER);
	assert_int_equal(judge(INSIDE, now, INTERFACE PEER "AllowedIPs = 10.7.0.0/24\nPresharedKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n",
			       V4), SESSION_OTHER_KEY);
	assert_int_equal(judge(INSIDE, now, "[Interface]\nPrivateKey = 2K0STzWXn69KroCEz+WEP/kW/+Dtj6ydnGzyd+8MFF8=\nAddress = 10.7.0.1/24\n"
				       PEER "AllowedIPs = 10.7.0.0/24\n", V4), SESSION_OTHER_KEY);
	assert_int_equal(judge(INSIDE, now, INTERFACE PEER "Endpoint = 198.51.100.9:51820\nAllowedIPs = 10.7.0.0/24\n", V4), SESSION_OTHER_ENDPOINT);
	assert_int_equal(judge(INSIDE, now, INTERFACE "KillSwitch = on\n" PEER "AllowedIPs = 10.7.0.0/24\n", V4), SESSION_KEPT);
	/* The client is behind the peer, in another network. */
	assert_int_equal(judge("192.0.2.7 1 10.7.0.1 22", INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n", INTERFACE "Table = off\n" PEER "AllowedIPs = 0.0.0.0/0\n",
			       V4), SESSION_LEAVES_TUNNEL);
	assert_int_equal(judge("192.0.2.7 1 10.7.0.1 22", INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n", INTERFACE PEER "AllowedIPs = 0.0.0.0/0, ::/0\n",
			       V4), SESSION_KEPT);
}

static void texts(void **state)
{
	struct ssh_session s;
	char buffer[160];

	(void)state;
	assert_true(ssh_session_parse(&s, SPAN(OUTSIDE)));
	for (int end = SESSION_KEPT; end <= SESSION_KILLED; end++) {
		struct text t = text_fixed(buffer, sizeof buffer);
		ssh_session_describe(&t, &s, (enum session_end)end);
		assert_false(t.failed);
		assert_non_null(strstr(buffer, "192.0.2.7"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections),
		cmocka_unit_test(outside),
		cmocka_unit_test(inside),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
