/* Two halves: data threads write behind each other into one, control reads the other, and they are changed
 * when that is read up. */
#include "mailbox.h"

#include "daemon/io/packet_memory.h"

bool handover_init(struct handover *h, size_t room_bytes)
{
	*h = (struct handover){ .room_bytes = room_bytes };
	if (pthread_mutex_init(&h->lock, NULL) != 0)
		return false;
	h->in.room = pages_new(room_bytes);
	h->out.room = pages_new(room_bytes);
	if (h->in.room && h->out.room)
		return true;
	handover_free(h);
	return false;
}

void handover_free(struct handover *h)
{
	pages_free(h->in.room, h->room_bytes);
	pages_free(h->out.room, h->room_bytes);
	h->in.room = h->out.room = NULL;
}

static size_t size_of(size_t n)
{
	return (sizeof(struct handed) + n + 7) & ~(size_t)7;
}

bool handover_put(struct handover *h, const struct handed *head, const uint8_t *bytes)
{
	struct handed *to;
	bool fits;

	pthread_mutex_lock(&h->lock);
	fits = head->n <= WG_DATAGRAM_MAX && h->room_bytes - h->in.used >= size_of(head->n);
	if (fits) {
		to = (struct handed *)(void *)(h->in.room + h->in.used);
		*to = *head;
		if (head->n > 0)
			memcpy(to->bytes, bytes, head->n);
		h->in.used += size_of(head->n);
	} else {
		h->lost++;
	}
	pthread_mutex_unlock(&h->lock);
	return fits;
}

const struct handed *handover_peek(struct handover *h)
{
	if (h->at == h->out.used) {
		struct handover_half read_up = { h->out.room, 0 };
		pthread_mutex_lock(&h->lock);
		h->out = h->in;
		h->in = read_up;
		pthread_mutex_unlock(&h->lock);
		h->at = 0;
	}
	if (h->at == h->out.used)
		return NULL;
	return (const struct handed *)(const void *)(h->out.room + h->at);
}

const struct handed *handover_next(struct handover *h)
{
	const struct handed *first = handover_peek(h);

	if (first)
		h->at += size_of(first->n);
	return first;
}

bool handover_is_empty(struct handover *h)
{
	bool is_empty;

	pthread_mutex_lock(&h->lock);
	is_empty = h->in.used == 0 && h->at == h->out.used;
	pthread_mutex_unlock(&h->lock);
	return is_empty;
}

uint64_t handover_lost(struct handover *h)
{
	uint64_t lost;

	pthread_mutex_lock(&h->lock);
	lost = h->lost;
	pthread_mutex_unlock(&h->lock);
	return lost;
}
