/* The lines of the page of `status`. */
#include "status_page.h"

#include <errno.h>
#include <stdlib.h>

#include "quick/diagnosis/checks.h"
#include "quick/diagnosis/statistics.h"
#include "quick/host/kernel_release.h"
#include "quick/host/recent_log.h"
#include "quick/plan/print.h"
#include "report/page.h"
#include "report/units.h"
#include "status_peers.h"

enum { LABEL_COLUMNS = 12, ITEMS_MAX = 8, STEPS_MAX = 3, LOG_LINES = 5 };

struct status_lines {
	struct page page;
	const struct observation *o;
};

/* Appends ", " before all items but the first, and counts. False: enough are shown. */
static bool list_item(struct text *t, size_t *n)
{
	if (++*n > ITEMS_MAX)
		return false;
	text_add(t, *n > 1 ? ", " : "");
	return true;
}

static void list_end(struct text *t, size_t n)
{
	if (n > ITEMS_MAX)
		text_f(t, " and %zu more", n - ITEMS_MAX);
}

static void line(const struct status_lines *l, const char *label, const char *text)
{
	page_label(&l->page, label);
	page_text(&l->page, STYLE_NONE, text);
	text_char(l->page.t.out, '\n');
}

/* ---- the title ---- */

static const char *state_of(const struct observation *o, enum terminal_style *style)
{
	*style = STYLE_RED;
	if (o->facts.leftover)
		return "gone";
	*style = STYLE_NONE;
	if (!o->c.state.link.index)
		return "not up";
	*style = STYLE_RED;
	if (o->facts.device_error == -ETIMEDOUT)
		return "not answering";
	if (o->facts.device_error && o->may_read)
		return "broken";
	if (o->facts.interrupted)
		return "incomplete";
	*style = STYLE_YELLOW;
	if (!o->c.state.link.up)
		return "set down";
	*style = STYLE_GREEN;
	return "up";
}

static void title(const struct status_lines *l, bool utf8)
{
	const struct facts *f = &l->o->facts;
	struct text *t = l->page.t.out;
	enum terminal_style style;
	const char *state = state_of(l->o, &style);
	bool exists = l->o->c.state.link.index != 0;

	page_text(&l->page, style, !utf8 ? "*" : exists ? "\u25cf" : "\u25cb");
	text_char(t, ' ');
	page_text(&l->page, STYLE_BOLD, f->name);
	text_add(t, " - ");
	page_text(&l->page, style, state);
	if (f->since_s && style == STYLE_GREEN) {
		text_add(t, " since ");
		units_date(t, f->since_s);
		text_add(t, ", ");
		units_ago(&l->page.t, f->since_s, f->now_s);
	}
	text_char(t, '\n');
}

/* ---- lines ---- */

static void file_line(const struct status_lines *l)
{
	const struct facts *f = &l->o->facts;
	struct text text = text_heap();

	text_add(&text, f->path ? f->path : "");
	if (f->file_seen == FILE_MISSING)
		text_add(&text, " (does not exist)");
	else if (f->file_seen == FILE_UNREADABLE)
		text_add(&text, " (not readable for this user)");
	else if (f->file_seen == FILE_INVALID)
		text_f(&text, " (%u error%s)", f->file_errors, f->file_errors == 1 ? "" : "s");
	line(l, "file", text.p ? text.p : "");
	text_heap_free(&text);
}

static void backend_line(const struct status_lines *l)
{
	const struct observation *o = l->o;
	char buffer[160], version[32];
	struct text t = text_fixed(buffer, sizeof buffer);

	if (!o->c.state.link.index || (o->facts.device_error && !o->facts.is_daemon))
		return;
	if (o->facts.is_daemon) {
		text_add(&t, o->daemon.program[0] ? o->daemon.program : "a userspace program");
		if (statistics_label(version, sizeof version, o->facts.statistics, "wireguardd_build_info", "version"))
			text_f(&t, " %s", version);
		if (o->daemon.pid > 0)
			text_f(&t, ", process %d", o->daemon.pid);
	} else {
		text_add(&t, "kernel, Linux ");
		kernel_release_print(&t);
	}
	line(l, "backend", buffer);
}

