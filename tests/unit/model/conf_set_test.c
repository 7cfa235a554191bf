/* Arguments of `wg set`, and the resulting requests or messages. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/conf.h"
#include "model/uapi.h"
#include "../../lib/diag_text.h"

#define KEY "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="
#define SECRET "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define HEX "855d52b4a59f702e98c76d71845be88979d638d8c61cdd5d15e89b37bdfb5a77"
#define SECRET_HEX "a0cdcf6751ed73b167002a08646842cab7de47e63c621df85b30daba53448c6b"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER "public_key=" HEX "\n"

static int read_key(void *ctx, uint8_t key[KEY_BYTES], const char *path, struct diag *d)
{
	(void)ctx;
	if (strcmp(path, "/missing") == 0) {
		diag_f(d, DIAG_ERROR, NULL, NULL, "fopen: No such file or directory");
		return -ENOENT;
	}
	if (strcmp(path, "/dev/null") != 0)
		assert_true(key_from_base64(key, SPAN(SECRET)));
	return 0;
}

static const struct set_options options = { .read_key = read_key };

enum { ARGS_MAX = 16 };

/* Arguments separated by '|', and either the request or the messages. */
static const struct {
	const char *args, *request, *messages;
	int err;
} sets[] = {
	{ "listen-port|51820|fwmark|0xCA6C|private-key|/key",
	  "set=1\nprivate_key=" SECRET_HEX "\nlisten_port=51820\nfwmark=51820\n\n", "", 0 },
	{ "listen-port| +5", "set=1\nlisten_port=5\n\n", "", 0 },
	{ "private-key|/dev/null", "set=1\nprivate_key=" ZEROS "\n\n", "", 0 },
	{ "fwmark|OFF|listen-port|0|listen-port|1", "set=1\nlisten_port=1\nfwmark=0\n\n", "", 0 },
	{ "peer|" KEY, "set=1\n" PEER "\n", "", 0 },
	{ "peer|" KEY "|remove|allowed-ips|1.2.3.4", "set=1\n" PEER "remove=true\n\n", "", 0 },
	{ "peer|" KEY "|update-only|endpoint|1.2.3.4:5",
	  "set=1\n" PEER "update_only=true\nendpoint=1.2.3.4:5\n\n", "", 0 },
	{ "peer|" KEY "|persistent-keepalive|off|allowed-ips|10.0.0.0/8,::/0|preshared-key|/key|endpoint|[::1]:5",
	  "set=1\n" PEER "preshared_key=" SECRET_HEX "\nendpoint=[::1]:5\npersistent_keepalive_interval=0\n"
	  "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=::/0\n\n", "", 0 },
	{ "peer|" KEY "|preshared-key|/dev/null", "set=1\n" PEER "preshared_key=" ZEROS "\n\n", "", 0 },
	{ "peer|" KEY "|allowed-ips|", "set=1\n" PEER "replace_allowed_ips=true\n\n", "", 0 },
	{ "peer|" KEY "|allowed-ips| 1.2.3.4 , 10.0.0.0/ 8",
	  "set=1\n" PEER "replace_allowed_ips=true\nallowed_ip=1.2.3.4/32\nallowed_ip=10.0.0.0/8\n\n", "", 0 },
	{ "peer|" KEY "|allowed-ips|+1.2.3.4,-10.0.0.0/8",
	  "set=1\n" PEER "allowed_ip=1.2.3.4/32\nallowed_ip=-10.0.0.0/8\n\n", "", 0 },
	{ "peer|" KEY "|allowed-ips|-1.2.3.4|allowed-ips|10.0.0.0/8",
	  "set=1\n" PEER "replace_allowed_ips=true\nallowed_ip=-1.2.3.4/32\nallowed_ip=10.0.0.0/8\n\n", "", 0 },
	{ "peer|" KEY "|peer|" KEY "|remove", "set=1\n" PEER PEER "remove=true\n\n", "", 0 },
	{ "peer|" KEY "|allowed-ips|10.1.2.3/8",
	  "set=1\n" PEER "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n\n",
	  "warning: AllowedIP has nonzero host part: 10.1.2.3/8\n", 0 },
	{ "peer|" KEY "|allowed-ips|+10.1.2.3/8", "set=1\n" PEER "allowed_ip=10.0.0.0/8\n\n",
	  "warning: AllowedIP has nonzero host part: 10.1.2.3/8\n", 0 },
	/* errors */
	{ "foo", NULL, "error: Invalid argument: foo\n", -EINVAL },
	{ "listen-port", NULL, "error: Invalid argument: listen-port\n", -EINVAL },
	{ "Listen-Port|5", NULL, "error: Invalid argument: Listen-Port\n", -EINVAL },
	{ "peer", NULL, "error: Invalid argument: peer\n", -EINVAL },
	{ "peer|" KEY "|peer", NULL, "error: Invalid argument: peer\n", -EINVAL },
	{ "remove", NULL, "error: Invalid argument: remove\n", -EINVAL },
	{ "endpoint|1.2.3.4:5", NULL, "error: Invalid argument: endpoint\n", -EINVAL },
	{ "peer|" KEY "|listen-port|5", NULL, "error: Invalid argument: listen-port\n", -EINVAL },
	{ "peer|" KEY "|" SECRET, NULL, "error: Invalid argument\n", -EINVAL },
	{ "listen-port|", NULL, "error: Unable to parse empty port\n", -EINVAL },
	{ "listen-port|65536", NULL, "error: Port is not 0-65535: `65536'\n", -EINVAL },
	{ "listen-port|5 ", NULL, "error: Servname not supported for ai_socktype: `5 '\n", -EINVAL },
	{ "listen-port| +-5", NULL, "error: Servname not supported for ai_socktype: ` +-5'\n", -EINVAL },
	{ "listen-port| ", NULL, "error: Servname not supported for ai_socktype: ` '\n", -EINVAL },
	{ "fwmark|", NULL, "error: Fwmark is neither 0/off nor 0-0xffffffff: `'\n", -EINVAL },
	{ "private-key|/missing", NULL, "error: fopen: No such file or directory\n", -ENOENT },
	{ "peer|p65NV..", NULL, "error: Key is not the correct length or format: `p65NV..'\n", -EINVAL },
	{ "peer| " KEY, NULL, "error: Key is not the correct length or format\n", -EINVAL },
	{ "peer|" KEY "|endpoint|", NULL, "error: Unable to parse empty endpoint\n", -EINVAL },
	{ "peer|" KEY "|persistent-keepalive|", NULL,
	  "error: Persistent keepalive interval is neither 0/off nor 1-65535: `'\n", -EINVAL },
	{ "peer|" KEY "|allowed-ips|1.2.3.4,", NULL, "error: Unable to parse IP address: `'\n", -EINVAL },
	{ "peer|" KEY "|allowed-ips|1.2.3.4/24/5", NULL,
	  "error: AllowedIP is not in the correct format: `1.2.3.4/24/5'\n", -EINVAL },
};

static int split(char *text, char *args[ARGS_MAX])
{
	int n = 0;

	for (char *at = text; at; n++) {
		char *bar = strchr(at, '|');
		assert_true(n < ARGS_MAX);
		args[n] = at;
		if (bar)
			*bar = '\0';
		at = bar ? bar + 1 : NULL;
	}
	return n;
}

static void arguments_become_requests_or_errors(void **state)
{
	char text[512], *args[ARGS_MAX], request[2048];
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct text t = text_fixed(request, sizeof request);
		snprintf(text, sizeof text, "%s", sets[i].args);
		diag_text_init(&messages, false);
		memset(&d, 0xaa, sizeof d);
		assert_int_equal(conf_read_set(&d, args, split(text, args), &options, &messages.d), sets[i].err);
		assert_string_equal(messages.buffer, sets[i].messages);
		if (sets[i].err) {
			assert_int_equal(d.flags | d.n_peers, 0);
			assert_null(d.peers);
			continue;
		}
		uapi_print_set(&t, &d, NULL);
		assert_string_equal(request, sets[i].request);
		device_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(arguments_become_requests_or_errors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
