/* Performing plans: netlink steps in batches, the others one by one. */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "quick/host/create.h"
#include "quick/host/dns.h"
#include "quick/host/fault_injection.h"
#include "quick/host/fileio.h"
#include "quick/host/firewall.h"
#include "quick/host/hooks.h"
#include "quick.h"
#include "quick/host/subprocess.h"

#include <limits.h>

enum {
	EXISTING_NAMED = 10, /* routes that were there already, named one by one */
	IP_FAILED = 2,       /* ip(8)'s status when the kernel refuses */
};

struct apply {
	struct quick *q;
	struct plan *p;
	bool tolerant;
	int error;     /* the first failure that ends it */
	size_t first;  /* of the steps in the batch */
	size_t next;   /* the step in hand */
	size_t existing;
};

static bool is_netlink(const struct step *s)
{
	switch ((enum step_kind)s->kind) {
	case STEP_ADDRESS:
	case STEP_LINK_UP:
	case STEP_ROUTE:
	case STEP_RULE:
		return true;
	case STEP_LINK:
	case STEP_HOOK:
	case STEP_WG:
	case STEP_SYSCTL:
	case STEP_FIREWALL:
	case STEP_DNS:
		return false;
	}
	unreachable();
}

static struct nl_msg *message_of(const struct apply *a, const struct step *s)
{
	uint32_t index = a->q->ifindex;

	switch (s->kind) {
	case STEP_ADDRESS:
		return rtnetlink_address(&s->address, index, s->remove);
	case STEP_LINK_UP:
		return rtnetlink_link_up(index, s->link_up.mtu, !s->remove || s->link_up.was_up);
	case STEP_ROUTE:
		return rtnetlink_route(&s->route, index, s->remove);
	case STEP_RULE:
		return rtnetlink_rule(&s->rule, s->remove);
	}
	unreachable();
}

static bool was_gone_already(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV || error == -EADDRNOTAVAIL ||
	       error == -EAFNOSUPPORT || error == -ENXIO;
}

static void note_failure(struct quick *q, int status)
{
	q->failures++;
	if (!q->status)
		q->status = status;
}

static void fail(struct apply *a, const struct step *s, int error, const char *why)
{
	struct text line = text_heap();
	struct span shown;

	step_print(&line, a->p, s, false);
	shown = text_of(&line);
	shown = span_sub(shown, 0, span_find(shown, '\n'));
	if (span_starts(shown, "[#] "))
		shown = span_sub(shown, 4, shown.n);
	command_trace_flush(&a->q->trace);
	report_error("%.*s: %s", (int)shown.n, shown.p ? shown.p : "", why ? why : strerror(-error));
	text_heap_free(&line);
	note_failure(a->q, IP_FAILED);
	if (!a->tolerant && a->error == 0)
		a->error = error;
}

/* A route that is there already: over our link it is as good as ours, over another it keeps its
 * way, but for a default route. */
static void route_exists(struct apply *a, const struct step *s)
{
	char prefix[IP_PREFIX_TEXT_MAX];
	struct text t = text_fixed(prefix, sizeof prefix);
	uint32_t owner = 0;
	bool everything = s->route.prefix.bits == 0 && !a->p->table_word;

	if ((++a->existing > EXISTING_NAMED && !everything) ||
	    rtnetlink_route_owner(&a->q->rtnetlink, &s->route, &owner) < 0 || owner == a->q->ifindex)
		return;
	/* When that goes, all that should be in this tunnel would go out beside it. */
	if (everything) {
		fail(a, s, -EEXIST, "another interface has the routes of this mark");
		return;
	}
	prefix_print(&t, &s->route.prefix);
	report_warning("there is a route to %s already; it is left as it is, and %s does not get this "
		    "traffic",
		    prefix, a->p->name);
}

static void refused(void *ctx, uint32_t number, int error, const char *why)
{
	struct apply *a = ctx;
	struct step *s;

	if (number == 0 || number > a->p->n)
		return;
	s = &a->p->steps[number - 1];
	s->done = false;
	if (a->tolerant && s->remove && was_gone_already(error))
		return;
	if (error == -EEXIST && !s->remove && s->kind == STEP_ADDRESS)
		return;
	if (error == -EEXIST && !s->remove && s->kind == STEP_ROUTE) {
		s->hidden = true; /* looked at when the batch is through */
		return;
	}
	fail(a, s, error, why);
}

