/* The steps of a tunnel without a journal. */
#include "unjournaled.h"

#include <errno.h>
#include <stdlib.h>

#include "inverse.h"
#include "policy_rules.h"

static bool has_default_peer(const struct wg_device *d, uint8_t family)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (d->peers[i].allowedips[k].prefix.bits == 0 &&
			    d->peers[i].allowedips[k].prefix.addr.family == family)
				return true;
	return false;
}

static int add_unreachable(struct plan *p, uint8_t family, uint32_t table)
{
	struct step *step = plan_add(p, STEP_ROUTE);

	if (!step)
		return -ENOMEM;
	step->route = (struct step_route){ .prefix.addr.family = family, .unreachable = true, .table = table };
	return 0;
}

static int add_throws(struct plan *p, const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < s->throws.n; i++) {
		struct step *step;
		if (s->throws.list[i].prefix.addr.family != family)
			continue;
		step = plan_add(p, STEP_ROUTE);
		if (!step)
			return -ENOMEM;
		step->route = s->throws.list[i];
	}
	return 0;
}

static int add_rules(struct plan *p, const struct host_state *s, uint8_t family)
{
	struct rules rules = { 0 };
	int r = policy_rules_of_tunnel(&rules, &s->rules, family, s->device.fwmark);

	for (size_t i = 0; r == 0 && i < rules.n; i++) {
		struct step *step = plan_add(p, STEP_RULE);
		if (!step) {
			r = -ENOMEM;
			break;
		}
		step->rule = rules.list[i];
		step->rule.ambiguous = rule_is_ambiguous(s, &rules.list[i]);
	}
	free(rules.list);
	return r;
}

static int add_default_route(struct plan *p, const struct host_state *s, uint8_t family)
{
	uint32_t table = default_route_table(s, family, s->device.fwmark);
	int r = s->unreachable[family == IP_V6] ? add_unreachable(p, family, table) : 0;

	if (r == 0)
		r = add_throws(p, s, family);
	return r < 0 ? r : add_rules(p, s, family);
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
			r = add_default_route(p, s, families[i]);
	return r;
}

int plan_unjournaled_dns(struct plan *p, const struct host_state *s, const char name[WG_NAME_MAX],
			 const struct dns_config *dns)
{
	bool in_file = resolv_conf_lists(&s->resolv_conf, s->dns_id);
	bool has_dns = dns->servers.n > 0 || dns->domains.n > 0;
	struct step *step;

	if (!in_file && (s->dns != DNS_RESOLVCONF || !has_dns))
		return 0;
	memcpy(p->name, name, sizeof p->name);
	memcpy(p->dns_prefix, s->dns_prefix, sizeof p->dns_prefix);
	p->dns_backend = in_file ? DNS_FILE : DNS_RESOLVCONF;
	step = dns_config_append(&p->dns, dns) ? plan_add(p, STEP_DNS) : NULL;
	if (!step)
		return -ENOMEM;
	step->remove = true;
	return 0;
}
