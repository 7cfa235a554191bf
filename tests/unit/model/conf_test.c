/* Tunnel files: a table of valid files with the resulting model, and one of invalid files with the messages. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/conf.h"
#include "../../lib/diag_text.h"

#define KEY_A "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="
#define KEY_B "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define SECRET "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define PEER_A "[Peer]\nPublicKey = " KEY_A "\n"

static bool no_service(uint16_t *port, struct span name)
{
	*port = 53;
	return span_is(name, "domain");
}

static bool scope_index(uint32_t *index, struct span name)
{
	*index = 7;
	return span_is(name, "eth0");
}

static bool scope_name(char name[16], uint32_t index)
{
	memcpy(name, "eth0", 5);
	return index == 7;
}

static const struct ip_scopes scopes = { scope_index, scope_name };
static const struct conf_options options = { .file = "wg0.conf", .scopes = &scopes,
					     .service = no_service };

static char *printed(const struct wg_device *d)
{
	static char buffer[65536];
	struct text t = text_fixed(buffer, sizeof buffer);

	conf_print(&t, d, &scopes);
	assert_false(t.failed);
	return buffer;
}

/* A file, and the model as printed by `wg showconf`. */
static const struct {
	const char *file, *model;
} good[] = {
	{ "", "[Interface]\n\n" },
	{ "[Interface]\nPrivateKey = " SECRET "\nListenPort = 51820\nFwMark = 0xca6c\n",
	  "[Interface]\nListenPort = 51820\nFwMark = 0xca6c\nPrivateKey = " SECRET "\n\n" },
	{ PEER_A "PresharedKey = " SECRET "\nAllowedIPs = 10.0.0.0/8, ::/0\nEndpoint = [2001:DB8::1]:5\n"
		 "PersistentKeepalive = 25\n",
	  "[Interface]\n\n" PEER_A "PresharedKey = " SECRET "\nAllowedIPs = 10.0.0.0/8, ::/0\n"
	  "Endpoint = [2001:db8::1]:5\nPersistentKeepalive = 25\n" },
	/* blanks, case and the last newline have no meaning */
	{ " [ I n t e r F A C E ]\t\r\n L i s t e n port\v=\f5 1 8 2 0\r\n[pEER]\npublickey=" KEY_A,
	  "[Interface]\nListenPort = 51820\n\n" PEER_A },
	{ "[Interface]\nListenPort=1#PrivateKey=x\n#\n  # FwMark = 5\nFwMark = 0#5\n",
	  "[Interface]\nListenPort = 1\n\n" },
	/* sections may be repeated, later values override, lists accumulate */
	{ PEER_A "AllowedIPs=10.0.0.0/8\n[Interface]\nListenPort=1\n[Interface]\nListenPort=2\n" PEER_A
		 "AllowedIPs=1.2.3.4\nAllowedIPs=fd00::/8\nPersistentKeepalive=5\nPersistentKeepalive=off\n",
	  "[Interface]\nListenPort = 2\n\n" PEER_A "AllowedIPs = 10.0.0.0/8\n\n" PEER_A
	  "AllowedIPs = 1.2.3.4/32, fd00::/8\n" },
	/* numbers */
	{ "[Interface]\nListenPort = 00080\nFwMark = 010\n",
	  "[Interface]\nListenPort = 80\nFwMark = 0xa\n\n" },
	{ "[Interface]\nListenPort = domain\nFwMark = 0x00000000000000aB\n",
	  "[Interface]\nListenPort = 53\nFwMark = 0xab\n\n" },
	{ "[Interface]\nListenPort = +7\nFwMark = oFF\n", "[Interface]\nListenPort = 7\n\n" },
	{ "[Interface]\nListenPort = 65535\nFwMark = 4294967295\n",
	  "[Interface]\nListenPort = 65535\nFwMark = 0xffffffff\n\n" },
	{ PEER_A "PersistentKeepalive = 65535\n", "[Interface]\n\n" PEER_A "PersistentKeepalive = 65535\n" },
	/* prefixes */
	{ PEER_A "AllowedIPs = 10.0.0.0/08,0.0.0.0/0,::1,1:2:3:4:5:6:7:8/128 , ::ffff:1.2.3.4\n",
	  "[Interface]\n\n" PEER_A "AllowedIPs = 10.0.0.0/8, 0.0.0.0/0, ::1/128, 1:2:3:4:5:6:7:8/128, "
	  "::ffff:1.2.3.4/128\n" },
	{ PEER_A "AllowedIPs = 1 0 . 0.0.0 / 8\n", "[Interface]\n\n" PEER_A "AllowedIPs = 10.0.0.0/8\n" },
	{ PEER_A "AllowedIPs = +10.0.0.0/8, -fd00::/8\n",
	  "[Interface]\n\n" PEER_A "AllowedIPs = 10.0.0.0/8, -fd00::/8\n" },
	{ PEER_A "AllowedIPs = + 10.0.0.0/8, - fd00 ::/8,1.2.3.4/ 32\nPersistentKeepalive = o f\tf\n",
	  "[Interface]\n\n" PEER_A "AllowedIPs = 10.0.0.0/8, -fd00::/8, 1.2.3.4/32\n" },
	{ "[Interface]\nListenPort = do ma in # or 53\nFwMark = 0 xa # b\n# 1\n",
	  "[Interface]\nListenPort = 53\nFwMark = 0xa\n\n" },
	/* endpoints */
	{ PEER_A "Endpoint = [ : :1 ] : 5 0\n", "[Interface]\n\n" PEER_A "Endpoint = [::1]:50\n" },
	{ PEER_A "Endpoint = ::1:5\n", "[Interface]\n\n" PEER_A "Endpoint = [::1]:5\n" },
	{ PEER_A "Endpoint = [1.2.3.4]:domain\n", "[Interface]\n\n" PEER_A "Endpoint = 1.2.3.4:53\n" },
	{ PEER_A "EndPoint = [fe80::1%eth0]:5801\n",
	  "[Interface]\n\n" PEER_A "Endpoint = [fe80::1%eth0]:5801\n" },
	{ PEER_A "Endpoint = [fe80::1%9]:1\n", "[Interface]\n\n" PEER_A "Endpoint = [fe80::1%9]:1\n" },
	{ PEER_A "Endpoint = example.com:1\nEndpoint=1.2.3.4:0\n",
	  "[Interface]\n\n" PEER_A "Endpoint = 1.2.3.4:0\n" },
};

