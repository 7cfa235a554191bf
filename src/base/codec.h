/* A sequence of fields in bytes, little-endian, written and read by the same calls, so that both directions agree on the
 * layout. After a field that does not fit, or that the bytes do not hold, every further call fails as well: the caller
 * checks once, at the end. Fields that could not be read are zero. */
#ifndef WG_CODEC_H
#define WG_CODEC_H

#include "base.h"

struct codec {
	uint8_t *p;   /* null: only counts the bytes; else of `n` bytes */
	size_t n, at; /* at: bytes so far */
	bool is_reading, failed;
};

struct codec codec_count(void);
struct codec codec_write(void *p, size_t n);
struct codec codec_read(const void *p, size_t n); /* never written to */

void codec_bytes(struct codec *c, void *field, size_t n);
void codec_u8(struct codec *c, uint8_t *field);
void codec_u16(struct codec *c, uint16_t *field);
void codec_u32(struct codec *c, uint32_t *field);
void codec_u64(struct codec *c, uint64_t *field);
void codec_bool(struct codec *c, bool *field); /* any other byte than 0 and 1 fails */
/* Reading: the bytes do not mean anything valid. Writing: no effect. */
void codec_require(struct codec *c, bool is_valid);

#endif
