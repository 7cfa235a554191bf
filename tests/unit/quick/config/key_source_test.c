/* Keys that are not in the tunnel file: the lines that name them, looking them up, and what `strip` and `save` make of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/edit.h"
#include "quick/config/mobile_text.h"
#include "quick/config/read_keys.h"
#include "quick/config/strip_text.h"

#define A "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PRIVATE "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define PSK "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
#define DEVICE_PSK "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define FILE_WITH_KEYS "[Interface]\nPrivateKeyFile = key\nListenPort = 5\n\n[Peer]\nPublicKey = " A "\nPresharedKeyFile = psk # office\n" \
		       "AllowedIPs = 10.0.0.0/8\nEndpoint = vpn.example:5\n\n[Peer]\nPublicKey = " B "\nPresharedKey = @pipe\n" \
		       "AllowedIPs = +10.1.0.0/16, -10.2.0.0/16\nPersistentKeepalive = 25\n"

static char message[256];

static void note(void *ctx, const struct diag_message *m)
{
	struct text t = text_fixed(message, sizeof message);

	(void)ctx;
	text_f(&t, "%u:%u: %s", m->at.line, m->at.column, m->text);
}

static int parse(struct tunnel_file *f, const char *text)
{
	static const struct tunnel_file_lookups lookups;
	struct diag d = { .emit = note };

	*f = (struct tunnel_file){ .name = "wg7", .path = span_dup(SPAN("/etc/wg7.conf")), .folder = span_dup(SPAN("/etc")),
				   .text = span_dup(span_of(text)), .n_text = strlen(text) };
	return tunnel_file_parse(f, &lookups, &d);
}

static void places(void **state)
{
	static const struct { const char *line; enum key_source_kind kind; const char *name; } cases[] = {
		{ "PrivateKeyFile = /a/b", KEY_FILE, "/a/b" },
		{ "privatekeyfile=keys/%i.key # x", KEY_FILE, "/etc/keys/wg7.key" },
		{ "PrivateKeyFile = %i%i%%", KEY_FILE, "/etc/wg7wg7%%" },
		{ "PrivateKeyFile = create:/a b", KEY_NEW_FILE, "/a b" },
		{ "PrivateKeyFile = create: k", KEY_NEW_FILE, "/etc/k" },
		{ "PrivateKeyFile = @x", KEY_FILE, "/etc/@x" },
		{ "PrivateKeyFile = Create:x", KEY_FILE, "/etc/Create:x" },
		{ "PrivateKey = @wg-%i.key", KEY_CREDENTIAL, "wg-wg7.key" },
		{ " P rivate KEY=@x", KEY_CREDENTIAL, "x" },
		{ "PrivateKeyFile = a\nPrivateKeyFile = b", KEY_FILE, "/etc/b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		char text[128];
		struct text t = text_fixed(text, sizeof text);
		text_f(&t, "[Interface]\n%s\n", cases[i].line);
		assert_int_equal(parse(&f, text), 0);
		assert_int_equal(f.interface.private_key.kind, cases[i].kind);
		assert_string_equal(f.interface.private_key.name, cases[i].name);
		assert_true(f.has_key_sources);
		assert_int_equal(f.device.flags & WG_DEVICE_HAS_PRIVATE_KEY, 0);
		tunnel_file_free(&f);
	}
}

static void wrong_places(void **state)
{
	static const struct { const char *text, *message; } cases[] = {
		{ "[Interface]\nPrivateKeyFile =\n", "2:17: PrivateKeyFile: expected the path of a file, found `'" },
		{ "[Interface]\nPrivateKeyFile = create:\n", "2:18: PrivateKeyFile: expected the path of a file, found `create:'" },
		{ "[Interface]\nPrivateKeyFile = keys/\n", "2:18: PrivateKeyFile: expected the path of a file, found `keys/'" },
		{ "[Interface]\nPrivateKey = @\n", "2:14: PrivateKey: expected @ and the name of a systemd credential, found `@'" },
		{ "[Interface]\nPrivateKey = @..\n", "2:14: PrivateKey: expected @ and the name of a systemd credential, found `@..'" },
		{ "[Interface]\nPrivateKey = @a/b\n", "2:14: PrivateKey: expected @ and the name of a systemd credential, found `@a/b'" },
		{ "[Interface]\nPrivateKeyFile = " PRIVATE "\n", "2:18: PrivateKeyFile: expected the path of a file" },
		{ "[Interface]\nPrivateKey = @" PRIVATE "\n", "2:14: PrivateKey: expected @ and the name of a systemd credential" },
		{ "[Peer]\nPublicKey = " A "\nPresharedKeyFile = create:x\n",
		  "3:20: PresharedKeyFile: expected a path: a preshared key is made once for both ends, found `create:x'" },
		{ "[Peer]\nPublicKey = " A "\nPrivateKeyFile = x\n", "3:1: Line unrecognized: `PrivateKeyFile=x'" },
		{ "[Interface]\nPresharedKeyFile = x\n", "2:1: Line unrecognized: `PresharedKeyFile=x'" },
		{ "[Interface]\nPresharedKey = @x\n", "2:1: Line unrecognized: `PresharedKey'" },
		{ "[Interface]\nPrivateKey = " PRIVATE "\nPrivateKeyFile = x\n", "3:1: PrivateKeyFile: PrivateKey on line 2 gives this key as well" },
		{ "[Interface]\nPrivateKeyFile = x\n[Interface]\nPrivateKey = " PRIVATE "\n",
		  "4:1: PrivateKey: PrivateKeyFile on line 2 gives this key as well" },
		{ "[Interface]\nPrivateKeyFile = x\nPrivateKey = @x\n", "3:1: PrivateKey: PrivateKeyFile on line 2 gives this key as well" },
		{ "[Peer]\nPublicKey = " A "\nPresharedKeyFile = x\nPresharedKey = " PSK "\n",
		  "4:1: PresharedKey: PresharedKeyFile on line 3 gives this key as well" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		assert_int_equal(parse(&f, cases[i].text), -EINVAL);
		assert_string_equal(message, cases[i].message);
		tunnel_file_free(&f);
	}
	/* Each peer has its own. */
	for (int i = 0; i < 2; i++) {
		struct tunnel_file f;
		assert_int_equal(parse(&f, i ? "[Peer]\nPublicKey = " A "\nPresharedKeyFile = x\n[Peer]\nPublicKey = " A "\nPresharedKey = " PSK "\n"
					     : "[Peer]\nDisabled = yes\nPresharedKeyFile = x\nPublicKey = " A "\n"), 0);
		tunnel_file_free(&f);
	}
}

