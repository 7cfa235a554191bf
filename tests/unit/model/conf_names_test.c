/* The quick reader of names has the same names as the complete one, and others of files that this one refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/conf.h"
#include "model/conf_names.h"

#define KEY_A "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define KEY_B "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="

static const char *names_in(const char *file)
{
	static char names[512];
	struct text t = text_fixed(names, sizeof names);
	char key[KEY_BASE64_CHARS + 1];
	struct wg_device d;

	assert_true(conf_read_names(&d, span_of(file)));
	for (uint32_t i = 0; i < d.n_peers; i++) {
		key_to_base64(key, d.peers[i].public_key.b);
		text_f(&t, "%s%c:%s", i > 0 ? " " : "", key[0], d.peers[i].name);
		assert_int_equal(d.peers[i].flags, WG_PEER_HAS_PUBLIC_KEY);
	}
	device_free(&d);
	return names;
}

static void files(void **state)
{
	static const struct { const char *file, *names; } cases[] = {
		{ "", "" },
		{ "[Peer]\n# Name = a\nPublicKey = " KEY_A "\n[Peer]\n# Name = b\nPublicKey=" KEY_B "", "o:a h:b" },
		{ "[Peer]\nPublicKey = " KEY_A "\n# Name = late\n", "o:late" },
		{ "# Client: bob (1)\n[Peer]\nPublicKey = " KEY_A "\n", "o:bob" },
		/* any case and blanks, as the complete reader accepts them */
		{ "\xef\xbb\xbf[ p E e r ]\r\n#name=x\r\n pub lickey = oM3PZ1Htc7FnAC oIZGhCyrfeR+Y8Yh34WzDaulNEjGs= # c\r\n", "o:x" },
		/* only named peers with a key */
		{ "[Peer]\nPublicKey = " KEY_A "\n[Peer]\n# Name = b\n[Peer]\n# Name = c\nPublicKey = " KEY_B "\n", "h:c" },
		{ "[Peer]\n# Name = b\nPublicKey = " KEY_A "=\n", "" },
		{ "[Peer]\n# Name = b\nPublicKey = short\n", "" },
		{ "[Peer]\nPublicKey = " KEY_A "\nPeer]\n# Name = b\n", "" },
		{ "[Peer]\nPublicKey = " KEY_A "\n[Peer] = x\n# Name = a\n", "o:a" }, /* no section line */
		/* errors elsewhere cost nothing */
		{ "nonsense\n[Peer]\n# Name = a\nPublicKey = " KEY_A "\nAllowedIPs = 1.2.3.4/99\nNoKey = 1\n[peers]\n# Name = x\n"
		  "PublicKey = " KEY_B "\n[Interface]\n# Name = y\nPublicKey = " KEY_B "\n", "o:a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(names_in(cases[i].file), cases[i].names);
}

static void private_key(void **state)
{
	struct wg_device d;
	char key[KEY_BASE64_CHARS + 1];

	(void)state;
	assert_true(conf_read_names(&d, SPAN("[Peer]\nPrivateKey = " KEY_B "\n[Interface]\nPrivateKey = " KEY_A "\n")));
	assert_int_equal(d.flags, WG_DEVICE_HAS_PRIVATE_KEY);
	key_to_base64(key, d.private_key.b);
	assert_string_equal(key, KEY_A);
	device_free(&d);
	assert_true(conf_read_names(&d, SPAN("[Peer]\nPrivateKey = " KEY_B "\n")));
	assert_int_equal(d.flags, 0);
	device_free(&d);
}

/* A line of 1 MiB, as a comment, a name, a value and a section, and a NUL byte. */
static void long_lines(void **state)
{
	static const char *const lines[] = { "#", "# Name = ", "PublicKey = ", "[", "Endpoint = " };
	enum { MIB = 1 << 20 };
	char *text = malloc(MIB + 512);
	struct wg_device d;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct text t = text_fixed(text, MIB + 512);
		text_add(&t, "[Peer]\n# Name = a\nPublicKey = " KEY_A "\n");
		text_add(&t, lines[i]);
		memset(t.p + t.n, 'x', MIB);
		t.n += MIB;
		text_add(&t, "\n[Peer]\n# Name = b\nPublicKey = " KEY_B "\n");
		assert_false(t.failed);
		assert_true(conf_read_names(&d, text_of(&t)));
		assert_int_equal(d.n_peers, 2);
		assert_string_equal(d.peers[0].name, "a");
		device_free(&d);
	}
	free(text);
	assert_true(conf_read_names(&d, SPAN("[Peer]\n# Name = a\0b\nPublicKey = " KEY_A "\n")));
	assert_int_equal(d.n_peers, 0);
	device_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files), cmocka_unit_test(private_key), cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
