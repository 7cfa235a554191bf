/* Steps as the equivalent shell commands. */
#include "print.h"

#include "dns_text.h"
#include "firewall_text.h"
#include "kill_switch.h"
#include "shell_quote.h"

static const char *family_flag(uint8_t family)
{
	return family == IP_V4 ? "-4" : "-6";
}

bool implementation_unit(struct text *t, const char *program, const char *name)
{
	static const char suffix[] = "@.service";
	size_t n = strlen(program);

	if (n < sizeof suffix || strcmp(program + n - (sizeof suffix - 1), suffix) != 0 || strchr(program, '/'))
		return false;
	text_f(t, "%.*s@%s.service", (int)(n - (sizeof suffix - 1)), program, name);
	return true;
}

void implementation_print(struct text *t, const char *program, const char *name)
{
	char unit[256];
	struct text u = text_fixed(unit, sizeof unit);

	if (implementation_unit(&u, program, name))
		text_f(t, "systemctl start %s", unit);
	else
		text_f(t, "%s %s", program, name);
}

/* ip(8), in the network namespace of the interface. */
static void print_ip(struct text *t, const struct plan *p)
{
	text_add(t, "[#] ip ");
	if (p->netns[0])
		text_f(t, "-n %s ", p->netns);
}

static void print_wg_command(struct text *t, const struct plan *p)
{
	text_add(t, "[#] ");
	if (p->netns[0])
		text_f(t, "ip netns exec %s ", p->netns);
	text_add(t, "wg ");
}

void netns_print_move(struct text *t, const struct plan *p)
{
	text_f(t, "[#] ip link set dev %s netns %s\n", p->name, p->netns);
}

void netns_print_add(struct text *t, const struct plan *p)
{
	text_f(t, "[#] ip netns add %s\n[#] ip -n %s link set dev lo up\n", p->netns, p->netns);
}

static void print_link(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	if (s->remove) {
		print_ip(t, p);
		text_f(t, "link delete dev %s\n", p->name);
		return;
	}
	text_f(t, "[#] ip link add dev %s type wireguard", p->name);
	if (runnable && p->implementation) {
		text_add(t, " || ");
		implementation_print(t, p->implementation, p->name);
	}
	text_char(t, '\n');
	if (p->netns[0])
		netns_print_move(t, p);
}

static void print_route(struct text *t, const struct plan *p, const struct step_route *r,
			bool remove)
{
	print_ip(t, p);
	text_f(t, "%s route %s ", family_flag(r->prefix.addr.family),
	       remove ? "delete" : "add");
	if (!route_is_of_link(r))
		text_add(t, r->throw ? "throw " : "unreachable ");
	prefix_print(t, &r->prefix);
	if (route_is_of_link(r))
		text_f(t, " dev %s", p->name);
	if (route_metric(r))
		text_f(t, " metric %u", route_metric(r));
	if (p->table_word && r->table == p->table)
		text_f(t, " table %s", p->table_word);
	else if (r->table != TABLE_MAIN)
		text_f(t, " table %u", r->table);
	if (!route_is_of_link(r) && !remove)
		text_add(t, " proto kernel");
	text_char(t, '\n');
}

static void print_table(struct text *t, uint32_t table)
{
	if (table == TABLE_MAIN)
		text_add(t, "table main");
	else if (table == TABLE_LOCAL)
		text_add(t, "table local");
	else
		text_f(t, "table %u", table);
}

static void print_rule_selector(struct text *t, const struct step_rule *r, bool remove)
{
	if (remove ? r->ambiguous : r->numbered)
		text_f(t, "pref %u ", r->pref);
	if (r->invert && !remove)
		text_add(t, "not ");
	if (r->mark && (!remove || !r->invert))
		text_f(t, "fwmark %u ", r->mark);
	print_table(t, r->table);
	if (r->suppress)
		text_add(t, " suppress_prefixlength 0");
}

static void print_rule(struct text *t, const struct step_rule *r, bool remove)
{
	text_f(t, "[#] ip %s rule %s ", family_flag(r->family), remove ? "delete" : "add");
	print_rule_selector(t, r, remove);
	text_char(t, '\n');
}

