/* The configuration protocol, client and server: exact bytes, hostile input, arbitrary fragmentation. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/uapi.h"

#define HEX_A "855d52b4a59f702e98c76d71845be88979d638d8c61cdd5d15e89b37bdfb5a77"
#define HEX_B "1C8828f713733249" "8b588a4849c86a25" "4a0b1a5b0cf1a8d8" "a9b3c4d5e6f70819"
#define SECRET "a0cdcf6751ed73b167002a08646842cab7de47e63c621df85b30daba53448c6b"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER_A "public_key=" HEX_A "\n"

/* ---- requests ---- */

/* A request, and the same request as our client sends it. */
static const struct {
	const char *request, *patch;
	int error;
} requests[] = {
	{ "set=1\n\n", "set=1\n\n", 0 },
	{ "set=1\nfwmark=0\nlisten_port=1\nprivate_key=" SECRET "\nreplace_peers=true\n\n",
	  "set=1\nprivate_key=" SECRET "\nlisten_port=1\nfwmark=0\nreplace_peers=true\n\n", 0 },
	{ "set=1\n" PEER_A "allowed_ip=10.1.2.3/8\nupdate_only=true\nprotocol_version=1\n"
	  "persistent_keepalive_interval=25\nendpoint=[FE80::1%3]:65535\npreshared_key=" ZEROS "\n\n",
	  "set=1\n" PEER_A "update_only=true\npreshared_key=" ZEROS "\nendpoint=[fe80::1%3]:65535\n"
	  "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n\n", 0 },
	{ "set=1\n" PEER_A "remove=true\n\n", "set=1\n" PEER_A "remove=true\n\n", 0 },
	/* a repeated key begins another block */
	{ "set=1\n" PEER_A "allowed_ip=::/0\n" PEER_A "remove=true\n\n",
	  "set=1\n" PEER_A "allowed_ip=::/0\n" PEER_A "remove=true\n\n", 0 },
	/* lines apply in order */
	{ "set=1\n" PEER_A "allowed_ip=::/0\nreplace_allowed_ips=true\nallowed_ip=-1.2.3.4/32\nallowed_ip=::1/128\n\n",
	  "set=1\n" PEER_A "allowed_ip=::/0\n" PEER_A
	  "replace_allowed_ips=true\nallowed_ip=-1.2.3.4/32\nallowed_ip=::1/128\n\n", 0 },
	{ "set=1\n" PEER_A "update_only=true\nallowed_ip=::/0\nreplace_allowed_ips=true\n\n",
	  "set=1\n" PEER_A "update_only=true\nallowed_ip=::/0\n" PEER_A "update_only=true\nreplace_allowed_ips=true\n\n", 0 },
	{ "set=1\nlisten_port=5\nlisten_port=6\n\n", "set=1\nlisten_port=6\n\n", 0 },
	/* invalid values */
	{ "set=1\nlisten_port=65536\n\n", NULL, -EINVAL },
	{ "set=1\nlisten_port=\n\n", NULL, -EINVAL },
	{ "set=1\nlisten_port=domain\n\n", NULL, -EINVAL },
	{ "set=1\nlisten_port=+5\n\n", NULL, -EINVAL },
	{ "set=1\nfwmark=4294967296\n\n", NULL, -EINVAL },
	{ "set=1\nfwmark=0x10\n\n", NULL, -EINVAL },
	{ "set=1\nfwmark=off\n\n", NULL, -EINVAL },
	{ "set=1\nprivate_key=" SECRET "0\n\n", NULL, -EINVAL },
	{ "set=1\nprivate_key=oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n\n", NULL, -EINVAL },
	{ "set=1\nreplace_peers=false\n\n", NULL, -EINVAL },
	{ "set=1\nreplace_allowed_ips=true\n\n", NULL, -EINVAL },
	{ "set=1\nunknown=1\n\n", NULL, -EINVAL },
	{ "set=1\nendpoint=1.2.3.4:5\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "listen_port=5\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "endpoint=example.com:5\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "endpoint=::1:5\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "endpoint=[::1]:65536\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "allowed_ip=10.0.0.0/33\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "allowed_ip=+10.0.0.0/8\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "allowed_ip=\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "allowed_ip=10.0.0.0\n\n", NULL, -EINVAL }, /* the mask is mandatory in this protocol */
	{ "set=1\n" PEER_A "allowed_ip=-::1\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "protocol_version=2\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "persistent_keepalive_interval=off\n\n", NULL, -EINVAL },
	{ "set=1\n" PEER_A "remove=\n\n", NULL, -EINVAL },
	{ "set=1\nLISTEN_PORT=5\n\n", NULL, -EINVAL },
	{ "set=1\nlisten_port =5\n\n", NULL, -EINVAL },
	{ "set=1\n=\n\n", NULL, -EINVAL },
	{ "set=1\nlisten_port\n\n", NULL, -EPROTO },
	/* the first invalid line determines the error, and nothing of the request is left */
	{ "set=1\nlisten_port=5\n" PEER_A "x\nlisten_port=65536\n\n", NULL, -EPROTO },
	{ "get=1\nlisten_port=5\n\n", NULL, -EINVAL },
};

