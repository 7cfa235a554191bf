/* The parser's values with their positions. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/vector.h"
#include "crypto/crypto.h"
#include "finding.h"
#include "model/fields.h"

struct reader {
	struct check *c;
	struct check_file *f;
	struct diag diag;
};

static struct check_at at_of(const struct conf_value *v)
{
	return (struct check_at){ v->line, v->column, (uint32_t)v->text.n };
}

static struct check_at part_of(const struct conf_extra *x, struct span part)
{
	return (struct check_at){ x->line, (uint32_t)(part.p - x->line_text.p) + 1, part.n > 0 ? (uint32_t)part.n : 1 };
}

/* ---- settings of wg(8) ---- */

enum { ADDRESSES_MAX = 256, HOOKS_MAX = 256 }; /* more are not looked at: a bound on comparisons */

static uint16_t port_of(const char *host)
{
	uint64_t port = 0;
	struct span text = span_of(host);
	size_t colon = span_find_last(text, ':');

	return span_to_u64(&port, span_sub(text, colon + 1, text.n), 65535) ? (uint16_t)port : 0;
}

static void read_endpoint(struct check_peer *p, const struct wg_peer *from, const struct conf_value *v)
{
	if (p->endpoint_at.line == v->line)
		return; /* the second or a later one of a list */
	p->list = (struct span){ NULL, 0 };
	p->endpoint_at = at_of(v);
	p->endpoint_text = v->text;
	p->endpoint = (struct ip_endpoint){ 0 };
	if (from->flags & WG_PEER_HAS_ENDPOINT)
		p->endpoint = from->endpoint;
	p->port = from->flags & WG_PEER_HAS_ENDPOINT ? from->endpoint.port : from->host ? port_of(from->host) : 0;
}

static void read_endpoint_list(void *ctx, struct span rest)
{
	const struct reader *r = ctx;
	struct check_peer *p = r->f->n_peers > 0 ? &r->f->peers[r->f->n_peers - 1] : NULL;

	if (!p || !p->endpoint_at.line)
		return;
	p->list = rest;
	p->list_at = p->endpoint_at;
	p->list_at.column += (uint32_t)(rest.p - p->endpoint_text.p);
	p->list_at.width = (uint32_t)rest.n;
}

static void read_allowed_ip(struct reader *r, const struct wg_peer *from, const struct conf_value *v)
{
	struct check_file *f = r->f;
	const struct wg_allowedip *a = &from->allowedips[from->n_allowedips - 1];

	if (a->flags & WG_ALLOWEDIP_REMOVE)
		return;
	if (!vector_reserve(&f->ips, &f->cap_ips, f->n_ips + 1, sizeof *f->ips) ||
	    !vector_reserve(&f->ips_at, &f->cap_ips_at, f->n_ips + 1, sizeof *f->ips_at)) {
		r->c->no_memory = true;
		return;
	}
	f->ips_at[f->n_ips] = at_of(v);
	f->ips[f->n_ips] = (struct prefix_of){ a->prefix, (uint32_t)f->n_peers - 1, (uint32_t)f->n_ips };
	f->n_ips++;
	f->peers[f->n_peers - 1].n_ips++;
}

static void read_of_peer(struct reader *r, enum field_id setting, const struct conf_value *v)
{
	struct check_peer *p = r->f->n_peers > 0 ? &r->f->peers[r->f->n_peers - 1] : NULL;
	const struct wg_peer *from = v->device->n_peers > 0 ? &v->device->peers[v->device->n_peers - 1] : NULL;

	if (!p || !from)
		return;
	if (setting == FIELD_PUBLIC_KEY) {
		p->key = at_of(v);
		p->public_key = from->public_key;
		p->has_key = true;
	} else if (setting == FIELD_PSK) {
		p->psk_at = at_of(v);
		hash2(&p->psk_hash, from->psk.b, sizeof from->psk.b, NULL, 0);
		p->has_psk = !mem_is_zero_ct(from->psk.b, sizeof from->psk.b);
	} else if (setting == FIELD_ENDPOINT) {
		read_endpoint(p, from, v);
	} else if (setting == FIELD_KEEPALIVE) {
		p->keepalive_at = at_of(v);
		p->keepalive_s = from->keepalive_s;
	} else if (setting == FIELD_ALLOWEDIP) {
		read_allowed_ip(r, from, v);
	}
}

