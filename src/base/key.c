#include "key.h"
#include "mem.h"

/* All ones when lo <= v <= hi, for 0 <= v, lo, hi < 2^15; no branch, no table. */
static uint32_t in_range(uint32_t v, uint32_t lo, uint32_t hi)
{
	uint32_t outside = ((v - lo) | (hi - v)) >> 31;

	hide_value(outside); /* or a compiler may see a truth value and branch on it */
	return outside - 1;
}

/* Six bits to a character: starts at 'A' and adds the jump of each range that v lies beyond. */
static char base64_char(uint32_t v)
{
	uint32_t c = v + 'A';

	c += in_range(v, 26, 63) & ('a' - 'Z' - 1u);
	c -= in_range(v, 52, 63) & ('z' + 1u - '0');
	c -= in_range(v, 62, 63) & ('9' + 1u - '+');
	c += in_range(v, 63, 63) & ('/' - '+' - 1u);
	return (char)c;
}

/* A character to its six bits, or a value with bit 8 set. */
static uint32_t base64_value(char ch)
{
	uint32_t c = (uint8_t)ch, v = 0, known = 0, m;

	m = in_range(c, 'A', 'Z');
	v |= m & (c - 'A');
	known |= m;
	m = in_range(c, 'a', 'z');
	v |= m & (c - 'a' + 26);
	known |= m;
	m = in_range(c, '0', '9');
	v |= m & (c - '0' + 52);
	known |= m;
	m = in_range(c, '+', '+');
	v |= m & 62;
	known |= m;
	m = in_range(c, '/', '/');
	v |= m & 63;
	known |= m;
	return v | (~known & 0x100);
}

void key_to_base64(char out[KEY_BASE64_CHARS + 1], const uint8_t key[KEY_BYTES])
{
	for (size_t i = 0; i < 11; i++) {
		const uint8_t *k = key + 3 * i;
		uint32_t v = (uint32_t)k[0] << 16 | (uint32_t)k[1] << 8 | (i < 10 ? k[2] : 0);
		out[4 * i + 0] = base64_char(v >> 18);
		out[4 * i + 1] = base64_char(v >> 12 & 63);
		out[4 * i + 2] = base64_char(v >> 6 & 63);
		out[4 * i + 3] = base64_char(v & 63);
	}
	out[KEY_BASE64_CHARS - 1] = '=';
	out[KEY_BASE64_CHARS] = '\0';
}

bool key_from_base64(uint8_t out[KEY_BYTES], struct span text)
{
	uint32_t bad = 0;

	memset(out, 0, KEY_BYTES);
	if (text.n != KEY_BASE64_CHARS || text.p[KEY_BASE64_CHARS - 1] != '=')
		return false;
	for (size_t i = 0; i < 11; i++) {
		const char *c = text.p + 4 * i;
		uint32_t d = i < 10 ? base64_value(c[3]) : 0;
		uint32_t v[3] = { base64_value(c[0]), base64_value(c[1]), base64_value(c[2]) };
		bad |= v[0] | v[1] | v[2] | d;
		out[3 * i] = (uint8_t)(v[0] << 2 | v[1] >> 4);
		out[3 * i + 1] = (uint8_t)(v[1] << 4 | v[2] >> 2);
		if (i < 10)
			out[3 * i + 2] = (uint8_t)(v[2] << 6 | d);
		else
			bad |= (v[2] & 3) << 8; /* bits that no byte holds */
	}
	bad >>= 8;
	mem_declassify(&bad, sizeof bad); /* whether it is a key may be known */
	if (bad)
		mem_wipe(out, KEY_BYTES);
	return bad == 0;
}

void key_to_hex(char out[KEY_HEX_CHARS + 1], const uint8_t key[KEY_BYTES])
{
	for (size_t i = 0; i < KEY_BYTES; i++) {
		uint32_t hi = key[i] >> 4, lo = key[i] & 15;
		out[2 * i] = (char)(hi + '0' + (in_range(hi, 10, 15) & ('a' - '9' - 1u)));
		out[2 * i + 1] = (char)(lo + '0' + (in_range(lo, 10, 15) & ('a' - '9' - 1u)));
	}
	out[KEY_HEX_CHARS] = '\0';
}

static uint32_t hex_value(char ch)
{
	uint32_t c = (uint8_t)ch, lower = c | 32;
	uint32_t digit = in_range(c, '0', '9'), letter = in_range(lower, 'a', 'f');

	return (digit & (c - '0')) | (letter & (lower - 'a' + 10)) | (~(digit | letter) & 0x100);
}

bool key_from_hex(uint8_t out[KEY_BYTES], struct span text)
{
	uint32_t bad = 0;

	memset(out, 0, KEY_BYTES);
	if (text.n != KEY_HEX_CHARS)
		return false;
	for (size_t i = 0; i < KEY_BYTES; i++) {
		uint32_t hi = hex_value(text.p[2 * i]), lo = hex_value(text.p[2 * i + 1]);
		bad |= hi | lo;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	bad >>= 8;
	mem_declassify(&bad, sizeof bad); /* whether it is a key may be known */
	if (bad)
		mem_wipe(out, KEY_BYTES);
	return bad == 0;
}