static void device_lines(const struct status_lines *l)
{
	const struct wg_device *d = &l->o->c.state.device;
	char buffer[96];
	struct text t = text_fixed(buffer, sizeof buffer);

	if (d->flags & WG_DEVICE_HAS_PUBLIC_KEY) {
		key_to_base64(buffer, d->public_key.b);
		line(l, "public key", buffer);
	}
	if (d->listen_port) {
		text_u64(&t, d->listen_port);
		if (d->fwmark)
			text_f(&t, ", firewall mark 0x%x", d->fwmark);
		if (facts_port_is_closed(&l->o->facts))
			text_add(&t, ", not open");
		line(l, "port", buffer);
	}
}

static void binding_line(const struct status_lines *l)
{
	static const char *const states[] = { [BINDING_IN_FORCE] = "in force", [BINDING_DIFFERS] = "not in force",
					      [BINDING_NOT_KNOWN] = "not known whether in force" };
	const struct wg_binding *b = l->o->facts.binding;
	char buffer[192];
	struct text t = text_fixed(buffer, sizeof buffer);

	if (!b)
		return;
	if (b->device[0])
		text_f(&t, "device %s, ", b->device);
	for (int v6 = 0; v6 < 2; v6++)
		if (b->source[v6].family != IP_NONE) {
			text_add(&t, "source ");
			ip_print(&t, &b->source[v6]);
			text_add(&t, ", ");
		}
	text_add(&t, states[l->o->facts.binding_seen]);
	line(l, "binding", buffer);
}

static void address_line(const struct status_lines *l)
{
	const struct host_state *s = &l->o->c.state;
	struct text t = text_heap();
	size_t n = 0;

	for (size_t i = 0; i < s->addresses.n; i++)
		if (list_item(&t, &n))
			address_print(&t, &s->addresses.list[i]);
	list_end(&t, n);
	text_f(&t, "%sMTU %u", n > 0 ? ", " : "", s->link.mtu);
	line(l, "addresses", t.p ? t.p : "");
	text_heap_free(&t);
}

static void add_routes(struct text *t, const struct routes *routes, size_t *n)
{
	for (size_t i = 0; i < routes->n; i++) {
		if (!list_item(t, n))
			continue;
		if (!route_is_of_link(&routes->list[i]))
			text_add(t, routes->list[i].throw ? "throw " : "unreachable ");
		prefix_print(t, &routes->list[i].prefix);
		if (routes->list[i].table != TABLE_MAIN)
			text_f(t, " in table %u", routes->list[i].table);
		if (!route_metric_is_usual(&routes->list[i]))
			text_f(t, " metric %u", routes->list[i].metric);
	}
}

static void add_unreachable(struct text *t, const struct host_state *s, size_t *n)
{
	for (int v6 = 0; v6 < 2; v6++)
		if (s->unreachable[v6] && list_item(t, n))
			text_f(t, "unreachable %s in table %u", v6 ? "::/0" : "0.0.0.0/0",
			       default_route_table(s, v6 ? IP_V6 : IP_V4, s->device.fwmark));
}

static void route_line(const struct status_lines *l)
{
	const struct host_state *s = &l->o->c.state;
	struct text t = text_heap();
	size_t n = 0;

	add_routes(&t, &s->routes, &n);
	add_routes(&t, &s->mark_routes, &n);
	add_routes(&t, &s->throws, &n);
	add_unreachable(&t, s, &n);
	list_end(&t, n);
	line(l, "routes", n > 0 ? t.p : "none");
	text_heap_free(&t);
}

/* Those that send packets to the tunnel. */
static void rule_line(const struct status_lines *l)
{
	const struct host_state *s = &l->o->c.state;
	struct text t = text_heap();
	size_t n = 0;

	for (size_t i = 0; s->device.fwmark && i < s->rules.n; i++) {
		const struct step_rule *rule = &s->rules.list[i];
		if (rule_is_tunnel(rule) && rule->mark == s->device.fwmark && list_item(&t, &n))
			text_f(&t, "%s without mark 0x%x to table %u", rule->family == IP_V4 ? "IPv4" : "IPv6", rule->mark,
			       rule->table);
	}
	list_end(&t, n);
	if (n > 0)
		line(l, "rules", t.p);
	text_heap_free(&t);
}