static void good_files(void **state)
{
	struct wg_device d, again;
	struct diag_text messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		diag_text_init(&messages, false);
		if (conf_read(&d, span_of(good[i].file), &options, &messages.d))
			fail_msg("%s%s", good[i].file, messages.buffer);
		assert_string_equal(messages.buffer, "");
		assert_string_equal(printed(&d), good[i].model);
		/* the printed file is read as the same model */
		assert_int_equal(conf_read(&again, span_of(good[i].model), &options, &messages.d), 0);
		assert_string_equal(printed(&again), good[i].model);
		device_free(&d);
		device_free(&again);
	}
}

#define STRIP "; use: wg setconf wg0 <(wg-quick strip wg0)\n"
#define KEY_HINT "  help: a key has 44 base64 characters, the last of which is '='\n"

/* An invalid file, and all messages. */
static const struct {
	const char *file;
	size_t n; /* 0: a C string */
	const char *messages;
} bad[] = {
	/* no message contains a possible secret */
	{ "[Interface]\nPrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjG=\n", 0,
	  "wg0.conf:2:14: error: Key is not the correct length or format\n" KEY_HINT },
	{ "[Interface]\nPrivateKey = short\n", 0,
	  "wg0.conf:2:14: error: Key is not the correct length or format\n" KEY_HINT },
	{ "[Interface]\nPrivateKey =\n", 0, "wg0.conf:2:1: error: Line unrecognized: `PrivateKey'\n"
	  "  help: PrivateKey needs a value; to leave it unset, remove the line\n" },
	{ "[Interface]\nPrivateKye = " SECRET "\n", 0, "wg0.conf:2:1: error: Line unrecognized: `PrivateKye'\n"
	  "  help: did you mean PrivateKey?\n" },
	{ "[Interface]\n" SECRET "\n", 0, "wg0.conf:2:1: error: Line unrecognized\n" },
	{ "[Interface]\nPrivateKey " SECRET "\n", 0, "wg0.conf:2:1: error: Line unrecognized\n" },
	{ "[Interface]\nListenPort = " SECRET "\n", 0,
	  "wg0.conf:2:14: error: Servname not supported for ai_socktype\n" },
	{ "[" SECRET "]\n", 0, "wg0.conf:1:1: error: Line unrecognized\n"
	  "  help: the sections are [Interface] and [Peer]\n" },
	{ "PrivateKey = " SECRET "\n", 0, "wg0.conf:1:1: error: Line unrecognized: `PrivateKey'\n"
	  "  help: settings must follow a line [Interface] or [Peer]\n" },
	{ PEER_A "PrivateKey = " SECRET "\n", 0, "wg0.conf:3:1: error: Line unrecognized: `PrivateKey'\n"
	  "  help: PrivateKey belongs in [Interface]\n" },
	{ PEER_A "PresharedKey = " SECRET "x\n", 0,
	  "wg0.conf:3:16: error: Key is not the correct length or format\n" KEY_HINT },
	{ PEER_A "Endpoint = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs\n", 0,
	  "wg0.conf:3:12: error: Unable to find port of endpoint\n" },
	{ "[Interface]\nPostUp = echo hunter2\n", 0, "wg0.conf:2:1: error: Line unrecognized: `PostUp'\n"
	  "  help: PostUp is a wg-quick(8) key" STRIP },
	/* keys and sections */
	{ "[Interface]\n  Address = 10.0.0.1/24 # mine\n", 0,
	  "wg0.conf:2:3: error: Line unrecognized: `Address=10.0.0.1/24'\n"
	  "  help: Address is a wg-quick(8) key" STRIP },
	{ PEER_A "DNS=1.1.1.1\n", 0, "wg0.conf:3:1: error: Line unrecognized: `DNS=1.1.1.1'\n"
	  "  help: DNS is a wg-quick(8) key of [Interface]\n" },
	{ "[Interface]\nfoo\n", 0, "wg0.conf:2:1: error: Line unrecognized: `foo'\n" },
	{ "[Interface]\nListenPrt = 5\n", 0, "wg0.conf:2:1: error: Line unrecognized: `ListenPrt'\n"
	  "  help: did you mean ListenPort?\n" },
	{ "[Interface]\nBinddev = eth0\n", 0, "wg0.conf:2:1: error: Line unrecognized: `Binddev'\n"
	  "  help: did you mean BindDevice?\n" },
	{ "[Interface]\nSourceAddr = ::1\n", 0, "wg0.conf:2:1: error: Line unrecognized: `SourceAddr'\n"
	  "  help: did you mean SourceAddress?\n" },
	{ "[Interface]\nPrivate = " SECRET "\n", 0, "wg0.conf:2:1: error: Line unrecognized: `Private'\n"
	  "  help: did you mean PrivateKey?\n" },
	{ "[Interface]\nPost = true\n", 0, "wg0.conf:2:1: error: Line unrecognized: `Post'\n" }, /* PostUp or PostDown */
	{ "[Interface]\nBin = eth0\n", 0, "wg0.conf:2:1: error: Line unrecognized: `Bin'\n" },
	{ "[Interfaces]\n", 0, "wg0.conf:1:1: error: Line unrecognized: `[Interfaces]'\n"
	  "  help: the sections are [Interface] and [Peer]\n" },
	{ PEER_A "AllowedIPs = \n", 0, "wg0.conf:3:1: error: Line unrecognized: `AllowedIPs='\n"
	  "  help: AllowedIPs needs a value; to leave it unset, remove the line\n" },
	{ "[Interface]\n; comment\n", 0, "wg0.conf:2:1: error: Line unrecognized\n" },
	/* numbers do not overflow */
	{ "[Interface]\nListenPort = 65536\n", 0, "wg0.conf:2:14: error: Port is not 0-65535: `65536'\n" },
	{ "[Interface]\nListenPort = 99999999999999999999999\n", 0,
	  "wg0.conf:2:14: error: Port is not 0-65535: `99999999999999999999999'\n" },
	{ "[Interface]\nListenPort = -1\n", 0,
	  "wg0.conf:2:14: error: Servname not supported for ai_socktype: `-1'\n" },
	{ "[Interface]\nListenPort==5\n", 0,
	  "wg0.conf:2:12: error: Servname not supported for ai_socktype: `=5'\n" },
	{ "[Interface]\nFwMark = 0x100000000\n", 0,
	  "wg0.conf:2:10: error: Fwmark is neither 0/off nor 0-0xffffffff: `0x100000000'\n" },
	{ "[Interface]\nFwMark = 0X10\n", 0,
	  "wg0.conf:2:10: error: Fwmark is neither 0/off nor 0-0xffffffff: `0X10'\n" },
	{ "[Interface]\nFwMark = 0x\n", 0,
	  "wg0.conf:2:10: error: Fwmark is neither 0/off nor 0-0xffffffff: `0x'\n" },
	{ PEER_A "PersistentKeepalive = 65536\n", 0, "wg0.conf:3:23: error: Persistent keepalive interval "
	  "is neither 0/off nor 1-65535: `65536'\n" },
	{ PEER_A "Endpoint = 1.2.3.4:99999\n", 0,
	  "wg0.conf:3:12: error: Port is not 0-65535: `1.2.3.4:99999'\n" },
	/* endpoints */
	{ PEER_A "Endpoint = 1.2.3.4\n", 0,
	  "wg0.conf:3:12: error: Unable to find port of endpoint: `1.2.3.4'\n" },
	{ PEER_A "Endpoint = [::1]5\n", 0,
	  "wg0.conf:3:12: error: Unable to find port of endpoint: `[::1]5'\n" },
	{ PEER_A "Endpoint = [::1\n", 0,
	  "wg0.conf:3:12: error: Unable to find matching brace of endpoint: `[::1'\n" },
	{ PEER_A "Endpoint = :5\n", 0, "wg0.conf:3:12: error: Name or service not known: `:5'\n" },
	{ PEER_A "Endpoint = h:5/udp\n", 0,
	  "wg0.conf:3:12: error: Servname not supported for ai_socktype: `h:5/udp'\n" },
	/* prefixes */
	{ PEER_A "AllowedIPs = 10.0.0.0/33\n", 0,
	  "wg0.conf:3:14: error: AllowedIP is not in the correct format: `10.0.0.0/33'\n" },
	{ PEER_A "AllowedIPs = 1.2.3.4, 10.0.0.0/\n", 0,
	  "wg0.conf:3:23: error: AllowedIP is not in the correct format: `10.0.0.0/'\n" },
	{ PEER_A "AllowedIPs = ::/129\n", 0,
	  "wg0.conf:3:14: error: AllowedIP is not in the correct format: `::/129'\n" },
	{ PEER_A "AllowedIPs = 1.2.3.4,\n", 0, "wg0.conf:3:22: error: Unable to parse IP address: `'\n" },
	{ PEER_A "AllowedIPs = ,\n", 0, "wg0.conf:3:14: error: Unable to parse IP address: `'\n" },
	{ PEER_A "AllowedIPs = 10.0/8\n", 0, "wg0.conf:3:14: error: Unable to parse IP address: `10.0'\n" },
	{ PEER_A "AllowedIPs = ++1.2.3.4\n", 0,
	  "wg0.conf:3:15: error: Unable to parse IP address: `+1.2.3.4'\n" },
	/* peers */
	{ "[Peer]\nPublicKey = p65NV..\n", 0,
	  "wg0.conf:2:13: error: Key is not the correct length or format: `p65NV..'\n" KEY_HINT },
	{ "#\n [Peer] # x\nAllowedIPs = 1.2.3.4\n", 0, "wg0.conf:2:2: error: A peer is missing a public key\n" },
	{ "[Peer] # " SECRET "\n", 0, "wg0.conf:1:1: error: A peer is missing a public key\n" },
	{ "[Peer]\n" PEER_A, 0, "wg0.conf:1:1: error: A peer is missing a public key\n" },
	{ "[Peer]\n[Interface]\n", 0, "wg0.conf:1:1: error: A peer is missing a public key\n" },
	/* not text */
	{ "\xef\xbb\xbf[Interface]\n", 0, "wg0.conf:1:1: error: the file begins with a byte order mark\n"
	  "  help: save the file as UTF-8 without a byte order mark\n" },
	{ "\xff\xfe[\0I\0\n", 7, "wg0.conf:1:1: error: the file begins with a byte order mark\n"
	  "  help: save the file as UTF-8 without a byte order mark\n" },
	{ "[Interface]\nListenPort = 5\0000\n", 28, "wg0.conf:2:15: error: the line contains a NUL byte\n"
	  "  help: save the file as text in UTF-8\n" },
};

