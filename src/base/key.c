/* Both encodings process eight characters at a time in the bytes of one integer, the first in the lowest byte, without
 * branches or table lookups that depend on the key. Each byte stays within 0-127, so that none carries into the next. */
#include "key.h"
#include "mem.h"

#define EACH(byte) (0x0101010101010101ull * (byte))

static void store_le64_bytes(char *out, uint64_t v)
{
	store_le64((uint8_t *)out, v);
}

/* 1 in each byte that is greater than limit (0-127), else 0. */
static uint64_t above(uint64_t bytes, uint8_t limit)
{
	return (bytes + EACH(127u - limit)) >> 7 & EACH(1);
}

/* Eight numbers 0-63 to characters: adds to 'A' the distance between neighbouring ranges for each range passed. */
static uint64_t base64_chars(uint64_t v)
{
	return v + EACH('A') + above(v, 25) * ('a' - 'Z' - 1) - above(v, 51) * ('z' + 1 - '0') -
	       above(v, 61) * ('9' + 1 - '+') + above(v, 62) * ('/' - '+' - 1);
}

/* Eight characters to numbers: 43 '+' is 62, 47 '/' 63, 48 '0' 52, 65 'A' 0, 97 'a' 26. Sets bits of *bad if one is not
 * base64, which encoding the result again reveals. No byte becomes negative, so that none borrows from the next. */
static uint64_t base64_values(uint64_t chars, uint64_t *bad)
{
	uint64_t c = chars & EACH(0x7f);
	uint64_t v = c + EACH(19) - above(c, '/' - 1) * 3 - above(c, '0' - 1) * 12 -
		     above(c, 'A' - 1) * 69 - above(c, 'a' - 1) * 6;

	*bad |= (v & EACH(0xc0)) | (base64_chars(v & EACH(63)) ^ chars);
	return v & EACH(63);
}

/* Splits six bytes, big endian, into eight numbers of six bits. All eight bytes of p are read. */
static uint64_t sextets(const uint8_t p[8])
{
	uint64_t v = load_be64(p);

	v = v >> 40 | (v & 0x000000ffffff0000ull) << 16;
	v = (v >> 12 & 0x00000fff00000fffull) | (v & 0x00000fff00000fffull) << 16;
	return (v >> 6 & 0x003f003f003f003full) | (v & 0x003f003f003f003full) << 8;
}

/* The inverse: writes six bytes and two zeros. */
static void from_sextets(uint8_t p[8], uint64_t v)
{
	v = (v & 0x003f003f003f003full) << 6 | (v >> 8 & 0x003f003f003f003full);
	v = (v & 0x00000fff00000fffull) << 12 | (v >> 16 & 0x00000fff00000fffull);
	store_be64(p, v << 40 | (v >> 16 & 0x000000ffffff0000ull));
}

enum { GROUPS = 5, TAIL = 4 }; /* five groups of 6 bytes or 8 characters, then 2 bytes or 3 characters and '=' */
_Static_assert(6 * GROUPS + 2 == KEY_BYTES && 8 * GROUPS + TAIL == KEY_BASE64_CHARS, "groups and tail make a key");

void key_to_base64(char out[KEY_BASE64_CHARS + 1], const uint8_t key[KEY_BYTES])
{
	uint8_t last[8] = { key[30], key[31] };
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

/* Only the validity is public. An invalid key is wiped. */
static bool verdict(uint8_t out[KEY_BYTES], uint64_t bad)
{
	mem_declassify(&bad, sizeof bad);
	if (bad)
		mem_wipe(out, KEY_BYTES);
	return bad == 0;
}

bool key_from_base64(uint8_t out[KEY_BYTES], struct span text)
{
	uint8_t chars[8] = { 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A' }, last[8];
	uint64_t bad = 0;

	if (text.n != KEY_BASE64_CHARS || text.p[KEY_BASE64_CHARS - 1] != '=') {
		memset(out, 0, KEY_BYTES);
		return false;
	}
	for (size_t i = 0; i < GROUPS; i++)
		from_sextets(out + 6 * i,
			     base64_values(load_le64((const uint8_t *)text.p + 8 * i), &bad));
	memcpy(chars, text.p + 8 * GROUPS, TAIL - 1);
	from_sextets(last, base64_values(load_le64(chars), &bad));
	memcpy(out + 6 * GROUPS, last, 2);
	bad |= last[2]; /* canonical form: the unused bits are zero */
	mem_wipe(chars, sizeof chars);
	mem_wipe(last, sizeof last);
	return verdict(out, bad);
}

/* Eight numbers 0-15 to hexadecimal digits. */
static uint64_t hex_chars(uint64_t v)
{
	return v + EACH('0') + above(v, 9) * ('a' - '9' - 1);
}

void key_to_hex(char out[KEY_HEX_CHARS + 1], const uint8_t key[KEY_BYTES])
{
	for (size_t i = 0; i < KEY_BYTES; i += 4) {
		uint64_t v = load_le32(key + i);

		v = (v | v << 16) & 0x0000ffff0000ffffull;
		v = (v | v << 8) & 0x00ff00ff00ff00ffull;
		v = (v >> 4 & 0x000f000f000f000full) | (v & 0x000f000f000f000full) << 8;
		store_le64_bytes(out + 2 * i, hex_chars(v));
	}
	out[KEY_HEX_CHARS] = '\0';
}

/* Eight hexadecimal digits to four bytes. Setting bit 5 converts letters to lower case; a character with neither bit 5
 * nor bit 6 is not a digit. */
static uint32_t hex_bytes(uint64_t chars, uint64_t *bad)
{
	uint64_t c = (chars & EACH(0x7f)) | EACH(0x20);
	uint64_t v = (c & EACH(15)) + (c >> 6 & EACH(1)) * 9;

	*bad |= (chars & EACH(0x80)) | (~(chars | chars << 1) & EACH(0x40));
	*bad |= (v & EACH(0xf0)) | (hex_chars(v) ^ c);
	v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ffull;
	v = (v | v >> 8) & 0x0000ffff0000ffffull;
	return (uint32_t)(v | v >> 16);
}

bool key_from_hex(uint8_t out[KEY_BYTES], struct span text)
{
	uint64_t bad = 0;

	if (text.n != KEY_HEX_CHARS) {
		memset(out, 0, KEY_BYTES);
		return false;
	}
	for (size_t i = 0; i < KEY_BYTES; i += 4)
		store_le32(out + i, hex_bytes(load_le64((const uint8_t *)text.p + 2 * i), &bad));
	return verdict(out, bad);
}
