/* A run of packets in lanes: the blocks of key stream of up to PACKETS packets are one sequence, made
 * LANES at a time whichever packets they belong to. The first pass begins with block 0 of every
 * packet, which holds its Poly1305 key; opening checks all tags before it uses what follows.
 *
 * A row defines LANES (at most 32) and PACKETS (no more than LANES), includes this, gives the three
 * functions below and wraps seal_lanes() and open_lanes(). */
#ifndef WG_AEAD_LANES_H
#define WG_AEAD_LANES_H

#include "impl.h"

enum { WINDOW = 64 }; /* packets that are sorted by size, so that lanes of a pass end together */

/* Lanes `lane` to `lane + lanes` of a pass are a packet's blocks from `block` on. */
struct segment {
	uint32_t packet, block, lane, lanes;
};

struct lanes {
	struct aead_packet *packets[PACKETS];
	uint32_t n;             /* packets here */
	uint32_t packet, block; /* the first that the next pass makes */
	uint32_t segments;
	struct segment segment[LANES];
	struct chacha20 key; /* counter and nonce of no packet */
	uint8_t stream[LANES * CHACHA_BLOCK_BYTES] __attribute__((aligned(64)));
	uint8_t poly_keys[PACKETS][32] __attribute__((aligned(64)));
	uint8_t tags[PACKETS][AEAD_TAG_BYTES] __attribute__((aligned(64)));
	const uint8_t *sealed[PACKETS]; /* what the tags are over */
};

/* The row's: fills l->stream for l->segment; dst = src ^ stream; l->tags from l->poly_keys and
 * l->sealed. */
static void lanes_stream(struct lanes *l);
always_inline void lanes_xor(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n);
static void lanes_tags(struct lanes *l);

/* Counter and nonce of each lane of the pass, for rows that build them in memory. */
always_inline void lanes_last(const struct lanes *l, uint32_t *block, uint32_t *lo, uint32_t *hi)
{
	for (uint32_t i = 0; i < l->segments; i++) {
		const struct segment *s = &l->segment[i];
		uint64_t nonce = l->packets[s->packet]->counter;
		for (uint32_t k = 0; k < s->lanes; k++) {
			block[s->lane + k] = s->block + k;
			lo[s->lane + k] = (uint32_t)nonce;
			hi[s->lane + k] = (uint32_t)(nonce >> 32);
		}
	}
}

/* The tag of one packet from what `p` absorbed of it, its first `done` bytes (a multiple of 16). */
always_inline void lanes_finish_tag(struct lanes *l, uint32_t i, struct poly1305 *p, size_t done,
				    poly1305_fn *blocks)
{
	size_t n = l->packets[i]->n, whole = n & ~(size_t)15, rest = n - whole, at = rest ? 16 : 0;
	uint8_t tail[32] = { 0 };

	if (whole > done)
		blocks(p, l->sealed[i] + done, whole - done);
	memcpy(tail, l->sealed[i] + whole, rest);
	store_le64(tail + at + 8, n);
	poly1305_blocks_portable(p, tail, at + 16);
	poly1305_tag(l->tags[i], p);
	mem_wipe(p, sizeof *p);
}

always_inline void lanes_tag_alone(struct lanes *l, uint32_t i, poly1305_fn *blocks)
{
	struct poly1305 p;

	poly1305_init(&p, l->poly_keys[i]);
	lanes_finish_tag(l, i, &p, 0, blocks);
}

/* Which blocks the next pass makes; false when there are none left. */
static bool next_pass(struct lanes *l)
{
	uint32_t lane = 0;

	l->segments = 0;
	if (l->block == 0) {
		for (; lane < l->n; lane++)
			l->segment[l->segments++] = (struct segment){ lane, 0, lane, 1 };
		l->block = 1;
	}
	while (lane < LANES && l->packet < l->n) {
		uint32_t n = l->packets[l->packet]->n;
		uint32_t end = 1 + n / CHACHA_BLOCK_BYTES + (n % CHACHA_BLOCK_BYTES != 0);
		uint32_t take = end - l->block < LANES - lane ? end - l->block : LANES - lane;
		if (take > 0)
			l->segment[l->segments++] =
				(struct segment){ l->packet, l->block, lane, take };
		lane += take;
		l->block += take;
		if (l->block == end) {
			l->packet++;
			l->block = 1;
		}
	}
	return l->segments > 0;
}

