/* The text of a journal. */
#include "journal_text.h"

#include <errno.h>
#include <stdlib.h>

#include "quick/plan/applied_routes.h"

static const char first_line[] = "wgsuite-record 1";

/* The numbers of these are part of the format. */
_Static_assert(FIREWALL_NONE == 0 && FIREWALL_NFT == 1 && FIREWALL_IPTABLES == 2, "firewall tools");
_Static_assert(DNS_NONE == 0 && DNS_RESOLVCONF == 1 && DNS_RESOLVED == 2 && DNS_FILE == 3, "DNS back-ends");
_Static_assert(HOOK_PRE_UP == 0 && HOOK_POST_UP == 1 && HOOK_PRE_DOWN == 2 && HOOK_POST_DOWN == 3, "hook phases");
_Static_assert(KILL_SWITCH_OFF == 0 && KILL_SWITCH_ON == 1 && KILL_SWITCH_LAN == 2, "kill switches");
_Static_assert(IP_V4 == 4 && IP_V6 == 6, "address families");

static void print_step(const struct step *s, const struct plan *p, struct text *t)
{
	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
		text_add(t, "link\n");
		return;
	case STEP_RULE:
		text_f(t, "rule %u %u %u %u %u%u%u\n", (unsigned int)s->rule.family, s->rule.pref,
		       s->rule.mark, s->rule.table, (unsigned int)s->rule.invert,
		       (unsigned int)s->rule.suppress, (unsigned int)s->rule.ambiguous);
		return;
	case STEP_ROUTE:
		if (!route_is_of_link(&s->route) && !s->remove) {
			text_f(t, "%s %u ", s->route.throw ? "throw" : "unreachable", s->route.table);
			prefix_print(t, &s->route.prefix);
			text_char(t, '\n');
		}
		return;
	case STEP_SYSCTL:
		text_f(t, "sysctl %d %d\n", s->sysctl.value, s->sysctl.before);
		return;
	case STEP_FIREWALL:
		text_f(t, "firewall %u %u %u\n", (unsigned int)s->firewall.family, s->firewall.mark,
		       (unsigned int)s->firewall.new_chains);
		return;
	case STEP_DNS:
		text_add(t, "dns\n");
		return;
	case STEP_KILL_SWITCH:
		text_f(t, "kill-switch %u %u %u %u %u\n", (unsigned int)s->kill_switch.tool, (unsigned int)s->kill_switch.mode,
		       s->kill_switch.mark, s->kill_switch.also, (unsigned int)s->kill_switch.new_tables);
		return;
	case STEP_NETNS:
		text_f(t, "netns %s%s\n", p->netns, p->netns_is_option ? " option" : "");
		return;
	case STEP_HOOK:
	case STEP_WG:
	case STEP_BIND:
	case STEP_ADDRESS:
	case STEP_LINK_UP:
		return; /* undone with the interface, or without an inverse */
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

static void print_prefixes(struct text *t, const char *word, const struct prefix_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		text_f(t, "%s ", word);
		prefix_print(t, &s->list[i]);
		text_char(t, '\n');
	}
}

static void print_words(struct text *t, const char *word, const struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		text_f(t, "%s %s\n", word, list->list[i]);
}

static void print_binding(struct text *t, const struct wg_binding *b)
{
	if (b->device[0])
		text_f(t, "bind-device %s\n", b->device);
	for (int v6 = 0; v6 < 2; v6++) {
		if (b->source[v6].family == IP_NONE)
			continue;
		text_add(t, "source-address ");
		ip_print(t, &b->source[v6]);
		text_char(t, '\n');
	}
}

