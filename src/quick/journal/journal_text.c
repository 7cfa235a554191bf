#include "journal_text.h"

#include <errno.h>
#include <stdlib.h>

static const char first_line[] = "wgsuite-record 1";

static void print_step(const struct step *s, struct text *t)
{
	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
		text_add(t, "link\n");
		return;
	case STEP_RULE:
		text_f(t, "rule %u %u %u %u %u%u%u\n", (unsigned int)s->rule.family, s->rule.pref,
		       s->rule.mark, s->rule.table, (unsigned int)s->rule.invert,
		       (unsigned int)s->rule.suppress, (unsigned int)s->rule.plural);
		return;
	case STEP_ROUTE:
		if (s->route.unreachable && !s->remove) {
			text_f(t, "unreachable %u ", s->route.table);
			prefix_print(t, &s->route.prefix);
			text_char(t, '\n');
		}
		return;
	case STEP_SYSCTL:
		text_f(t, "sysctl %d %d\n", s->sysctl.value, s->sysctl.before);
		return;
	case STEP_FIREWALL:
		text_f(t, "firewall %u %u\n", (unsigned int)s->firewall.family, s->firewall.mark);
		return;
	case STEP_DNS:
		text_add(t, "dns\n");
		return;
	case STEP_HOOK:
	case STEP_WG:
	case STEP_ADDRESS:
	case STEP_LINK_UP:
		return; /* these go away with the link, or cannot be taken back */
	}
	unreachable();
}

static void print_addresses(struct text *t, const char *word, const struct addresses *list)
{
	for (size_t i = 0; i < list->n; i++) {
		text_f(t, "%s ", word);
		address_print(t, &list->list[i]);
		text_char(t, '\n');
	}
}

static void print_words(struct text *t, const char *word, const struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		text_f(t, "%s %s\n", word, list->list[i]);
}

void journal_print(const struct journal *r, struct text *t)
{
	text_f(t, "%s\n", first_line);
	if (r->config && !strchr(r->config, '\n'))
		text_f(t, "config %s\n", r->config);
	if (r->ifindex)
		text_f(t, "index %u\n", r->ifindex);
	if (r->port)
		text_f(t, "port %u\n", (unsigned int)r->port);
	if (r->has_table)
		text_f(t, "table %u\n", r->table);
	text_f(t, "tools %u %u %s\n", (unsigned int)r->plan.firewall,
	       (unsigned int)r->plan.dns_backend, r->plan.dns_prefix);
	for (size_t i = 0; i < r->plan.n; i++)
		print_step(&r->plan.steps[i], t);
	print_addresses(t, "guard", &r->plan.guarded);
	print_words(t, "server", &r->plan.dns.servers);
	print_words(t, "domain", &r->plan.dns.domains);
	print_addresses(t, "address", &r->addresses);
	print_addresses(t, "foreign", &r->foreign);
	print_words(t, "pre-down", &r->hooks[HOOK_PRE_DOWN]);
	print_words(t, "post-down", &r->hooks[HOOK_POST_DOWN]);
	print_words(t, "peer", &r->peers);
	for (unsigned int i = 0; i < HOOK_PHASES; i++)
		if (r->began[i])
			text_f(t, "began %u\n", i);
	if (r->complete)
		text_add(t, "complete\n");
}

/* ---- reading: one function per word; false: not understood ---- */

static bool numbers(struct span rest, uint32_t out[], size_t n)
{
	struct span word;

	for (size_t i = 0; i < n; i++) {
		uint64_t v;
		if (!span_next(&word, &rest, ' ') || !span_to_u64(&v, word, UINT32_MAX))
			return false;
		out[i] = (uint32_t)v;
	}
	return true;
}

static bool take_link(struct journal *r, struct span rest)
{
	(void)rest;
	return plan_add(&r->plan, STEP_LINK);
}

static bool take_dns(struct journal *r, struct span rest)
{
	(void)rest;
	return plan_add(&r->plan, STEP_DNS);
}

static bool take_rule(struct journal *r, struct span rest)
{
	uint32_t n[5];
	struct step *s;

	if (!numbers(rest, n, 4) || rest.n < 3)
		return false;
	s = plan_add(&r->plan, STEP_RULE);
	if (!s)
		return false;
	rest = span_sub(rest, rest.n - 3, 3);
	s->rule = (struct step_rule){ .family = (uint8_t)n[0],
				      .pref = n[1],
				      .mark = n[2],
				      .table = n[3],
				      .invert = rest.p[0] == '1',
				      .suppress = rest.p[1] == '1',
				      .plural = rest.p[2] == '1' };
	return true;
}

