/* Parses the keys of [Interface] that only wg-quick(8) knows. */
#include "interface_keys.h"

#include <stdlib.h>

#include "bad_value.h"
#include "list.h"
#include "number.h"

const char *const hook_phase_names[HOOK_PHASES] = { "PreUp", "PostUp", "PreDown", "PostDown" };

void interface_keys_free(struct interface_keys *k)
{
	addresses_free(&k->addresses);
	dns_config_free(&k->dns);
	free(k->table_word);
	prefix_set_free(&k->excluded);
	key_source_free(&k->private_key);
	for (int i = 0; i < HOOK_PHASES; i++) {
		string_list_free(&k->hooks[i]);
		free(k->positions[i].lines);
	}
	*k = (struct interface_keys){ 0 };
}

/* id: of the finding. */
static struct diag_at value_at(const struct interface_keys_reader *r, const struct conf_extra *x, const char *id)
{
	return (struct diag_at){ .file = r->file, .line = x->line, .column = x->column, .id = id };
}

/* The finding for an invalid value. */
static const char *finding_of(struct span key)
{
	return span_is_nocase(key, "MTU") ? "mtu-range" : span_is_nocase(key, "Address") ? "bad-address" : "bad-value";
}

static void report_value(const struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d,
			 struct span bad, const char *expected)
{
	bad_value_report(d, r->file, x, finding_of(x->key), bad, expected);
}

/* ---- one function per key: reports a wrong value, which makes the reader refuse the file ---- */

static void warn_ambiguous(const struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d,
			   struct span from, const struct interface_address *a)
{
	struct diag_at at = value_at(r, x, "ambiguous-address");
	char text[2 * IP_PREFIX_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);

	address_print(&t, a);
	diag_f(d, DIAG_WARNING, &at, "a number with a leading zero is octal, as in ip(8); omitted octets are zero",
	       "address `%.*s' is read as %s", (int)from.n, from.p, text);
}

static void read_address(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct addresses *addresses = &r->keys->addresses;
	struct span rest = x->value, bad = x->value;
	struct interface_address a;
	int got;

	while ((got = address_next(&a, &rest, &bad)) > 0) {
		if (a.ambiguous)
			warn_ambiguous(r, x, d, bad, &a);
		if (addresses_have(addresses, &a) || addresses_find_conflict(addresses, &a)) {
			struct diag_at at = value_at(r, x, "duplicate-address");
			diag_f(d, DIAG_WARNING, &at, NULL, "duplicate address `%.*s'", (int)bad.n, bad.p);
		} else if (!addresses_add(addresses, &a)) {
			r->no_memory = true;
		}
	}
	if (got < 0)
		report_value(r, x, d, bad, "an IP address");
}

static bool is_domain(struct span word)
{
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];
		if (!ascii_is_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') &&
		    c != '.' && c != '-' && c != '_' && !(c == '~' && i == 0) && (uint8_t)c < 0x80)
			return false;
	}
	return true;
}

/* The rule by which wireguard-tools tells name servers from search domains. */
static bool looks_like_address(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == ':')
			return true;
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_is_digit(word.p[i]) && word.p[i] != '.')
			return false;
	return true;
}

static bool string_list_has(const struct string_list *w, struct span word)
{
	for (size_t i = 0; i < w->n; i++)
		if (span_is(word, w->list[i]))
			return true;
	return false;
}

/* resolv.conf(5) has leading zeros as well, but means another address by fewer than four numbers. */
static bool parse_server(struct ip_addr *a, struct span word)
{
	size_t dots = 0;
	bool ambiguous = false;

	for (size_t i = 0; i < word.n; i++)
		dots += word.p[i] == '.';
	return ip_parse(a, word) || (dots == 3 && address_parse_ip(a, &ambiguous, word));
}