static void read_value(void *ctx, const struct conf_value *v)
{
	struct reader *r = ctx;
	struct check_file *f = r->f;
	enum field_id setting = (enum field_id)v->setting;

	if (setting >= FIELD_OF_PEER) {
		read_of_peer(r, setting, v);
	} else if (setting == FIELD_PRIVATE_KEY) {
		f->private_at = at_of(v);
		f->private_key = v->device->private_key;
		f->has_private = !mem_is_zero_ct(f->private_key.b, sizeof f->private_key.b);
	} else if (setting == FIELD_LISTEN_PORT) {
		f->listen_at = at_of(v);
		f->listen_port = v->device->listen_port;
	}
}

static void read_section(void *ctx, const struct diag_at *at, bool is_peer)
{
	struct reader *r = ctx;
	struct check_file *f = r->f;
	struct check_at here = { at->line, at->column, at->width };

	f->section = is_peer ? 2 : 1;
	if (f->n_peers > 0 && f->peers[f->n_peers - 1].end == 0)
		f->peers[f->n_peers - 1].end = at->line;
	if (!is_peer) {
		f->interface = f->interface.line ? f->interface : here;
		return;
	}
	if (!vector_reserve(&f->peers, &f->cap_peers, f->n_peers + 1, sizeof *f->peers)) {
		r->c->no_memory = true;
		return;
	}
	f->peers[f->n_peers++] = (struct check_peer){ .section = here, .is_sound = true, .first_ip = f->n_ips };
}

/* ---- keys of wg-quick(8) ---- */

static void read_addresses(struct reader *r, const struct conf_extra *x)
{
	struct check_file *f = r->f;
	struct span rest = x->value, part;
	struct check_address a = { .bits = 0 };
	struct ip_prefix p;

	while (span_next(&part, &rest, ',')) {
		struct span word = span_trim(part);
		struct span address = span_sub(word, 0, span_find(word, '/'));
		if (f->n_addresses == ADDRESSES_MAX || !ip_parse(&a.addr, address) || !prefix_parse(&p, word, NULL))
			continue; /* an unusual form, such as "ADDRESS peer ADDRESS", or an error */
		a.bits = p.bits;
		a.at = part_of(x, word);
		if (vector_reserve(&f->addresses, &f->cap_addresses, f->n_addresses + 1, sizeof *f->addresses))
			f->addresses[f->n_addresses++] = a;
		else
			r->c->no_memory = true;
	}
}

/* The next word of a list; empty at its end. */
static struct span next_word(struct span *rest)
{
	struct span word;

	while (rest->n > 0 && (rest->p[0] == ',' || ascii_is_blank(rest->p[0])))
		*rest = span_sub(*rest, 1, rest->n);
	word = *rest;
	for (word.n = 0; word.n < rest->n && rest->p[word.n] != ',' && !ascii_is_blank(rest->p[word.n]);)
		word.n++;
	*rest = span_sub(*rest, word.n, rest->n);
	return word;
}

static void read_servers(struct reader *r, const struct conf_extra *x)
{
	struct check_file *f = r->f;
	struct span rest = x->value, word;

	while ((word = next_word(&rest)).n > 0) {
		struct check_server s;
		if (f->n_servers == ADDRESSES_MAX || !ip_parse(&s.addr, word))
			continue;
		s.at = part_of(x, word);
		if (vector_reserve(&f->servers, &f->cap_servers, f->n_servers + 1, sizeof *f->servers))
			f->servers[f->n_servers++] = s;
		else
			r->c->no_memory = true;
	}
}

static void read_exclusions(struct reader *r, const struct conf_extra *x)
{
	struct check_file *f = r->f;
	struct span rest = x->value, word;

	while ((word = next_word(&rest)).n > 0) {
		struct check_exclusion e = { .at = part_of(x, word) };
		if (!prefix_parse(&e.prefix, word, NULL))
			continue;
		if (!vector_reserve(&f->exclusions, &f->cap_exclusions, f->n_exclusions + 1, sizeof *f->exclusions) ||
		    !prefix_set_append(&f->excluded, &e.prefix)) {
			r->c->no_memory = true;
			return;
		}
		f->exclusions[f->n_exclusions++] = e;
	}
}

