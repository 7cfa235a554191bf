/* Tunnel files with several errors: which are reported. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/conf.h"
#include "../../lib/diag_text.h"

#define KEY "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="
#define KEY_LINE "PublicKey = " KEY "\n"
#define PEER "[Peer]\n" KEY_LINE

static void max_errors_limits_the_reports(void **state)
{
	struct conf_options o = { .file = "wg0.conf", .max_errors = 2 };
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	diag_text_init(&messages, false);
	assert_int_equal(conf_read(&d, span_of("[Interface]\na\nFwMark = 1\nb\nc\n"), &o, &messages.d), -EINVAL);
	assert_string_equal(messages.buffer, "wg0.conf:2:1: error: Line unrecognized: `a'\n"
					 "wg0.conf:4:1: error: Line unrecognized: `b'\n");
}

/* Consequences of an error in other lines are not reported. */
static const struct {
	const char *file;
	size_t n;
	const char *messages; /* lines and columns */
} errors[] = {
#define CASE(file, messages) { file, sizeof file - 1, messages }
	CASE("[Interface]\nx\nListenPort = y\n[Peer]\nPublicKey = z\nEndpoint = 1\n", "2:1 3:14 5:13 6:12 "),
	/* the invalid line may be the peer's key */
	CASE("[Peer]\nPublicKey = short\n[Peer]\nPublicKey =\n[Peer]\nPublicKey\n", "2:13 4:1 6:1 "),
	CASE("[Peer]\nPublicKy = x\n[Peer]\nKey = " KEY "\n[Peer]\n" KEY "\n", "2:1 4:1 6:1 "),
	CASE("[Peer]\nPublicKey = x\0\n[Peer]\nx\0\n", "2:14 4:2 3:1 "),
	/* or not: a missing key is detected at the end of the section */
	CASE("[Peer]\nColor = blue\n[Peer]\nPostUp = echo this is long enough for a key\n", "2:1 1:1 4:1 3:1 "),
	CASE("[Peer]\nAllowedIPs = x\n" PEER "MTU = 1\n", "2:14 1:1 5:1 "),
	/* misspelt sections: keys of both sections are accepted */
	CASE("[Pear]\n" KEY_LINE "ListenPort = 5\nEndpoint = 1\nfoo\n[Interface]\n" KEY_LINE, "1:1 4:12 5:1 7:1 "),
	/* elements of lists */
	CASE(PEER "AllowedIPs = x, 1.2.3.4,, y/5\n", "3:14 3:25 3:27 "),
	CASE("[Peer]\n[Interface\nListenPort = 5\nPublicKey =\nPeer]\n" KEY_LINE "[Peer]\n", "2:1 1:1 4:1 5:1 7:1 "),
	CASE("[Pe\0er]\n" KEY_LINE, "1:4 "),
	/* after a UTF-8 mark the file is read on; after a UTF-16 mark it is not */
	CASE("\xef\xbb\xbf [Peer]\n" KEY_LINE "x\n", "1:1 3:1 "),
	CASE("\xef\xbb\xbfx\n", "1:1 1:4 "),
	CASE("\xff\xfe[\0I\0\n\0a\0\n\0", "1:1 "),
	CASE("\xfe\xff\0[\0I\0\n\0a\0\n", "1:1 "),
#undef CASE
};

static void add_position(void *ctx, const struct diag_message *m)
{
	text_f(ctx, "%u:%u ", m->at.line, m->at.column);
}

static void every_error_is_reported_once(void **state)
{
	struct conf_options o = { .max_errors = 1000 };
	char positions[256];

	(void)state;
	for (int discard = 0; discard < 2; discard++) {
		o.discard_peers = discard;
		for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
			struct text t = text_fixed(positions, sizeof positions);
			struct diag diag = { .emit = add_position, .ctx = &t };
			struct span file = { errors[i].file, errors[i].n };
			struct wg_device d;
			assert_int_equal(conf_read(&d, file, &o, &diag), -EINVAL);
			assert_string_equal(positions, errors[i].messages);
			assert_null(d.peers);
		}
	}
}

/* Neither ESC nor CSI in UTF-8 is printed, in the message or in the line. */
static void control_characters_are_replaced(void **state)
{
	struct conf_options o = { .file = "wg0.conf" };
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	diag_text_init(&messages, true);
	assert_int_equal(conf_read(&d, span_of("[Interface]\nFwMark = \33[2J\302\2331m\7\n"), &o, &messages.d), -EINVAL);
	assert_string_equal(messages.buffer, "wg0.conf:2:10: error: Fwmark is neither 0/off nor 0-0xffffffff: `?[2J??1m?'\n"
					 "  FwMark = ?[2J?1m?\n"
					 "           ^~~~~~~~\n");
}

static void missing_keys_have_their_own_error(void **state)
{
	struct conf_options o = { .max_errors = 10 };
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	diag_text_init(&messages, false);
	assert_int_equal(conf_read(&d, span_of("[Peer]\n[Peer]\n"), &o, &messages.d), -ENOKEY);
	assert_int_equal(conf_read(&d, span_of("[Peer]\n[Peer]\nx\n"), &o, &messages.d), -EINVAL);
}

/* Searching the whole line for each error took six minutes. */
static void many_errors_in_one_line(void **state)
{
	enum { N = 300000 };
	struct conf_options o = { .file = "wg0.conf", .max_errors = 2 * N };
	struct diag diag = { .emit = NULL };
	struct wg_device d;
	size_t n = sizeof PEER "AllowedIPs = " - 1;
	char *file = malloc(n + 2 * N);

	(void)state;
	assert_non_null(file);
	memcpy(file, PEER "AllowedIPs = ", n);
	for (size_t i = 0; i < N; i++, n += 2)
		memcpy(file + n, "x,", 2);
	assert_int_equal(conf_read(&d, (struct span){ file, n - 1 }, &o, &diag), -EINVAL);
	assert_int_equal(diag.errors, N);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(max_errors_limits_the_reports),
		cmocka_unit_test(every_error_is_reported_once),
		cmocka_unit_test(control_characters_are_replaced),
		cmocka_unit_test(missing_keys_have_their_own_error),
		cmocka_unit_test(many_errors_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