/* Encrypts or decrypts what the pass covers, but not packets that failed. */
static void use_pass(struct lanes *l, bool opening)
{
	for (uint32_t i = 0; i < l->segments; i++) {
		const struct segment *s = &l->segment[i];
		const struct aead_packet *p = l->packets[s->packet];
		size_t at = (size_t)(s->block - 1) * CHACHA_BLOCK_BYTES;
		size_t room = (size_t)s->lanes * CHACHA_BLOCK_BYTES;
		if (s->block == 0 || (opening && !p->ok))
			continue;
		lanes_xor(p->dst + at, p->src + at, l->stream + s->lane * CHACHA_BLOCK_BYTES,
			  p->n - at < room ? p->n - at : room);
	}
}

static void start_lanes(struct lanes *l, bool opening)
{
	l->packet = 0;
	l->block = 0;
	(void)next_pass(l);
	lanes_stream(l);
	for (uint32_t i = 0; i < l->n; i++) {
		memcpy(l->poly_keys[i], l->stream + i * CHACHA_BLOCK_BYTES, sizeof l->poly_keys[i]);
		l->sealed[i] = opening ? l->packets[i]->src : l->packets[i]->dst;
	}
}

static void seal_lanes(struct lanes *l)
{
	start_lanes(l, false);
	use_pass(l, false);
	while (next_pass(l)) {
		lanes_stream(l);
		use_pass(l, false);
	}
	lanes_tags(l);
	for (uint32_t i = 0; i < l->n; i++)
		memcpy(l->packets[i]->dst + l->packets[i]->n, l->tags[i], AEAD_TAG_BYTES);
}

static void open_lanes(struct lanes *l)
{
	start_lanes(l, true);
	lanes_tags(l);
	for (uint32_t i = 0; i < l->n; i++) {
		struct aead_packet *p = l->packets[i];
		p->ok = mem_equal_ct(l->tags[i], p->src + p->n, AEAD_TAG_BYTES);
		mem_declassify(&p->ok, sizeof p->ok);
		if (!p->ok && p->n > 0)
			memset(p->dst, 0, p->n);
	}
	use_pass(l, true);
	while (next_pass(l)) {
		lanes_stream(l);
		use_pass(l, true);
	}
}

/* Packets by size, so that those of one size share lanes; runs are nearly sorted as they come. */
static void sort_window(struct aead_packet **sorted, struct aead_packet *packets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && sorted[at - 1]->n > packets[i].n; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &packets[i];
	}
}

static void run_lanes(struct aead_packet *packets, size_t n, const struct wg_sym *key,
		      void (*run)(struct lanes *l))
{
	struct aead_packet *sorted[WINDOW];
	struct lanes l;

	chacha20_init(&l.key, key, 0);
	while (n > 0) {
		size_t window = n < WINDOW ? n : WINDOW;
		sort_window(sorted, packets, window);
		for (size_t at = 0; at < window; at += l.n) {
			l.n = (uint32_t)(window - at < PACKETS ? window - at : PACKETS);
			memcpy(l.packets, sorted + at, l.n * sizeof sorted[0]);
			run(&l);
		}
		packets += window;
		n -= window;
	}
	mem_wipe(&l.key, sizeof l.key);
	mem_wipe(l.stream, sizeof l.stream);
	mem_wipe(l.poly_keys, sizeof l.poly_keys);
	mem_wipe(l.tags, sizeof l.tags);
}

#endif
