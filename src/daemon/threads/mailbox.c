/* Mailbox: data threads append to one half under a lock, control reads the other without one. When control has
 * read its half, it exchanges the two. */
#include "mailbox.h"

#include <assert.h>
#include "daemon/io/packet_memory.h"

enum { MAIL_ALIGN = 8 };

static_assert(sizeof(struct mail) == offsetof(struct mail, bytes) && sizeof(struct mail) % MAIL_ALIGN == 0,
	      "mail follows mail without a gap");
static_assert(_Alignof(struct mail) <= MAIL_ALIGN, "every mail is aligned");

bool mailbox_init(struct mailbox *m, size_t capacity)
{
	*m = (struct mailbox){ .capacity = capacity };
	if (pthread_mutex_init(&m->lock, NULL) != 0)
		return false;
	m->posted.buffer = packet_memory_new(capacity);
	m->taken.buffer = packet_memory_new(capacity);
	if (m->posted.buffer && m->taken.buffer)
		return true;
	mailbox_free(m);
	return false;
}

void mailbox_free(struct mailbox *m)
{
	packet_memory_free(m->posted.buffer, m->capacity);
	packet_memory_free(m->taken.buffer, m->capacity);
	m->posted.buffer = m->taken.buffer = NULL;
}

static size_t mail_size(uint32_t n)
{
	return (sizeof(struct mail) + n + MAIL_ALIGN - 1) & ~(size_t)(MAIL_ALIGN - 1);
}

bool mailbox_post(struct mailbox *m, const struct mail *header, const uint8_t *bytes)
{
	struct mail *to;
	bool fits;

	pthread_mutex_lock(&m->lock);
	assert(m->posted.used <= m->capacity && m->posted.used % MAIL_ALIGN == 0);
	fits = header->n <= WG_DATAGRAM_MAX && m->capacity - m->posted.used >= mail_size(header->n);
	if (fits) {
		to = (struct mail *)(void *)(m->posted.buffer + m->posted.used);
		*to = *header;
		if (header->n > 0)
			memcpy(to->bytes, bytes, header->n);
		m->posted.used += mail_size(header->n);
	}
	pthread_mutex_unlock(&m->lock);
	return fits;
}

const struct mail *mailbox_peek(struct mailbox *m)
{
	const struct mail *next;

	if (m->at == m->taken.used) {
		struct mailbox_half empty = { m->taken.buffer, 0 };
		pthread_mutex_lock(&m->lock);
		m->taken = m->posted;
		m->posted = empty;
		pthread_mutex_unlock(&m->lock);
		m->at = 0;
	}
	if (m->at == m->taken.used)
		return NULL;
	next = (const struct mail *)(const void *)(m->taken.buffer + m->at);
	assert(m->at + sizeof *next <= m->taken.used && m->at + mail_size(next->n) <= m->taken.used);
	return next;
}

const struct mail *mailbox_next(struct mailbox *m)
{
	const struct mail *next = mailbox_peek(m);

	if (next)
		m->at += mail_size(next->n);
	return next;
}

bool mailbox_half_is_read(const struct mailbox *m)
{
	return m->at == m->taken.used;
}

size_t mailbox_waiting(struct mailbox *m)
{
	size_t posted;

	pthread_mutex_lock(&m->lock);
	posted = m->posted.used;
	pthread_mutex_unlock(&m->lock);
	return posted + m->taken.used - m->at;
}

bool mailbox_is_empty(struct mailbox *m)
{
	return mailbox_waiting(m) == 0;
}