/* ---- looking up ---- */

static int find(void *ctx, uint8_t key[KEY_BYTES], const struct key_source *s, struct diag *d)
{
	unsigned int *calls = ctx;

	(*calls)++;
	if (s->kind == KEY_CREDENTIAL)
		return -EAGAIN;
	if (strcmp(s->name, "/etc/missing") == 0) {
		diag_f(d, DIAG_ERROR, &s->at, NULL, "%s: missing", s->key);
		return -ENOENT;
	}
	assert_true(key_from_base64(key, SPAN(PRIVATE)));
	if (strcmp(s->key, "PresharedKeyFile") == 0)
		assert_true(key_from_base64(key, SPAN(PSK)));
	return 0;
}

static void keys_are_looked_up_once(void **state)
{
	struct wg_device now = { .flags = WG_DEVICE_HAS_PRIVATE_KEY };
	struct diag d = { .emit = note };
	unsigned int calls = 0;
	struct tunnel_file f;
	struct wg_peer *p;

	(void)state;
	assert_int_equal(parse(&f, FILE_WITH_KEYS), 0);
	assert_int_equal(tunnel_file_read_keys(&f, find, &calls, &d), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(tunnel_file_read_keys(&f, find, &calls, &d), 0);
	assert_int_equal(calls, 4); /* that of the credential */
	assert_true(f.device.flags & WG_DEVICE_HAS_PRIVATE_KEY);
	assert_true(f.device.peers[0].flags & WG_PEER_HAS_PSK);
	assert_false(f.device.peers[1].flags & WG_PEER_HAS_PSK);
	assert_ptr_equal(tunnel_file_missing_key(&f), &f.peers[1].psk);
	/* Only what was not looked up is taken from the device. */
	for (uint32_t i = 0; i < 2; i++) {
		p = device_add_peer(&now);
		assert_non_null(p);
		p->public_key = f.device.peers[1 - i].public_key;
		assert_true(key_from_base64(p->psk.b, SPAN(DEVICE_PSK)));
	}
	assert_true(tunnel_file_keep_keys(&f, &now));
	assert_memory_equal(&f.device.peers[1].psk, &now.peers[0].psk, KEY_BYTES);
	assert_memory_not_equal(&f.device.peers[0].psk, &now.peers[0].psk, KEY_BYTES);
	assert_memory_not_equal(&f.device.private_key, &now.private_key, KEY_BYTES);
	device_free(&now);
	tunnel_file_free(&f);
}

static void the_first_error_counts(void **state)
{
	struct diag d = { .emit = note };
	unsigned int calls = 0;
	struct tunnel_file f;

	(void)state;
	assert_int_equal(parse(&f, "[Interface]\nPrivateKeyFile = missing\n[Peer]\nPublicKey = " A "\nPresharedKeyFile = x\n"
				   "[Peer]\nPublicKey = " B "\nDisabled = yes\nPresharedKeyFile = missing\n"), 0);
	assert_int_equal(tunnel_file_read_keys(&f, find, &calls, &d), -ENOENT);
	assert_int_equal(calls, 2);
	assert_string_equal(message, "2:18: PrivateKeyFile: missing");
	assert_int_equal(d.errors, 1);
	tunnel_file_free(&f);
}

/* ---- what becomes of them ---- */

static void strip_has_the_keys(void **state)
{
	struct diag d = { 0 };
	struct text out = text_heap();
	unsigned int calls = 0;
	struct tunnel_file f;

	(void)state;
	assert_int_equal(parse(&f, FILE_WITH_KEYS), 0);
	assert_int_equal(tunnel_file_read_keys(&f, find, &calls, &d), 0);
	assert_true(strip_text(&out, &f, NULL));
	assert_string_equal(out.p, "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 5\n\n[Peer]\nPublicKey = " A "\nPresharedKey = " PSK "\n"
				   "AllowedIPs = 10.0.0.0/8\nEndpoint = vpn.example:5\n\n[Peer]\nPublicKey = " B "\n"
				   "AllowedIPs = +10.1.0.0/16, -10.2.0.0/16\nPersistentKeepalive = 25\n");
	out.n = 0;
	assert_true(mobile_text(&out, &f));
	assert_true(span_contains(text_of(&out), "PrivateKey = " PRIVATE "\n"));
	assert_true(span_contains(text_of(&out), "PresharedKey = " PSK "\n"));
	text_heap_free(&out);
	tunnel_file_free(&f);
}

/* Other changes are saved; keys are not, whether or not they were looked up. */
static void keys_are_not_saved(void **state)
{
	const char *text = "[Interface]\nPrivateKeyFile = key\n\n[Peer]\nPublicKey = " A "\nPresharedKey = @psk\n\n"
			   "[Peer]\nPublicKey = " B "\nPresharedKeyFile = psk\n[Peer]\nPublicKey = " B "\n";
	struct addresses none = { 0 };
	struct diag d = { 0 };

	(void)state;
	for (unsigned int looked_up = 0, calls = 0; looked_up < 2; looked_up++) {
		struct tunnel_file f, now;
		struct text out = text_heap();
		bool changed;
		struct edit_state s = { .device = &now.device, .addresses = &none, .foreign = &none, .ipv6 = true };
		assert_int_equal(parse(&f, text), 0);
		if (looked_up)
			assert_int_equal(tunnel_file_read_keys(&f, find, &calls, &d), 0);
		assert_int_equal(parse(&now, "[Interface]\nPrivateKey = " DEVICE_PSK "\nListenPort = 5\n[Peer]\nPublicKey = " A "\n"
					     "PresharedKey = " PSK "\n[Peer]\nPublicKey = " B "\nPresharedKey = " DEVICE_PSK "\n"), 0);
		assert_true(edit_tunnel_file(&out, &changed, &f, &s));
		assert_string_equal(out.p, "[Interface]\nPrivateKeyFile = key\nListenPort = 5\n\n[Peer]\nPublicKey = " A "\nPresharedKey = @psk\n\n"
					   "[Peer]\nPublicKey = " B "\nPresharedKeyFile = psk\n[Peer]\nPublicKey = " B "\n");
		text_heap_free(&out);
		tunnel_file_free(&f);
		tunnel_file_free(&now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(wrong_places),
		cmocka_unit_test(keys_are_looked_up_once),
		cmocka_unit_test(the_first_error_counts),
		cmocka_unit_test(strip_has_the_keys),
		cmocka_unit_test(keys_are_not_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
