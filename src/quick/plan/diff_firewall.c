/* The part of plan_diff() about firewall rules. */
#include "diff_firewall.h"

#include "firewall_text.h"

static bool has_address(const struct addresses *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_equal(&list->list[i].local, a))
			return true;
	return false;
}

/* True if `list` has an address of the family that neither of the others has. */
static bool has_more(const struct addresses *list, const struct addresses *a, const struct addresses *b, uint8_t family)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ip_addr *local = &list->list[i].local;
		if (local->family == family && !has_address(a, local) && !has_address(b, local))
			return true;
	}
	return false;
}

static const struct step *find_step(const struct applied *applied, uint8_t family)
{
	for (size_t i = 0; applied && i < applied->plan.n; i++)
		if (applied->plan.steps[i].kind == STEP_FIREWALL && applied->plan.steps[i].firewall.family == family)
			return &applied->plan.steps[i];
	return NULL;
}

/* What the tool lists is compared with the addresses that the journal says are protected, because hooks may have added
 * others since. */
static bool is_complete(const struct diff_input *in, uint8_t family)
{
	const struct host_state *actual = in->actual;
	const char *rules = actual->firewall_rules[family == IP_V6];
	const struct addresses *file = &in->desired->interface.addresses, *none = &(struct addresses){ 0 };

	if (actual->firewall == FIREWALL_NONE)
		return true; /* as complete as it can be */
	if (!in->applied)
		return rules ? firewall_protects(span_of(rules), actual->firewall, file, family)
			     : !has_more(file, &actual->addresses, none, family);
	return in->applied->plan.firewall == actual->firewall && find_step(in->applied, family) &&
	       !has_more(file, &in->applied->plan.guarded, none, family) &&
	       !has_more(&in->applied->plan.guarded, file, &in->applied->foreign, family) &&
	       (!rules ||
		firewall_is_complete(span_of(rules), actual->firewall, &in->applied->plan.guarded, family));
}

static bool has_new_address(const struct diff_input *in, uint8_t family)
{
	const struct addresses *guarded = in->applied ? &in->applied->plan.guarded : &in->actual->addresses;

	return has_more(&in->desired->interface.addresses, guarded, &(struct addresses){ 0 }, family);
}

int plan_firewall_change(struct plan *p, const struct diff_input *in, const struct route_diff *routes, uint32_t mark)
{
	const struct addresses *also = in->applied ? &in->applied->foreign : &in->actual->addresses;
	struct plan_options o = { .warn = in->warn, .ctx = in->ctx };
	bool new_mark = mark && mark != in->actual->device.fwmark, families[2];
	int r;

	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t family = v6 ? IP_V6 : IP_V4;
		bool outdated = hook_changed_family(in->changes, SETTING_FIREWALL, family)
					? has_new_address(in, family)
					: new_mark || !routes->defaults[v6].made || !is_complete(in, family);
		families[v6] = routes->defaults[v6].mode == DEFAULT_TUNNEL && !in->actual->firewall_unwanted && outdated;
	}
	r = plan_firewall(p, in->desired, in->actual, also, families, routes->mark, &o);
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct step *before = find_step(in->applied, p->steps[i].firewall.family);
		if (before)
			p->steps[i].firewall.new_chains |= before->firewall.new_chains;
	}
	return r;
}