void journal_print(const struct journal *j, struct text *t)
{
	text_f(t, "%s\n", first_line);
	if (j->applied.config && !strchr(j->applied.config, '\n'))
		text_f(t, "config %s\n", j->applied.config);
	if (j->applied.file_changed_ns)
		text_f(t, "config-changed %llu\n", (unsigned long long)j->applied.file_changed_ns);
	if (j->ifindex)
		text_f(t, "index %u\n", j->ifindex);
	if (j->applied.port)
		text_f(t, "port %u\n", (unsigned int)j->applied.port);
	if (j->applied.mark)
		text_f(t, "mark %u\n", j->applied.mark);
	if (j->applied.has_table)
		text_f(t, "table %u\n", j->applied.table);
	if (j->applied.route_metric)
		text_f(t, "route-metric %u\n", j->applied.route_metric);
	print_binding(t, &j->applied.binding);
	text_f(t, "tools %u %u %s\n", (unsigned int)j->applied.plan.firewall,
	       (unsigned int)j->applied.plan.dns_backend, j->applied.plan.dns_prefix);
	for (size_t i = 0; i < j->applied.plan.n; i++)
		print_step(&j->applied.plan.steps[i], &j->applied.plan, t);
	print_addresses(t, "guard", &j->applied.plan.guarded);
	print_words(t, "server", &j->applied.plan.dns.servers);
	print_words(t, "domain", &j->applied.plan.dns.domains);
	print_prefixes(t, "excluded", &j->applied.excluded);
	print_words(t, "routes", &j->applied.routes);
	print_addresses(t, "address", &j->applied.addresses);
	print_addresses(t, "foreign", &j->applied.foreign);
	print_words(t, "pre-down", &j->applied.hooks[HOOK_PRE_DOWN]);
	print_words(t, "post-down", &j->applied.hooks[HOOK_POST_DOWN]);
	print_words(t, "peer", &j->applied.endpoints);
	print_words(t, "line", &j->applied.file_lines);
	print_words(t, "hook-change", &j->applied.changes);
	for (unsigned int i = 0; i < HOOK_PHASES; i++)
		if (j->applied.lines.of_phase[i][0])
			text_f(t, "hook-lines %u %s\n", i, j->applied.lines.of_phase[i]);
	for (unsigned int i = 0; i < HOOK_PHASES; i++)
		if (j->began[i])
			text_f(t, "began %u\n", i);
	if (j->complete && j->completed_ms)
		text_f(t, "complete %llu\n", (unsigned long long)j->completed_ms);
	else if (j->complete)
		text_add(t, "complete\n");
	if (j->restoring)
		text_add(t, "restoring\n");
	if (j->dns_failed)
		text_add(t, "dns-failed\n");
	if (j->is_ending)
		text_add(t, "ending\n");
	if (j->is_leftover)
		text_add(t, "rest\n");
}

/* ---- reading: one function for each entry; false: malformed, or out of memory ---- */

static bool read_numbers(struct span rest, uint32_t out[], size_t n)
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

static bool read_link(struct journal *j, struct span rest)
{
	(void)rest;
	return plan_add(&j->applied.plan, STEP_LINK);
}

static bool read_netns(struct journal *j, struct span rest)
{
	struct plan *p = &j->applied.plan;
	struct text t = text_fixed(p->netns, sizeof p->netns);
	struct span name;

	if (!span_next(&name, &rest, ' ') || !netns_name_is_valid(name))
		return false;
	text_span(&t, name);
	p->netns_is_option = span_is(rest, "option");
	return plan_add(p, STEP_NETNS);
}

static bool read_dns(struct journal *j, struct span rest)
{
	(void)rest;
	return plan_add(&j->applied.plan, STEP_DNS);
}

static bool read_rule(struct journal *j, struct span rest)
{
	uint32_t n[5];
	struct step *s;

	if (!read_numbers(rest, n, 4) || rest.n < 3)
		return false;
	s = plan_add(&j->applied.plan, STEP_RULE);
	if (!s)
		return false;
	rest = span_sub(rest, rest.n - 3, 3);
	s->rule = (struct step_rule){ .family = (uint8_t)n[0],
				      .pref = n[1],
				      .mark = n[2],
				      .table = n[3],
				      .invert = rest.p[0] == '1',
				      .suppress = rest.p[1] == '1',
				      .ambiguous = rest.p[2] == '1' };
	return true;
}

static bool read_route(struct journal *j, struct span rest, bool throw)
{
	struct span table;
	struct ip_prefix prefix;
	uint64_t n;
	struct step *s;

	if (!span_next(&table, &rest, ' ') || !span_to_u64(&n, table, UINT32_MAX) ||
	    !prefix_parse(&prefix, rest, NULL))
		return false;
	s = plan_add(&j->applied.plan, STEP_ROUTE);
	if (!s)
		return false;
	s->route =
		(struct step_route){ .prefix = prefix, .unreachable = !throw, .throw = throw, .table = (uint32_t)n };
	return true;
}

static bool read_unreachable(struct journal *j, struct span rest)
{
	return read_route(j, rest, false);
}

static bool read_throw(struct journal *j, struct span rest)
{
	return read_route(j, rest, true);
}

static bool read_excluded(struct journal *j, struct span rest)
{
	struct ip_prefix p;

	return prefix_parse(&p, rest, NULL) && prefix_set_append(&j->applied.excluded, &p);
}

