/* Tunnel files with several mistakes: which are told. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/conf.h"
#include "../../lib/said.h"

#define KEY "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="
#define KEY_LINE "PublicKey = " KEY "\n"
#define PEER "[Peer]\n" KEY_LINE

static void several_errors_when_asked_for(void **state)
{
	struct conf_options o = { .file = "wg0.conf", .max_errors = 2 };
	struct wg_device d;
	struct said said;

	(void)state;
	said_init(&said, false);
	assert_int_equal(conf_read(&d, span_of("[Interface]\na\nFwMark = 1\nb\nc\n"), &o, &said.d), -EINVAL);
	assert_string_equal(said.buffer, "wg0.conf:2:1: error: Line unrecognized: `a'\n"
					 "wg0.conf:4:1: error: Line unrecognized: `b'\n");
}

/* Of what one mistake does to other lines nothing is said. */
static const struct {
	const char *file;
	size_t n;
	const char *said; /* lines and columns */
} mistakes[] = {
#define ROW(file, said) { file, sizeof file - 1, said }
	ROW("[Interface]\nx\nListenPort = y\n[Peer]\nPublicKey = z\nEndpoint = 1\n", "2:1 3:14 5:13 6:12 "),
	/* the peer's key may be the wrong line */
	ROW("[Peer]\nPublicKey = short\n[Peer]\nPublicKey =\n[Peer]\nPublicKey\n", "2:13 4:1 6:1 "),
	ROW("[Peer]\nPublicKy = x\n[Peer]\nKey = " KEY "\n[Peer]\n" KEY "\n", "2:1 4:1 6:1 "),
	ROW("[Peer]\nPublicKey = x\0\n[Peer]\nx\0\n", "2:14 4:2 3:1 "),
	/* or not: it is known to be missing at the peer's end */
	ROW("[Peer]\nColor = blue\n[Peer]\nPostUp = echo this is long enough for a key\n", "2:1 1:1 4:1 3:1 "),
	ROW("[Peer]\nAllowedIPs = x\n" PEER "MTU = 1\n", "2:14 1:1 5:1 "),
	/* sections that are meant: keys of both are right in them */
	ROW("[Pear]\n" KEY_LINE "ListenPort = 5\nEndpoint = 1\nfoo\n[Interface]\n" KEY_LINE, "1:1 4:12 5:1 7:1 "),
	/* elements of a list */
	ROW(PEER "AllowedIPs = x, 1.2.3.4,, y/5\n", "3:14 3:25 3:27 "),
	ROW("[Peer]\n[Interface\nListenPort = 5\nPublicKey =\nPeer]\n" KEY_LINE "[Peer]\n", "2:1 1:1 4:1 5:1 7:1 "),
	ROW("[Pe\0er]\n" KEY_LINE, "1:4 "),
	/* the mark alone is wrong, but what follows that of UTF-16 is no text */
	ROW("\xef\xbb\xbf [Peer]\n" KEY_LINE "x\n", "1:1 3:1 "),
	ROW("\xef\xbb\xbfx\n", "1:1 1:4 "),
	ROW("\xff\xfe[\0I\0\n\0a\0\n\0", "1:1 "),
	ROW("\xfe\xff\0[\0I\0\n\0a\0\n", "1:1 "),
#undef ROW
};

static void note_place(void *ctx, const struct diag_message *m)
{
	text_f(ctx, "%u:%u ", m->at.line, m->at.column);
}

static void every_mistake_is_told_once(void **state)
{
	struct conf_options o = { .max_errors = 1000 };
	char places[256];

	(void)state;
	for (int forget = 0; forget < 2; forget++) {
		o.discard_peers = forget;
		for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
			struct text t = text_fixed(places, sizeof places);
			struct diag diag = { .emit = note_place, .ctx = &t };
			struct span file = { mistakes[i].file, mistakes[i].n };
			struct wg_device d;
			assert_int_equal(conf_read(&d, file, &o, &diag), -EINVAL);
			assert_string_equal(places, mistakes[i].said);
			assert_null(d.peers);
		}
	}
}

/* Those of a file are not for the terminal: neither ESC nor UTF-8's CSI, in the sentence or the line. */
static void no_control_characters_are_shown(void **state)
{
	struct conf_options o = { .file = "wg0.conf" };
	struct wg_device d;
	struct said said;

	(void)state;
	said_init(&said, true);
	assert_int_equal(conf_read(&d, span_of("[Interface]\nFwMark = \33[2J\302\2331m\7\n"), &o, &said.d), -EINVAL);
	assert_string_equal(said.buffer, "wg0.conf:2:10: error: Fwmark is neither 0/off nor 0-0xffffffff: `?[2J\302?1m?'\n"
					 "  FwMark = ?[2J\302?1m?\n"
					 "           ^~~~~~~~~\n");
}

static void a_missing_key_alone_is_told_apart(void **state)
{
	struct conf_options o = { .max_errors = 10 };
	struct wg_device d;
	struct said said;

	(void)state;
	said_init(&said, false);
	assert_int_equal(conf_read(&d, span_of("[Peer]\n[Peer]\n"), &o, &said.d), -ENOKEY);
	assert_int_equal(conf_read(&d, span_of("[Peer]\n[Peer]\nx\n"), &o, &said.d), -EINVAL);
}

/* Each looked through the whole line again: six minutes. */
static void many_mistakes_in_one_line(void **state)
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
		cmocka_unit_test(several_errors_when_asked_for),
		cmocka_unit_test(every_mistake_is_told_once),
		cmocka_unit_test(no_control_characters_are_shown),
		cmocka_unit_test(a_missing_key_alone_is_told_apart),
		cmocka_unit_test(many_mistakes_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
