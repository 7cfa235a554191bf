/* Drop-ins: the merged text, where its lines come from, and what `save` writes into the tunnel file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/drop_ins.h"
#include "quick/config/save_drop_ins.h"

#define A "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define C "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define PRIVATE "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define PSK "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="

enum { FILES_MAX = 4 };

static size_t merge(struct text *out, struct conf_origins *origins, const char *const texts[FILES_MAX])
{
	static const char *const names[FILES_MAX] = { "wg0.conf", "a.conf", "b.conf", "c.conf" };
	struct drop_in files[FILES_MAX];
	size_t n = 0;

	for (; n < FILES_MAX && texts[n]; n++)
		files[n] = (struct drop_in){ names[n], span_of(texts[n]) };
	assert_true(drop_ins_merge(out, origins, files, n));
	return n;
}

static void free_origins(struct conf_origins *o)
{
	free(o->lines);
	free(o->files);
}

static void texts(void **state)
{
	static const struct { const char *files[FILES_MAX], *merged; } cases[] = {
		/* [Interface] follows what was before; comments at the end of the file stay with it. */
		{ { "# one\n[Interface]\nMTU = 1400\n\n# end\n", "# two\n[Interface]\nMTU=1300\n# lost\n" },
		  "# one\n[Interface]\nMTU = 1400\n\n# end\n# two\n[Interface]\nMTU=1300\n" },
		{ { "[Interface]\nMTU = 1400", "" , "[Interface]" }, "[Interface]\nMTU = 1400\n[Interface]\n" },
		/* A peer of an earlier file: before the comments of the next section. */
		{ { "[Peer]\nPublicKey = " A "\n\n# phone\n[Peer]\nPublicKey=" B "\n",
		    "# again\n[Peer]\n# Name = x\nPersistentKeepalive = 5\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9 Vps5Sk= # A\n" },
		  "[Peer]\nPublicKey = " A "\n# Name = x\nPersistentKeepalive = 5\n\n# phone\n[Peer]\nPublicKey=" B "\n" },
		/* The last of its sections; Disabled is for all. Peers of one file stay apart. */
		{ { "[Peer]\nPublicKey = " A "\n[Peer]\nPublicKey = " A "\n", "[Peer]\nPublicKey = " A "\nDisabled = yes\nAllowedIPs = ::/0\n",
		    "[Peer]\nPublicKey=" C "\n[Peer]\nPublicKey=" C "\nAllowedIPs=::1\n" },
		  "[Peer]\nPublicKey = " A "\nDisabled = yes\n[Peer]\nPublicKey = " A "\nDisabled = yes\nAllowedIPs = ::/0\n"
		  "[Peer]\nPublicKey=" C "\n[Peer]\nPublicKey=" C "\nAllowedIPs=::1\n" },
		/* A peer of a drop-in, in a later one. */
		{ { "[Interface]\n", "[Peer]\nPublicKey = " A "\nEndpoint = a:1\n", "[Peer]\nEndpoint = b:2\nPublicKey = " A "\n" },
		  "[Interface]\n[Peer]\nPublicKey = " A "\nEndpoint = a:1\nEndpoint = b:2\n" },
		/* Without a value: what was before is discarded, in all sections [Interface] and in this peer only. */
		{ { "[Interface]\nAddress = 10.0.0.1\nDNS = ::1\n[Interface]\naddress=10.0.0.2\n[Peer]\nPublicKey = " A "\nAllowedIPs = ::1\n"
		    "[Peer]\nPublicKey = " B "\nAllowedIPs = ::2\n",
		    "[Interface]\nADDRESS =  # none\nAddress = 10.0.0.3\n[Peer]\nPublicKey = " A "\nAllowedIPs =\nAllowedIPs = ::3\n" },
		  "[Interface]\nDNS = ::1\n[Interface]\n[Peer]\nPublicKey = " A "\nAllowedIPs = ::3\n"
		  "[Peer]\nPublicKey = " B "\nAllowedIPs = ::2\n[Interface]\nAddress = 10.0.0.3\n" },
		{ { "[Interface]\nPostUp = a\n", "[Interface]\nPostUp = #b\nPostUp =\nPostUp = c\n" }, "[Interface]\n[Interface]\nPostUp = c\n" },
		{ { "[Interface]\nPostUp = a\n", "[Interface]\nPostUp = # b\n" }, "[Interface]\nPostUp = a\n[Interface]\nPostUp = # b\n" },
		/* Unknown keys, and those without which there is no peer, are the parser's. */
		{ { "[Interface]\n", "[Interface]\nNonsense =\n[Peer]\nPublicKey =\n" }, "[Interface]\n[Interface]\nNonsense =\n[Peer]\nPublicKey =\n" },
		/* In the tunnel file itself, they mean what they mean. */
		{ { "[Interface]\nAddress = 10.0.0.1\nAddress =\n", "[Interface]\n" }, "[Interface]\nAddress = 10.0.0.1\nAddress =\n[Interface]\n" },
		/* Secret keys replace each other across files, and conflict within one. */
		{ { "[Interface]\nPrivateKey = " PRIVATE "\n[Peer]\nPublicKey=" A "\nPresharedKeyFile = x\n",
		    "[Interface]\nPrivateKeyFile = k\n[Peer]\nPublicKey=" A "\nPresharedKey = " PSK "\n" },
		  "[Interface]\n[Peer]\nPublicKey=" A "\nPresharedKey = " PSK "\n[Interface]\nPrivateKeyFile = k\n" },
		{ { "[Interface]\nPrivateKey = @x\n", "[Interface]\nPrivateKeyFile = k\nPrivateKey = @k\n" },
		  "[Interface]\n[Interface]\nPrivateKeyFile = k\nPrivateKey = @k\n" },
		/* Settings without a section do not become part of another file's. */
		{ { "[Interface]\n", "MTU = 1300\n[Interface]\nDNS = ::1\n" }, "MTU = 1300\n[Interface]\n[Interface]\nDNS = ::1\n" },
		{ { "", "\n\n" }, "" },
		{ { "[Peers]\nMTU = 1\n", "[Peerz]\nMTU =\n" }, "[Peers]\nMTU = 1\n[Peerz]\nMTU =\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_origins origins;
		struct text merged;
		size_t lines = 0;
		merge(&merged, &origins, cases[i].files);
		assert_string_equal(merged.n > 0 ? merged.p : "", cases[i].merged);
		for (const char *p = cases[i].merged; *p; p++)
			lines += *p == '\n';
		assert_int_equal(origins.n, lines);
		text_heap_free(&merged);
		free_origins(&origins);
	}
}

