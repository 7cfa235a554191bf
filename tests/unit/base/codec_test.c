/* Fields in bytes: both directions, counting, ends, and values that are not valid. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/codec.h"

struct sample {
	uint8_t bytes[3], u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	bool flag;
};

enum { RECORD_BYTES = 3 + 1 + 2 + 4 + 8 + 1 };

static void fields(struct codec *c, struct sample *r)
{
	codec_bytes(c, r->bytes, sizeof r->bytes);
	codec_u8(c, &r->u8);
	codec_u16(c, &r->u16);
	codec_u32(c, &r->u32);
	codec_u64(c, &r->u64);
	codec_bool(c, &r->flag);
}

static const struct sample written = { { 1, 2, 3 }, 4, 0x0605, 0x0a090807, 0x1211100f0e0d0c0bull, true };

static void write_sample(uint8_t out[RECORD_BYTES])
{
	struct codec c = codec_write(out, RECORD_BYTES);
	struct sample r = written;

	fields(&c, &r);
	assert_false(c.failed);
	assert_int_equal(c.at, RECORD_BYTES);
}

static void fields_are_little_endian(void **state)
{
	struct codec count = codec_count();
	struct sample r = written;
	uint8_t bytes[RECORD_BYTES];

	(void)state;
	fields(&count, &r);
	assert_int_equal(count.at, RECORD_BYTES);
	write_sample(bytes);
	for (size_t i = 0; i < RECORD_BYTES - 1; i++)
		assert_int_equal(bytes[i], i + 1);
	assert_int_equal(bytes[RECORD_BYTES - 1], 1);
}

static void reading_returns_what_was_written(void **state)
{
	uint8_t bytes[RECORD_BYTES] = { 0 };
	struct sample r;
	struct codec c = codec_read(bytes, sizeof bytes);

	(void)state;
	write_sample(bytes);
	memset(&r, 0xff, sizeof r);
	fields(&c, &r);
	assert_false(c.failed);
	assert_int_equal(c.at, RECORD_BYTES);
	assert_memory_equal(r.bytes, written.bytes, sizeof r.bytes);
	assert_true(r.u8 == written.u8 && r.u16 == written.u16 && r.u32 == written.u32 && r.u64 == written.u64 && r.flag);
}

static void too_few_bytes_fail_in_both_directions(void **state)
{
	uint8_t bytes[RECORD_BYTES], out[RECORD_BYTES + 1];

	(void)state;
	write_sample(bytes);
	for (size_t n = 0; n < RECORD_BYTES; n++) {
		struct codec reader = codec_read(bytes, n), writer = codec_write(out, n);
		struct sample r = written;
		memset(out, 0xee, sizeof out);
		fields(&writer, &r);
		assert_true(writer.failed);
		assert_true(writer.at <= n);
		assert_int_equal(out[n], 0xee);
		fields(&reader, &r);
		assert_true(reader.failed);
		assert_false(r.flag); /* zero, not what was there before */
	}
}

static void values_that_are_not_valid_fail(void **state)
{
	uint8_t two = 2, one = 1;
	struct codec c = codec_read(&two, 1), other = codec_read(&one, 1), writer = codec_write(&two, 1);
	bool flag = true;

	(void)state;
	codec_bool(&c, &flag);
	assert_true(c.failed);
	assert_false(flag);
	codec_require(&other, true);
	assert_false(other.failed);
	codec_require(&other, false);
	codec_u8(&other, &two);
	assert_true(other.failed);
	assert_int_equal(two, 0);
	codec_require(&writer, false);
	assert_false(writer.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_little_endian),
		cmocka_unit_test(reading_returns_what_was_written),
		cmocka_unit_test(too_few_bytes_fail_in_both_directions),
		cmocka_unit_test(values_that_are_not_valid_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
