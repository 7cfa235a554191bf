/* BindDevice and SourceAddress: errors with their positions, and the exact steps of `up` and `reload`. */
#include "diff_tunnel.h"

#include "quick/plan/inverse.h"

#define INTERFACE "[Interface]\nAddress = 10.0.0.1/24\n"
#define SPLIT PEER "AllowedIPs = 10.1.0.0/16\n"
#define SOCKET " '' | socat - UNIX-CONNECT:" RUNSTATEDIR "/wireguard/wg0.sock\n"

struct report {
	unsigned int errors, line, column, width;
	char text[256];
};

static void note(void *ctx, const struct diag_message *m)
{
	struct report *r = ctx;
	struct text t = text_fixed(r->text, sizeof r->text);

	r->errors += m->level == DIAG_ERROR;
	r->line = m->at.line;
	r->column = m->at.column;
	r->width = m->at.width;
	text_add(&t, m->text);
}

static int parse(struct tunnel_file *f, struct report *r, const char *lines)
{
	static const struct tunnel_file_lookups lookups = { .table = NULL };
	struct diag d = { .emit = note, .ctx = r };
	char text[256];
	struct text t = text_fixed(text, sizeof text);

	text_f(&t, "[Interface]\n%s\n", lines);
	*r = (struct report){ 0 };
	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")), .text = span_dup(text_of(&t)), .n_text = t.n };
	return tunnel_file_parse(f, &lookups, &d);
}

static void nonsense_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *lines;
		unsigned int line, column, width;
		const char *text;
	} all[] = {
		{ "BindDevice =", 2, 13, 1, "BindDevice: expected the name of an interface, found `'" },
		{ "BindDevice = eth0 eth1", 2, 14, 9, "BindDevice: expected the name of an interface, found `eth0 eth1'" },
		{ "BindDevice = a/b", 2, 14, 3, "BindDevice: expected the name of an interface, found `a/b'" },
		{ "BindDevice = ..", 2, 14, 2, "BindDevice: expected the name of an interface, found `..'" },
		{ "BindDevice = sixteencharacters", 2, 14, 17, "BindDevice: expected the name of an interface, found `sixteencharacters'" },
		{ "BindDevice = wg0", 2, 14, 3, "BindDevice: expected an interface other than that of the tunnel, found `wg0'" },
		{ "SourceAddress =", 2, 16, 1, "SourceAddress: expected an IP address, found `'" },
		{ "SourceAddress = ,", 2, 17, 1, "SourceAddress: expected an IP address, found `,'" },
		{ "SourceAddress = host.example", 2, 17, 12, "SourceAddress: expected an IP address, found `host.example'" },
		{ "SourceAddress = 192.0.2.5/24", 2, 17, 12, "SourceAddress: expected an IP address, found `192.0.2.5/24'" },
		{ "SourceAddress = 192.0.2.5:51820", 2, 17, 15, "SourceAddress: expected an IP address, found `192.0.2.5:51820'" },
		{ "SourceAddress = [2001:db8::5]", 2, 17, 13, "SourceAddress: expected an IP address, found `[2001:db8::5]'" },
		{ "SourceAddress = fe80::1%eth0", 2, 17, 12, "SourceAddress: expected an IP address, found `fe80::1%eth0'" },
		{ "SourceAddress = 192.0.2.5, 192.0.2.6", 2, 28, 9, "SourceAddress: 192.0.2.6 is a second IPv4 address" },
		{ "SourceAddress = ::2, 192.0.2.5, ::3", 2, 33, 3, "SourceAddress: ::3 is a second IPv6 address" },
		{ "SourceAddress = 0.0.0.0", 2, 17, 7, "SourceAddress: 0.0.0.0 is not the address of a host" },
		{ "SourceAddress = ::", 2, 17, 2, "SourceAddress: :: is not the address of a host" },
		{ "SourceAddress = 239.1.2.3", 2, 17, 9, "SourceAddress: 239.1.2.3 is a multicast address" },
		{ "SourceAddress = ff02::1", 2, 17, 7, "SourceAddress: ff02::1 is a multicast address" },
		{ "SourceAddress = 255.255.255.255", 2, 17, 15, "SourceAddress: 255.255.255.255 is a broadcast address" },
		{ "SourceAddress = ::ffff:192.0.2.5", 2, 17, 16, "SourceAddress: ::ffff:192.0.2.5 is an IPv4 address in IPv6 form" },
		{ "SourceAddress = 192.0.2.5, fe80::1", 2, 17, 18, "SourceAddress: a link-local address belongs to one interface" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct tunnel_file f;
		struct report r;
		assert_true(parse(&f, &r, all[i].lines) < 0);
		assert_string_equal(r.text, all[i].text);
		assert_int_equal(r.errors, 1);
		assert_int_equal(r.line, all[i].line);
		assert_int_equal(r.column, all[i].column);
		assert_int_equal(r.width, all[i].width);
		tunnel_file_free(&f);
	}
}

