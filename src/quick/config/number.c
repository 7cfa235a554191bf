/* Numbers in decimal, octal and hexadecimal. */
#include "number.h"

static bool has_octal_zero(struct span text)
{
	return text.n > 1 && text.p[0] == '0';
}

static bool octal_parse(uint64_t *out, struct span text, uint64_t max)
{
	uint64_t v = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned int digit = (unsigned int)(uint8_t)text.p[i] - '0';
		if (digit > 7 || v > (max - digit) / 8 || digit > max)
			return false;
		v = v * 8 + digit;
	}
	*out = v;
	return text.n > 0;
}

bool number_parse(uint64_t *out, struct span text, uint64_t max)
{
	if (text.n > 0 && text.p[0] == '+')
		text = span_sub(text, 1, text.n);
	if (span_starts(text, "0x") || span_starts(text, "0X"))
		return span_hex_to_u64(out, span_sub(text, 2, text.n), max);
	if (has_octal_zero(text))
		return octal_parse(out, text, max);
	return span_to_u64(out, text, max);
}

bool number_is_octal(struct span text)
{
	uint64_t octal, decimal;

	return has_octal_zero(text) && octal_parse(&octal, text, UINT32_MAX) &&
	       span_to_u64(&decimal, text, UINT32_MAX) && octal != decimal;
}