/* Secret keys are not printed. */
static void print_peer_change(struct text *t, const struct plan *p, const struct wg_peer *peer)
{
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, peer->public_key.b);
	print_wg_command(t, p);
	text_f(t, "set %s peer %s", p->name, key);
	if (peer->flags & WG_PEER_REMOVE) {
		text_add(t, " remove\n");
		return;
	}
	if (peer->flags & WG_PEER_HAS_PSK)
		text_add(t, " preshared-key /dev/fd/63");
	if (peer->flags & WG_PEER_HAS_ENDPOINT) {
		text_add(t, " endpoint ");
		endpoint_print(t, &peer->endpoint, NULL);
	}
	if (peer->flags & WG_PEER_HAS_KEEPALIVE)
		text_f(t, " persistent-keepalive %u", (unsigned int)peer->keepalive_s);
	if (peer->n_allowedips || (peer->flags & WG_PEER_REPLACE_ALLOWEDIPS))
		text_add(t, peer->n_allowedips ? " allowed-ips " : " allowed-ips ''");
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		if (i > 0)
			text_char(t, ',');
		if (peer->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			text_char(t, '-');
		else if (!(peer->flags & WG_PEER_REPLACE_ALLOWEDIPS))
			text_char(t, '+');
		prefix_print(t, &peer->allowedips[i].prefix);
	}
	text_char(t, '\n');
}

static void print_strip(struct text *t, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=@%:,-";

	text_add(t, " 63< <(wg-quick strip ");
	if (path[strspn(path, plain)] == '\0')
		text_add(t, path);
	else
		shell_quote(t, span_of(path));
	text_char(t, ')');
}

static void print_wg(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	const struct wg_device *d = s->wg.patch;

	if (s->wg.command == WG_ADDCONF) {
		print_wg_command(t, p);
		text_f(t, "addconf %s /dev/fd/63", p->name);
		if (runnable && p->config)
			print_strip(t, p->config);
		text_char(t, '\n');
		return;
	}
	if (d->flags &
	    (WG_DEVICE_HAS_PRIVATE_KEY | WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK)) {
		print_wg_command(t, p);
		text_f(t, "set %s", p->name);
		if (d->flags & WG_DEVICE_HAS_PRIVATE_KEY)
			text_add(t, " private-key /dev/fd/63");
		if (d->flags & WG_DEVICE_HAS_LISTEN_PORT)
			text_f(t, " listen-port %u", (unsigned int)d->listen_port);
		if (d->flags & WG_DEVICE_HAS_FWMARK)
			text_f(t, " fwmark %u", d->fwmark);
		text_char(t, '\n');
	}
	for (uint32_t i = 0; i < d->n_peers; i++)
		print_peer_change(t, p, &d->peers[i]);
}

/* printf(1) repeats its format for each word; socat(1) waits for the reply. */
static void print_binding(struct text *t, const struct plan *p, const struct step *s)
{
	char lines[256];
	struct text request = text_fixed(lines, sizeof lines);
	struct span rest, line;

	binding_print_set(&request, &s->bind.to);
	rest = text_of(&request);
	text_add(t, "[#] printf '%s\\n'");
	while (rest.n > 0 && span_next(&line, &rest, '\n')) {
		text_char(t, ' ');
		if (line.n == 0)
			text_add(t, "''");
		text_span(t, line);
	}
	text_f(t, " | socat - UNIX-CONNECT:" RUNSTATEDIR "/wireguard/%s.sock\n", p->name);
}

static void print_link_up(struct text *t, const struct plan *p, const struct step *s)
{
	print_ip(t, p);
	text_f(t, "link set mtu %u", s->link_up.mtu);
	if (!s->link_up.was_up)
		text_add(t, s->remove ? " down" : " up");
	text_f(t, " dev %s\n", p->name);
}

/* `%n` is replaced only where the tunnel has a namespace: elsewhere it means what it meant to the shell. */
void hook_expand(struct text *t, const char *text, const char *name, const char *netns)
{
	for (const char *p = text; *p; p++) {
		if (p[0] == '%' && (p[1] == 'i' || (p[1] == 'n' && netns[0]))) {
			text_add(t, p[1] == 'i' ? name : netns);
			p++;
		} else {
			text_char(t, *p);
		}
	}
}

