/* Failures as systemd(1) shows them: a second unit for each tunnel, because the state of wg-quick@NAME.service, a oneshot
 * service, belongs to `up' and `down': if it failed, systemd would take the tunnel down, or could no longer do so. */
#include "monitor_health.h"

#include <errno.h>
#include <stdlib.h>

#include "monitor_helper.h"
#include "quick/host/unit_state.h"

/* By name, as the last change of a unit may be under way when its tunnel is gone. */
struct health {
	char name[WG_NAME_MAX];
	unsigned int failed;    /* enum health_aspect */
	enum unit_state { UNIT_UNKNOWN, UNIT_RESET, UNIT_FAILED } unit;
	enum unit_state next_state; /* what the change under way makes of it */
	struct helper_call call;
	struct health *next;
};
static struct health *all; /* owned */

static struct health *find(const char *name)
{
	struct health *h = all;

	while (h && strcmp(h->name, name) != 0)
		h = h->next;
	return h;
}

static struct health *find_or_add(const char *name)
{
	struct health *h = find(name);

	if (h)
		return h;
	h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	memcpy(h->name, name, sizeof h->name);
	h->next = all;
	all = h;
	return h;
}

static void tell(struct health *h);

static void unit_changed(struct helper_call *c, int status, struct span output)
{
	struct health *h = container_of(c, struct health, call);

	(void)output;
	h->unit = status == 0 ? h->next_state : UNIT_UNKNOWN;
	if (status == 0)
		tell(h); /* it may have changed meanwhile */
}

/* One change of a unit after the other. If the helper has too much to do, the next change tries it again. */
static void tell(struct health *h)
{
	h->next_state = h->call.id ? h->next_state : h->failed ? UNIT_FAILED : UNIT_RESET;
	if (h->call.id || h->next_state == h->unit)
		return;
	h->call.done = unit_changed;
	(void)!helper_set_unit(&h->call, h->failed != 0, h->name);
}

/* Where nothing was noted before, the unit cannot have failed. */
void health_opened(struct monitored_tunnel *t)
{
	struct health *h = unit_state_is_used() ? find_or_add(t->name) : NULL;
	struct monitor_status last;

	if (!h || h->unit != UNIT_UNKNOWN)
		return;
	monitor_status_read(&last, t->name);
	h->unit = last.at_ms ? UNIT_UNKNOWN : UNIT_RESET;
}

void health_note(struct monitored_tunnel *t, enum health_aspect aspect, bool failed)
{
	struct health *h = find(t->name);

	if (!h)
		return;
	h->failed = failed ? h->failed | aspect : h->failed & ~(unsigned int)aspect;
	tell(h);
}

void health_closed(struct monitored_tunnel *t)
{
	health_note(t, HEALTH_INTERFACE, false);
	health_note(t, HEALTH_STEPS, false);
}

/* What it does not see any more has not failed. The helper completes this without this process. */
void health_stop(void)
{
	static struct helper_call call;
	struct text names = text_heap();

	while (all) {
		struct health *h = all;
		all = h->next;
		if (h->unit == UNIT_FAILED || h->call.id)
			text_f(&names, "%s%s", names.n > 0 ? " " : "", h->name);
		helper_forget(&monitor_helper, &h->call);
		free(h);
	}
	if (names.n > 0 && !names.failed)
		(void)!helper_set_unit(&call, false, names.p);
	helper_forget(&monitor_helper, &call);
	text_heap_free(&names);
}
