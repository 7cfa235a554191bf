/* Prints tunnels for the apps of phones. */
#include "mobile_text.h"

#include "base/mem.h"

static void print_key(struct text *t, const char *name, const uint8_t key[KEY_BYTES])
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, key);
	text_f(t, "%s = %s\n", name, text);
	mem_wipe(text, sizeof text);
}

static const char *separator(size_t i)
{
	return i > 0 ? ", " : "";
}

static void print_addresses(struct text *t, const struct addresses *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct interface_address one = a->list[i];
		one.peer = (struct ip_addr){ 0 }; /* "A peer B" is syntax of ip(8) */
		text_add(t, i == 0 ? "Address = " : ", ");
		address_print(t, &one);
	}
	if (a->n > 0)
		text_char(t, '\n');
}

/* "~domain" is syntax of systemd-resolved. */
static bool is_routing_domain(const char *domain)
{
	return domain[0] == '~';
}

static void print_dns(struct text *t, const struct dns_config *dns)
{
	size_t n = 0;

	for (size_t i = 0; i < dns->servers.n; i++)
		text_f(t, "%s%s", n++ == 0 ? "DNS = " : ", ", dns->servers.list[i]);
	for (size_t i = 0; i < dns->domains.n; i++)
		if (!is_routing_domain(dns->domains.list[i]))
			text_f(t, "%s%s", n++ == 0 ? "DNS = " : ", ", dns->domains.list[i]);
	if (n > 0)
		text_char(t, '\n');
}

static void print_interface(struct text *t, const struct tunnel_file *f)
{
	text_add(t, "[Interface]\n");
	if (f->device.flags & WG_DEVICE_HAS_PRIVATE_KEY)
		print_key(t, "PrivateKey", f->device.private_key.b);
	print_addresses(t, &f->interface.addresses);
	print_dns(t, &f->interface.dns);
	if (f->device.listen_port != 0)
		text_f(t, "ListenPort = %u\n", f->device.listen_port);
	if (f->interface.mtu != 0)
		text_f(t, "MTU = %u\n", f->interface.mtu);
}

static void print_allowedips(struct text *t, const struct wg_peer *p)
{
	size_t n = 0;

	for (uint32_t i = 0; i < p->n_allowedips; i++) {
		if (p->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			continue;
		text_add(t, n++ == 0 ? "AllowedIPs = " : ", ");
		prefix_print(t, &p->allowedips[i].prefix);
	}
	if (n > 0)
		text_char(t, '\n');
}

static void print_peer(struct text *t, const struct wg_peer *p)
{
	text_add(t, "\n[Peer]\n");
	print_key(t, "PublicKey", p->public_key.b);
	if ((p->flags & WG_PEER_HAS_PSK) && !mem_is_zero_ct(&p->psk, sizeof p->psk))
		print_key(t, "PresharedKey", p->psk.b);
	print_allowedips(t, p);
	if (p->flags & WG_PEER_HAS_HOST) { /* apps read one endpoint */
		text_f(t, "Endpoint = %.*s\n", (int)span_find(span_of(p->host), ','), p->host);
	} else if (p->flags & WG_PEER_HAS_ENDPOINT) {
		text_add(t, "Endpoint = ");
		endpoint_print(t, &p->endpoint, NULL);
		text_char(t, '\n');
	}
	if (p->keepalive_s != 0)
		text_f(t, "PersistentKeepalive = %u\n", p->keepalive_s);
}

bool mobile_text(struct text *out, const struct tunnel_file *f)
{
	print_interface(out, f);
	for (uint32_t i = 0; i < f->device.n_peers; i++)
		print_peer(out, &f->device.peers[i]);
	return !out->failed;
}

static bool has_routes_key(const struct tunnel_file *f)
{
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].routes.given)
			return true;
	return false;
}

struct left_out {
	struct text *t;
	size_t n;
};

static void leave_out(struct left_out *l, bool has_it, const char *name)
{
	if (has_it)
		text_f(l->t, "%s%s", separator(l->n++), name);
}

static bool has_endpoint_list(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if ((d->peers[i].flags & WG_PEER_HAS_HOST) && strchr(d->peers[i].host, ','))
			return true;
	return false;
}

void mobile_text_left_out(struct text *out, const struct tunnel_file *f)
{
	const struct interface_keys *k = &f->interface;
	struct left_out l = { .t = out };

	leave_out(&l, f->device.fwmark != 0, "FwMark");
	leave_out(&l, k->table_word, "Table");
	leave_out(&l, k->route_metric, "RouteMetric");
	leave_out(&l, k->excluded.n > 0, "ExcludeIPs");
	leave_out(&l, k->kill_switch != KILL_SWITCH_OFF, "KillSwitch");
	leave_out(&l, k->netns[0], "Netns");
	leave_out(&l, k->bind.device_at.line, "BindDevice");
	leave_out(&l, k->bind.source_at.line, "SourceAddress");
	leave_out(&l, k->save_config, "SaveConfig");
	for (int i = 0; i < HOOK_PHASES; i++)
		leave_out(&l, k->hooks[i].n > 0, hook_phase_names[i]);
	leave_out(&l, has_routes_key(f), "Routes");
	leave_out(&l, f->disabled.n_peers > 0, "disabled peers");
	leave_out(&l, has_endpoint_list(&f->device), "Endpoint after its first one");
	for (size_t i = 0; i < k->dns.domains.n; i++)
		if (is_routing_domain(k->dns.domains.list[i]))
			text_f(out, "%sDNS = %s", separator(l.n++), k->dns.domains.list[i]);
}
