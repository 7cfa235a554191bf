/* Names of peers in comments: each convention, and comments that are not names. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/conf.h"
#include "../../lib/diag_text.h"

#define KEY "PublicKey = hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc=\n"

/* The names of the peers of a file, '-' for none. */
static const struct {
	const char *file, *names;
} files[] = {
	{ "[Peer]\n# Name = laptop\n" KEY, "laptop" },
	{ "[Peer]\n" KEY "AllowedIPs = ::/0\n   #Name=  my phone  \n\n", "my phone" },
	{ "[Peer]\n" KEY "# name = a\n# NAME = b\n", "b" },
	{ "[Peer]\n# friendly_name=exported\n" KEY, "exported" },
	{ "[Peer]\n# friendly_name=exported\n# Name = shown\n# friendly_name=again\n" KEY, "shown" },
	{ "[Peer]\n# user\n" KEY, "user" },
	{ "[Peer]\n# peer_x\n# second\n" KEY, "peer_x" },
	{ "[Peer]\n\n# not directly\n" KEY, "-" },
	{ "[Peer]\n" KEY "# not directly\n", "-" },
	{ "# Client: bob (0-1-2)\n[Peer]\n" KEY, "bob" },
	{ "### Client alice\n[Peer]\n" KEY, "alice" },
	{ "### begin carol ###\n[Peer]\n" KEY "### end carol ###\n### begin dave ###\n[Peer]\n" KEY
	  "### end dave ###\n", "carol dave" },
	{ "### begin carol ###\n[Peer]\n" KEY "### end carol ###\n[Peer]\n" KEY, "carol -" },
	{ "#Giant\n[Interface]\n\n#Moly\n[Peer]\n" KEY "\n#Raspi\n[Peer]\n" KEY, "Moly Raspi" },
	{ "# far away\n\n[Peer]\n" KEY, "-" },
	{ "# before\n[Peer]\n# after\n" KEY, "after" },
	{ "### Client best\n[Peer]\n# after\n" KEY, "best" },
	{ "### Client good\n[Peer]\n# Name = best\n" KEY, "best" },
	/* comments that are not names */
	{ "[Peer]\n# Endpoint = 1.2.3.4:5\n" KEY, "-" },
	{ "#[disabled]\n[Peer]\n# [Peer]\n" KEY, "-" },
	{ "[Peer]\n#\n" KEY "# Name =\n", "-" },
	{ "[Peer]\n# Name = \x1b[2Jx\n" KEY, "-" },
	{ "[Peer]\n# Name = a\xc2\x9b" "b\n" KEY, "-" },
	{ "[Peer]\n# Name = a\xe2\x80\xae" "b\n" KEY, "-" }, /* right-to-left override */
	{ "[Peer]\n# Name = a\xd8\x9c" "b\n" KEY, "-" },
	{ "[Peer]\n# Name = a\x9b" "b\n" KEY, "-" }, /* CSI of a terminal with 8-bit characters; no UTF-8 */
	{ "[Peer]\n# Name = a\xc3\n" KEY, "-" },
	{ "[Peer]\n# Name = \xef\xbb\xbf" "a\n" KEY, "-" },
	{ "[Peer]\n# Name = J\xc3\xb6rg\n" KEY, "J\xc3\xb6rg" },
	{ "[Peer]\n# Name = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n" KEY, "-" },
	{ "[Peer]\n# Name = 123456789 123456789 123456789 123456789 123456789 123456789 1234\n" KEY, "-" },
	{ "[Peer]\n# Name = 1.3456789.123456789.123456789.123456789.123456789.123456789.1234\n" KEY,
	  "1.3456789.123456789.123456789.123456789.123456789.123456789.1234" },
	{ "[Peer]\n# Name = 1.3456789.123456789.123456789.123456789.123456789.123456789.12345\n" KEY, "-" },
	/* a name ends with its peer */
	{ "[Peer]\n# Name = a\n" KEY "[Peer]\n" KEY "[Interface]\n# Name = b\n[Peer]\n" KEY, "a - -" },
};

static void every_convention(void **state)
{
	struct conf_options o = { .file = "f" };
	char names[512];
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct text t = text_fixed(names, sizeof names);
		diag_text_init(&messages, false);
		assert_int_equal(conf_read(&d, span_of(files[i].file), &o, &messages.d), 0);
		for (uint32_t j = 0; j < d.n_peers; j++)
			text_f(&t, "%s%s", j > 0 ? " " : "", d.peers[j].name ? d.peers[j].name : "-");
		assert_string_equal(names, files[i].names);
		device_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_convention) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