/* The address in inet_ntop(3)'s form, with the zone of an IPv6 address as it was written. */
static bool print_server(struct text *t, struct span word)
{
	size_t percent = span_find(word, '%');
	struct span zone = span_sub(word, percent, word.n);
	struct ip_addr a;

	if (!parse_server(&a, span_sub(word, 0, percent)) ||
	    (zone.n > 0 && (a.family != IP_V6 || !device_name_is_valid(span_sub(zone, 1, zone.n)))))
		return false;
	ip_print(t, &a);
	text_span(t, zone);
	return true;
}

/* systemd-resolved writes the name of a server as ADDRESS#NAME; here the rest of the line is a comment. */
static void warn_of_server_name(const struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	size_t end = (size_t)(x->value.p + x->value.n - x->line_text.p);
	struct span rest = span_sub(x->line_text, end, x->line_text.n);
	struct diag_at at = value_at(r, x, "dns-server-name");

	if (x->value.n == 0 || rest.n < 2 || rest.p[0] != '#' || ascii_is_blank(rest.p[1]))
		return;
	at.column += (unsigned int)x->value.n;
	at.width = (unsigned int)span_trim(rest).n;
	if (!text_may_be_key(x->line_text))
		at.source = x->line_text;
	diag_f(d, DIAG_WARNING, &at, "put a space before `#' if a comment is intended",
	       "%.*s: a comment begins at `#': DNS-over-TLS names (address#name) are not supported", (int)x->key.n, x->key.p);
}

static void read_dns(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct dns_config *dns = &r->keys->dns;
	struct span rest = x->value, word;

	warn_of_server_name(r, x, d);
	while (list_next(&word, &rest)) {
		char text[IP_TEXT_MAX + WG_NAME_MAX];
		struct text t = text_fixed(text, sizeof text);
		struct string_list *list = &dns->domains;
		if (looks_like_address(word)) {
			if (!print_server(&t, word)) {
				report_value(r, x, d, word, "an IP address");
				return;
			}
			word = text_of(&t);
			list = &dns->servers;
		} else if (!is_domain(word)) {
			report_value(r, x, d, word, "an IP address or a domain");
			return;
		}
		if (!string_list_has(list, word) && !string_list_add(list, word))
			r->no_memory = true;
	}
}

static void read_mtu(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	uint64_t n;

	r->keys->mtu = 0;
	if (x->value.n == 0)
		return;
	if (!span_to_u64(&n, x->value, 65535) || n < 68)
		report_value(r, x, d, x->value, "a number from 68 to 65535");
	else
		r->keys->mtu = (unsigned int)n;
}

static bool table_by_name(const struct interface_keys_reader *r, uint32_t *out, struct span name)
{
	struct table_search s;

	if (r->find_table && r->find_table(out, name))
		return true;
	table_search_begin(&s, name);
	*out = s.number;
	return s.found;
}

/* As ip(8) reads it, where a name may look like a number. */
static bool parse_table(const struct interface_keys_reader *r, uint32_t *out, struct span word)
{
	uint64_t n;

	if (table_by_name(r, out, word))
		return true;
	if (!number_parse(&n, word, UINT32_MAX))
		return false;
	*out = (uint32_t)n;
	return true;
}

static void read_table(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct interface_keys *k = r->keys;

	k->table_kind = TABLE_GIVEN;
	k->table = 0;
	free(k->table_word);
	k->table_word = span_dup(x->value);
	if (!k->table_word)
		r->no_memory = true;
	if (x->value.n == 0 || span_is_nocase(x->value, "auto"))
		k->table_kind = TABLE_AUTO;
	else if (span_is_nocase(x->value, "off"))
		k->table_kind = TABLE_OFF;
	else if (!parse_table(r, &k->table, x->value))
		report_value(r, x, d, x->value, "off, auto, a number or a name from rt_tables");
	if (k->table_kind == TABLE_GIVEN && k->table == 0)
		k->table = TABLE_MAIN; /* the kernel's meaning of table 0 */
}

static void read_route_metric(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	uint64_t n = 0;

	if (!span_to_u64(&n, x->value, UINT32_MAX))
		report_value(r, x, d, x->value, "a number from 0 to 4294967295");
	r->keys->route_metric = (uint32_t)n;
}

