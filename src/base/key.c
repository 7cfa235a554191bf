/* Both spellings, eight characters at a time in the bytes of one integer (the first one lowest), without
 * branches or tables that depend on them. Every byte keeps to 0-127, so none carries into the next. */
#include "key.h"
#include "mem.h"

#define EACH(byte) (0x0101010101010101ull * (byte))

static void store_le64_bytes(char *out, uint64_t v)
{
	store_le64((uint8_t *)out, v);
}

/* 1 in each byte that is more than limit (0-127). */
static uint64_t above(uint64_t bytes, uint8_t limit)
{
	return (bytes + EACH(127u - limit)) >> 7 & EACH(1);
}

/* 255 in each byte from lo to hi. */
static uint64_t within(uint64_t bytes, uint8_t lo, uint8_t hi)
{
	uint64_t one = above(bytes, (uint8_t)(lo - 1)) & ~above(bytes, hi);

	return (one << 8) - one;
}

/* Eight numbers 0-63 to characters: starts at 'A' and adds the jump of each range they lie beyond. */
static uint64_t base64_chars(uint64_t v)
{
	return v + EACH('A') + above(v, 25) * ('a' - 'Z' - 1) - above(v, 51) * ('z' + 1 - '0') -
	       above(v, 61) * ('9' + 1 - '+') + above(v, 62) * ('/' - '+' - 1);
}

/* Eight characters to numbers; sets bits of *bad when one is none. */
static uint64_t base64_values(uint64_t chars, uint64_t *bad)
{
	uint64_t c = chars & EACH(0x7f);
	uint64_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
	uint64_t plus = within(c, '+', '+'), slash = within(c, '/', '/');

	*bad |= (chars & EACH(0x80)) | ~(upper | lower | digit | plus | slash);
	return ((c & upper) - (upper & EACH('A'))) | ((c & lower) - (lower & EACH('a' - 26))) |
	       ((c & digit) + (digit & EACH(52 - '0'))) | (plus & EACH(62)) | (slash & EACH(63));
}

/* Six bytes, most significant first in 24-bit halves, to eight numbers of six bits and back. */
static uint64_t sextets(const uint8_t p[6])
{
	uint64_t v = ((uint64_t)p[0] << 16 | (uint64_t)p[1] << 8 | p[2]) |
		     ((uint64_t)p[3] << 16 | (uint64_t)p[4] << 8 | p[5]) << 32;

	v = (v >> 12 & 0x00000fff00000fffull) | (v & 0x00000fff00000fffull) << 16;
	return (v >> 6 & 0x003f003f003f003full) | (v & 0x003f003f003f003full) << 8;
}

static void from_sextets(uint8_t p[6], uint64_t v)
{
	v = (v & 0x003f003f003f003full) << 6 | (v >> 8 & 0x003f003f003f003full);
	v = (v & 0x00000fff00000fffull) << 12 | (v >> 16 & 0x00000fff00000fffull);
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
	p[3] = (uint8_t)(v >> 48);
	p[4] = (uint8_t)(v >> 40);
	p[5] = (uint8_t)(v >> 32);
}

enum { GROUPS = 5, TAIL = 4 }; /* five times 6 bytes or 8 characters; then 2 bytes, 3 characters, '=' */

void key_to_base64(char out[KEY_BASE64_CHARS + 1], const uint8_t key[KEY_BYTES])
{
	uint8_t last[6] = { key[30], key[31] };
	char chars[8];

	for (size_t i = 0; i < GROUPS; i++)
		store_le64_bytes(out + 8 * i, base64_chars(sextets(key + 6 * i)));
	store_le64_bytes(chars, base64_chars(sextets(last)));
	memcpy(out + 8 * GROUPS, chars, TAIL);
	out[KEY_BASE64_CHARS - 1] = '=';
	out[KEY_BASE64_CHARS] = '\0';
	mem_wipe(last, sizeof last);
	mem_wipe(chars, sizeof chars);
}

/* Whether it was a key may be known; if not, nothing of it stays. */
static bool verdict(uint8_t out[KEY_BYTES], uint64_t bad)
{
	mem_declassify(&bad, sizeof bad);
	if (bad)
		mem_wipe(out, KEY_BYTES);
	return bad == 0;
}

bool key_from_base64(uint8_t out[KEY_BYTES], struct span text)
{
	uint8_t chars[8] = { 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A' }, last[6];
	uint64_t bad = 0;

	memset(out, 0, KEY_BYTES);
	if (text.n != KEY_BASE64_CHARS || text.p[KEY_BASE64_CHARS - 1] != '=')
		return false;
	for (size_t i = 0; i < GROUPS; i++)
		from_sextets(out + 6 * i,
			     base64_values(load_le64((const uint8_t *)text.p + 8 * i), &bad));
	memcpy(chars, text.p + 8 * GROUPS, TAIL - 1);
	from_sextets(last, base64_values(load_le64(chars), &bad));
	memcpy(out + 6 * GROUPS, last, 2);
	bad |= last[2]; /* bits that no byte holds */
	mem_wipe(chars, sizeof chars);
	mem_wipe(last, sizeof last);
	return verdict(out, bad);
}

void key_to_hex(char out[KEY_HEX_CHARS + 1], const uint8_t key[KEY_BYTES])
{
	for (size_t i = 0; i < KEY_BYTES; i += 4) {
		uint64_t v = load_le32(key + i);

		v = (v | v << 16) & 0x0000ffff0000ffffull;
		v = (v | v << 8) & 0x00ff00ff00ff00ffull;
		v = (v >> 4 & 0x000f000f000f000full) | (v & 0x000f000f000f000full) << 8;
		store_le64_bytes(out + 2 * i, v + EACH('0') + above(v, 9) * ('a' - '9' - 1));
	}
	out[KEY_HEX_CHARS] = '\0';
}

/* Eight digits to four bytes. */
static uint32_t hex_bytes(uint64_t chars, uint64_t *bad)
{
	uint64_t c = chars & EACH(0x7f);
	uint64_t digit = within(c, '0', '9'), letter = within(c | EACH(0x20), 'a', 'f');
	uint64_t v = (c & EACH(15)) + (letter & EACH(9));

	*bad |= (chars & EACH(0x80)) | ~(digit | letter);
	v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ffull;
	v = (v | v >> 8) & 0x0000ffff0000ffffull;
	return (uint32_t)(v | v >> 16);
}

bool key_from_hex(uint8_t out[KEY_BYTES], struct span text)
{
	uint64_t bad = 0;

	memset(out, 0, KEY_BYTES);
	if (text.n != KEY_HEX_CHARS)
		return false;
	for (size_t i = 0; i < KEY_BYTES; i += 4)
		store_le32(out + i, hex_bytes(load_le64((const uint8_t *)text.p + 2 * i), &bad));
	return verdict(out, bad);
}