static int error_of(const char *messages)
{
	return strstr(messages, "missing a public key") ? -ENOKEY : -EINVAL;
}

static void errors_have_a_position_and_no_secrets(void **state)
{
	struct wg_device d;
	struct diag_text messages;
	int err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct span file = span_of(bad[i].file);
		if (bad[i].n > 0)
			file.n = bad[i].n;
		diag_text_init(&messages, false);
		memset(&d, 0xaa, sizeof d);
		err = error_of(bad[i].messages);
		assert_int_equal(conf_read(&d, file, &options, &messages.d), err);
		assert_string_equal(messages.buffer, bad[i].messages);
		assert_int_equal(messages.d.errors, 1);
		assert_null(d.peers); /* an invalid file leaves nothing */
		assert_int_equal(d.flags | d.n_peers | d.listen_port, 0);
		diag_text_init(&messages, true);
		assert_int_equal(conf_read(&d, file, &options, &messages.d), err);
		assert_null(strstr(messages.buffer, "oM3PZ1H"));
		assert_null(strstr(messages.buffer, "hunter2"));
	}
}

static void source_and_caret(void **state)
{
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	diag_text_init(&messages, true);
	assert_int_equal(conf_read(&d, span_of(PEER_A "AllowedIPs = 1.2.3.4, 1.2.3.4/40 # x"), &options,
				   &messages.d), -EINVAL);
	assert_string_equal(messages.buffer,
			    "wg0.conf:3:23: error: AllowedIP is not in the correct format: `1.2.3.4/40'\n"
			    "  AllowedIPs = 1.2.3.4, 1.2.3.4/40 # x\n"
			    "                        ^~~~~~~~~~\n");
}