static void requests_in_the_table(void **state)
{
	char buffer[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct uapi_request r = { .scopes = NULL };
		struct span text = span_of(requests[i].request);
		struct text t = text_fixed(buffer, sizeof buffer);
		assert_int_equal(uapi_read_request(&r, &text), 0);
		assert_true(r.done);
		assert_int_equal(text.n, 0);
		assert_int_equal(r.error, requests[i].error);
		uapi_print_set(&t, &r.patch, NULL);
		assert_string_equal(buffer, requests[i].patch ? requests[i].patch : "set=1\n\n");
		uapi_request_reset(&r);
		assert_int_equal(r.verb, UAPI_NONE);
	}
}

static void fragmentation_has_no_effect(void **state)
{
	static const char request[] = "set=1\nlisten_port=7\n" PEER_A "allowed_ip=10.0.0.0/8\n\nget=1\n\n";
	char buffer[512];

	(void)state;
	for (size_t cut = 0; cut < sizeof request; cut++) {
		struct uapi_request r = { .scopes = NULL };
		struct text t = text_fixed(buffer, sizeof buffer);
		struct span text = { request, cut };
		assert_int_equal(uapi_read_request(&r, &text), 0);
		text.n = (size_t)(request + sizeof request - 1 - text.p);
		if (!r.done)
			assert_int_equal(uapi_read_request(&r, &text), 0);
		assert_true(r.done && r.error == 0);
		uapi_print_set(&t, &r.patch, NULL);
		assert_string_equal(buffer, "set=1\nlisten_port=7\n" PEER_A "allowed_ip=10.0.0.0/8\n\n");
		uapi_request_reset(&r);
		/* the next request is not consumed */
		text.n = (size_t)(request + sizeof request - 1 - text.p);
		assert_int_equal(uapi_read_request(&r, &text), 0);
		assert_true(r.done && r.verb == UAPI_GET && r.error == 0);
	}
}

static void connections_without_requests_are_closed(void **state)
{
	static const char *const strange[] = { "\n", "hello\n", "get=0\n", "get=1 \n", "SET=1\n", "GET / HTTP\n" };
	char line[UAPI_LINE_MAX + 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		struct uapi_request r = { .scopes = NULL };
		struct span text = span_of(strange[i]);
		assert_int_equal(uapi_read_request(&r, &text), -EPROTO);
		uapi_request_reset(&r);
	}
	/* an endless line, and one that is too long */
	for (int end = 0; end < 2; end++) {
		struct uapi_request r = { .verb = UAPI_SET };
		struct span text = { line, sizeof line };
		memset(line, 'x', sizeof line);
		if (end)
			line[sizeof line - 1] = '\n';
		assert_int_equal(uapi_read_request(&r, &text), -EPROTO);
		uapi_request_reset(&r);
	}
}

/* ---- replies ---- */

static const char reply[] =
	"private_key=" SECRET "\nlisten_port=51820\nfwmark=51820\n" PEER_A
	"preshared_key=" ZEROS "\nprotocol_version=1\nendpoint=[2001:db8::1]:5\n"
	"last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=123456789\n"
	"tx_bytes=18446744073709551615\nrx_bytes=7\npersistent_keepalive_interval=25\n"
	"allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\n"
	"public_key=" SECRET "\npreshared_key=" SECRET "\nprotocol_version=1\n"
	"last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"
	"persistent_keepalive_interval=0\nerrno=0\n\n";

static void round_trip_of_a_reply(void **state)
{
	char buffer[4096];

	(void)state;
	for (size_t cut = 0; cut < sizeof reply; cut++) {
		struct wg_device d = { 0 };
		struct uapi_reader r = { .device = &d };
		struct text t = text_fixed(buffer, sizeof buffer);
		struct span text = { reply, cut };
		assert_int_equal(uapi_read_reply(&r, &text), 0);
		text.n = (size_t)(reply + sizeof reply - 1 - text.p);
		assert_int_equal(uapi_read_reply(&r, &text), 0);
		assert_true(r.done && r.have_errno && r.error == 0);
		assert_int_equal(d.peers[0].flags & WG_PEER_HAS_PSK, 0);
		assert_int_equal(d.peers[1].flags & WG_PEER_HAS_PSK, WG_PEER_HAS_PSK);
		assert_int_equal(d.peers[0].handshake_ns, 123456789);
		uapi_print_get(&t, &d, NULL);
		assert_string_equal(buffer, reply);
		device_free(&d);
	}
}

