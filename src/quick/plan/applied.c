/* The state that `up` and `reload` applied to the host. */
#include "applied.h"

#include <errno.h>
#include <stdlib.h>

#include "applied_routes.h"
#include "hook_changes.h"
#include "quick/config/kept_lines.h"

void applied_free(struct applied *a)
{
	plan_free(&a->plan);
	addresses_free(&a->addresses);
	addresses_free(&a->foreign);
	for (int i = 0; i < HOOK_PHASES; i++)
		string_list_free(&a->hooks[i]);
	string_list_free(&a->changes);
	string_list_free(&a->endpoints);
	string_list_free(&a->file_lines);
	prefix_set_free(&a->excluded);
	string_list_free(&a->routes);
	free(a->config);
	*a = (struct applied){ 0 };
}

bool step_is_journaled(const struct step *s)
{
	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
	case STEP_RULE:
	case STEP_SYSCTL:
	case STEP_FIREWALL:
	case STEP_DNS:
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
		return !s->remove;
	case STEP_ROUTE:
		return !s->remove && !route_is_of_link(&s->route);
	case STEP_HOOK:
	case STEP_WG:
	case STEP_BIND:
	case STEP_ADDRESS:
	case STEP_LINK_UP:
		return false;
	}
	unreachable();
}

static int add_strings(struct string_list *to, const struct string_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!string_list_add(to, span_of(from->list[i])))
			return -ENOMEM;
	return 0;
}

static int add_addresses(struct addresses *to, const struct addresses *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!addresses_have(to, &from->list[i]) && !addresses_add(to, &from->list[i]))
			return -ENOMEM;
	return 0;
}

static int add_step(struct plan *to, const struct step *s)
{
	struct step *step = plan_add(to, (enum step_kind)s->kind);

	if (!step)
		return -ENOMEM;
	*step = *s;
	return 0;
}

static void copy_tools(struct plan *to, const struct plan *from)
{
	memcpy(to->name, from->name, sizeof to->name);
	memcpy(to->netns, from->netns, sizeof to->netns);
	to->netns_is_option = from->netns_is_option;
	memcpy(to->dns_prefix, from->dns_prefix, sizeof to->dns_prefix);
	to->firewall = from->firewall;
	to->dns_backend = from->dns_backend;
}

int endpoint_texts(struct string_list *out, const struct tunnel_file *f)
{
	for (uint32_t i = 0; i < f->device.n_peers; i++) {
		const struct wg_peer *peer = &f->device.peers[i];
		char line[512], key[KEY_BASE64_CHARS + 1];
		struct text t = text_fixed(line, sizeof line);
		if (!(peer->flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST)))
			continue;
		key_to_base64(key, peer->public_key.b);
		text_f(&t, "%s ", key);
		if (peer->flags & WG_PEER_HAS_HOST)
			text_add(&t, peer->host);
		else
			endpoint_print(&t, &peer->endpoint, NULL);
		if (!string_list_add(out, text_of(&t)))
			return -ENOMEM;
	}
	return 0;
}

/* The journaled steps of p, its tools, protected addresses and name servers. */
static int set_plan(struct plan *to, const struct plan *p)
{
	int r = 0;

	plan_free(to);
	copy_tools(to, p);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (step_is_journaled(&p->steps[i]))
			r = add_step(to, &p->steps[i]);
	if (r == 0)
		r = add_addresses(&to->guarded, &p->guarded);
	return r == 0 && dns_config_append(&to->dns, &p->dns) ? 0 : -ENOMEM;
}

int applied_update(struct applied *a, const struct tunnel_file *f, const struct plan *p)
{
	int r = set_plan(&a->plan, p);

	addresses_free(&a->addresses);
	if (r == 0)
		r = add_addresses(&a->addresses, &f->interface.addresses);
	free(a->config);
	a->config = f->path ? span_dup(span_of(f->path)) : NULL;
	string_list_free(&a->file_lines);
	if (r == 0 && f->text)
		r = kept_lines(&a->file_lines, (struct span){ f->text, f->n_text }) ? 0 : -ENOMEM;
	a->has_table = true;
	a->table = tunnel_file_table(f);
	a->file_changed_ns = f->changed_ns;
	a->route_metric = f->interface.route_metric;
	a->binding = f->interface.bind.to;
	prefix_set_free(&a->excluded);
	if (r == 0)
		r = applied_routes_set(&a->routes, f);
	return r == 0 && a->config && prefix_set_copy(&a->excluded, &f->interface.excluded) ? 0 : -ENOMEM;
}

int applied_set(struct applied *a, const struct tunnel_file *f, const struct plan *p)
{
	static const enum hook_phase down[] = { HOOK_PRE_DOWN, HOOK_POST_DOWN };
	int r = applied_update(a, f, p);

	hook_lines_of_file(&a->lines, f);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(down); i++) {
		string_list_free(&a->hooks[down[i]]);
		r = add_strings(&a->hooks[down[i]], &f->interface.hooks[down[i]]);
	}
	return r;
}

/* ---- reload ---- */