static int send_batch(struct apply *a)
{
	struct plan *p = a->p;
	int r;

	command_trace_flush(&a->q->trace);
	if (a->q->rtnetlink.n == 0)
		return a->error;
	for (size_t i = a->first; i < a->next; i++)
		if (is_netlink(&p->steps[i]))
			p->steps[i].done = true;
	r = rtnetlink_batch_send(&a->q->rtnetlink, refused, a);
	for (size_t i = a->first; r == 0 && i < a->next; i++)
		if (p->steps[i].kind == STEP_ROUTE && !p->steps[i].done && p->steps[i].hidden &&
		    !p->steps[i].remove && !p->steps[i].route.unreachable)
			route_exists(a, &p->steps[i]);
	if (r < 0) {
		report_error("netlink: %s", strerror(-r));
		note_failure(a->q, IP_FAILED);
		if (!a->tolerant && a->error == 0)
			a->error = r;
	}
	a->first = a->next;
	return a->error;
}

static int add_message(struct apply *a, struct step *s)
{
	int r;

	step_print(&a->q->trace.t, a->p, s, false);
	r = rtnetlink_batch_add(&a->q->rtnetlink, message_of(a, s), (uint32_t)(a->next + 1));
	if (r < 0) {
		fail(a, s, r, NULL);
		return a->error;
	}
	a->next++;
	r = rtnetlink_batch_is_full(&a->q->rtnetlink) ? send_batch(a) : a->error;
	a->next--;
	return r;
}

/* ---- steps of other kinds; each returns 0, or -errno after saying why ---- */

static void flush_trace(void *ctx)
{
	command_trace_flush(ctx);
}

static int apply_link(struct apply *a, struct step *s)
{
	struct quick *q = a->q;
	struct link_info link;
	struct created created;
	char why[128];
	int r;

	if (!s->remove) {
		r = create_link(&q->rtnetlink, a->p->name, &q->settings, &q->trace.t, flush_trace,
				&q->trace, &created);
		s->done = created.made;
		q->ifindex = created.index;
		if (r == 0 && q->journal.exists) {
			char line[32];
			struct text t = text_fixed(line, sizeof line);
			q->journal.ifindex = q->ifindex;
			text_f(&t, "index %u", q->ifindex);
			journal_append(&q->journal, line);
		}
		return r;
	}
	ipc_drop_last_request(&q->ipc, a->p->name);
	r = rtnetlink_link_find(&q->rtnetlink, a->p->name, q->ifindex, &link);
	if (r < 0) {
		if (r != -ENODEV)
			report_error("netlink: %s", strerror(-r));
		return r == -ENODEV ? 0 : r;
	}
	step_print(&q->trace.t, a->p, s, false);
	command_trace_flush(&q->trace);
	r = rtnetlink_one(&q->rtnetlink, rtnetlink_link_delete(link.index), why);
	if (r < 0 && r != -ENODEV) {
		report_error("ip link delete dev %s: %s", a->p->name, why);
		return r;
	}
	quick_wait_for_daemon(a->p->name);
	return 0;
}

static int apply_hook(struct apply *a, struct step *s)
{
	int status;

	journal_hooks_began(&a->q->journal, (enum hook_phase)s->hook.phase);
	status = hook_run(s->hook.text, a->p->name, a->q->file.path);
	if (status == 0)
		return 0;
	if (status < 0)
		report_error("%s: %s", s->hook.text, strerror(-status));
	else
		report_error("a hook failed (%d)", status);
	return status < 0 ? status : -EIO;
}

static int apply_wg(struct apply *a, struct step *s)
{
	int r;

	s->done = true;
	r = fault_injected("wg") ? -EIO : ipc_set(&a->q->ipc, s->wg.patch);
	if (r < 0)
		report_upstream("Unable to modify interface: %s", strerror(-r));
	return r;
}

static int apply_sysctl(struct apply *a, struct step *s)
{
	static const char path[] = "/proc/sys/net/ipv4/conf/all/src_valid_mark";
	int r;

	s->done = true;
	r = fileio_write_number(path, s->remove ? s->sysctl.before : s->sysctl.value);
	if (r == 0)
		return 0;
	if (r == -EROFS || r == -EACCES || r == -EPERM || r == -ENOENT) {
		s->done = false;
		if (!s->remove)
			report_warning("%s cannot be written (%s): where rp_filter is strict, answers "
				    "may be dropped",
				    path, strerror(-r));
		return 0;
	}
	report_error("%s: %s", path, strerror(-r));
	return a->tolerant ? 0 : r;
}

