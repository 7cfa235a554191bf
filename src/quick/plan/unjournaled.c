/* The steps of a tunnel without a journal. */
#include "unjournaled.h"

#include <errno.h>

#include "inverse.h"

static bool has_default_peer(const struct wg_device *d, uint8_t family)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (d->peers[i].allowedips[k].prefix.bits == 0 &&
			    d->peers[i].allowedips[k].prefix.addr.family == family)
				return true;
	return false;
}

/* Each tunnel has one "suppress" rule; wireguard-tools adds it right before the tunnel's own rule. */
static const struct step_rule *suppress_rule_of(const struct host_state *s, const struct step_rule *tunnel)
{
	const struct step_rule *last = NULL;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *r = &s->rules.list[i];
		if (r->family != tunnel->family || !r->suppress || r->table != TABLE_MAIN)
			continue;
		if (r->pref + 1 == tunnel->pref)
			return r;
		last = r;
	}
	return last;
}

static int add_rule(struct plan *p, const struct host_state *s, const struct step_rule *rule)
{
	struct step *step = plan_add(p, STEP_RULE);

	if (!step)
		return -ENOMEM;
	step->rule = *rule;
	step->rule.ambiguous = rule_is_ambiguous(s, rule);
	return 0;
}

static int add_rules(struct plan *p, const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *rule = &s->rules.list[i], *suppress;
		int r;
		if (rule->family != family || !rule_is_tunnel(rule) ||
		    rule->mark != s->device.fwmark)
			continue;
		r = add_rule(p, s, rule);
		suppress = suppress_rule_of(s, rule);
		if (r == 0 && suppress)
			r = add_rule(p, s, suppress);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_unjournaled(struct plan *p, const struct host_state *s, const char name[WG_NAME_MAX])
{
	static const uint8_t families[] = { IP_V6, IP_V4 };
	int r = 0;

	memcpy(p->name, name, sizeof p->name);
	if (s->link.index && !plan_add(p, STEP_LINK))
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (r == 0 && s->device.fwmark && has_default_peer(&s->device, families[i]))
			r = add_rules(p, s, families[i]);
	return r;
}

int plan_unjournaled_dns(struct plan *p, const struct host_state *s, const char name[WG_NAME_MAX],
			 const struct dns_config *dns, bool has_backup)
{
	bool has_dns = dns->servers.n > 0 || dns->domains.n > 0;
	struct step *step;

	if (!has_backup && (s->dns != DNS_RESOLVCONF || !has_dns))
		return 0;
	memcpy(p->name, name, sizeof p->name);
	memcpy(p->dns_prefix, s->dns_prefix, sizeof p->dns_prefix);
	p->dns_backend = has_backup ? DNS_FILE : DNS_RESOLVCONF;
	step = dns_config_copy(&p->dns, dns) ? plan_add(p, STEP_DNS) : NULL;
	if (!step)
		return -ENOMEM;
	step->remove = true;
	return 0;
}
