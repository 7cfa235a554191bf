/* See random_file.h. */
#include "random_file.h"

#include <stdlib.h>

uint64_t random_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

unsigned int random_below(uint64_t *seed, unsigned int n)
{
	return (unsigned int)(random_next(seed) >> 33) % n;
}

static bool one_in(uint64_t *seed, unsigned int n)
{
	return random_below(seed, n) == 0;
}

static const char *some(uint64_t *seed, const char *const words[], size_t n)
{
	return words[random_below(seed, (unsigned int)n)];
}
#define SOME(seed, words) some(seed, words, ARRAY_LEN(words))

/* ---- values ---- */

void random_public_key(struct wg_public *out, uint64_t *seed)
{
	*out = (struct wg_public){ { (uint8_t)(1 + random_below(seed, 8)) } };
}

struct ip_prefix random_prefix(uint64_t *seed)
{
	uint8_t v4[4] = { 10, (uint8_t)random_below(seed, 4) }, v6[16] = { 0xfd, (uint8_t)random_below(seed, 3) };
	struct ip_addr a = one_in(seed, 3) ? ip_v6(v6) : ip_v4(v4);
	struct ip_prefix p;

	if (!prefix_make(&p, &a, one_in(seed, 2) ? 16 : one_in(seed, 2) ? 24 : ip_bits(&a)))
		abort();
	return p;
}

void random_endpoint(struct ip_endpoint *out, uint64_t *seed)
{
	const uint8_t v4[4] = { 192, 0, 2, (uint8_t)random_below(seed, 3) };

	*out = (struct ip_endpoint){ .addr = ip_v4(v4), .port = (uint16_t)(1 + random_below(seed, 3)) };
}

/* ---- lines ---- */

/* The text with blanks in it, where they mean nothing. */
static void add_spaced(struct text *t, uint64_t *seed, struct span s)
{
	bool spaced = one_in(seed, 5);

	for (size_t i = 0; i < s.n; i++) {
		if (spaced && i > 0 && one_in(seed, 4))
			text_char(t, one_in(seed, 3) ? '\t' : ' ');
		text_char(t, s.p[i]);
	}
}