static void host_bits_are_cleared_with_upstreams_warning(void **state)
{
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	diag_text_init(&messages, false);
	assert_int_equal(conf_read(&d, span_of(PEER_A "AllowedIPs = 1.2.3.4/08, 10.0.0.0/8,-fd00::0001/64\n"),
				   &options, &messages.d), 0);
	assert_string_equal(messages.buffer,
			    "wg0.conf:3:14: warning: AllowedIP has nonzero host part: 1.2.3.4/08\n"
			    "wg0.conf:3:37: warning: AllowedIP has nonzero host part: fd00::0001/64\n");
	assert_string_equal(printed(&d), "[Interface]\n\n" PEER_A
					 "AllowedIPs = 1.0.0.0/8, 10.0.0.0/8, -fd00::/64\n");
	device_free(&d);
}

/* The last AllowedIPs line of a peer determines the flag. */
static const struct {
	const char *lines;
	bool replace;
} replacing[] = {
	{ "", true },
	{ "AllowedIPs = 1.2.3.4\n", true },
	{ "AllowedIPs = +1.2.3.4\n", false },
	{ "AllowedIPs = -1.2.3.4\n", false },
	{ "AllowedIPs = +1.2.3.4, 1.2.3.5\n", false },
	{ "AllowedIPs = 1.2.3.4, +1.2.3.5\n", false },
	{ "AllowedIPs = +1.2.3.4\nAllowedIPs = 1.2.3.5\n", true },
	{ "AllowedIPs = 1.2.3.5\nAllowedIPs = -1.2.3.4\n", false },
};

