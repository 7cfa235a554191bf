/* Fields in bytes, both ways. */
#include "codec.h"

#include <assert.h>
#include <stdint.h>

struct codec codec_count(void)
{
	return (struct codec){ .n = SIZE_MAX };
}

struct codec codec_write(void *p, size_t n)
{
	return (struct codec){ .p = p, .n = n };
}

struct codec codec_read(const void *p, size_t n)
{
	return (struct codec){ .p = (uint8_t *)(uintptr_t)p, .n = n, .is_reading = true };
}

void codec_bytes(struct codec *c, void *field, size_t n)
{
	assert(c->at <= c->n);
	c->failed |= n > c->n - c->at;
	if (c->failed) {
		if (c->is_reading)
			memset(field, 0, n);
		return;
	}
	if (c->is_reading)
		memcpy(field, c->p + c->at, n);
	else if (c->p)
		memcpy(c->p + c->at, field, n);
	c->at += n;
}

static void codec_integer(struct codec *c, uint64_t *value, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(*value >> 8 * i);
	codec_bytes(c, bytes, n);
	*value = 0;
	for (size_t i = 0; i < n; i++)
		*value |= (uint64_t)bytes[i] << 8 * i;
}

void codec_u8(struct codec *c, uint8_t *field)
{
	codec_bytes(c, field, 1);
}

void codec_u16(struct codec *c, uint16_t *field)
{
	uint64_t value = c->is_reading ? 0 : *field;

	codec_integer(c, &value, 2);
	*field = (uint16_t)value;
}

void codec_u32(struct codec *c, uint32_t *field)
{
	uint64_t value = c->is_reading ? 0 : *field;

	codec_integer(c, &value, 4);
	*field = (uint32_t)value;
}

void codec_u64(struct codec *c, uint64_t *field)
{
	uint64_t value = c->is_reading ? 0 : *field;

	codec_integer(c, &value, 8);
	*field = value;
}

void codec_bool(struct codec *c, bool *field)
{
	uint8_t value = !c->is_reading && *field;

	codec_u8(c, &value);
	codec_require(c, value <= 1);
	*field = !c->failed && value;
}

void codec_require(struct codec *c, bool is_valid)
{
	c->failed |= c->is_reading && !is_valid;
}
