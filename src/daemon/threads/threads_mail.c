/* Mail from data threads to control: handshake messages, packets without a session, and unreachable destinations. */
#include "threads.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/log.h"

enum {
	COLLECT_MAX = 64,       /* packets at a time: half of what a peer may stage */
	COLLECT_UDP_MAX = 1024, /* mails about datagrams at a time */
};
static_assert((int)COLLECT_MAX <= (int)WG_STAGED_MAX, "collected packets do not displace each other");

void threads_clear_wake(struct thread_pool *p)
{
	uint64_t times;

	if (read(p->wake, &times, sizeof times) < 0 && errno != EAGAIN)
		log_verbose("cannot clear the wake-up of the control thread: %s", strerror(errno));
	/* Before control reads the mailboxes: mail posted later wakes it again. */
	(void)atomic_exchange(&p->is_woken, false);
}

static void process(struct thread_pool *p, struct worker *control, const struct mail *m)
{
	uint64_t now_ns = clock_boot_ns();

	switch ((enum mail_kind)m->kind) {
	case MAIL_HANDSHAKE:
		worker_queue_handshake(control, &m->path, m->tos, m->bytes, m->n);
		return;
	case MAIL_PACKET:
		worker_stage_packet(control, now_ns, m->bytes, m->n);
		return;
	case MAIL_UNREACHABLE:
		icmp_send_unreachable(p->icmp, now_ns, m->bytes, m->n);
		return;
	}
	unreachable();
}

/* A packet must not overtake the packets that were read before it, so its batch and all earlier ones leave first. The
 * thread that posted the mail wakes control after that. What was unreachable is reported after its batch, in any order. */
static bool may_process(struct thread_pool *p, const struct mail *m)
{
	return m && (m->kind == MAIL_UNREACHABLE || sequencer_has_passed(&p->sequencers[THREADS_TUN], m->ticket));
}

bool threads_collect_mail(struct thread_pool *p, struct worker *control)
{
	const struct mail *m;
	int n = 0, n_udp = 0;

	if (p->n == 0)
		return true;
	for (; n_udp < COLLECT_UDP_MAX && (m = mailbox_next(&p->shared.udp_mail)); n_udp++)
		process(p, control, m);
	while (n < COLLECT_MAX && may_process(p, mailbox_peek(&p->shared.tun_mail))) {
		process(p, control, mailbox_next(&p->shared.tun_mail));
		n++;
	}
	if (mailbox_half_is_read(&p->shared.tun_mail))
		tunnel_queue_emptied(p->tunnel);
	return n < COLLECT_MAX && n_udp < COLLECT_UDP_MAX;
}

bool threads_tun_mail_is_empty(struct thread_pool *p)
{
	return mailbox_is_empty(&p->shared.tun_mail);
}
