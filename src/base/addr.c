/* Parsing and printing of addresses, prefixes and endpoints without libc, byte-compatible with it. */
#include "addr.h"

unsigned int ip_bytes(const struct ip_addr *a)
{
	return a->family == IP_V4 ? 4 : a->family == IP_V6 ? 16 : 0;
}

unsigned int ip_bits(const struct ip_addr *a)
{
	return 8 * ip_bytes(a);
}

struct ip_addr ip_v4(const uint8_t b[4])
{
	struct ip_addr a = { .family = IP_V4 };

	memcpy(a.b, b, 4);
	return a;
}

struct ip_addr ip_v6(const uint8_t b[16])
{
	struct ip_addr a = { .family = IP_V6 };

	memcpy(a.b, b, 16);
	return a;
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, ip_bytes(a)) == 0;
}

bool ip_is_v6_link_local(const struct ip_addr *a)
{
	return a->family == IP_V6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Four decimal numbers 0-255 without leading zeros. */
static bool v4_parse(uint8_t out[4], struct span text)
{
	const char *p = text.p, *end = text.p + text.n;

	for (int i = 0; i < 4; i++) {
		const char *begin;
		unsigned int v = 0;

		if (i > 0 && (p == end || *p++ != '.'))
			return false;
		for (begin = p; p < end && p - begin < 3 && ascii_is_digit(*p); p++)
			v = v * 10 + (unsigned int)(*p - '0');
		if (p == begin || v > 255 || (*begin == '0' && p - begin > 1))
			return false;
		out[i] = (uint8_t)v;
	}
	return p == end;
}

/* Takes up to four hexadecimal digits off the front. False: no digit. */
static bool v6_group(uint16_t *out, struct span *rest)
{
	unsigned int v = 0;
	size_t n = 0;
	int digit;

	while (n < rest->n && n < 4 && (digit = ascii_hex_value(rest->p[n])) >= 0) {
		v = v << 4 | (unsigned int)digit;
		n++;
	}
	*out = (uint16_t)v;
	*rest = span_sub(*rest, n, rest->n);
	return n > 0;
}

/* Parses groups of 16 bits, of which the last two may be a dotted IPv4 address, to out. *n is the number of bytes, *gap
 * the offset of the "::" among them, or unchanged. */
static bool v6_groups(uint8_t out[16], int *n, int *gap, struct span rest)
{
	uint16_t group;

	if (span_starts(rest, "::")) {
		*gap = 0;
		rest = span_sub(rest, 2, rest.n);
	}
	while (rest.n > 0) {
		struct span begin = rest;
		bool some = v6_group(&group, &rest);

		if (rest.n > 0 && rest.p[0] == '.' && *n <= 12 && v4_parse(out + *n, begin)) {
			*n += 4;
			return true;
		}
		if (!some || *n > 14)
			return false;
		store_be16(out + *n, group);
		*n += 2;
		if (rest.n == 0)
			return true;
		if (rest.n < 2 || rest.p[0] != ':' || (rest.p[1] == ':' && *gap >= 0))
			return false;
		if (rest.p[1] == ':')
			*gap = *n;
		rest = span_sub(rest, rest.p[1] == ':' ? 2 : 1, rest.n);
	}
	return *gap >= 0;
}

static bool v6_parse(uint8_t out[16], struct span text)
{
	int n = 0, gap = -1;

	if (!v6_groups(out, &n, &gap, text))
		return false;
	if (gap < 0 || n > 14)
		return gap < 0 && n == 16;
	memmove(out + 16 - (n - gap), out + gap, (size_t)(n - gap));
	memset(out + gap, 0, (size_t)(16 - n));
	return true;
}

bool ip_parse(struct ip_addr *out, struct span text)
{
	bool is_v6 = span_find(text, ':') < text.n;
	bool ok;

	memset(out, 0, sizeof *out);
	ok = is_v6 ? v6_parse(out->b, text) : v4_parse(out->b, text);
	if (ok)
		out->family = is_v6 ? IP_V6 : IP_V4;
	else
		memset(out, 0, sizeof *out);
	return ok;
}

/* Returns the end of the text, which has no NUL. */
static char *v4_write(char *p, const uint8_t b[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (b[i] >= 100)
			*p++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*p++ = (char)('0' + b[i] / 10 % 10);
		*p++ = (char)('0' + b[i] % 10);
		if (i < 3)
			*p++ = '.';
	}
	return p;
}

static char *group_write(char *p, unsigned int v)
{
	for (int shift = v > 0xfff ? 12 : v > 0xff ? 8 : v > 0xf ? 4 : 0; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

/* The first longest run of two or more zero groups, printed as "::" (RFC 5952, section 4.2). */
static void v6_zero_run(const uint8_t b[16], int *start, int *len)
{
	int run = 0;

	*start = 8;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		run = load_be16(b + 2 * i) == 0 ? run + 1 : 0;
		if (run > *len) {
			*len = run;
			*start = i + 1 - run;
		}
	}
	if (*start == 8)
		*len = 0;
}

static char *v6_write(char *p, const uint8_t b[16])
{
	int start, len;

	v6_zero_run(b, &start, &len);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			*p++ = ':';
			*p++ = ':';
			i += len - 1;
			continue;
		}
		if (i > 0 && i != start + len)
			*p++ = ':';
		if (i == 6 && start == 0 && (len == 6 || (len == 5 && load_be16(b + 10) == 0xffff)))
			return v4_write(p, b + 12); /* IPv4-compatible and -mapped */
		p = group_write(p, load_be16(b + 2 * i));
	}
	return p;
}

