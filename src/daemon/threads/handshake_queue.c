/* Two rings of handshake messages. */
#include "handshake_queue.h"

#include <assert.h>

static bool is_initiation(const uint8_t *bytes)
{
	return bytes[0] == 1;
}

bool handshake_queue_add(struct handshake_queue *q, const struct wg_path *path, uint8_t tos,
			 const uint8_t *bytes, size_t n)
{
	struct handshake_ring *r = is_initiation(bytes) ? &q->initiations : &q->replies;
	struct waiting_handshake *h = &r->all[(r->first + r->n) % HANDSHAKE_RING];

	assert(r->n <= HANDSHAKE_RING && r->first < HANDSHAKE_RING);
	if (r->n == HANDSHAKE_RING || n > sizeof h->bytes)
		return false;
	h->path = *path;
	h->n = (uint16_t)n;
	h->tos = tos;
	memcpy(h->bytes, bytes, n);
	r->n++;
	return true;
}

static const struct waiting_handshake *ring_take(struct handshake_ring *r)
{
	const struct waiting_handshake *h = &r->all[r->first];

	assert(r->n > 0);
	r->first = (r->first + 1) % HANDSHAKE_RING;
	r->n--;
	return h;
}

const struct waiting_handshake *handshake_queue_take(struct handshake_queue *q)
{
	bool initiation = q->replies.n == 0 || (q->initiations.n > 0 && q->initiation_is_next);

	if (handshake_queue_n(q) == 0)
		return NULL;
	q->initiation_is_next = !initiation;
	return ring_take(initiation ? &q->initiations : &q->replies);
}

unsigned int handshake_queue_n(const struct handshake_queue *q)
{
	return q->initiations.n + q->replies.n;
}

unsigned int handshake_queue_space(const struct handshake_queue *q, enum udp_kind kind)
{
	return HANDSHAKE_RING - (kind == UDP_INITIATIONS ? q->initiations.n : q->replies.n);
}
