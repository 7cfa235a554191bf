/* Fingerprints of the values of a tunnel file. */
#include "file_values.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "crypto/crypto.h"

enum { FINGERPRINT_BYTES = FINGERPRINT_CHARS / 2 };

/* Each value with its length, so that no two sequences of values are the same bytes. */
static void hash_value(struct blake2s *hash, const void *value, size_t n)
{
	uint8_t length[4];

	store_le32(length, (uint32_t)n);
	blake2s_update(hash, length, sizeof length);
	blake2s_update(hash, value, n);
}

static void hash_number(struct blake2s *hash, uint32_t n)
{
	uint8_t bytes[4];

	store_le32(bytes, n);
	hash_value(hash, bytes, sizeof bytes);
}

static void hash_text(struct blake2s *hash, const char *text)
{
	hash_value(hash, text, strlen(text));
}

static void hash_strings(struct blake2s *hash, const struct string_list *list)
{
	hash_number(hash, (uint32_t)list->n);
	for (size_t i = 0; i < list->n; i++)
		hash_text(hash, list->list[i]);
}

static void print_fingerprint(struct text *t, struct blake2s *hash)
{
	uint8_t bytes[FINGERPRINT_BYTES];

	blake2s_final(hash, bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		text_f(t, "%02x", (unsigned int)bytes[i]);
}

/* ---- the sections of a peer ---- */

static const struct wg_peer *last_section(const struct file_values *v, const struct wg_public *key)
{
	return peer_index_find(&v->peers, &v->file->device, key);
}

static const struct wg_peer *previous_section(const struct file_values *v, const struct wg_peer *section)
{
	const struct wg_device *d = &v->file->device;
	uint32_t previous = v->previous_of_key[section - d->peers];

	return previous ? &d->peers[previous - 1] : NULL;
}

static bool link_sections(struct file_values *v)
{
	const struct wg_device *d = &v->file->device;
	uint32_t *seen = calloc((size_t)d->n_peers + 1, sizeof *seen); /* by last section of a key */

	v->previous_of_key = calloc((size_t)d->n_peers + 1, sizeof *v->previous_of_key);
	for (uint32_t i = 0; seen && v->previous_of_key && i < d->n_peers; i++) {
		uint32_t *previous = &seen[last_section(v, &d->peers[i].public_key) - d->peers];
		v->previous_of_key[i] = *previous;
		*previous = i + 1;
	}
	free(seen);
	return seen && v->previous_of_key;
}

int file_values_init(struct file_values *v, const struct tunnel_file *f)
{
	int r;

	*v = (struct file_values){ .file = f };
	r = desired_routes_init(&v->routes, f, NULL);
	return r == 0 && peer_index_build(&v->peers, &f->device) && link_sections(v) ? 0 : -ENOMEM;
}

void file_values_free(struct file_values *v)
{
	peer_index_free(&v->peers);
	desired_routes_free(&v->routes);
	free(v->previous_of_key);
	*v = (struct file_values){ 0 };
}

/* ---- values: added to the hash, or false if the file has none ---- */

static bool hash_psk(struct blake2s *hash, const struct file_values *v, const struct wg_peer *section)
{
	for (; section; section = previous_section(v, section))
		if (section->flags & WG_PEER_HAS_PSK) {
			hash_value(hash, section->psk.b, sizeof section->psk.b);
			return true;
		}
	return false;
}

static bool hash_keepalive(struct blake2s *hash, const struct file_values *v, const struct wg_peer *section)
{
	for (; section; section = previous_section(v, section))
		if (section->flags & WG_PEER_HAS_KEEPALIVE) {
			hash_number(hash, section->keepalive_s);
			return true;
		}
	return false;
}

/* A host name as it is written: what it resolves to is not the file's. */
static bool hash_endpoint(struct blake2s *hash, const struct file_values *v, const struct wg_peer *section)
{
	for (; section; section = previous_section(v, section)) {
		char text[IP_ENDPOINT_TEXT_MAX];
		struct text t = text_fixed(text, sizeof text);
		if (!section->host && !(section->flags & WG_PEER_HAS_ENDPOINT))
			continue;
		if (!section->host)
			endpoint_print(&t, &section->endpoint, NULL);
		hash_text(hash, section->host ? section->host : text);
		return true;
	}
	return false;
}

static uint64_t hash_of_allowedip(const struct wg_allowedip *a)
{
	struct blake2s hash;
	uint8_t out[8];

	blake2s_init(&hash, sizeof out, NULL, 0);
	hash_number(&hash, a->flags);
	hash_number(&hash, a->prefix.bits);
	hash_number(&hash, a->prefix.addr.family);
	hash_value(&hash, a->prefix.addr.b, sizeof a->prefix.addr.b);
	blake2s_final(&hash, out);
	return load_le64(out);
}

/* Their order means nothing. */
static bool hash_allowedips(struct blake2s *hash, const struct file_values *v, const struct wg_peer *section)
{
	uint64_t sum = 0;
	uint8_t bytes[8];

	for (; section; section = previous_section(v, section))
		for (uint32_t i = 0; i < section->n_allowedips; i++)
			sum += hash_of_allowedip(&section->allowedips[i]);
	store_le64(bytes, sum);
	hash_value(hash, bytes, sizeof bytes);
	return true;
}

static bool hash_peer(struct blake2s *hash, const struct file_values *v, const struct wg_peer *section)
{
	hash_number(hash, hash_psk(hash, v, section));
	hash_number(hash, hash_keepalive(hash, v, section));
	hash_number(hash, hash_endpoint(hash, v, section));
	return hash_allowedips(hash, v, section);
}

static bool hash_private_key(struct blake2s *hash, const struct wg_device *d)
{
	hash_value(hash, d->private_key.b, sizeof d->private_key.b);
	return d->flags & WG_DEVICE_HAS_PRIVATE_KEY;
}

static bool hash_listen_port(struct blake2s *hash, const struct wg_device *d)
{
	hash_number(hash, d->listen_port);
	return d->flags & WG_DEVICE_HAS_LISTEN_PORT;
}

static bool hash_fwmark(struct blake2s *hash, const struct wg_device *d)
{
	hash_number(hash, d->fwmark);
	return d->flags & WG_DEVICE_HAS_FWMARK;
}

static bool hash_mtu(struct blake2s *hash, const struct interface_keys *keys)
{
	hash_number(hash, keys->mtu);
	return keys->mtu > 0;
}

static bool hash_dns(struct blake2s *hash, const struct dns_config *dns)
{
	hash_strings(hash, &dns->servers);
	hash_strings(hash, &dns->domains);
	return dns->servers.n + dns->domains.n > 0;
}

/* Nothing without any, so that files without the key have the fingerprints of earlier versions. */
static void hash_excluded(struct blake2s *hash, const struct prefix_set *excluded, uint8_t family)
{
	for (size_t i = 0; i < excluded->n; i++)
		if (excluded->list[i].addr.family == family) {
			hash_number(hash, excluded->list[i].bits);
			hash_value(hash, excluded->list[i].addr.b, sizeof excluded->list[i].addr.b);
		}
}

/* With the mark of the file, which is also the number of the table. */
static bool hash_default_route(struct blake2s *hash, const struct file_values *v, uint8_t family)
{
	struct ip_prefix all = { .addr.family = family };

	hash_number(hash, hash_fwmark(hash, &v->file->device));
	hash_excluded(hash, &v->file->interface.excluded, family);
	return v->file->interface.table_kind == TABLE_AUTO && desired_routes_have(&v->routes, &all);
}

/* Null for other settings than those of peers, and for peers that the file does not have. */
static const struct wg_peer *section_of(const struct file_values *v, const struct tunnel_setting *s)
{
	return s->kind < SETTING_PEER ? NULL : last_section(v, &s->peer);
}

static bool hash_setting(struct blake2s *hash, const struct file_values *v, const struct tunnel_setting *s)
{
	const struct tunnel_file *f = v->file;
	const struct wg_peer *section = section_of(v, s);

	switch (s->kind) {
	case SETTING_PRIVATE_KEY: return hash_private_key(hash, &f->device);
	case SETTING_LISTEN_PORT: return hash_listen_port(hash, &f->device);
	case SETTING_FWMARK: return hash_fwmark(hash, &f->device);
	case SETTING_LINK: return hash_mtu(hash, &f->interface);
	case SETTING_DNS: return hash_dns(hash, &f->interface.dns);
	case SETTING_ADDRESS: return addresses_have(&f->interface.addresses, &s->address);
	case SETTING_ROUTE:
		if (f->interface.route_metric)
			hash_number(hash, f->interface.route_metric);
		return tunnel_file_table(f) == s->route.table && desired_routes_have(&v->routes, &s->route.prefix);
	case SETTING_DEFAULT_ROUTE: return hash_default_route(hash, v, s->family);
	case SETTING_FIREWALL: return hash_fwmark(hash, &f->device); /* which its rules contain */
	case SETTING_PEER: return section && hash_peer(hash, v, section);
	case SETTING_PSK: return hash_psk(hash, v, section);
	case SETTING_KEEPALIVE: return hash_keepalive(hash, v, section);
	case SETTING_ENDPOINT: return hash_endpoint(hash, v, section);
	case SETTING_ALLOWEDIPS: return hash_allowedips(hash, v, section);
	case SETTING_KINDS: break;
	}
	unreachable();
}

void file_value_print(struct text *t, const struct file_values *v, const struct tunnel_setting *s)
{
	char subject[TUNNEL_SETTING_TEXT_MAX];
	struct text subject_text = text_fixed(subject, sizeof subject);
	struct blake2s hash;

	if (s->kind > SETTING_PEER && !section_of(v, s)) {
		text_add(t, "absent");
		return;
	}
	tunnel_setting_print_subject(&subject_text, s);
	blake2s_init(&hash, FINGERPRINT_BYTES, NULL, 0);
	hash_text(&hash, tunnel_setting_names[s->kind]);
	hash_text(&hash, subject);
	if (hash_setting(&hash, v, s))
		print_fingerprint(t, &hash);
	else
		text_char(t, '-');
	mem_wipe(&hash, sizeof hash);
}

void hook_lines_of_file(struct hook_lines *out, const struct tunnel_file *f)
{
	for (int i = 0; i < HOOK_PHASES; i++) {
		struct text t = text_fixed(out->of_phase[i], sizeof out->of_phase[i]);
		struct blake2s hash;
		blake2s_init(&hash, FINGERPRINT_BYTES, NULL, 0);
		hash_strings(&hash, &f->interface.hooks[i]);
		print_fingerprint(&t, &hash);
	}
}