void ip_print(struct text *t, const struct ip_addr *a)
{
	char out[IP_TEXT_MAX], *end = out;

	if (a->family == IP_V4)
		end = v4_write(out, a->b);
	else if (a->family == IP_V6)
		end = v6_write(out, a->b);
	text_span(t, (struct span){ out, (size_t)(end - out) });
}

bool prefix_make(struct ip_prefix *out, const struct ip_addr *a, unsigned int bits)
{
	memset(out, 0, sizeof *out);
	if (a->family == IP_NONE || bits > ip_bits(a))
		return false;
	out->addr = *a;
	out->bits = (uint8_t)bits;
	if (bits % 8)
		out->addr.b[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
	memset(out->addr.b + (bits + 7) / 8, 0, 16 - (bits + 7) / 8);
	return true;
}

bool prefix_parse(struct ip_prefix *out, struct span text, bool *had_host_bits)
{
	struct span rest = text, address;
	struct ip_addr a;
	uint64_t bits;

	memset(out, 0, sizeof *out);
	if (!span_next(&address, &rest, '/') || !ip_parse(&a, address))
		return false;
	bits = ip_bits(&a);
	if (rest.p && !span_to_u64(&bits, rest, bits))
		return false;
	if (!prefix_make(out, &a, (unsigned int)bits))
		return false;
	if (had_host_bits)
		*had_host_bits = !ip_equal(&a, &out->addr);
	return true;
}

void prefix_print(struct text *t, const struct ip_prefix *p)
{
	ip_print(t, &p->addr);
	text_char(t, '/');
	text_u64(t, p->bits);
}

bool prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->bits == b->bits && ip_equal(&a->addr, &b->addr);
}

bool prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
	struct ip_prefix masked;

	return a->family == p->addr.family && prefix_make(&masked, a, p->bits) &&
	       ip_equal(&masked.addr, &p->addr);
}

bool prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->bits <= inner->bits && prefix_contains(outer, &inner->addr);
}

static bool scope_parse(uint32_t *out, struct span text, const struct ip_scopes *scopes)
{
	uint64_t v;

	if (span_to_u64(&v, text, UINT32_MAX)) {
		*out = (uint32_t)v;
		return true;
	}
	return scopes && scopes->index_of && scopes->index_of(out, text);
}

bool endpoint_parse(struct ip_endpoint *out, struct span text, const struct ip_scopes *scopes)
{
	size_t colon = span_find_last(text, ':');
	struct span host = span_sub(text, 0, colon), scope = { NULL, 0 };
	uint64_t port;
	bool ok;

	memset(out, 0, sizeof *out);
	if (colon == text.n || !span_to_u64(&port, span_sub(text, colon + 1, text.n), 65535))
		return false;
	if (host.n > 0 && host.p[0] == '[') {
		if (host.p[host.n - 1] != ']')
			return false;
		host = span_sub(host, 1, host.n - 2);
		if (span_find(host, '%') < host.n) {
			scope = span_sub(host, span_find(host, '%') + 1, host.n);
			host = span_sub(host, 0, span_find(host, '%'));
		}
	} else if (span_find(host, ':') < host.n) {
		return false; /* an IPv6 address must be in brackets */
	}
	ok = ip_parse(&out->addr, host);
	if (ok && scope.p)
		ok = out->addr.family == IP_V6 && scope_parse(&out->scope, scope, scopes);
	out->port = (uint16_t)port;
	if (!ok)
		memset(out, 0, sizeof *out);
	return ok;
}

/* As getnameinfo(3): only link-local scopes are printed as interface names. */
static void scope_print(struct text *t, const struct ip_endpoint *e, const struct ip_scopes *scopes)
{
	char name[16];

	text_char(t, '%');
	bool multicast = e->addr.b[0] == 0xff && (e->addr.b[1] & 15) == 2;

	if ((multicast || ip_is_v6_link_local(&e->addr)) && scopes && scopes->name_of &&
	    scopes->name_of(name, e->scope))
		text_add(t, name);
	else
		text_u64(t, e->scope);
}

void endpoint_print(struct text *t, const struct ip_endpoint *e, const struct ip_scopes *scopes)
{
	bool v6 = e->addr.family == IP_V6;

	if (v6)
		text_char(t, '[');
	ip_print(t, &e->addr);
	if (v6 && e->scope)
		scope_print(t, e, scopes);
	if (v6)
		text_char(t, ']');
	text_char(t, ':');
	text_u64(t, e->port);
}

bool endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && a->scope == b->scope && ip_equal(&a->addr, &b->addr);
}