static bool take_unreachable(struct journal *r, struct span rest)
{
	struct span table;
	struct ip_prefix prefix;
	uint64_t n;
	struct step *s;

	if (!span_next(&table, &rest, ' ') || !span_to_u64(&n, table, UINT32_MAX) ||
	    !prefix_parse(&prefix, rest, NULL))
		return false;
	s = plan_add(&r->plan, STEP_ROUTE);
	if (!s)
		return false;
	s->hidden = true;
	s->route =
		(struct step_route){ .prefix = prefix, .unreachable = true, .table = (uint32_t)n };
	return true;
}

static bool take_sysctl(struct journal *r, struct span rest)
{
	uint32_t n[2];
	struct step *s;

	if (!numbers(rest, n, 2))
		return false;
	s = plan_add(&r->plan, STEP_SYSCTL);
	if (!s)
		return false;
	s->sysctl.value = (int)n[0];
	s->sysctl.before = (int)n[1];
	return true;
}

static bool take_no_sysctl(struct journal *r, struct span rest)
{
	(void)rest;
	plan_leave_out(&r->plan, STEP_SYSCTL);
	return true;
}

static bool take_firewall(struct journal *r, struct span rest)
{
	uint32_t n[2];
	struct step *s;

	if (!numbers(rest, n, 2))
		return false;
	s = plan_add(&r->plan, STEP_FIREWALL);
	if (!s)
		return false;
	s->firewall.family = (uint8_t)n[0];
	s->firewall.mark = n[1];
	return true;
}

static bool take_tools(struct journal *r, struct span rest)
{
	struct span prefix = span_sub(rest, span_find_last(rest, ' ') + 1, rest.n);
	uint32_t n[2];
	struct text t = text_fixed(r->plan.dns_prefix, sizeof r->plan.dns_prefix);

	if (!numbers(rest, n, 2) || n[0] > 2 || n[1] > DNS_FILE)
		return false;
	r->plan.firewall = (enum firewall_tool)n[0];
	r->plan.dns_backend = (enum dns_backend)n[1];
	text_span(&t, prefix);
	return true;
}

static bool take_config(struct journal *r, struct span rest)
{
	free(r->config);
	r->config = span_dup(rest);
	return r->config;
}

static bool take_index(struct journal *r, struct span rest)
{
	return numbers(rest, &r->ifindex, 1);
}

static bool take_table(struct journal *r, struct span rest)
{
	r->has_table = numbers(rest, &r->table, 1);
	return r->has_table;
}

static bool take_port(struct journal *r, struct span rest)
{
	uint32_t n = 0;
	bool ok = numbers(rest, &n, 1) && n <= UINT16_MAX;

	r->port = (uint16_t)n;
	return ok;
}

static bool take_began(struct journal *r, struct span rest)
{
	uint32_t n;

	if (!numbers(rest, &n, 1) || n >= HOOK_PHASES)
		return false;
	r->began[n] = true;
	return true;
}

static bool take_complete(struct journal *r, struct span rest)
{
	(void)rest;
	r->complete = true;
	return true;
}

static bool add_address(struct addresses *list, struct span rest)
{
	struct interface_address a;
	struct span bad;

	return address_next(&a, &rest, &bad) == 1 && addresses_add(list, &a);
}

static bool take_list(struct journal *r, struct span word, struct span rest, bool *known)
{
	const struct { const char *word; struct string_list *list; } lists[] = {
		{ "server", &r->plan.dns.servers },
		{ "domain", &r->plan.dns.domains },
		{ "pre-down", &r->hooks[HOOK_PRE_DOWN] },
		{ "post-down", &r->hooks[HOOK_POST_DOWN] },
		{ "peer", &r->peers },
	};
	const struct { const char *word; struct addresses *list; } addresses[] = {
		{ "guard", &r->plan.guarded },
		{ "address", &r->addresses },
		{ "foreign", &r->foreign },
	};

	*known = true;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (span_is(word, lists[i].word))
			return string_list_add(lists[i].list, rest);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (span_is(word, addresses[i].word))
			return add_address(addresses[i].list, rest);
	*known = false;
	return true;
}