void step_print(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	if (s->hidden)
		return;
	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
		print_link(t, p, s, runnable);
		return;
	case STEP_HOOK:
		text_add(t, "[#] ");
		hook_expand(t, s->hook.text, p->name, p->netns);
		text_char(t, '\n');
		return;
	case STEP_WG:
		print_wg(t, p, s, runnable);
		return;
	case STEP_ADDRESS:
		print_ip(t, p);
		text_f(t, "%s address %s ", family_flag(s->address.local.family),
		       s->remove ? "delete" : "add");
		address_print(t, &s->address);
		text_f(t, " dev %s\n", p->name);
		return;
	case STEP_LINK_UP:
		print_link_up(t, p, s);
		return;
	case STEP_ROUTE:
		print_route(t, p, &s->route, s->remove);
		return;
	case STEP_RULE:
		print_rule(t, &s->rule, s->remove);
		return;
	case STEP_SYSCTL:
		text_f(t, "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=%d\n",
		       s->remove ? s->sysctl.before : s->sysctl.value);
		return;
	case STEP_FIREWALL:
		firewall_print(t, p, s, runnable);
		return;
	case STEP_DNS:
		dns_print(t, p, s, runnable);
		return;
	case STEP_KILL_SWITCH:
		kill_switch_print(t, p, s, runnable);
		return;
	case STEP_BIND:
		print_binding(t, p, s);
		return;
	case STEP_NETNS:
		if (s->remove)
			text_f(t, "[#] ip netns delete %s\n", p->netns);
		else
			netns_print_add(t, p);
		return;
	}
	unreachable();
}

void plan_print(struct text *t, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		step_print(t, p, &p->steps[i], true);
}

/* ---- for messages ---- */

static void describe_route(struct text *t, const struct step_route *r)
{
	text_f(t, "%sroute ", r->unreachable ? "unreachable " : r->throw ? "throw " : "");
	prefix_print(t, &r->prefix);
	if (r->table != TABLE_MAIN)
		text_f(t, " in table %u", r->table);
}

static void describe_link_up(struct text *t, const struct step *s)
{
	text_f(t, "set the MTU to %u", s->link_up.mtu);
	if (!s->link_up.was_up)
		text_f(t, " and bring the interface %s", s->remove ? "down" : "up");
}

void step_describe(struct text *t, const struct plan *p, const struct step *s)
{
	const char *verb = s->remove ? "delete" : "add";

	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
		text_f(t, "%s interface %s", verb, p->name);
		return;
	case STEP_HOOK:
		text_add(t, "run a hook");
		return;
	case STEP_WG:
		text_f(t, "configure %s", p->name);
		return;
	case STEP_ADDRESS:
		text_f(t, "%s address ", verb);
		address_print(t, &s->address);
		return;
	case STEP_LINK_UP:
		describe_link_up(t, s);
		return;
	case STEP_ROUTE:
		text_f(t, "%s ", verb);
		describe_route(t, &s->route);
		return;
	case STEP_RULE:
		text_f(t, "%s %s rule ", verb, s->rule.family == IP_V4 ? "IPv4" : "IPv6");
		print_rule_selector(t, &s->rule, s->remove);
		return;
	case STEP_SYSCTL:
		text_add(t, "set src_valid_mark");
		return;
	case STEP_FIREWALL:
		text_f(t, "%s firewall rules", verb);
		return;
	case STEP_DNS:
		text_add(t, "set name servers");
		return;
	case STEP_KILL_SWITCH:
		text_f(t, "turn the kill switch %s", s->remove ? "off" : s->kill_switch.mode == KILL_SWITCH_LAN ? "on, except for the local network" : "on");
		return;
	case STEP_BIND:
		text_add(t, "bind the UDP sockets");
		return;
	case STEP_NETNS:
		text_f(t, "%s network namespace %s", verb, p->netns);
		return;
	}
	unreachable();
}
