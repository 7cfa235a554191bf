/* Packets and datagrams, timers, counters. */
#include "base/mem.h"
#include "instance.h"

_Static_assert((int)WGPROTO_OVERHEAD == (int)WG_OVERHEAD && (int)WGPROTO_DATAGRAM_MAX == (int)WG_DATAGRAM_MAX, "sizes");
_Static_assert((int)WGPROTO_DONE == (int)WG_DONE && (int)WGPROTO_SEND == (int)WG_TO_UDP &&
	       (int)WGPROTO_DELIVER == (int)WG_TO_TUN && (int)WGPROTO_CONTROL == (int)WG_CONTROL, "actions");
#define X(word, name, scope, text) \
	_Static_assert((int)WGPROTO_DROP_##word == (int)WG_DROP_##word, "drop reasons: " name);
WG_DROPS(X)
#undef X
_Static_assert((int)WGPROTO_DROPS == (int)WG_DROP_COUNT, "drop reasons");

enum { OPEN_OFFSET = 16 }; /* of the ciphertext in a datagram */

/* ---- validity ---- */

/* Whether the `need` bytes that are written at dst are apart from those at src, or src begins `offset` bytes after dst. */
static bool places_are_valid(const struct wgproto_packet *p, size_t need, ptrdiff_t offset)
{
	uintptr_t src = (uintptr_t)p->src, dst = (uintptr_t)p->dst;

	return p->src && p->dst && p->dst_space >= need &&
	       (src == dst + (uintptr_t)offset || src + p->src_bytes <= dst || dst + need <= src);
}

static bool may_seal(const struct wgproto_packet *p)
{
	return p->src_bytes <= WGPROTO_PACKET_MAX && places_are_valid(p, WGPROTO_SEALED_BYTES(p->src_bytes), OPEN_OFFSET);
}

static bool may_open(const struct wgproto_packet *p)
{
	size_t need = p->src_bytes > OPEN_OFFSET ? p->src_bytes - OPEN_OFFSET : 0;

	return p->src_bytes <= WGPROTO_DATAGRAM_MAX && path_is_valid(&p->path) && places_are_valid(p, need, -OPEN_OFFSET);
}

static bool may_control_packet(const struct wgproto_packet *p)
{
	return p->action != WGPROTO_CONTROL || (p->src && p->src_bytes <= WGPROTO_PACKET_MAX);
}

static bool may_control_datagram(const struct wgproto_packet *p)
{
	return p->action != WGPROTO_CONTROL || (p->src && p->src_bytes <= WGPROTO_DATAGRAM_MAX && path_is_valid(&p->path));
}

static bool are_valid(const struct wgproto_packet *packets, size_t n, bool (*is_valid)(const struct wgproto_packet *))
{
	if (!packets && n > 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_valid(&packets[i]))
			return false;
	return true;
}

/* ---- batches ---- */

struct chunk { /* packets that are processed together, as the tunnel wants them */
	struct wg_buf bufs[WGPROTO_BATCH_MAX];
	struct wg_path paths[WGPROTO_BATCH_MAX];
	struct wg_batch batch;
};

static bool same_path(const struct wgproto_path *a, const struct wgproto_path *b)
{
	return memcmp(a, b, sizeof *a) == 0; /* false for equal ones that differ in their padding is harmless */
}

/* with_paths: datagrams; neighbours that arrived on the same path share it. It is of no session yet, whatever the caller used
 * it for before. */
static void chunk_in(struct chunk *c, const struct wgproto_packet *packets, size_t n, bool with_paths)
{
	c->batch = (struct wg_batch){ c->bufs, n, c->paths, 0 };
	for (size_t i = 0; i < n; i++) {
		const struct wgproto_packet *p = &packets[i];

		if (with_paths && (i == 0 || !same_path(&p->path, &packets[i - 1].path))) {
			path_in(&c->paths[c->batch.n_paths], &p->path);
			c->paths[c->batch.n_paths++].tx_index = 0;
		}
		c->bufs[i] = (struct wg_buf){
			.src = p->src,
			.dst = p->dst,
			.n = (uint32_t)p->src_bytes,
			.path = (uint16_t)(with_paths ? c->batch.n_paths - 1 : 0),
			.tos = p->tos,
			.verdict = p->action == WGPROTO_CONTROL ? WG_CONTROL : WG_DONE,
		};
	}
}

static void chunk_out(const struct chunk *c, struct wgproto_packet *packets)
{
	for (size_t i = 0; i < c->batch.n; i++) {
		const struct wg_buf *buf = &c->bufs[i];
		struct wgproto_packet *p = &packets[i];

		p->action = buf->verdict;
		p->drop = buf->drop;
		p->dst_bytes = buf->verdict == WG_TO_UDP || buf->verdict == WG_TO_TUN ? buf->out_n : 0;
		if (buf->verdict == WG_TO_UDP) {
			p->tos = buf->tos;
			path_out(&p->path, &c->paths[buf->path]);
		}
	}
}

/* Those with action WGPROTO_CONTROL are done then. */
static void controlled(const struct chunk *c, struct wgproto_packet *packets)
{
	for (size_t i = 0; i < c->batch.n; i++)
		if (packets[i].action == WGPROTO_CONTROL) {
			packets[i].action = WGPROTO_DONE;
			packets[i].drop = c->bufs[i].drop;
		}
}

enum job { SEAL, OPEN, CONTROL_PACKETS, CONTROL_DATAGRAMS, CONTROL_DATAGRAMS_UNDER_LOAD };

static void process_chunk(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c, enum job job)
{
	switch (job) {
	case SEAL: tunnel_seal(t, now_ns, &c->batch); return;
	case OPEN: tunnel_open(t, now_ns, &c->batch); return;
	case CONTROL_PACKETS: tunnel_control_tun(t, now_ns, &c->batch); return;
	case CONTROL_DATAGRAMS: tunnel_control_udp(t, now_ns, &c->batch, false); return;
	case CONTROL_DATAGRAMS_UNDER_LOAD: tunnel_control_udp(t, now_ns, &c->batch, true); return;
	}
	unreachable();
}

static void process(struct wg_tunnel *t, uint64_t now_ns, struct wgproto_packet *packets, size_t n, enum job job)
{
	bool are_datagrams = job != SEAL && job != CONTROL_PACKETS;
	struct chunk c;

	for (size_t at = 0; at < n; at += c.batch.n) {
		chunk_in(&c, packets + at, n - at < WGPROTO_BATCH_MAX ? n - at : WGPROTO_BATCH_MAX, are_datagrams);
		process_chunk(t, now_ns, &c, job);
		if (job == SEAL || job == OPEN)
			chunk_out(&c, packets + at);
		else
			controlled(&c, packets + at);
	}
}

/* ---- the functions of the library ---- */

enum wgproto_result wgproto_seal(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *packets, size_t n)
{
	struct call call;

	WITHIN(&call, guard_of(w), are_valid(packets, n, may_seal))
		process(w->tunnel, now_ns, packets, n, SEAL);
	return call_end(&call);
}

enum wgproto_result wgproto_open(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *packets, size_t n)
{
	struct call call;

	WITHIN(&call, guard_of(w), are_valid(packets, n, may_open))
		process(w->tunnel, now_ns, packets, n, OPEN);
	return call_end(&call);
}

enum wgproto_result wgproto_control_packets(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *packets, size_t n)
{
	struct call call;

	WITHIN(&call, guard_of(w), are_valid(packets, n, may_control_packet))
		process(w->tunnel, now_ns, packets, n, CONTROL_PACKETS);
	return call_end(&call);
}

enum wgproto_result wgproto_control_datagrams(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *packets, size_t n,
					      bool under_load)
{
	struct call call;

	WITHIN(&call, guard_of(w), are_valid(packets, n, may_control_datagram))
		process(w->tunnel, now_ns, packets, n, under_load ? CONTROL_DATAGRAMS_UNDER_LOAD : CONTROL_DATAGRAMS);
	return call_end(&call);
}

static bool take_next(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *out)
{
	struct wg_buf buf = { .dst = out->dst };
	struct wg_path path = { .tx_index = 0 };

	for (;;) {
		if (!tunnel_control_next(w->tunnel, now_ns, &buf, &path))
			return false;
		if (path.remote.addr.family != IP_NONE)
			break;
		/* The endpoint was removed after the session began. */
		tunnel_tx_failed(w->tunnel, &path, 1, buf.out_n, WG_DROP_NO_ENDPOINT);
	}
	out->dst_bytes = buf.out_n;
	out->tos = buf.tos;
	out->action = WGPROTO_SEND;
	out->drop = WGPROTO_DROP_NONE;
	path_out(&out->path, &path);
	return true;
}

enum wgproto_result wgproto_next(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *out)
{
	struct call call;

	WITHIN(&call, guard_of(w), out && out->dst && out->dst_space >= WGPROTO_DATAGRAM_MAX)
		if (!take_next(w, now_ns, out))
			call.result = WGPROTO_END;
	return call_end(&call);
}

uint64_t wgproto_deadline(const struct wgproto *w)
{
	volatile uint64_t at_ns = NEVER;
	struct call call;

	WITHIN(&call, guard_of(w), true)
		at_ns = tunnel_deadline(w->tunnel);
	(void)call_end(&call);
	return at_ns;
}

enum wgproto_result wgproto_tick(struct wgproto *w, uint64_t now_ns)
{
	struct call call;

	WITHIN(&call, guard_of(w), true)
		tunnel_tick(w->tunnel, now_ns);
	return call_end(&call);
}

bool wgproto_needs_control(const struct wgproto *w)
{
	return w && atomic_load(&w->guard->closed) == (uint32_t)WGPROTO_OK && tunnel_needs_control(w->tunnel);
}

enum wgproto_result wgproto_send_failed(struct wgproto *w, const struct wgproto_path *path, unsigned int datagrams,
					uint64_t bytes)
{
	struct call call;

	WITHIN(&call, guard_of(w), path && path_is_valid(path)) {
		struct wg_path to;

		path_in(&to, path);
		tunnel_tx_failed(w->tunnel, &to, datagrams, bytes, WG_DROP_SEND);
	}
	return call_end(&call);
}

enum wgproto_result wgproto_clear_source(struct wgproto *w, const struct wgproto_path *path)
{
	struct call call;

	WITHIN(&call, guard_of(w), path && path_is_valid(path)) {
		struct wg_path to;

		path_in(&to, path);
		tunnel_clear_source(w->tunnel, &to);
	}
	return call_end(&call);
}

/* ---- counters ---- */

const char *wgproto_drop_text(enum wgproto_drop drop)
{
	return wg_drop_text((enum wg_drop)drop);
}

uint64_t wgproto_drops(const struct wgproto *w, enum wgproto_drop drop)
{
	uint64_t counts[WG_DROP_COUNT];

	if (!w || atomic_load(&w->guard->closed) != (uint32_t)WGPROTO_OK || (unsigned int)drop >= WG_DROP_COUNT)
		return 0;
	tunnel_drops(w->tunnel, counts);
	return counts[drop];
}
