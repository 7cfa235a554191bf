/* Repairs one tunnel: inspect, compare, and only if something is missing, lock, inspect again and apply. */
#include "repair.h"

#include <errno.h>

#include "apply.h"
#include "comparison.h"
#include "inputs.h"
#include "messages.h"
#include "observation.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/locks.h"
#include "quick/plan/mtu.h"
#include "quick/plan/print.h"
#include "quick/plan/repair.h"
#include "report/report.h"

enum { LINES_MAX = 32, ADDRESSES_MAX = 32 };

struct repair {
	const struct repair_request *request;
	struct comparison c;
	bool edited;
	struct command_trace trace;
	struct apply apply;
};

/* ---- inspection ---- */

/* An empty file with the name and path of the journal. */
static int begin_file(struct repair *x)
{
	struct tunnel_file *f = &x->c.file;
	const char *path = x->c.journal.applied.config;

	tunnel_file_free(f);
	memcpy(f->name, x->request->name, strlen(x->request->name) + 1);
	f->path = path ? span_dup(span_of(path)) : NULL;
	return path && !f->path ? -ENOMEM : 0;
}

/* The file as it was applied, as far as the journal has it: the keys of wg-quick. */
static int load_lines(struct repair *x)
{
	const struct string_list *lines = &x->c.journal.applied.file_lines;
	struct diag silent = { 0 };
	struct text t = text_heap();
	int r = begin_file(x);

	for (size_t i = 0; i < lines->n; i++)
		text_f(&t, "%s\n", lines->list[i]);
	if (r < 0 || t.failed || lines->n == 0) {
		text_heap_free(&t);
		return r < 0 ? r : t.failed ? -ENOMEM : 0;
	}
	x->c.file.text = t.p;
	x->c.file.n_text = t.n;
	r = tunnel_file_load_text(&x->c.file, &silent);
	return r == -ENOMEM ? r : r < 0 ? begin_file(x) : 0;
}

static int load_file(struct repair *x)
{
	struct tunnel_file *f = &x->c.file;
	struct diag silent = { 0 };
	int r = begin_file(x);
	bool ok;

	f->regular_only = true;
	ok = r == 0 && f->path && tunnel_file_load(f, &silent) == 0;
	x->edited = !ok || f->changed_ns == 0 || f->changed_ns != x->c.journal.applied.file_changed_ns;
	return r < 0 || !x->edited ? r : load_lines(x);
}

/* Only these are shared with other tunnels. */
static bool has_rules(const struct journal *j)
{
	bool has = false;

	for (size_t i = 0; i < j->applied.plan.n; i++)
		has |= j->applied.plan.steps[i].kind == STEP_RULE || j->applied.plan.steps[i].kind == STEP_SYSCTL;
	return has;
}

/* False: the mark of the device was changed, which policy routing depends on. Its rules would have another meaning now, so nothing
 * is repaired. */
static bool has_own_mark(const struct comparison *c)
{
	for (size_t i = 0; i < c->journal.applied.plan.n; i++) {
		const struct step *s = &c->journal.applied.plan.steps[i];
		if (s->kind == STEP_RULE && s->rule.invert && s->rule.mark != c->state.device.fwmark)
			return false;
	}
	return true;
}

static int inspect_rest(struct repair *x, bool lock)
{
	struct comparison *c = &x->c;
	int r = load_file(x);

	if (r == 0)
		r = comparison_list_endpoints(c);
	if (r == 0)
		r = repair_desired(&c->file, &c->state, &c->journal.applied, x->edited);
	if (r == 0 && lock && has_rules(&c->journal)) {
		r = lock_shared(&c->shared_lock, &c->journal);
		if (r == 0)
			r = inspect_shared(&c->state, c->host, &c->journal);
	}
	c->state.ipv6_of_hooks = addresses_have_ipv6(&c->journal.applied.foreign);
	if (r == 0)
		r = inspect_for_plan(&c->state, c->host, &c->file, &c->journal);
	if (r == 0)
		r = inspect_for_diff(&c->state, c->host, &c->file, &c->journal.applied);
	return r;
}