static const struct {
	const char *word;
	bool (*take)(struct journal *r, struct span rest);
} lines[] = {
	{ "link", take_link },         { "dns", take_dns },
	{ "rule", take_rule },         { "unreachable", take_unreachable },
	{ "sysctl", take_sysctl },     { "no-sysctl", take_no_sysctl },
	{ "firewall", take_firewall },
	{ "tools", take_tools },       { "config", take_config },
	{ "index", take_index },       { "port", take_port },
	{ "table", take_table },
	{ "began", take_began },       { "complete", take_complete },
};

int journal_parse(struct journal *r, struct span text)
{
	struct span line, word;

	if (!span_next(&line, &text, '\n') || !span_is(line, first_line))
		return -EINVAL;
	memcpy(r->plan.name, r->name, sizeof r->name);
	while (span_next(&line, &text, '\n')) {
		bool known;
		if (line.n == 0 || !span_next(&word, &line, ' '))
			continue;
		if (!line.p)
			line = SPAN("");
		if (!take_list(r, word, line, &known))
			return -EINVAL;
		for (size_t i = 0; !known && i < ARRAY_LEN(lines); i++)
			if (span_is(word, lines[i].word) && !lines[i].take(r, line))
				return -EINVAL;
	}
	for (size_t i = 0; i < r->plan.n; i++)
		if (r->plan.steps[i].kind == STEP_LINK)
			return 0;
	return -EINVAL; /* a part of a record is none */
}

/* ---- filling ---- */

static int copy_words(struct string_list *to, const struct string_list *from)
{
	string_list_free(to);
	for (size_t i = 0; i < from->n; i++)
		if (!string_list_add(to, span_of(from->list[i])))
			return -ENOMEM;
	return 0;
}

static int copy_addresses(struct addresses *to, const struct addresses *from)
{
	addresses_free(to);
	for (size_t i = 0; i < from->n; i++)
		if (!addresses_add(to, &from->list[i]))
			return -ENOMEM;
	return 0;
}

/* Called before endpoints are resolved, so that host names are kept as names. */
static int fill_peers(struct journal *r, const struct tunnel_file *f)
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
		if (!string_list_add(&r->peers, text_of(&t)))
			return -ENOMEM;
	}
	return 0;
}

int journal_fill_peers(struct journal *r, const struct tunnel_file *f)
{
	string_list_free(&r->peers);
	return fill_peers(r, f);
}

bool journal_keeps(const struct step *s)
{
	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
	case STEP_RULE:
	case STEP_SYSCTL:
	case STEP_FIREWALL:
	case STEP_DNS:
		return !s->remove;
	case STEP_ROUTE:
		return !s->remove && s->route.unreachable;
	case STEP_HOOK:
	case STEP_WG:
	case STEP_ADDRESS:
	case STEP_LINK_UP:
		return false;
	}
	unreachable();
}

int journal_fill(struct journal *r, const struct tunnel_file *f, const struct plan *p)
{
	int error = copy_words(&r->hooks[HOOK_PRE_DOWN], &f->interface.hooks[HOOK_PRE_DOWN]);

	if (error == 0)
		error = copy_words(&r->hooks[HOOK_POST_DOWN], &f->interface.hooks[HOOK_POST_DOWN]);
	if (error == 0)
		error = copy_addresses(&r->addresses, &f->interface.addresses);
	if (error == 0)
		error = copy_addresses(&r->plan.guarded, &p->guarded);
	if (error == 0)
		error = copy_words(&r->plan.dns.servers, &p->dns.servers);
	if (error == 0)
		error = copy_words(&r->plan.dns.domains, &p->dns.domains);
	free(r->config);
	r->config = span_dup(span_of(f->path));
	r->has_table = true;
	r->table = tunnel_file_table(f);
	r->plan.n = 0;
	r->plan.firewall = p->firewall;
	r->plan.dns_backend = p->dns_backend;
	memcpy(r->plan.dns_prefix, p->dns_prefix, sizeof p->dns_prefix);
	memcpy(r->plan.name, r->name, sizeof r->name);
	for (size_t i = 0; error == 0 && i < p->n; i++) {
		struct step *s;
		if (!journal_keeps(&p->steps[i]))
			continue;
		s = plan_add(&r->plan, (enum step_kind)p->steps[i].kind);
		if (!s)
			return -ENOMEM;
		*s = p->steps[i];
	}
	return error == 0 && r->config ? 0 : -ENOMEM;
}