static bool read_sysctl(struct journal *j, struct span rest)
{
	uint32_t n[2];
	struct step *s;

	if (!read_numbers(rest, n, 2))
		return false;
	s = plan_add(&j->applied.plan, STEP_SYSCTL);
	if (!s)
		return false;
	s->sysctl.value = (int)n[0];
	s->sysctl.before = (int)n[1];
	return true;
}

static bool read_no_sysctl(struct journal *j, struct span rest)
{
	(void)rest;
	plan_drop_kind(&j->applied.plan, STEP_SYSCTL);
	return true;
}

static bool read_firewall(struct journal *j, struct span rest)
{
	uint32_t n[3] = { 0 };
	struct step *s;

	if (!read_numbers(rest, n, 3) && !read_numbers(rest, n, 2)) /* journals of earlier versions have two */
		return false;
	s = plan_add(&j->applied.plan, STEP_FIREWALL);
	if (!s)
		return false;
	s->firewall.family = (uint8_t)n[0];
	s->firewall.mark = n[1];
	s->firewall.new_chains = (uint8_t)n[2];
	return true;
}

static bool read_kill_switch(struct journal *j, struct span rest)
{
	uint32_t n[5];
	struct step *s;

	if (!read_numbers(rest, n, 5) || n[0] > FIREWALL_IPTABLES || n[4] > 3 || n[1] == KILL_SWITCH_OFF || n[1] > KILL_SWITCH_LAN)
		return false;
	s = plan_add(&j->applied.plan, STEP_KILL_SWITCH);
	if (!s)
		return false;
	s->kill_switch = (struct step_kill_switch){ .tool = (uint8_t)n[0], .mode = (uint8_t)n[1], .mark = n[2], .also = n[3],
						    .new_tables = (uint8_t)n[4] };
	return true;
}

static bool read_tools(struct journal *j, struct span rest)
{
	struct span prefix = span_sub(rest, span_find_last(rest, ' ') + 1, rest.n);
	uint32_t n[2];
	struct text t = text_fixed(j->applied.plan.dns_prefix, sizeof j->applied.plan.dns_prefix);

	if (!read_numbers(rest, n, 2) || n[0] > FIREWALL_IPTABLES || n[1] > DNS_FILE)
		return false;
	j->applied.plan.firewall = (enum firewall_tool)n[0];
	j->applied.plan.dns_backend = (enum dns_backend)n[1];
	text_span(&t, prefix);
	return true;
}

static bool read_config(struct journal *j, struct span rest)
{
	free(j->applied.config);
	j->applied.config = span_dup(rest);
	return j->applied.config;
}

static bool read_config_changed(struct journal *j, struct span rest)
{
	return span_to_u64(&j->applied.file_changed_ns, rest, UINT64_MAX);
}

static bool read_index(struct journal *j, struct span rest)
{
	return read_numbers(rest, &j->ifindex, 1);
}

static bool read_table(struct journal *j, struct span rest)
{
	j->applied.has_table = read_numbers(rest, &j->applied.table, 1);
	return j->applied.has_table;
}

static bool read_route_metric(struct journal *j, struct span rest)
{
	return read_numbers(rest, &j->applied.route_metric, 1);
}

static bool read_bind_device(struct journal *j, struct span rest)
{
	struct text t = text_fixed(j->applied.binding.device, sizeof j->applied.binding.device);

	text_span(&t, rest);
	return device_name_is_valid(rest);
}

static bool read_source_address(struct journal *j, struct span rest)
{
	struct ip_addr a;

	if (!ip_parse(&a, rest))
		return false;
	j->applied.binding.source[a.family == IP_V6] = a;
	return true;
}

static bool read_port(struct journal *j, struct span rest)
{
	uint32_t n = 0;
	bool ok = read_numbers(rest, &n, 1) && n <= UINT16_MAX;

	j->applied.port = (uint16_t)n;
	return ok;
}

static bool read_mark(struct journal *j, struct span rest)
{
	return read_numbers(rest, &j->applied.mark, 1);
}

static bool read_began(struct journal *j, struct span rest)
{
	uint32_t n;

	if (!read_numbers(rest, &n, 1) || n >= HOOK_PHASES)
		return false;
	j->began[n] = true;
	return true;
}

static bool read_hook_lines(struct journal *j, struct span rest)
{
	struct span phase;
	uint64_t n;
	struct text t;

	if (!span_next(&phase, &rest, ' ') || !span_to_u64(&n, phase, HOOK_PHASES - 1))
		return false;
	t = text_fixed(j->applied.lines.of_phase[n], sizeof j->applied.lines.of_phase[n]);
	text_span(&t, rest);
	return !t.failed;
}