static void last_line_determines_replacement(void **state)
{
	char file[512];
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replacing); i++) {
		struct text t = text_fixed(file, sizeof file);
		text_f(&t, PEER_A "%s", replacing[i].lines);
		diag_text_init(&messages, false);
		assert_int_equal(conf_read(&d, text_of(&t), &options, &messages.d), 0);
		assert_int_equal((d.peers[0].flags & WG_PEER_REPLACE_ALLOWEDIPS) != 0, replacing[i].replace);
		assert_int_equal(d.peers[0].line, 1);
		device_free(&d);
	}
}

static void host_names_are_left_to_the_resolver(void **state)
{
	static const char *const hosts[] = { "vpn.example.com:51820", "[vpn.example.com]:51820", "10.1:5",
					     "[fe80::1%nope]:5", "[2001:db8::1%eth0]:5", "1.2.3.4%1:5" };
	char file[512];
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct text t = text_fixed(file, sizeof file);
		text_f(&t, PEER_A "Endpoint = 1.2.3.4:5\nEndpoint = %s\n", hosts[i]);
		diag_text_init(&messages, false);
		assert_int_equal(conf_read(&d, text_of(&t), &options, &messages.d), 0);
		assert_string_equal(d.peers[0].host, hosts[i]);
		assert_int_equal(d.peers[0].flags & (WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT),
				 WG_PEER_HAS_HOST);
		device_free(&d);
	}
	assert_int_equal(conf_read(&d, SPAN(PEER_A "Endpoint = vpn . exa\tmple : 5 1 #:9\n"), &options, &messages.d),
			 0);
	assert_string_equal(d.peers[0].host, "vpn.example:51"); /* blanks are removed from names as well */
	device_free(&d);
}