/* REPAIR_DONE: the plan has what is missing. */
static enum repair_status inspect(struct repair *x, bool lock)
{
	struct comparison *c = &x->c;
	struct host_state *s = &c->state;
	int r = lock ? journal_open_now(&c->journal, x->request->name, settings_lock_timeout_s(&c->host->settings)) : journal_open_unlocked(&c->journal, x->request->name);

	report_set_interface(x->request->name);
	if (r == -EWOULDBLOCK)
		return REPAIR_LOCKED;
	if (r < 0 || !c->journal.exists || !c->journal.complete || c->journal.is_ending)
		return r == 0 || r == -EINVAL ? REPAIR_NOT_UP : REPAIR_FAILED;
	if (inspect_host(s, c->host, x->request->name) < 0)
		return REPAIR_FAILED;
	if (!s->link.index || !journal_is_of(&c->journal, s->link.index))
		return REPAIR_GONE;
	r = ipc_get(&c->host->ipc, &s->device, x->request->name);
	if (r == -ECONNREFUSED || ipc_error_is_no_device(r))
		return REPAIR_GONE;
	if (r == 0 && !has_own_mark(c))
		return REPAIR_DONE;
	if (r == 0)
		r = inspect_rest(x, lock);
	if (r == 0)
		r = comparison_plan(c, NULL, NULL);
	if (r < 0)
		return REPAIR_FAILED;
	repair_select(&c->plan, &c->journal.applied, s->link.up);
	return REPAIR_DONE;
}

static void drop_paused(struct repair *x)
{
	struct plan *p = &x->c.plan;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!x->request->is_paused(x->request->ctx, repair_id(p, &p->steps[i])))
			p->steps[kept++] = p->steps[i];
	p->n = kept;
}

/* ---- repair ---- */

/* The journal lists what a step adds before it is performed. What is restored as it was is in it already. */
static int journal_plan(struct repair *x)
{
	struct comparison *c = &x->c;
	struct applied both = { 0 };
	int r;

	if (repair_is_journaled(&c->plan, &c->journal.applied))
		return 0;
	r = applied_during_reload(&both, &c->journal.applied, &c->file, &c->plan, &c->journal.applied.plan.dns);
	if (r == 0)
		r = journal_write_applied(&c->journal, &both);
	applied_free(&both);
	return r;
}

static void journal_result(struct repair *x)
{
	struct comparison *c = &x->c;
	struct applied now = { 0 };

	if (repair_is_journaled(&c->plan, &c->journal.applied))
		return;
	c->file.changed_ns = c->journal.applied.file_changed_ns;
	if (c->file.path && applied_after_reload(&now, &c->journal.applied, &c->file, &c->plan) == 0) {
		struct applied before = c->journal.applied;
		c->journal.applied = now;
		now = before;
		if (journal_write(&c->journal) < 0)
			report_warning("cannot update the journal; it still lists the previous state as well");
	}
	applied_free(&now);
}

/* "add route 10.0.0.0/8", without the verb. */
static void print_thing(struct text *out, const struct plan *p, const struct step *s)
{
	char buffer[256];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct span rest, verb;
	struct step plain = *s;

	if (s->kind == STEP_RULE)
		plain.rule.numbered = false; /* its preference says nothing to a reader */
	step_describe(&t, p, &plain);
	rest = text_of(&t);
	if (span_next(&verb, &rest, ' '))
		text_span(out, rest);
}