static bool read_complete(struct journal *j, struct span rest)
{
	j->complete = true;
	if (!span_to_u64(&j->completed_ms, rest, UINT64_MAX))
		j->completed_ms = 0; /* of an earlier version */
	return true;
}

static bool read_restoring(struct journal *j, struct span rest)
{
	(void)rest;
	j->restoring = true;
	return true;
}

static bool read_restored(struct journal *j, struct span rest)
{
	(void)rest;
	j->restoring = false;
	return true;
}

static bool read_dns_failed(struct journal *j, struct span rest)
{
	(void)rest;
	j->dns_failed = true;
	return true;
}

static bool read_dns_set(struct journal *j, struct span rest)
{
	(void)rest;
	j->dns_failed = false;
	return true;
}

static bool read_ending(struct journal *j, struct span rest)
{
	(void)rest;
	j->is_ending = true;
	return true;
}

static bool read_rest(struct journal *j, struct span rest)
{
	(void)rest;
	j->is_leftover = true;
	return true;
}

static bool add_address(struct addresses *list, struct span rest)
{
	struct interface_address a;
	struct span bad;

	return address_next(&a, &rest, &bad) == 1 && addresses_add(list, &a);
}

/* Entries that are repeated; *known: this is one of them. */
static bool read_list(struct journal *j, struct span word, struct span rest, bool *known)
{
	const struct { const char *word; struct string_list *list; } lists[] = {
		{ "server", &j->applied.plan.dns.servers },
		{ "domain", &j->applied.plan.dns.domains },
		{ "pre-down", &j->applied.hooks[HOOK_PRE_DOWN] },
		{ "post-down", &j->applied.hooks[HOOK_POST_DOWN] },
		{ "peer", &j->applied.endpoints },
		{ "line", &j->applied.file_lines },
		{ "hook-change", &j->applied.changes },
		{ "routes", &j->applied.routes },
	};
	const struct { const char *word; struct addresses *list; } addresses[] = {
		{ "guard", &j->applied.plan.guarded },
		{ "address", &j->applied.addresses },
		{ "foreign", &j->applied.foreign },
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
	bool (*read)(struct journal *j, struct span rest);
} entries[] = {
	{ "link", read_link },         { "dns", read_dns },
	{ "rule", read_rule },         { "unreachable", read_unreachable },
	{ "sysctl", read_sysctl },     { "no-sysctl", read_no_sysctl },
	{ "kill-switch", read_kill_switch },
	{ "firewall", read_firewall }, { "tools", read_tools },
	{ "config", read_config },     { "index", read_index },
	{ "port", read_port },         { "table", read_table },
	{ "mark", read_mark },	       { "route-metric", read_route_metric },
	{ "netns", read_netns },
	{ "bind-device", read_bind_device }, { "source-address", read_source_address },
	{ "throw", read_throw },       { "excluded", read_excluded },
	{ "hook-lines", read_hook_lines },
	{ "began", read_began },       { "complete", read_complete },
	{ "restoring", read_restoring }, { "restored", read_restored },
	{ "dns-failed", read_dns_failed }, { "dns-set", read_dns_set },
	{ "ending", read_ending },
	{ "rest", read_rest },         { "config-changed", read_config_changed },
};

/* False: malformed, or out of memory. */
static bool parse_lines(struct journal *j, struct span text)
{
	struct span line, word;

	while (span_next(&line, &text, '\n')) {
		bool known;
		if (line.n == 0 || !span_next(&word, &line, ' '))
			continue;
		if (!line.p)
			line = SPAN("");
		if (!read_list(j, word, line, &known))
			return false;
		for (size_t i = 0; !known && i < ARRAY_LEN(entries); i++)
			if (span_is(word, entries[i].word) && !entries[i].read(j, line))
				return false;
	}
	return true;
}

int journal_parse(struct journal *j, struct span text)
{
	struct span line;

	errno = 0;
	if (!span_next(&line, &text, '\n') || !span_is(line, first_line))
		return -EINVAL;
	memcpy(j->applied.plan.name, j->name, sizeof j->name);
	if (!parse_lines(j, text))
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	prefix_set_normalize(&j->applied.excluded);
	applied_routes_sort(&j->applied.routes);
	for (size_t i = 0; i < j->applied.plan.n; i++)
		if (j->applied.plan.steps[i].kind == STEP_LINK)
			return 0;
	return j->is_leftover ? 0 : -EINVAL; /* the file was not written completely */
}