static void read_netns(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct text t = text_fixed(r->keys->netns, sizeof r->keys->netns);

	if (netns_name_is_valid(x->value))
		text_span(&t, x->value);
	else
		report_value(r, x, d, x->value, "the name of a network namespace");
}

static void read_bind_device(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	bind_device_read(&r->keys->bind, r->file, r->interface, x, d);
}

static void read_source_address(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	source_address_read(&r->keys->bind, r->file, x, d);
}

static void read_exclude(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct span rest = x->value, word;

	while (list_next(&word, &rest)) {
		struct ip_prefix p;
		bool had_host_bits;
		if (!prefix_parse(&p, word, &had_host_bits)) {
			report_value(r, x, d, word, "an IP address or a prefix");
			continue;
		}
		if (had_host_bits) {
			struct diag_at at = value_at(r, x, "host-bits");
			at.column += (unsigned int)(word.p - x->value.p);
			at.width = (unsigned int)word.n;
			diag_f(d, DIAG_WARNING, &at, NULL, "%.*s has a nonzero host part: %.*s", (int)x->key.n, x->key.p,
			       (int)word.n, word.p);
		}
		if (!prefix_set_append(&r->keys->excluded, &p))
			r->no_memory = true;
	}
}

static void read_save_config(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	if (span_is_nocase(x->value, "true"))
		r->keys->save_config = true;
	else if (span_is_nocase(x->value, "false"))
		r->keys->save_config = false;
	else
		report_value(r, x, d, x->value, "true or false");
}

static void read_kill_switch(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	if (span_is_nocase(x->value, "on"))
		r->keys->kill_switch = KILL_SWITCH_ON;
	else if (span_is_nocase(x->value, "lan"))
		r->keys->kill_switch = KILL_SWITCH_LAN;
	else if (span_is_nocase(x->value, "off"))
		r->keys->kill_switch = KILL_SWITCH_OFF;
	else
		report_value(r, x, d, x->value, "on, lan or off");
}

static void read_hook(struct interface_keys_reader *r, const struct conf_extra *x, enum hook_phase phase)
{
	struct string_list *hooks = &r->keys->hooks[phase];
	struct hook_positions *p = &r->keys->positions[phase];

	if (vector_reserve(&p->lines, &p->cap, hooks->n + 1, sizeof *p->lines) && string_list_add(hooks, x->value))
		p->lines[hooks->n - 1] = x->line;
	else
		r->no_memory = true;
}

static void read_pre_up(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	read_hook(r, x, HOOK_PRE_UP);
}

static void read_post_up(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	read_hook(r, x, HOOK_POST_UP);
}

static void read_pre_down(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	read_hook(r, x, HOOK_PRE_DOWN);
}

static void read_post_down(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	read_hook(r, x, HOOK_POST_DOWN);
}

static void read_private_key(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	const struct key_place place = { .file = r->file, .folder = r->folder, .interface = r->interface };

	if (!key_source_read(&r->keys->private_key, &place, x, d))
		r->no_memory = true;
}

static const struct {
	const char *name;
	void (*read)(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d);
} keys[] = {
	{ "Address", read_address },   { "MTU", read_mtu },
	{ "DNS", read_dns },           { "Table", read_table },
	{ "PreUp", read_pre_up },      { "PostUp", read_post_up },
	{ "PreDown", read_pre_down },  { "PostDown", read_post_down },
	{ "SaveConfig", read_save_config },
	{ "PrivateKeyFile", read_private_key }, { "PrivateKey", read_private_key },
	{ "RouteMetric", read_route_metric },
	{ "ExcludeIPs", read_exclude },
	{ "KillSwitch", read_kill_switch },
	{ "Netns", read_netns },
	{ "BindDevice", read_bind_device }, { "SourceAddress", read_source_address },
};

bool interface_keys_read(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (span_is_nocase(x->key, keys[i].name) || (keys[i].read == read_private_key && span_is_spaced(x->key, keys[i].name))) {
			keys[i].read(r, x, d);
			return true;
		}
	return false;
}