static void dns_line(const struct status_lines *l)
{
	static const char *const backends[] = { [DNS_NONE] = "none", [DNS_RESOLVCONF] = "resolvconf",
						[DNS_RESOLVED] = "systemd-resolved", [DNS_FILE] = "/etc/resolv.conf" };
	static const char *const states[] = { [DNS_NOT_SET] = "", [DNS_IN_FORCE] = "in force",
					      [DNS_REPLACED] = "replaced by another program",
					      [DNS_FAILED] = "not in force: they could not be set",
					      [DNS_NOT_KNOWN] = "not known whether in force" };
	const struct facts *f = &l->o->facts;
	struct text t = text_heap();
	size_t n = 0;

	if (f->dns != DNS_NOT_SET) {
		const struct plan *p = &f->applied->plan;
		for (size_t i = 0; i < p->dns.servers.n; i++)
			if (list_item(&t, &n))
				text_add(&t, p->dns.servers.list[i]);
		for (size_t i = 0; i < p->dns.domains.n; i++)
			if (list_item(&t, &n))
				text_add(&t, p->dns.domains.list[i]);
		list_end(&t, n);
		text_f(&t, ", by %s, %s", backends[p->dns_backend], states[f->dns]);
		line(l, "DNS", t.p ? t.p : "");
	}
	text_heap_free(&t);
}

static void firewall_line(const struct status_lines *l)
{
	static const char *const tools[] = { [FIREWALL_NONE] = "none", [FIREWALL_NFT] = "nftables",
					     [FIREWALL_IPTABLES] = "iptables" };
	const struct host_state *s = &l->o->c.state;
	const struct applied *a = l->o->facts.applied;
	char buffer[96];
	struct text t = text_fixed(buffer, sizeof buffer);
	size_t n = 0;

	for (size_t i = 0; a && i < a->plan.n; i++) {
		const struct step *step = &a->plan.steps[i];
		bool v6 = step->kind == STEP_FIREWALL && step->firewall.family == IP_V6;
		const char *rules = s->firewall_rules[v6];
		if (step->kind != STEP_FIREWALL)
			continue;
		text_f(&t, "%s%s %s", n++ > 0 ? ", " : "", v6 ? "IPv6" : "IPv4",
		       !rules ? "not known" : rules[0] ? "in force" : "missing");
	}
	if (n > 0) {
		text_f(&t, ", by %s", tools[a->plan.firewall]);
		line(l, "firewall", buffer);
	}
}

static void kill_switch_line(const struct status_lines *l)
{
	const char *mode = facts_kill_switch(&l->o->facts);
	bool known, complete = facts_kill_switch_is_complete(&l->o->facts, &known);
	char text[64];
	struct text t = text_fixed(text, sizeof text);

	if (!mode)
		return;
	text_f(&t, "%s, %s", mode, !known ? "not known whether in force" : complete ? "in force" : "missing");
	line(l, "kill switch", text);
}

static void add_steps(struct text *t, const struct plan *p, size_t *n)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->steps[i].hidden || ++*n > STEPS_MAX)
			continue;
		text_add(t, *n > 1 ? ", " : "");
		step_describe(t, p, &p->steps[i]);
	}
}

static void difference_line(const struct status_lines *l)
{
	const struct facts *f = &l->o->facts;
	struct text t = text_heap();
	size_t n = 0;

	if (!f->difference)
		return;
	add_steps(&t, f->old_dns, &n);
	add_steps(&t, f->difference, &n);
	if (n > STEPS_MAX)
		text_f(&t, " and %zu more", n - STEPS_MAX);
	page_label(&l->page, "differences");
	if (n == 0) {
		text_add(l->page.t.out, "none\n");
	} else {
		page_text(&l->page, STYLE_YELLOW, "`wg-quick reload' would");
		text_char(l->page.t.out, ' ');
		page_text(&l->page, STYLE_NONE, t.p ? t.p : "");
		text_char(l->page.t.out, '\n');
	}
	text_heap_free(&t);
}