/* ---- keys of wg-quick ---- */

struct quick {
	char extra[1024], lines[1024];
	struct text extra_text, lines_text;
};

static bool collect_extra(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	struct quick *q = ctx;

	if (span_is_nocase(x->key, "MTU")) {
		struct diag_at at = { .file = "q", .line = x->line, .column = x->column };
		diag_f(d, DIAG_ERROR, &at, NULL, "no MTU like this");
		return true;
	}
	if (!conf_is_quick_key(x->key, peer >= 0) && !(peer >= 0 && span_is(x->key, "PresharedKeyFile")))
		return false;
	text_f(&q->extra_text, "%d %u:%u %.*s|%.*s|\n", peer, x->line, x->column, (int)x->key.n, x->key.p,
	       (int)x->value.n, x->value.p);
	return true;
}

static void collect_line(void *ctx, struct span line)
{
	struct quick *q = ctx;

	text_f(&q->lines_text, "%.*s\n", (int)line.n, line.p);
}

static int read_quick(struct quick *q, const char *file, struct diag_text *messages)
{
	struct conf_options o = options;
	struct wg_device d;
	int err;

	q->extra_text = text_fixed(q->extra, sizeof q->extra);
	q->lines_text = text_fixed(q->lines, sizeof q->lines);
	o.extra = collect_extra;
	o.emit_line = collect_line;
	o.ctx = q;
	diag_text_init(messages, false);
	err = conf_read(&d, span_of(file), &o, &messages->d);
	device_free(&d);
	return err;
}