static void print_results(struct repair *x, struct text *out)
{
	const struct plan *p = &x->c.plan;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct step *s = &p->steps[i];
		if ((s->hidden && !s->failed) || s->remove || (!s->done && !s->failed) || ++n > LINES_MAX)
			continue;
		text_f(out, "%s %llu ", s->failed ? "failed" : s->kind == STEP_LINK_UP ? "set" : "restored", (unsigned long long)repair_id(p, s));
		print_thing(out, p, s);
		text_char(out, '\n');
	}
	if (n > LINES_MAX)
		text_f(out, "more %zu\n", n - LINES_MAX);
}

static enum repair_status apply(struct repair *x, struct text *out)
{
	struct comparison *c = &x->c;

	x->trace.quiet = true;
	apply_init(&x->apply, x->request->options, c->host, &x->trace, &c->journal, c->file.path);
	x->apply.no_hooks = true;
	x->apply.performer.ifindex = c->state.link.index;
	if (journal_plan(x) < 0)
		return REPAIR_FAILED;
	apply_undo(&x->apply, &c->plan); /* tolerant: what fails does not keep the rest from being restored */
	journal_result(x);
	print_results(x, out);
	return x->apply.failures > 0 ? REPAIR_FAILED : REPAIR_DONE;
}

/* ---- what the monitor is to know ---- */

static void print_address(struct text *out, const struct ip_addr *a, size_t *n)
{
	if (++*n > ADDRESSES_MAX)
		return;
	text_add(out, "endpoint ");
	ip_print(out, a);
	text_char(out, '\n');
}

/* Of the endpoints, if the MTU depends on them, and of allowed IPs whose routes are in the main table. */
static void print_addresses(struct repair *x, struct text *out)
{
	const struct comparison *c = &x->c;
	const struct wg_device *d = &c->state.device;
	size_t n = 0, routes = 0;

	for (uint32_t i = 0; !c->file.interface.mtu && i < d->n_peers && n < ADDRESSES_MAX; i++)
		if (d->peers[i].flags & WG_PEER_HAS_ENDPOINT)
			print_address(out, &d->peers[i].endpoint.addr, &n);
	for (size_t i = 0; tunnel_file_table(&c->file) == TABLE_MAIN && i < c->state.routes.n && routes < ADDRESSES_MAX; i++)
		print_address(out, &c->state.routes.list[i].prefix.addr, &routes);
}

/* True if `diff` would print anything. */
static bool file_differs(const struct repair *x)
{
	struct observation o;
	bool differs = observe(&o, x->c.host, x->request->name) == 0 && o.facts.difference &&
		       o.facts.difference->n + o.facts.old_dns->n > 0;

	observation_free(&o);
	return differs;
}

static void repair_free(struct repair *x)
{
	comparison_free(&x->c);
	x->c = COMPARISON_OF(x->request->host);
}

int repair_tunnel(void *request, struct text *out)
{
	const struct repair_request *q = request;
	struct repair x = { .request = q, .c = COMPARISON_OF(q->host), .edited = false };
	enum repair_status status;

	command_trace_init(&x.trace, 2);
	if (report_failure("inspect the host", rtnetlink_open(&q->host->rtnetlink)) < 0)
		return REPAIR_FAILED;
	status = inspect(&x, false);
	if (status == REPAIR_DONE)
		drop_paused(&x);
	/* Perhaps `down` has just begun: its lock tells. */
	if (status == REPAIR_GONE || (status == REPAIR_DONE && x.c.plan.n > 0)) {
		repair_free(&x);
		status = inspect(&x, true);
		if (status == REPAIR_DONE)
			drop_paused(&x);
		if (status == REPAIR_DONE && x.c.plan.n > 0)
			status = apply(&x, out);
	}
	if (status == REPAIR_DONE || status == REPAIR_FAILED) {
		if (x.c.state.link.index && !x.c.state.link.up)
			text_add(out, "down\n");
		print_addresses(&x, out);
		shared_lock_release(x.c.shared_lock);
		x.c.shared_lock = -1;
		if (x.edited && file_differs(&x))
			text_add(out, "edited\n");
	}
	repair_free(&x);
	command_trace_free(&x.trace);
	return (int)status;
}