static void confirm_line(const struct status_lines *l)
{
	const struct facts *f = &l->o->facts;
	char text[128];
	struct text t = text_fixed(text, sizeof text);

	if (!f->unconfirmed)
		return;
	text_f(&t, "%s is rolled back in %llu seconds unless you run `wg-quick confirm %s'", f->is_reload ? "the reload" : "the tunnel",
	       (unsigned long long)f->confirm_left_s, f->name);
	page_label(&l->page, "unconfirmed");
	page_text(&l->page, STYLE_YELLOW, text);
	text_char(l->page.t.out, '\n');
}

static void monitor_line(const struct status_lines *l)
{
	const struct observation *o = l->o;
	struct text *t = l->page.t.out;

	if (!o->has_monitor && !o->monitor.at_ms)
		return;
	page_label(&l->page, "monitor");
	text_add(t, o->has_monitor ? "running" : "not running");
	if (o->monitor.at_ms) {
		text_add(t, ", ");
		page_text(&l->page, STYLE_NONE, o->monitor.text);
		text_char(t, ' ');
		units_ago(&l->page.t, o->monitor.at_ms / 1000, o->facts.boot_s);
	}
	text_char(t, '\n');
}

/* ---- attention and log ---- */

static bool is_worth_it(const struct finding *f, const struct facts *facts)
{
		if (f->level == FINDING_OK || strcmp(f->check, "file") == 0) /* its line has its errors */
		return false;
	if (strcmp(f->check, "DNS") == 0 && facts->difference && facts->applied->plan.dns_backend == DNS_FILE)
		return false; /* it is one of the differences */
	return facts->state->link.index || facts->leftover; /* a tunnel that is not up needs nobody's attention */
}

static void attention_lines(const struct status_lines *l, const struct findings *findings)
{
	const char *label = "attention";

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->list[i];
		if (!is_worth_it(f, &l->o->facts))
			continue;
		page_label(&l->page, label);
		label = "";
		page_text(&l->page, f->level == FINDING_FAIL ? STYLE_RED : STYLE_YELLOW, f->seen);
		if (f->fix) {
			text_add(l->page.t.out, ": ");
			page_text(&l->page, STYLE_NONE, f->fix);
		}
		text_char(l->page.t.out, '\n');
	}
	for (size_t i = 0; i < l->o->warnings.n; i++) {
		line(l, label, l->o->warnings.list[i]);
		label = "";
	}
}

static void log_lines(const struct status_lines *l, const struct settings *set)
{
	struct string_list lines = { 0 };

	recent_log(&lines, l->o->facts.name, l->o->daemon.pid, LOG_LINES, set);
	for (size_t i = 0; i < lines.n; i++)
		line(l, i == 0 ? "log" : "", lines.list[i]);
	string_list_free(&lines);
}

bool status_page(struct text *out, const struct observation *o, const struct status_rates *rates, struct findings *findings,
		 const struct settings *set, const struct console *console)
{
	struct status_lines l = { .page = { .t = { out, terminal_has_colour_by_setting(1, set->colour) }, .label_columns = LABEL_COLUMNS }, .o = o };
	bool up = o->c.state.link.index != 0, ok = checks_of_state(findings, &o->facts);

	title(&l, console->utf8);
	file_line(&l);
	if (up) {
		backend_line(&l);
		device_lines(&l);
		binding_line(&l);
		address_line(&l);
		route_line(&l);
		rule_line(&l);
		dns_line(&l);
		firewall_line(&l);
		kill_switch_line(&l);
		difference_line(&l);
		monitor_line(&l);
		ok &= status_peers(&l.page, o, rates);
	}
	confirm_line(&l);
	attention_lines(&l, findings);
	log_lines(&l, set);
	return ok;
}