static void quick_keys_are_passed_on_unchanged(void **state)
{
	struct quick q;
	struct diag_text messages;

	(void)state;
	assert_int_equal(read_quick(&q, "#Giant\n[Interface]\n  address =  10.0.0.1/24, fd00::1/64  # two\n"
					"ListenPort = 5 # here\n\nPostUp = echo \"#1\"; wg show %i \r\n"
					"PostDown =\n# PreUp = x\nDNS=\n" PEER_A "PresharedKeyFile = a b\n"
					"  # Name = x\n", &messages), 0);
	assert_string_equal(messages.buffer, "");
	assert_string_equal(q.extra, "-1 3:14 address|10.0.0.1/24, fd00::1/64|\n"
				     "-1 6:10 PostUp|echo \"#1\"; wg show %i|\n"
				     "-1 7:11 PostDown||\n-1 9:5 DNS||\n0 12:20 PresharedKeyFile|a b|\n");
	assert_string_equal(q.lines, "#Giant\n[Interface]\nListenPort = 5 # here\n\n# PreUp = x\n" PEER_A
				      "  # Name = x\n");
}

static void quick_values_can_be_invalid(void **state)
{
	struct quick q;
	struct diag_text messages;

	(void)state;
	assert_int_equal(read_quick(&q, "[Interface]\nMTU = 5x\n", &messages), -EINVAL);
	assert_string_equal(messages.buffer, "q:2:7: error: no MTU like this\n");
	assert_int_equal(read_quick(&q, "Address = 1.2.3.4\n", &messages), -EINVAL);
	assert_int_equal(read_quick(&q, "[Interface]\nAddress\n", &messages), -EINVAL);
	assert_int_equal(read_quick(&q, "[Interface]\nPost Up = x\n", &messages), -EINVAL);
}

/* ---- chunks ---- */

/* Complete lines, each in its own buffer, which is freed at the next call. */
struct line_by_line {
	struct span rest;
	char *line;
};

static bool next_line(void *ctx, struct span *chunk)
{
	struct line_by_line *l = ctx;
	size_t n = span_find(l->rest, '\n');

	free(l->line);
	l->line = NULL;
	if (l->rest.n == 0)
		return false;
	n = n < l->rest.n ? n + 1 : n;
	l->line = memcpy(malloc(n), l->rest.p, n);
	*chunk = (struct span){ l->line, n };
	l->rest = span_sub(l->rest, n, l->rest.n);
	return true;
}

static int read_line_by_line(struct wg_device *out, const char *file, struct diag *d)
{
	struct line_by_line l = { .rest = span_of(file) };
	struct conf_source source = { next_line, &l };
	int err = conf_read_chunks(out, &source, &options, d);

	free(l.line);
	return err;
}

static void chunks_give_the_same_result(void **state)
{
	struct wg_device d;
	struct diag_text messages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		diag_text_init(&messages, false);
		assert_int_equal(read_line_by_line(&d, good[i].file, &messages.d), 0);
		assert_string_equal(printed(&d), good[i].model);
		device_free(&d);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (bad[i].n > 0)
			continue; /* contains a NUL */
		diag_text_init(&messages, false);
		assert_int_equal(read_line_by_line(&d, bad[i].file, &messages.d), error_of(bad[i].messages));
		assert_string_equal(messages.buffer, bad[i].messages);
	}
	diag_text_init(&messages, true);
	assert_int_equal(read_line_by_line(&d, "### Client bob\n [Peer] # x\n\n# y\n", &messages.d), -ENOKEY);
	assert_string_equal(messages.buffer, "wg0.conf:2:2: error: A peer is missing a public key\n"
					 "   [Peer] # x\n   ^~~~~~\n");
	diag_text_init(&messages, true);
	assert_int_equal(read_line_by_line(&d, "### Client bob\n" PEER_A, &messages.d), 0);
	assert_string_equal(d.peers[0].name, "bob");
	device_free(&d);
}