static int apply_firewall(struct apply *a, struct step *s)
{
	int r;

	s->done = true;
	r = firewall_apply(a->p, s);
	if (r < 0 && !s->remove)
		report_warning("the firewall rules of %s could not be set: others on the local "
			    "network may speak "
			    "to its addresses",
			    a->p->name);
	if (r < 0 && s->remove && !a->tolerant)
		report_error("the firewall rules of %s could not be removed", a->p->name);
	return r == -ENOMEM || (s->remove && !a->tolerant) ? r : 0;
}

static int apply_dns(struct apply *a, struct step *s)
{
	char backup[PATH_MAX];

	journal_backup_path(&a->q->journal, backup, sizeof backup);
	s->done = true;
	return dns_apply(a->p, s, a->q->ifindex, backup);
}

/* What a tunnel that stays still needs is not taken back. */
static bool is_needed_by_others(const struct apply *a, const struct step *s)
{
	int before;

	return s->kind == STEP_SYSCTL && s->remove && journal_sysctl_in_use(&a->q->journal, &before);
}

static int apply_one(struct apply *a, struct step *s)
{
	int r = 0;

	if (s->kind != STEP_LINK)
		step_print(&a->q->trace.t, a->p, s, false);
	command_trace_flush(&a->q->trace);
	subprocess_status = 0;
	switch (s->kind) {
	case STEP_LINK: r = apply_link(a, s); break;
	case STEP_HOOK: r = apply_hook(a, s); break;
	case STEP_WG: r = apply_wg(a, s); break;
	case STEP_SYSCTL: r = apply_sysctl(a, s); break;
	case STEP_FIREWALL: r = apply_firewall(a, s); break;
	case STEP_DNS: r = apply_dns(a, s); break;
	}
	if (r < 0) {
		note_failure(a->q, subprocess_status ? subprocess_status : 1);
		a->error = a->tolerant ? 0 : r;
	}
	return a->error;
}

static int apply_other(struct apply *a, struct step *s)
{
	int r = send_batch(a), held;

	if (r < 0 || s->kind != STEP_SYSCTL || !s->remove)
		return r < 0 ? r : apply_one(a, s);
	held = journal_lock_all(); /* of several that go at once, one is the last */
	if (!is_needed_by_others(a, s))
		r = apply_one(a, s);
	if (r == 0)
		journal_release_sysctl(&a->q->journal);
	journal_unlock_all(held);
	return r;
}

int apply_plan(struct quick *q, struct plan *p, size_t from, bool tolerant)
{
	struct apply a = { .q = q, .p = p, .tolerant = tolerant, .first = from };
	int r = 0;

	for (a.next = from; r == 0 && a.next < p->n; a.next++) {
		struct step *s = &p->steps[a.next];
		if (!tolerant && stop_signal) {
			command_trace_flush(&q->trace);
			report_error("stopped by a signal (%s)", strsignal(stop_signal));
			r = a.error = -EINTR;
			break;
		}
		if (is_netlink(s)) {
			r = add_message(&a, s);
			continue;
		}
		r = apply_other(&a, s);
		a.first = a.next + 1;
	}
	if (r == 0)
		r = send_batch(&a);
	q->rtnetlink.n = q->rtnetlink.messages = 0;
	if (a.existing > EXISTING_NAMED)
		report_warning("and %zu more routes were there already", a.existing - EXISTING_NAMED);
	command_trace_flush(&q->trace);
	return r;
}

void apply_hooks(struct quick *q, const struct string_list *hooks, enum hook_phase phase)
{
	struct plan p = { 0 };

	if (q->no_hooks)
		return;
	memcpy(p.name, q->journal.name, sizeof p.name);
	for (size_t i = 0; i < hooks->n; i++) {
		struct step *s = plan_add(&p, STEP_HOOK);
		if (!s) {
			q->failures++;
			break;
		}
		s->hook.phase = (uint8_t)phase;
		s->hook.text = hooks->list[i];
	}
	if (apply_plan(q, &p, 0, true) < 0)
		q->failures++;
	plan_free(&p);
}