static void read_hook(struct reader *r, const struct conf_extra *x)
{
	static const char *const names[] = { "PreUp", "PostUp", "PreDown", "PostDown" };
	struct check_file *f = r->f;
	struct check_hook h = { .text = x->value, .at = part_of(x, x->value.n > 0 ? x->value : x->key) };

	if (f->n_hooks == HOOKS_MAX)
		return;
	while (h.phase < CHECK_POST_DOWN && !span_is_nocase(x->key, names[h.phase]))
		h.phase++;
	if (vector_reserve(&f->hooks, &f->cap_hooks, f->n_hooks + 1, sizeof *f->hooks))
		f->hooks[f->n_hooks++] = h;
	else
		r->c->no_memory = true;
}

static void read_sources(struct reader *r, const struct conf_extra *x)
{
	struct check_file *f = r->f;
	struct span rest = x->value, word;
	struct ip_addr a;

	f->source_at = part_of(x, x->value);
	f->binding = (struct wg_binding){ .device = "" };
	while ((word = next_word(&rest)).n > 0)
		if (ip_parse(&a, word))
			f->binding.source[a.family == IP_V6] = a;
}

static void read_quick_key(struct reader *r, const struct conf_extra *x)
{
	struct check_file *f = r->f;
	uint64_t n = 0;

	if (conf_is_hook_key(x->key)) {
		read_hook(r, x);
	} else if (span_is_nocase(x->key, "Address")) {
		read_addresses(r, x);
	} else if (span_is_nocase(x->key, "DNS")) {
		read_servers(r, x);
	} else if (span_is_nocase(x->key, "MTU")) {
		f->mtu = span_to_u64(&n, x->value, 65535) ? (unsigned int)n : 0;
		f->mtu_at = part_of(x, x->value);
	} else if (span_is_nocase(x->key, "Table")) {
		f->table_at = part_of(x, x->value);
		f->table_off = span_is_nocase(x->value, "off");
		f->table_given = !f->table_off && x->value.n > 0 && !span_is_nocase(x->value, "auto");
		f->table_other = f->table_given && !span_is_nocase(x->value, "main");
	} else if (span_is_nocase(x->key, "ExcludeIPs")) {
		read_exclusions(r, x);
	} else if (span_is_nocase(x->key, "Netns")) {
		f->netns_at = part_of(x, x->value);
	} else if (span_is_nocase(x->key, "KillSwitch")) {
		f->kill_switch_at = span_is_nocase(x->value, "off") ? (struct check_at){ 0 } : part_of(x, x->value);
		f->kill_switch_lan = span_is_nocase(x->value, "lan");
	} else if (span_is_nocase(x->key, "BindDevice")) {
		f->bind_at = part_of(x, x->value);
	} else if (span_is_nocase(x->key, "SourceAddress")) {
		read_sources(r, x);
	} else if (span_is_nocase(x->key, "RouteMetric")) {
		f->metric_at = part_of(x, x->value);
	} else if (span_is_nocase(x->key, "PrivateKeyFile") || span_is_spaced(x->key, "PrivateKey")) {
		f->private_file_at = part_of(x, x->value);
	} else if (span_is_nocase(x->key, "SaveConfig")) {
		f->save_config = span_is_nocase(x->value, "true");
		f->save_at = part_of(x, x->value);
	}
}

/* "off" ends what lines before it said. */
static void read_routes(struct reader *r, const struct conf_extra *x)
{
	struct check_file *f = r->f;
	struct check_peer *p = &f->peers[f->n_peers - 1];
	struct span rest = x->value, word;

	p->has_routes = true;
	while (span_is_nocase(x->value, "off") && f->n_routes > 0 && f->routes[f->n_routes - 1].section == p->section.line)
		f->n_routes--;
	while ((word = next_word(&rest)).n > 0) {
		struct check_route route = { .at = part_of(x, word), .section = p->section.line };
		if (!prefix_parse(&route.prefix, word, NULL))
			continue;
		if (vector_reserve(&f->routes, &f->cap_routes, f->n_routes + 1, sizeof *f->routes))
			f->routes[f->n_routes++] = route;
		else
			r->c->no_memory = true;
	}
}

