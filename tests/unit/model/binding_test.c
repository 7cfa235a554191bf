/* What the outer sockets are bound to, in the configuration protocol. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/uapi.h"

static struct wg_binding binding_of(const char *lines)
{
	struct wg_binding b;

	assert_true(binding_read_lines(&b, span_of(lines)));
	return b;
}

static void a_request_is_read_as_it_was_printed(void **state)
{
	static const char *const all[] = { "", "bind_device=eth1\n", "source_address=192.0.2.5\n",
					   "bind_device=eth1.100\nsource_address=192.0.2.5\nsource_address=2001:db8::5\n",
					   "source_address=fe80::1\nmay_be_missing=true\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct wg_binding b = binding_of(all[i]);
		struct uapi_request r = { .scopes = NULL };
		char buffer[256];
		struct text t = text_fixed(buffer, sizeof buffer);
		struct span rest;
		binding_print_set(&t, &b);
		rest = text_of(&t);
		assert_int_equal(uapi_read_request(&r, &rest), 0);
		assert_true(r.done && r.verb == UAPI_SET_BINDING && r.error == 0);
		assert_true(binding_equal(&b, &r.binding));
		assert_int_equal(b.may_be_missing, r.binding.may_be_missing);
		assert_int_equal(binding_is_empty(&b), i == 0);
		uapi_request_reset(&r);
		assert_true(binding_is_empty(&r.binding));
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const all[] = {
		"bind_device=\n", "bind_device=a/b\n", "bind_device=sixteencharacters\n", "bind_device=a\nbind_device=b\n",
		"source_address=\n", "source_address=host\n", "source_address=0.0.0.0\n", "source_address=0.1.2.3\n",
		"source_address=::\n", "source_address=224.0.0.1\n", "source_address=ff02::1\n",
		"source_address=255.255.255.255\n", "source_address=::ffff:192.0.2.1\n", "source_address=192.0.2.1/24\n",
		"source_address=192.0.2.1\nsource_address=192.0.2.2\n", "may_be_missing=yes\n", "listen_port=1\n", "x\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct uapi_request r = { .scopes = NULL };
		char buffer[256];
		struct text t = text_fixed(buffer, sizeof buffer);
		struct span rest;
		text_f(&t, BINDING_SET "\n%s\n", all[i]);
		rest = text_of(&t);
		assert_int_equal(uapi_read_request(&r, &rest), 0);
		assert_true(r.done && r.error != 0);
		uapi_request_reset(&r);
	}
}

static void replies(void **state)
{
	struct wg_binding b = { .device = "x" };

	(void)state;
	assert_int_equal(binding_read_reply(&b, SPAN("bind_device=eth1\nsource_address=192.0.2.5\nerrno=0\n\n")), 0);
	assert_string_equal(b.device, "eth1");
	assert_int_equal(b.source[0].family, IP_V4);
	assert_int_equal(binding_read_reply(&b, SPAN("errno=-19\n\n")), -19);
	assert_string_equal(b.device, "eth1");
	assert_int_equal(binding_read_reply(NULL, SPAN("later_key=1\nerrno=0\n\n")), 0);
	assert_int_equal(binding_read_reply(&b, SPAN("")), -EPROTO);
	assert_int_equal(binding_read_reply(&b, SPAN("\n\n")), -EPROTO);
	assert_int_equal(binding_read_reply(&b, SPAN("errno=0\n")), -EPROTO);
	assert_int_equal(binding_read_reply(&b, SPAN("errno=x\n\n")), -EPROTO);
	assert_int_equal(binding_read_reply(&b, SPAN("bind_device=a/b\nerrno=0\n\n")), -EPROTO);
}

static void families(void **state)
{
	struct wg_binding none = binding_of("bind_device=eth1\n"), v4 = binding_of("source_address=192.0.2.5\n"),
			  v6 = binding_of("source_address=2001:db8::5\n"),
			  both = binding_of("source_address=2001:db8::5\nsource_address=192.0.2.5\n");

	(void)state;
	assert_int_equal(binding_family(&none), IP_NONE);
	assert_int_equal(binding_family(&v4), IP_V4);
	assert_int_equal(binding_family(&v6), IP_V6);
	assert_int_equal(binding_family(&both), IP_NONE);
	assert_true(binding_has_family(&v4, false) && !binding_has_family(&v4, true));
	assert_false(binding_equal(&v4, &both));
	assert_false(binding_equal(&none, &v4));
}

/* As the file descriptor store has it: before the state, whose readers skip it. */
static void lines_before_a_state(void **state)
{
	struct wg_device d = { 0 };
	struct uapi_reader r = { .device = &d };
	struct span text = SPAN("bind_device=eth1\nlisten_port=5\nerrno=0\n\n");
	struct wg_binding b = binding_of(text.p);

	(void)state;
	assert_string_equal(b.device, "eth1");
	assert_int_equal(uapi_read_reply(&r, &text), 0);
	assert_int_equal(d.listen_port, 5);
	device_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_as_it_was_printed),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(replies),
		cmocka_unit_test(families),
		cmocka_unit_test(lines_before_a_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