static void values(void **state)
{
	static const char *const good[] = { "SourceAddress = fe80::1\nBindDevice = eth1", "BindDevice = eth1\nSourceAddress = fe80::1",
					    "sourceaddress = 192.0.2.5 2001:db8::5", "SourceAddress = 127.0.0.1\nBindDevice = lo",
					    "BindDevice = br-lan.100" };
	struct tunnel_file f;
	struct report r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(parse(&f, &r, good[i]), 0);
		assert_int_equal(r.errors, 0);
		assert_false(binding_is_empty(&f.interface.bind.to));
		tunnel_file_free(&f);
	}
	/* The last one counts, as one of a drop-in. */
	assert_int_equal(parse(&f, &r, "BindDevice = eth0\nSourceAddress = 192.0.2.5\nBindDevice = eth1\nSourceAddress = 2001:db8::5"), 0);
	assert_string_equal(f.interface.bind.to.device, "eth1");
	assert_int_equal(f.interface.bind.to.source[0].family, IP_NONE);
	assert_int_equal(f.interface.bind.to.source[1].family, IP_V6);
	assert_int_equal(f.interface.bind.device_at.line, 4);
	tunnel_file_strip(&f);
	assert_string_equal(f.text, "[Interface]\n");
	tunnel_file_free(&f);
}

static void bind_first_and_then_the_rest(void **state)
{
	struct plan_options o = { .hooks = true };
	struct tunnel_file file = { 0 };
	struct plan plan = { 0 }, undo = { 0 };
	struct text t = text_heap();

	(void)state;
	model_read_file(&file, INTERFACE "BindDevice = eth1\nSourceAddress = 192.0.2.5, 2001:db8::5\nPreUp = x\n" SPLIT);
	assert_int_equal(plan_interface(&plan, &file, &o), 0);
	plan_print(&t, &plan);
	text_char(&t, '\0');
	assert_string_equal(t.p, "[#] ip link add dev wg0 type wireguard\n"
				 "[#] printf '%s\\n' set_binding=1 bind_device=eth1 source_address=192.0.2.5 source_address=2001:db8::5" SOCKET
				 "[#] x\n");
	for (size_t i = 0; i < plan.n; i++)
		plan.steps[i].done = true;
	assert_int_equal(plan_undo(&undo, &plan, false), 0);
	assert_int_equal(undo.n, 1); /* deleting the interface undoes it */
	text_heap_free(&t);
	plan_free(&undo);
	plan_free(&plan);
	tunnel_file_free(&file);
}

static void reloads(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "BindDevice = eth1\n" SPLIT);
	assert_string_equal(t.applied.binding.device, "eth1");
	t.host.state.binding_known = true;
	assert_reload(&t, INTERFACE "BindDevice = eth1\n" SPLIT, "", "");
	assert_reload(&t, INTERFACE "BindDevice = eth2\nMTU = 1400\n" SPLIT, "",
		      "[#] printf '%s\\n' set_binding=1 bind_device=eth2" SOCKET
		      "[#] ip link set mtu 1400 dev wg0\n");
	assert_reload(&t, INTERFACE "SourceAddress = 192.0.2.5\n" SPLIT, "",
		      "[#] printf '%s\\n' set_binding=1 source_address=192.0.2.5" SOCKET);
	assert_reload(&t, INTERFACE SPLIT, "", "[#] printf '%s\\n' set_binding=1" SOCKET);
	t.host.state.binding = (struct wg_binding){ .device = "eth7" }; /* another program has changed it */
	assert_reload(&t, INTERFACE "BindDevice = eth1\n" SPLIT, "",
		      "[#] printf '%s\\n' set_binding=1 bind_device=eth1" SOCKET);
	t.host.state.binding_known = false; /* nobody asked */
	assert_reload(&t, INTERFACE SPLIT, "", "");
	take_down(&t);
}

/* A device that has gone during a reload must not keep the sockets where they are not to be any more. */
static void what_is_undone_may_be_missing(void **state)
{
	const struct step s = { .kind = STEP_BIND, .bind = { .to = { .device = "eth2" }, .before = { .device = "eth1" } } };
	struct step back;

	(void)state;
	assert_true(step_inverse(&back, &s));
	assert_string_equal(back.bind.to.device, "eth1");
	assert_true(back.bind.to.may_be_missing);
	assert_false(s.bind.to.may_be_missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense_is_refused_with_its_place),
		cmocka_unit_test(values),
		cmocka_unit_test(bind_first_and_then_the_rest),
		cmocka_unit_test(reloads),
		cmocka_unit_test(what_is_undone_may_be_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