static void add_key(struct text *t, uint64_t *seed, const char *key, bool may_be_spaced)
{
	static const char *const before[] = { "", "", "", " ", "\t" };
	static const char *const equals[] = { " = ", " = ", "=", "= ", " =\t" };
	unsigned int letters = random_below(seed, 6); /* 0: lower case, 1: upper case */
	struct text spelled = text_heap();

	for (size_t i = 0; key[i]; i++) {
		char c = key[i];
		if (letters == 0)
			c = ascii_lower(c);
		else if (letters == 1 && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		text_char(&spelled, c);
	}
	text_add(t, SOME(seed, before));
	if (may_be_spaced)
		add_spaced(t, seed, text_of(&spelled));
	else
		text_span(t, text_of(&spelled));
	text_add(t, SOME(seed, equals));
	text_heap_free(&spelled);
}

static void end_line(struct text *t, uint64_t *seed)
{
	static const char *const ends[] = { "", "", "", "", " ", " # why", "# [Peer]", " #", "\t# x = y # z" };

	text_add(t, SOME(seed, ends));
	text_char(t, '\n');
}

static void add_setting(struct text *t, uint64_t *seed, const char *key, const char *value)
{
	add_key(t, seed, key, true);
	add_spaced(t, seed, span_of(value));
	end_line(t, seed);
}

static void add_number(struct text *t, uint64_t *seed, const char *key, unsigned int n)
{
	char value[16];
	struct text v = text_fixed(value, sizeof value);

	text_u64(&v, n);
	add_setting(t, seed, key, value);
}

static void add_secret(struct text *t, uint64_t *seed, const char *key)
{
	uint8_t bytes[KEY_BYTES] = { (uint8_t)random_below(seed, 3), 7 };
	char value[KEY_BASE64_CHARS + 1];

	key_to_base64(value, bytes); /* a private key that is not clamped */
	add_setting(t, seed, key, value);
}

static void add_noise(struct text *t, uint64_t *seed)
{
	static const char *const lines[] = {
		"", "", "", "# plain", "  # indented", "#", "## Name = laptop", "# Name = phone", "#Endpoint = 192.0.2.9:9",
		"### begin alice ###", "### end alice ###", "### begin bob ###", "### end bob ###", "# END", "##########",
		"#[Peer]\n#PublicKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n# AllowedIPs = 10.0.0.0/24",
		"# [Interface]", " \t",
	};

	for (unsigned int n = random_below(seed, 4); n > 0; n--)
		text_f(t, "%s\n", SOME(seed, lines));
}

/* ---- sections ---- */

static void add_address(struct text *t, uint64_t *seed)
{
	static const char *const lists[] = {
		"10.9.0.1/24", "10.9.0.1/24,fd09::1/64", "10.9.1.1/24, 10.9.2.1/32", "10.9.3.1 peer 10.9.3.2/32", "fd09::2/64",
		"10.9.0.1/24 fd09::2/64", "10.9.4.1", "",
	};

	add_key(t, seed, "Address", false);
	text_add(t, SOME(seed, lists));
	end_line(t, seed);
}

static void add_interface_setting(struct text *t, uint64_t *seed)
{
	static const char *const other[] = { "DNS = 10.9.0.1, example.org", "PostUp = echo up # not a comment", "Table = 77",
					     "SaveConfig = true", "RouteMetric = 50", "Netns = private", "BindDevice = eth1", "SourceAddress = 192.0.2.5, fd00::5", "ExcludeIPs = 10.1.2.3, fd00::/8",
					     "PreDown = Address = 10.9.9.9/24", "postdown=:" };

	switch (random_below(seed, 7)) {
	case 0: add_secret(t, seed, "PrivateKey"); break;
	case 1: add_number(t, seed, "ListenPort", random_below(seed, 3)); break;
	case 2: add_setting(t, seed, "FwMark", one_in(seed, 3) ? "off" : one_in(seed, 2) ? "0x2" : "1"); break;
	case 3:
		add_key(t, seed, "MTU", false);
		text_add(t, one_in(seed, 2) ? "1400" : "1300");
		end_line(t, seed);
		break;
	case 4: text_f(t, "%s\n", SOME(seed, other)); break;
	default: add_address(t, seed); break;
	}
}

static void add_allowedips(struct text *t, uint64_t *seed)
{
	add_key(t, seed, "AllowedIPs", true);
	for (unsigned int n = 1 + random_below(seed, 4); n > 0; n--) {
		char value[IP_PREFIX_TEXT_MAX];
		struct text v = text_fixed(value, sizeof value);
		struct ip_prefix p = random_prefix(seed);
		if (one_in(seed, 12))
			text_char(t, one_in(seed, 2) ? '+' : '-');
		prefix_print(&v, &p);
		add_spaced(t, seed, text_of(&v));
		if (n > 1)
			text_add(t, one_in(seed, 2) ? "," : " , ");
	}
	end_line(t, seed);
}

static void add_endpoint(struct text *t, uint64_t *seed)
{
	char value[IP_ENDPOINT_TEXT_MAX];
	struct text v = text_fixed(value, sizeof value);
	struct ip_endpoint e;

	random_endpoint(&e, seed);
	endpoint_print(&v, &e, NULL);
	add_setting(t, seed, "Endpoint", one_in(seed, 4) ? "vpn.example.org:51820" : value);
}

static void add_peer_setting(struct text *t, uint64_t *seed)
{
	switch (random_below(seed, 6)) {
	case 0: add_secret(t, seed, "PresharedKey"); break;
	case 1: add_number(t, seed, "PersistentKeepalive", random_below(seed, 3)); break;
	case 2: add_endpoint(t, seed); break;
	default: add_allowedips(t, seed); break;
	}
}

static void add_public_key(struct text *t, uint64_t *seed)
{
	char value[KEY_BASE64_CHARS + 1];
	struct wg_public key;

	random_public_key(&key, seed);
	key_to_base64(value, key.b);
	add_setting(t, seed, "PublicKey", value);
}

static void add_section(struct text *t, uint64_t *seed, bool is_peer)
{
	static const char *const headers[2][4] = { { "[Interface]", "[interface]", "[ Interface ]", "[Inter face]" },
						   { "[Peer]", "[PEER]", " [ Peer ]", "[Peer]" } };
	unsigned int settings = random_below(seed, 5), key_at = random_below(seed, settings + 1);

	text_add(t, SOME(seed, headers[is_peer]));
	end_line(t, seed);
	for (unsigned int i = 0; i <= settings; i++) {
		if (one_in(seed, 6))
			add_noise(t, seed);
		if (is_peer && i == key_at)
			add_public_key(t, seed);
		if (i < settings && is_peer)
			add_peer_setting(t, seed);
		else if (i < settings)
			add_interface_setting(t, seed);
	}
}

static void end_lines_in_crlf(struct text *t)
{
	struct text crlf = text_heap();

	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i] == '\n')
			text_char(&crlf, '\r');
		text_char(&crlf, t->p[i]);
	}
	text_heap_free(t);
	*t = crlf;
}

void random_file(struct text *out, uint64_t *seed)
{
	unsigned int sections = 1 + random_below(seed, 8);

	*out = text_heap();
	add_noise(out, seed);
	for (unsigned int i = 0; i < sections; i++) {
		add_section(out, seed, i > 0 ? !one_in(seed, 10) : one_in(seed, 8));
		add_noise(out, seed);
	}
	if (one_in(seed, 4)) {
		out->n--;
		out->p[out->n] = '\0';
	}
	if (one_in(seed, 8))
		end_lines_in_crlf(out);
}