/* ---- size ---- */

static bool grow(struct text *t, size_t more)
{
	size_t cap = (t->n + more + 1) * 2;
	char *p = realloc(t->p, cap);

	if (!p)
		return false;
	t->p = p;
	t->cap = cap;
	return true;
}

static void lines_of_a_mebibyte(void **state)
{
	struct text t = { .make_space = grow };
	struct wg_device d;
	struct diag_text messages;
	uint32_t n = 0;

	(void)state;
	text_add(&t, PEER_A "AllowedIPs = 1.2.3.4");
	while (t.n < 1 << 20)
		text_f(&t, " , 10.%u.%u.0/ 24", n / 256 % 256, n % 256), n++;
	diag_text_init(&messages, false);
	assert_int_equal(conf_read(&d, text_of(&t), &options, &messages.d), 0);
	assert_int_equal(d.peers[0].n_allowedips, n + 1);
	device_free(&d);
	t.n = 0;
	text_add(&t, "[Interface]\nListenPort = ");
	while (t.n < 1 << 20)
		text_add(&t, "9 ");
	assert_int_equal(conf_read(&d, text_of(&t), &options, &messages.d), -EINVAL);
	assert_string_equal(messages.buffer, "wg0.conf:2:14: error: the value is too long\n");
	t.n = 0;
	text_add(&t, "#");
	while (t.n < 1 << 20)
		text_add(&t, "################");
	assert_int_equal(conf_read(&d, text_of(&t), &options, &messages.d), 0);
	free(t.p);
}

static void a_hundred_thousand_peers(void **state)
{
	enum { PEERS = 100000 };
	struct text t = { .make_space = grow };
	struct wg_device d;
	struct diag_text messages;
	char key[KEY_BASE64_CHARS + 1];

	(void)state;
	for (uint32_t i = 0; i < PEERS; i++) {
		uint8_t k[KEY_BYTES] = { 0 };
		store_le32(k, i);
		key_to_base64(key, k);
		text_f(&t, "[Peer]\n# Name = p%u\nPublicKey = %s\nAllowedIPs = 10.%u.%u.%u/32\n\n", i, key,
		       i >> 16, i >> 8 & 255, i & 255);
	}
	diag_text_init(&messages, false);
	assert_int_equal(conf_read(&d, text_of(&t), &options, &messages.d), 0);
	assert_int_equal(d.n_peers, PEERS);
	assert_string_equal(d.peers[PEERS - 1].name, "p99999");
	assert_int_equal(d.peers[PEERS - 1].line, 5 * (PEERS - 1) + 1);
	device_free(&d);
	free(t.p);
}

static void files_of_blanks_and_comments_are_empty(void **state)
{
	(void)state;
	assert_true(conf_is_empty(SPAN("")));
	assert_true(conf_is_empty((struct span){ NULL, 0 }));
	assert_true(conf_is_empty(SPAN("\n \t\r\n# [Interface]\n")));
	assert_false(conf_is_empty(SPAN("\n[Interface]\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files),
		cmocka_unit_test(errors_have_a_position_and_no_secrets),
		cmocka_unit_test(source_and_caret),
		cmocka_unit_test(host_bits_are_cleared_with_upstreams_warning),
		cmocka_unit_test(last_line_determines_replacement),
		cmocka_unit_test(host_names_are_left_to_the_resolver),
		cmocka_unit_test(quick_keys_are_passed_on_unchanged),
		cmocka_unit_test(quick_values_can_be_invalid),
		cmocka_unit_test(chunks_give_the_same_result),
		cmocka_unit_test(lines_of_a_mebibyte),
		cmocka_unit_test(a_hundred_thousand_peers),
		cmocka_unit_test(files_of_blanks_and_comments_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