/* All but the plan, the addresses and the changes made by hooks. */
static int copy_rest(struct applied *out, const struct applied *from)
{
	int r = 0;

	*out = (struct applied){ .port = from->port, .mark = from->mark, .has_table = from->has_table, .table = from->table,
				 .route_metric = from->route_metric, .binding = from->binding, .file_changed_ns = from->file_changed_ns, .lines = from->lines };
	out->config = from->config ? span_dup(span_of(from->config)) : NULL;
	if ((from->config && !out->config) || !prefix_set_copy(&out->excluded, &from->excluded))
		return -ENOMEM;
	for (int i = 0; r == 0 && i < HOOK_PHASES; i++)
		r = add_strings(&out->hooks[i], &from->hooks[i]);
	if (r == 0)
		r = add_strings(&out->endpoints, &from->endpoints);
	if (r == 0)
		r = add_strings(&out->routes, &from->routes);
	if (r == 0)
		r = add_strings(&out->file_lines, &from->file_lines);
	return r < 0 ? r : add_addresses(&out->foreign, &from->foreign);
}

static int add_dns(struct plan *p, const struct dns_config *dns)
{
	if (dns->servers.n == 0 && dns->domains.n == 0)
		return 0;
	return dns_config_append(&p->dns, dns) && plan_add(p, STEP_DNS) ? 0 : -ENOMEM;
}

static int add_journaled(struct plan *to, const struct plan *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (step_is_journaled(&p->steps[i]) && p->steps[i].kind != STEP_DNS)
			r = add_step(to, &p->steps[i]);
	return r;
}

int applied_during_reload(struct applied *out, const struct applied *before, const struct tunnel_file *f,
			  const struct plan *p, const struct dns_config *dns)
{
	int r = copy_rest(out, before);

	if (r == 0)
		r = add_strings(&out->changes, &before->changes);
	if (!binding_is_empty(&f->interface.bind.to)) /* so that the daemon is asked, whatever was done */
		out->binding = f->interface.bind.to;
	copy_tools(&out->plan, p);
	if (p->firewall == FIREWALL_NONE)
		out->plan.firewall = before->plan.firewall;
	if (dns == &before->plan.dns) {
		memcpy(out->plan.dns_prefix, before->plan.dns_prefix, sizeof out->plan.dns_prefix);
		out->plan.dns_backend = before->plan.dns_backend;
	}
	if (r == 0)
		r = add_journaled(&out->plan, &before->plan);
	if (r == 0)
		r = add_journaled(&out->plan, p);
	if (r == 0)
		r = add_dns(&out->plan, dns);
	if (r == 0)
		r = add_addresses(&out->plan.guarded, &before->plan.guarded);
	if (r == 0)
		r = add_addresses(&out->plan.guarded, &p->guarded);
	if (r == 0)
		r = add_addresses(&out->addresses, &before->addresses);
	return r < 0 ? r : add_addresses(&out->addresses, &f->interface.addresses);
}

/* Those of the rules that are set now. */
static int add_guarded(struct addresses *to, const struct plan *before, const struct plan *p, uint8_t family)
{
	const struct addresses *from = &before->guarded;
	int r = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_FIREWALL && p->steps[i].firewall.family == family)
			from = &p->guarded;
	for (size_t i = 0; r == 0 && i < from->n; i++)
		if (from->list[i].local.family == family)
			r = addresses_add(to, &from->list[i]) ? 0 : -ENOMEM;
	return r;
}

static bool is_same_without_link(const struct step_route *a, const struct step_route *b)
{
	return !route_is_of_link(a) && a->unreachable == b->unreachable && a->throw == b->throw && a->table == b->table && prefix_equal(&a->prefix, &b->prefix);
}

/* True when the plan removes what the step added, or performs the step again. */
static bool is_superseded(const struct step *s, const struct plan *p, bool from_before)
{
	if (s->remove || s->kind == STEP_DNS)
		return true;
	for (size_t k = 0; k < p->n; k++) {
		const struct step *other = &p->steps[k];
		if (other->kind != s->kind || (!other->remove && !from_before && s->kind != STEP_KILL_SWITCH))
			continue;
		if (s->kind == STEP_RULE && rule_equal(&other->rule, &s->rule))
			return true;
		if (s->kind == STEP_FIREWALL && other->firewall.family == s->firewall.family)
			return true;
		if (s->kind == STEP_SYSCTL)
			return true;
		if (s->kind == STEP_KILL_SWITCH && (from_before || other > s))
			return true;
		if (s->kind == STEP_ROUTE && from_before && is_same_without_link(&other->route, &s->route))
			return true;
	}
	return false;
}

int applied_after_reload(struct applied *out, const struct applied *before, const struct tunnel_file *f,
			 const struct plan *p)
{
	struct plan all = { 0 };
	int r = copy_rest(out, before);

	if (r == 0)
		r = hook_changes_remaining(&out->changes, &before->changes, f, p);
	copy_tools(&all, p);
	if (p->firewall == FIREWALL_NONE)
		all.firewall = before->plan.firewall;
	for (size_t i = 0; r == 0 && i < before->plan.n; i++)
		if (!is_superseded(&before->plan.steps[i], p, true))
			r = add_step(&all, &before->plan.steps[i]);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (!is_superseded(&p->steps[i], p, false))
			r = add_step(&all, &p->steps[i]);
	if (r == 0)
		r = add_dns(&all, &f->interface.dns);
	if (r == 0)
		r = add_guarded(&all.guarded, &before->plan, p, IP_V4);
	if (r == 0)
		r = add_guarded(&all.guarded, &before->plan, p, IP_V6);
	if (r == 0)
		r = applied_update(out, f, &all);
	plan_free(&all);
	return r;
}