static void read_peer_key(struct reader *r, const struct conf_extra *x)
{
	if (span_is_nocase(x->key, "Disabled"))
		r->f->peers[r->f->n_peers - 1].disabled = span_is_nocase(x->value, "yes") || span_is_nocase(x->value, "true");
	else if (span_is_nocase(x->key, "Routes"))
		read_routes(r, x);
}

static bool read_extra(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	struct reader *r = ctx;
	const struct check_input *in = &r->f->in;
	unsigned int errors = d->errors;

	if (!in->extra(in->ctx, x, peer, d))
		return false;
	if (peer < 0 && d->errors == errors)
		read_quick_key(r, x);
	else if (d->errors == errors && r->f->n_peers > 0)
		read_peer_key(r, x);
	return true;
}

/* ---- messages of the parser ---- */

static void read_message(void *ctx, const struct diag_message *m)
{
	struct reader *r = ctx;
	const struct finding *self = finding_by_id(m->id ? m->id : "bad-value");
	struct check_at at = { m->at.line ? m->at.line : 1, m->at.column ? m->at.column : 1, m->at.width };

	if (m->level == DIAG_ERROR) {
		r->f->has_errors = true;
		if (r->f->section == 2 && r->f->n_peers > 0)
			r->f->peers[r->f->n_peers - 1].is_sound = false;
	}
	found(r->c, self, r->f, &at, "%s", m->text);
	found_level(r->c, m->level);
	if (m->help)
		found_help(r->c, "%s", m->help);
}

static bool split_lines(struct check_file *f)
{
	struct span rest = f->in.text, line;

	while (span_next(&line, &rest, '\n')) {
		struct span comment = span_trim(line);
		if (!vector_reserve(&f->lines, &f->cap_lines, f->n_lines + 2, sizeof *f->lines))
			return false;
		f->lines[f->n_lines++] = line.p;
		if (!f->comments && comment.n > 1 && comment.p[0] == '#')
			f->comments = (uint32_t)f->n_lines;
	}
	return vector_reserve(&f->lines, &f->cap_lines, f->n_lines + 1, sizeof *f->lines);
}

static bool is_default(const struct ip_prefix *p, const struct prefix_table *t)
{
	struct prefix_of upper = { .prefix = *p };

	if (p->bits == 0)
		return true;
	upper.prefix.addr.b[0] = 0x80;
	return p->bits == 1 && p->addr.b[0] == 0 && t->has[p->addr.family == IP_V6][1] &&
	       prefix_table_find(t, &upper.prefix.addr, 1) &&
	       prefix_table_find(t, &upper.prefix.addr, 1)->prefix.bits == 1;
}

static void take_names(struct check *c, struct check_file *f, const struct wg_device *d)
{
	for (uint32_t i = 0; d->n_peers == f->n_peers && i < d->n_peers; i++) {
		if (!d->peers[i].name)
			continue;
		f->peers[i].name = span_dup(span_of(d->peers[i].name));
		c->no_memory |= !f->peers[i].name;
	}
}

/* Of a disabled peer, only the syntax is checked. */
static void drop_disabled(struct check_file *f)
{
	size_t n = 0, n_ips = 0;

	for (size_t i = 0; i < f->n_peers; i++) {
		struct check_peer *p = &f->peers[i];
		if (p->disabled) {
			free(p->name);
			continue;
		}
		for (size_t k = p->first_ip; k < p->first_ip + p->n_ips; k++) {
			f->ips_at[n_ips + k - p->first_ip] = f->ips_at[k];
			f->ips[n_ips + k - p->first_ip] = (struct prefix_of){ f->ips[k].prefix, (uint32_t)n,
									      (uint32_t)(n_ips + k - p->first_ip) };
		}
		p->first_ip = n_ips;
		n_ips += p->n_ips;
		f->peers[n++] = *p;
	}
	f->n_peers = n;
	f->n_ips = n_ips;
}

