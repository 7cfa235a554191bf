/* Keys in tunnel files of other programs: each is an error, with a help that says what it is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "model/conf.h"
#include "../../lib/diag_text.h"

#define KEY "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="

static const struct { const char *section, *line, *help; } cases[] = {
	{ "[Interface]", "Jc = 4", "Jc is a key of AmneziaWG, whose packets differ from WireGuard's: ask your provider for a file without it, "
	  "or use AmneziaWG's own programs" },
	{ "[Interface]", "jmin=40", "Jmin is a key of AmneziaWG" },
	{ "[Interface]", "S1 = 0", "S1 is a key of AmneziaWG" },
	{ "[Interface]", "H4 = 2093429304", "H4 is a key of AmneziaWG" },
	{ "[Interface]", "I1 = <b 0xf6ab3267fa>", "I1 is a key of AmneziaWG" },
	{ "[Peer]", "AdvancedSecurity = on", "AdvancedSecurity is a key of AmneziaWG" },
	{ "[Interface]", "BypassLANTraffic = true", "BypassLANTraffic is a key of WireSock: remove the line" },
	{ "[Peer]", "BypassLanTraffic = 1", "BypassLANTraffic is a key of WireSock: remove the line" },
	{ "[Interface]", "Comment = office", "Comment is informational only: write it as a comment, after `#'" },
	{ "[Peer]", "Name = laptop", "Name is informational only: write it as a comment, after `#'" },
	{ "[Peer]", "KeepAlive = 25", "KeepAlive is a key of other programs: use PersistentKeepalive" },
	{ "[Peer]", "PersistentKeepaliveInterval = 25", "PersistentKeepaliveInterval is a key of other programs: use PersistentKeepalive" },
	{ "[Peer]", "Reserved = 1, 2, 3", "Reserved is the client ID of Cloudflare WARP" },
	{ "[Interface]", "Reserved = AbCd", "Reserved is the client ID of Cloudflare WARP" },
	{ "[Interface]", "ExcludedApplications = com.example.app", "ExcludedApplications is a key of other WireGuard apps" },
	/* Not "did you mean AllowedIPs?". */
	{ "[Peer]", "DisallowedIPs = 10.0.0.0/8", "DisallowedIPs is a key of WireSock and TunSafe" },
	{ "[Interface]", "PublicKeyFile = /etc/wireguard/key", "PublicKeyFile is a key of systemd.netdev(5)" },
};

static void known_keys_are_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_options o = { .file = "f", .max_errors = 9 };
		struct wg_device d;
		struct diag_text messages;
		char file[256];
		struct text t = text_fixed(file, sizeof file);
		char *help;

		text_f(&t, "%s\n%s\n%s", cases[i].section, cases[i].line,
		       cases[i].section[1] == 'P' ? "PublicKey = " KEY "\n" : "");
		diag_text_init(&messages, false);
		assert_int_equal(conf_read(&d, text_of(&t), &o, &messages.d), -EINVAL);
		assert_int_equal(messages.d.errors, 1);
		help = strstr(messages.buffer, "\n  help: ");
		assert_non_null(help);
		if (strncmp(help + 9, cases[i].help, strlen(cases[i].help)) != 0)
			fail_msg("%s: %s", cases[i].line, messages.buffer);
	}
}

/* The value may be a secret, for example a password. */
static void values_are_not_shown(void **state)
{
	struct conf_options o = { .file = "f" };
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	diag_text_init(&messages, true);
	assert_int_equal(conf_read(&d, SPAN("[Interface]\nSocks5ProxyPassword = hunter2\n"), &o, &messages.d), -EINVAL);
	assert_null(strstr(messages.buffer, "hunter2"));
	assert_non_null(strstr(messages.buffer, "help: Socks5ProxyPassword is a key of WireSock: remove the line\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_keys_are_explained),
		cmocka_unit_test(values_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