static void zero_nanoseconds_are_sent_as_one(void **state)
{
	struct wg_device d = { 0 };
	char buffer[1024];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct wg_peer *p = device_add_peer(&d);

	(void)state;
	assert_non_null(p);
	p->handshake_s = 5;
	uapi_print_get(&t, &d, NULL);
	assert_non_null(strstr(buffer, "last_handshake_time_sec=5\nlast_handshake_time_nsec=1\n"));
	assert_null(strstr(buffer, "private_key"));
	assert_null(strstr(buffer, "listen_port"));
	assert_null(strstr(buffer, "fwmark"));
	device_free(&d);
}

/* A reply, the result of reading it, and the errno in it. */
static const struct {
	const char *reply;
	bool of_set;
	int err, error;
} replies[] = {
	{ "errno=0\n\n", true, 0, 0 },
	{ "errno=-22\n\n", true, 0, EINVAL },
	{ "errno=22\n\n", true, 0, EINVAL },
	{ "errno=-98\n\n", false, 0, EADDRINUSE },
	{ "listen_port=5\nerrno=5\n\n", false, 0, EIO },
	{ "new_key=1\n" PEER_A "newer=2\nerrno=0\n\n", false, 0, 0 },
	{ "endpoint=1.2.3.4:5\n" PEER_A "private_key=x\nerrno=0\n\n", false, 0, 0 }, /* not a key of peers */
	{ "public_key=" HEX_B "\nerrno=0\n\n", false, 0, 0 }, /* upper case */
	{ "\n", true, -EPROTO, 0 },
	{ "\n", false, -EPROTO, 0 },
	{ "errno=\n\n", true, -EPROTO, 0 },
	{ "errno=+1\n\n", true, -EPROTO, 0 },
	{ "errno=--1\n\n", true, -EPROTO, 0 },
	{ "errno=99999999999\n\n", true, -EPROTO, 0 },
	{ "errno=-1\nerrno=-22\n\n", true, 0, 22 }, /* the last one is valid */
	{ "errno=0\nlisten_port=5\n\n", false, 0, 0 },
	{ "listen_port=5\nerrno=0\n\n", true, 0, 0 }, /* not in replies to set */
	{ "errno=0\nlisten_port=x\n\n", false, -EPROTO, 0 },
	{ PEER_A "allowed_ip=1.2.3.4\n", false, -EPROTO, 0 },
	{ "listen_port\n", false, -EPROTO, 0 },
	{ "listen_port=65536\n", false, -EPROTO, 0 },
	{ "listen_port=-1\n", false, -EPROTO, 0 },
	{ "fwmark=0x1\n", false, -EPROTO, 0 },
	{ "private_key=" SECRET "00\n", false, -EPROTO, 0 },
	{ "private_key=a\n", false, -EPROTO, 0 },
	{ PEER_A "endpoint=evil.example.com:5\n", false, -EPROTO, 0 },
	{ PEER_A "allowed_ip=1.2.3.4/33\n", false, -EPROTO, 0 },
	{ PEER_A "allowed_ip=-1.2.3.4/32\n", false, -EPROTO, 0 },
	{ PEER_A "rx_bytes=18446744073709551616\n", false, -EPROTO, 0 },
	{ PEER_A "last_handshake_time_sec=-1\n", false, -EPROTO, 0 },
	{ PEER_A "last_handshake_time_nsec=1000000000\n", false, -EPROTO, 0 },
	{ PEER_A "persistent_keepalive_interval=65536\n", false, -EPROTO, 0 },
};

static void invalid_replies_fail(void **state)
{
	char line[UAPI_LINE_MAX + 8];
	struct span endless = { line, sizeof line };
	struct wg_device d = { 0 };
	struct uapi_reader r = { .device = &d };

	(void)state;
	memset(line, 'x', sizeof line);
	assert_int_equal(uapi_read_reply(&r, &endless), -EPROTO);
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct span text = span_of(replies[i].reply);
		r = (struct uapi_reader){ .device = &d, .set_reply = replies[i].of_set };
		assert_int_equal(uapi_read_reply(&r, &text), replies[i].err);
		if (replies[i].err == 0)
			assert_true(r.done && r.error == replies[i].error);
		device_free(&d);
	}
}

static void errno_signs(void **state)
{
	char buffer[128];
	struct text t = text_fixed(buffer, sizeof buffer);

	(void)state;
	uapi_print_errno(&t, UAPI_SET, -EINVAL);
	uapi_print_errno(&t, UAPI_GET, -EINVAL);
	uapi_print_errno(&t, UAPI_SET, 0);
	uapi_print_errno(&t, UAPI_GET, 0);
	assert_string_equal(buffer, "errno=-22\n\nerrno=22\n\nerrno=0\n\nerrno=0\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_the_table),
		cmocka_unit_test(fragmentation_has_no_effect),
		cmocka_unit_test(connections_without_requests_are_closed),
		cmocka_unit_test(round_trip_of_a_reply),
		cmocka_unit_test(zero_nanoseconds_are_sent_as_one),
		cmocka_unit_test(invalid_replies_fail),
		cmocka_unit_test(errno_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