static void add_routed(struct check_file *f, size_t peer, const struct ip_prefix *p, const struct check_at *at)
{
	f->routed[f->n_routed] = (struct prefix_of){ *p, (uint32_t)peer, (uint32_t)f->n_routed };
	f->routed_at[f->n_routed++] = *at;
}

static bool has_routes_key(const struct check_file *f)
{
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].has_routes)
			return true;
	return false;
}

/* Peers and routes are both in the order of the file; those of disabled peers are skipped. */
static bool collect_routed(struct check_file *f)
{
	size_t next = 0;

	f->routed = calloc(f->n_ips + f->n_routes + 1, sizeof *f->routed);
	f->routed_at = calloc(f->n_ips + f->n_routes + 1, sizeof *f->routed_at);
	for (size_t i = 0; f->routed && f->routed_at && i < f->n_peers; i++) {
		const struct check_peer *p = &f->peers[i];
		while (next < f->n_routes && f->routes[next].section < p->section.line)
			next++;
		for (; next < f->n_routes && f->routes[next].section == p->section.line; next++)
			add_routed(f, i, &f->routes[next].prefix, &f->routes[next].at);
		for (size_t k = p->first_ip; !p->has_routes && k < p->first_ip + p->n_ips; k++)
			add_routed(f, i, &f->ips[k].prefix, &f->ips_at[k]);
	}
	return f->routed && f->routed_at && prefix_table_build(&f->routed_table, f->routed, f->n_routed);
}

static bool find_routed(struct check_file *f)
{
	if (has_routes_key(f))
		return collect_routed(f);
	f->routed = f->ips;
	f->routed_at = f->ips_at;
	f->n_routed = f->n_ips;
	f->routed_table = f->table;
	return true;
}

static void free_routed(struct check_file *f)
{
	if (f->routed == f->ips)
		return;
	free(f->routed);
	free(f->routed_at);
	prefix_table_free(&f->routed_table);
}

void check_read(struct check *c, struct check_file *f)
{
	struct reader r = { .c = c, .f = f };
	struct diag d = { .emit = read_message, .ctx = &r };
	struct conf_options o = { .file = f->in.path, .origins = f->in.origins, .extra = f->in.extra ? read_extra : NULL, .ctx = &r,
				  .scopes = f->in.scopes, .service = f->in.service, .value = read_value,
				  .endpoint_list = f->in.is_quick ? read_endpoint_list : NULL,
				  .section = read_section, .max_errors = UINT_MAX };
	struct wg_device device;

	if (!split_lines(f) || conf_read(&device, f->in.text, &o, &d) == -ENOMEM) {
		c->no_memory = true;
		return;
	}
	take_names(c, f, &device);
	drop_disabled(f);
	prefix_set_normalize(&f->excluded);
	device_free(&device);
	if (f->has_private) {
		x25519_public(&f->public_key, &f->private_key);
		hash2(&f->private_hash, f->private_key.b, sizeof f->private_key.b, NULL, 0);
	}
	if (!prefix_table_build(&f->table, f->ips, f->n_ips) || !find_routed(f))
		c->no_memory = true;
	for (size_t i = 0; i < f->routed_table.n; i++) {
		const struct ip_prefix *p = &f->routed_table.list[i].prefix;
		if (p->bits <= 1)
			*(p->addr.family == IP_V4 ? &f->routes_v4 : &f->routes_v6) |= is_default(p, &f->routed_table);
	}
}

void check_file_free(struct check_file *f)
{
	mem_wipe(&f->private_key, sizeof f->private_key);
	free_routed(f);
	free(f->routes);
	prefix_table_free(&f->table);
	free(f->lines);
	for (size_t i = 0; i < f->n_peers; i++)
		free(f->peers[i].name);
	free(f->peers);
	free(f->ips);
	free(f->ips_at);
	free(f->addresses);
	free(f->servers);
	free(f->exclusions);
	prefix_set_free(&f->excluded);
	free(f->hooks);
	free(f);
}
