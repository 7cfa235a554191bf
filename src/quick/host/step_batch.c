/* Performs the steps that are netlink messages. */
#include "step_batch.h"

#include <assert.h>
#include <errno.h>

#include "quick/plan/print.h"
#include "report/report.h"

enum { EXISTING_ROUTES_NAMED = 10 }; /* warnings about single routes, before the rest is only counted */

bool step_is_message(const struct step *s)
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
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
	case STEP_BIND:
		return false;
	}
	unreachable();
}

static struct nl_msg *message_of(const struct step *s, uint32_t ifindex)
{
	switch (s->kind) {
	case STEP_ADDRESS:
		return rtnetlink_build_address(&s->address, ifindex, s->remove);
	case STEP_LINK_UP:
		return rtnetlink_build_link_up(ifindex, s->link_up.mtu, !s->remove || s->link_up.was_up);
	case STEP_ROUTE:
		return rtnetlink_build_route(&s->route, ifindex, s->remove);
	case STEP_RULE:
		return rtnetlink_build_rule(&s->rule, s->remove);
	}
	unreachable();
}

static bool means_absent(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV || error == -EADDRNOTAVAIL ||
	       error == -EAFNOSUPPORT || error == -ENXIO;
}

/* IPv6 was disabled on the interface meanwhile, or this was not known before, because /proc is not mounted. */
static bool means_no_ipv6(const struct step *s, int error)
{
	bool ipv6 = s->kind == STEP_ADDRESS ? s->address.local.family == IP_V6 :
		    s->kind == STEP_ROUTE   ? s->route.prefix.addr.family == IP_V6 && route_is_of_link(&s->route) :
					      false;

	return ipv6 && !s->remove && (error == -EACCES || error == -EOPNOTSUPP || error == -EAFNOSUPPORT);
}

static void note_no_ipv6(struct step_batch *b, int error, const char *why)
{
	if (!b->without_ipv6)
		report_warning("the kernel refuses IPv6 on this interface: %s: IPv6 addresses and routes are left out",
			       why ? why : strerror(-error));
	b->without_ipv6 = true;
}

static void refused(void *ctx, uint32_t number, int error, const char *why)
{
	struct step_batch *b = ctx;
	struct step *s;

	if (number == 0 || number > b->plan->n)
		return;
	s = &b->plan->steps[number - 1];
	s->done = false;
	if (b->tolerant && s->remove && means_absent(error))
		return;
	if (error == -EEXIST && !s->remove && s->kind == STEP_ADDRESS)
		return;
	if (means_no_ipv6(s, error)) {
		note_no_ipv6(b, error, why);
		return;
	}
	if (error == -EEXIST && !s->remove && s->kind == STEP_ROUTE) {
		s->hidden = true; /* check_existing_route() follows when the batch is complete */
		return;
	}
	s->failed = true;
	b->failed(b->ctx, s, error, why);
}

/* An existing route over our interface is as good as one of ours. One over another interface stays, unless it is the
 * default route of our table: when that goes, the tunnel's traffic would leave outside the tunnel. */
static void check_existing_route(struct step_batch *b, struct step *s)
{
	bool is_default = s->route.prefix.bits == 0 && !b->plan->table_word;
	char prefix[IP_PREFIX_TEXT_MAX];
	struct text t = text_fixed(prefix, sizeof prefix);
	uint32_t owner = 0;

	if ((++b->existing_routes > EXISTING_ROUTES_NAMED && !is_default) ||
	    rtnetlink_route_link(b->rtnetlink, &s->route, &owner) < 0 || owner == b->ifindex)
		return;
	if (is_default) {
		s->failed = true;
		b->failed(b->ctx, s, -EEXIST, "another interface already has this route");
		return;
	}
	prefix_print(&t, &s->route.prefix);
	report_warning("a route to %s already exists and is left alone: this traffic does not enter the tunnel",
		       prefix);
}

void step_batch_send(struct step_batch *b)
{
	struct step *steps = b->plan->steps;
	size_t first = b->first;
	int r;

	command_trace_flush(b->trace);
	b->first = b->end;
	if (b->rtnetlink->n == 0)
		return;
	for (size_t i = first; i < b->end; i++)
		if (step_is_message(&steps[i]))
			steps[i].done = true;
	r = rtnetlink_batch_send(b->rtnetlink, refused, b);
	for (size_t i = first; r == 0 && i < b->end; i++)
		if (steps[i].kind == STEP_ROUTE && !steps[i].done && steps[i].hidden && !steps[i].remove &&
		    route_is_of_link(&steps[i].route))
			check_existing_route(b, &steps[i]);
	if (r == 0)
		return;
	for (size_t i = first; i < b->end; i++)
		steps[i].failed |= step_is_message(&steps[i]);
	b->failed(b->ctx, NULL, r, NULL);
}

void step_batch_add(struct step_batch *b, size_t index)
{
	struct step *s = &b->plan->steps[index];
	int r;

	assert(step_is_message(s) && index >= b->end);
	if (b->first == b->end)
		b->first = index;
	b->end = index + 1;
	step_print(&b->trace->t, b->plan, s, false);
	r = rtnetlink_batch_add(b->rtnetlink, message_of(s, b->ifindex), (uint32_t)index + 1);
	s->failed = r < 0;
	if (r < 0)
		b->failed(b->ctx, s, r, NULL);
	else if (rtnetlink_batch_is_full(b->rtnetlink))
		step_batch_send(b);
}

void step_batch_finish(struct step_batch *b)
{
	if (b->existing_routes > EXISTING_ROUTES_NAMED)
		report_warning("%zu more routes already exist", b->existing_routes - EXISTING_ROUTES_NAMED);
	b->rtnetlink->n = b->rtnetlink->messages = 0;
	b->first = b->end;
}