/* ---- positions ---- */

static char message[256];

static void note(void *ctx, const struct diag_message *m)
{
	struct text t = text_fixed(message, sizeof message);

	(void)ctx;
	text_f(&t, "%s:%u:%u: %s", m->at.file, m->at.line, m->at.column, m->text);
}

static int parse(struct tunnel_file *f, const char *const files[FILES_MAX], bool whole)
{
	static const struct tunnel_file_lookups lookups;
	struct diag d = { .emit = note };
	struct text merged;

	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")) };
	message[0] = '\0';
	if (whole) {
		f->origins = calloc(1, sizeof *f->origins);
		assert_non_null(f->origins);
		merge(&merged, f->origins, files);
		f->text = merged.p;
		f->n_text = merged.n;
	} else {
		f->text = span_dup(span_of(files[0]));
		f->n_text = strlen(files[0]);
	}
	return tunnel_file_parse(f, &lookups, &d);
}

static void errors_name_their_file(void **state)
{
	static const struct { const char *files[FILES_MAX], *message; } cases[] = {
		{ { "[Interface]\nMTU = 1\n", "[Interface]\n" }, "wg0.conf:2:7: MTU: expected a number from 68 to 65535, found `1'" },
		{ { "[Interface]\n\n", "# x\n[Interface]\nMTU = 1\n" }, "a.conf:3:7: MTU: expected a number from 68 to 65535, found `1'" },
		{ { "[Peer]\nPublicKey=" A "\n[Peer]\nPublicKey=" B "\n", "[Interface]\n", "[Peer]\nPublicKey=" A "\nAllowedIPs = ::1, ::x\n" },
		  "b.conf:3:19: Unable to parse IP address: `::x'" },
		{ { "[Interface]\n", "[Interface]\n\n[Peer]\nAllowedIPs=::1\n" }, "a.conf:3:1: A peer is missing a public key" },
		{ { "[Interface]\n", "MTU = 1300\n" }, "a.conf:1:1: Line unrecognized: `MTU=1300'" },
		{ { "[Interface]\nMTU = 1300\n", "[Interface]\n\n\nPrivateKeyFile = k\nPrivateKey = @k\n" },
		  "a.conf:5:1: PrivateKey: PrivateKeyFile on line 4 gives this key as well" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		assert_int_not_equal(parse(&f, cases[i].files, true), 0);
		assert_string_equal(message, cases[i].message);
		tunnel_file_free(&f);
	}
}

static void hooks_name_their_file(void **state)
{
	const char *files[FILES_MAX] = { "[Interface]\nPostUp = a\n", "\n[Interface]\nPostUp = b\n" };
	struct tunnel_file f;

	(void)state;
	assert_int_equal(parse(&f, files, true), 0);
	assert_int_equal(f.interface.hooks[HOOK_POST_UP].n, 2);
	assert_null(tunnel_file_hook_at(&f, HOOK_POST_UP, 0).file);
	assert_int_equal(tunnel_file_hook_at(&f, HOOK_POST_UP, 0).line, 2);
	assert_string_equal(tunnel_file_hook_at(&f, HOOK_POST_UP, 1).file, "a.conf");
	assert_int_equal(tunnel_file_hook_at(&f, HOOK_POST_UP, 1).line, 3);
	tunnel_file_free(&f);
}

/* ---- save ---- */

/* The tunnel file after `save`; now: the tunnel's state as a file, or null: as its files configure it. */
static void save(const char *const files[FILES_MAX], const char *now_text, const char *expected)
{
	const char *now_files[FILES_MAX] = { now_text };
	struct tunnel_file alone, whole, now;
	struct state_without_drop_ins state;
	struct addresses none = { 0 };
	struct edit_state s = { .device = &now.device, .addresses = &now.interface.addresses, .foreign = &none, .ipv6 = true };
	struct text out = text_heap();
	bool changed;

	assert_int_equal(parse(&alone, files, false), 0);
	assert_int_equal(parse(&whole, files, true), 0);
	assert_int_equal(now_text ? parse(&now, now_files, false) : parse(&now, files, true), 0);
	s.mtu = now.interface.mtu;
	assert_true(state_without_drop_ins(&state, &s, &alone, &whole));
	assert_true(edit_tunnel_file(&out, &changed, &alone, &state.state));
	assert_string_equal(out.p, expected ? expected : files[0]);
	assert_int_equal(changed, expected != NULL);
	state_without_drop_ins_free(&state);
	text_heap_free(&out);
	tunnel_file_free(&alone);
	tunnel_file_free(&whole);
	tunnel_file_free(&now);
}

#define MAIN "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 5\nAddress = 10.0.0.1/24\n\n[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n"
#define PEER_B "\n[Peer]\nPublicKey = " B "\nPresharedKey = " PSK "\nEndpoint = 192.0.2.1:5\n"

static void nothing_of_drop_ins_is_saved(void **state)
{
	static const char *const drop_ins[] = {
		"[Interface]\nAddress = 10.0.0.2/24, fd00::1/64\nMTU = 1300\nListenPort = 6\nFwMark = 7\n",
		"[Interface]\nAddress =\nAddress = 10.0.0.9/24\nListenPort =\n",
		"[Interface]\nPrivateKey = " PSK "\n",
		"[Peer]\nPublicKey = " A "\nAllowedIPs = 10.3.0.0/16\nPersistentKeepalive = 25\nEndpoint = 192.0.2.2:7\nPresharedKey = " PSK "\n",
		"[Peer]\nPublicKey = " A "\nAllowedIPs =\n",
		"[Peer]\nPublicKey = " A "\nDisabled = yes\n",
		"[Peer]\nPublicKey = " B "\nPresharedKey =\nEndpoint = [2001:db8::1]:5\nAllowedIPs = 10.2.0.0/16\n",
		"[Peer]\nPublicKey = " C "\nAllowedIPs = 10.9.0.0/16\nPresharedKey = " PSK "\n",
		"[Peer]\nPublicKey = " B "\nDisabled = true\n[Peer]\nPublicKey = " C "\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(drop_ins); i++)
		for (size_t k = 0; k < ARRAY_LEN(drop_ins); k++) {
			const char *files[FILES_MAX] = { MAIN PEER_B, drop_ins[i], k == i ? NULL : drop_ins[k] };
			save(files, NULL, NULL);
		}
}

static void other_changes_are_saved(void **state)
{
	const char *files[FILES_MAX] = { MAIN, "[Interface]\nMTU = 1300\nAddress = fd00::1/64\n[Peer]\nPublicKey = " A "\nAllowedIPs = 10.3.0.0/16\n"
					       "PersistentKeepalive = 25\n[Peer]\nPublicKey = " B "\nAllowedIPs = 10.4.0.0/16\n" };

	(void)state;
	save(files, "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 6\nMTU = 1200\nAddress = 10.0.0.1/24, fd00::1/64, 10.0.0.7/32\n"
		    "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/16, 10.3.0.0/16, 10.5.0.0/16\nPersistentKeepalive = 20\nPresharedKey = " PSK "\n"
		    "[Peer]\nPublicKey = " C "\nAllowedIPs = 10.6.0.0/16\n",
	     "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 6\nAddress = 10.0.0.1/24\nAddress = 10.0.0.7/32\n\n"
	     "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/16, 10.5.0.0/16\nPresharedKey = " PSK "\n\n"
	     "[Peer]\nPublicKey = " C "\nAllowedIPs = 10.6.0.0/16\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(errors_name_their_file),
		cmocka_unit_test(hooks_name_their_file),
		cmocka_unit_test(nothing_of_drop_ins_is_saved),
		cmocka_unit_test(other_changes_are_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
