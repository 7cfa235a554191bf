/* The layout of the state that another process takes. */
#include "takeover_state.h"

#include <assert.h>
#include "base/codec.h"

#define MAGIC 0x5744656461777367ull
enum { WORD_EMPTY = 0, WORD_FULL = 0x57470001, WORD_TAKEN = 0x57470002 };

static_assert(sizeof(_Atomic uint32_t) == TAKEOVER_STATE_BYTES, "the word is shared by processes");

static void magic_fields(struct codec *c, uint32_t *version)
{
	uint64_t magic = MAGIC;

	codec_u64(c, &magic);
	codec_u32(c, version);
	codec_require(c, magic == MAGIC);
}

static void offer_fields(struct codec *c, struct takeover_offer *o)
{
	magic_fields(c, &o->version);
	codec_u64(c, &o->netns_device);
	codec_u64(c, &o->netns_inode);
	codec_u32(c, &o->tun.offloads);
	codec_u32(c, &o->tun.join);
	codec_u8(c, &o->tun.header_n);
	codec_u8(c, &o->tun.outer_l4_shift);
	codec_u8(c, &o->tun.queues);
	codec_require(c, o->tun.queues >= 1 && o->tun.queues <= TUN_QUEUES_MAX);
}

void takeover_offer_write(uint8_t out[TAKEOVER_OFFER_BYTES], const struct takeover_offer *offer)
{
	struct codec c = codec_write(out, TAKEOVER_OFFER_BYTES);
	struct takeover_offer copy = *offer;

	offer_fields(&c, &copy);
	assert(!c.failed && c.at == TAKEOVER_OFFER_BYTES);
}

bool takeover_offer_read(struct takeover_offer *out, const uint8_t bytes[TAKEOVER_OFFER_BYTES])
{
	struct codec c = codec_read(bytes, TAKEOVER_OFFER_BYTES);

	offer_fields(&c, out);
	return !c.failed;
}

static void socket_fields(struct codec *c, struct takeover_socket *s)
{
	codec_bool(c, &s->is_open);
	codec_bool(c, &s->gro);
	codec_bool(c, &s->gso);
	codec_bool(c, &s->mmsg);
	codec_u8(c, &s->kind);
	codec_u32(c, &s->send_bytes);
	codec_require(c, s->kind <= UDP_REPLIES);
}

static void binding_fields(struct codec *c, struct wg_binding *b)
{
	for (size_t i = 0; i < sizeof b->device; i++) {
		uint8_t byte = (uint8_t)b->device[i];
		codec_u8(c, &byte);
		b->device[i] = (char)byte;
	}
	codec_require(c, b->device[sizeof b->device - 1] == '\0');
	for (int v6 = 0; v6 < 2; v6++) {
		struct ip_addr *a = &b->source[v6];
		codec_u8(c, &a->family);
		codec_require(c, a->family == IP_NONE || a->family == (v6 ? IP_V6 : IP_V4));
		for (size_t i = 0; i < sizeof a->b; i++)
			codec_u8(c, &a->b[i]);
	}
}

static void header_fields(struct codec *c, struct takeover_header *h, uint64_t now_ns)
{
	uint32_t version = TAKEOVER_VERSION;

	magic_fields(c, &version);
	codec_require(c, version == TAKEOVER_VERSION);
	codec_u64(c, &h->created_ns);
	codec_require(c, h->created_ns <= now_ns && now_ns - h->created_ns <= TAKEOVER_AGE_MAX_NS);
	codec_u64(c, &h->clock_offset_ns);
	codec_u64(c, &h->netns_device);
	codec_u64(c, &h->netns_inode);
	codec_u32(c, &h->mark);
	codec_u16(c, &h->port);
	codec_bool(c, &h->is_up);
	binding_fields(c, &h->binding);
	codec_u32(c, &h->ifindex);
	for (size_t i = 0; i < TAKEOVER_SOCKETS; i++)
		socket_fields(c, &h->sockets[i]);
	for (size_t i = 0; i < TAKEOVER_GUARDS; i++)
		codec_bool(c, &h->has_guard[i]);
	codec_u64(c, &h->tunnel_bytes);
}

size_t takeover_header_bytes(void)
{
	struct takeover_header h = { .created_ns = 0 };
	struct codec c = codec_count();

	header_fields(&c, &h, 0);
	return c.at;
}

void takeover_header_write(uint8_t *out, const struct takeover_header *h)
{
	struct codec c = codec_write(out, takeover_header_bytes());
	struct takeover_header copy = *h;

	header_fields(&c, &copy, 0);
	assert(!c.failed && c.at == c.n);
}

bool takeover_header_read(struct takeover_header *out, const uint8_t *bytes, size_t n, uint64_t now_ns)
{
	struct codec c = codec_read(bytes, n);

	header_fields(&c, out, now_ns);
	codec_require(&c, out->tunnel_bytes == n - c.at);
	return !c.failed;
}

unsigned int takeover_header_fds(const struct takeover_header *h)
{
	unsigned int n = 1;

	for (size_t i = 0; i < TAKEOVER_SOCKETS; i++)
		n += h->sockets[i].is_open;
	for (size_t i = 0; i < TAKEOVER_GUARDS; i++)
		n += h->has_guard[i];
	return n;
}

void takeover_set_full(void *state)
{
	atomic_store((_Atomic uint32_t *)state, WORD_FULL);
}

bool takeover_claim(void *state)
{
	uint32_t expected = WORD_FULL;

	return atomic_compare_exchange_strong((_Atomic uint32_t *)state, &expected, WORD_TAKEN);
}
