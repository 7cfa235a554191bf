/* Parsers and printers of each kind of setting, and the table. */
#include "fields.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

static void *field_of(void *object, const struct field *f)
{
	return (uint8_t *)object + f->offset;
}

static const void *field_in(const void *object, const struct field *f)
{
	return (const uint8_t *)object + f->offset;
}

static bool refuse(struct field_value *v, const char *message, struct span offending)
{
	v->message = message;
	v->offending = offending;
	return false;
}

/* ---- keys: base64 in files, hex on the socket ---- */

static bool key_parse(void *object, const struct field *f, struct field_value *v)
{
	bool ok = v->syntax == SYNTAX_UAPI ? key_from_hex(field_of(object, f), v->text)
					   : key_from_base64(field_of(object, f), v->text);

	return ok || refuse(v, "Key is not the correct length or format", v->text);
}

static void key_print(struct text *t, const void *object, const struct field *f,
		      enum field_syntax syntax, const struct ip_scopes *scopes)
{
	char digits[KEY_HEX_CHARS + 1];
	bool hex = syntax == SYNTAX_UAPI;

	(void)scopes;
	if (hex)
		key_to_hex(digits, field_in(object, f));
	else
		key_to_base64(digits, field_in(object, f));
	text_span(t, (struct span){ digits, hex ? KEY_HEX_CHARS : KEY_BASE64_CHARS });
	mem_wipe(digits, sizeof digits);
}

static bool key_is_significant(const void *object, const struct field *f)
{
	return !mem_is_zero_ct(field_in(object, f), KEY_BYTES);
}

static bool always_significant(const void *object, const struct field *f)
{
	(void)object;
	(void)f;
	return true;
}

/* ---- numbers ---- */

static bool is_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

static bool port_read(uint16_t *out, struct span text, struct field_value *v, struct span offending)
{
	struct span digits = text;
	uint64_t port;

	if (v->syntax != SYNTAX_UAPI) { /* getaddrinfo(3), which upstream uses, accepts " +5" */
		while (digits.n > 0 && ascii_is_blank(digits.p[0]))
			digits = span_sub(digits, 1, digits.n);
		if (digits.n > 1 && digits.p[0] == '+')
			digits = span_sub(digits, 1, digits.n);
	}
	if (span_to_u64(&port, digits, 65535)) {
		*out = (uint16_t)port;
		return true;
	}
	if (is_digits(digits))
		return refuse(v, "Port is not 0-65535", offending);
	if (v->syntax != SYNTAX_UAPI && v->service && v->service(out, text))
		return true;
	return refuse(v, "Servname not supported for ai_socktype", offending);
}

static bool port_parse(void *object, const struct field *f, struct field_value *v)
{
	uint16_t port;

	if (v->text.n == 0)
		return refuse(v, "Unable to parse empty port", (struct span){ NULL, 0 });
	if (!port_read(&port, v->text, v, v->text))
		return false;
	memcpy(field_of(object, f), &port, sizeof port);
	return true;
}

static uint16_t u16_at(const void *object, const struct field *f)
{
	uint16_t v;

	memcpy(&v, field_in(object, f), sizeof v);
	return v;
}

static uint32_t u32_at(const void *object, const struct field *f)
{
	uint32_t v;

	memcpy(&v, field_in(object, f), sizeof v);
	return v;
}

static void u16_print(struct text *t, const void *object, const struct field *f,
		      enum field_syntax syntax, const struct ip_scopes *scopes)
{
	(void)syntax;
	(void)scopes;
	text_u64(t, u16_at(object, f));
}

static bool u16_is_significant(const void *object, const struct field *f)
{
	return u16_at(object, f) != 0;
}

static bool fwmark_parse(void *object, const struct field *f, struct field_value *v)
{
	bool uapi = v->syntax == SYNTAX_UAPI;
	uint64_t mark = 0;
	uint32_t mark32;

	if (!(!uapi && span_is_nocase(v->text, "off")) &&
	    !(!uapi && span_starts(v->text, "0x") &&
	      span_hex_to_u64(&mark, span_sub(v->text, 2, v->text.n), UINT32_MAX)) &&
	    !span_to_u64(&mark, v->text, UINT32_MAX))
		return refuse(v, "Fwmark is neither 0/off nor 0-0xffffffff", v->text);
	mark32 = (uint32_t)mark;
	memcpy(field_of(object, f), &mark32, sizeof mark32);
	return true;
}

static void fwmark_print(struct text *t, const void *object, const struct field *f,
			 enum field_syntax syntax, const struct ip_scopes *scopes)
{
	(void)scopes;
	if (syntax == SYNTAX_UAPI)
		text_u64(t, u32_at(object, f));
	else
		text_f(t, "0x%x", u32_at(object, f));
}

static bool fwmark_is_significant(const void *object, const struct field *f)
{
	return u32_at(object, f) != 0;
}

static bool keepalive_parse(void *object, const struct field *f, struct field_value *v)
{
	uint64_t seconds = 0;
	uint16_t seconds16;

	if (!(v->syntax != SYNTAX_UAPI && span_is_nocase(v->text, "off")) &&
	    !span_to_u64(&seconds, v->text, 65535))
		return refuse(v, "Persistent keepalive interval is neither 0/off nor 1-65535",
			      v->text);
	seconds16 = (uint16_t)seconds;
	memcpy(field_of(object, f), &seconds16, sizeof seconds16);
	return true;
}

/* ---- endpoints: addresses are parsed, names are left to the resolver ---- */

/* "[host]:port", or "host:port" split at the last colon. */
static bool endpoint_split(struct span *host, struct span *port, struct field_value *v)
{
	struct span text = v->text;
	size_t end;

	if (text.n > 0 && text.p[0] == '[') {
		end = span_find(text, ']');
		if (end == text.n)
			return refuse(v, "Unable to find matching brace of endpoint", text);
		*host = span_sub(text, 1, end - 1);
		*port = span_sub(text, end + 1, text.n);
		if (port->n < 2 || port->p[0] != ':')
			return refuse(v, "Unable to find port of endpoint", text);
		*port = span_sub(*port, 1, port->n);
		return true;
	}
	end = span_find_last(text, ':');
	if (end + 1 >= text.n)
		return refuse(v, "Unable to find port of endpoint", text);
	*host = span_sub(text, 0, end);
	*port = span_sub(text, end + 1, text.n);
	return true;
}

static bool host_parse(struct ip_endpoint *out, struct span host, const struct ip_scopes *scopes)
{
	size_t percent = span_find(host, '%');
	struct span scope = span_sub(host, percent + 1, host.n);
	uint64_t index;

	if (!ip_parse(&out->addr, span_sub(host, 0, percent)))
		return false;
	out->scope = 0;
	if (percent == host.n)
		return true;
	if (out->addr.family != IP_V6)
		return false;
	if (span_to_u64(&index, scope, UINT32_MAX)) {
		out->scope = (uint32_t)index;
		return true;
	}
	return ip_is_v6_link_local(&out->addr) && scopes && scopes->index_of &&
	       scopes->index_of(&out->scope, scope);
}

/* Host names are validated by the resolver, but names do not contain characters that occur only in keys. A key in place
 * of a name must not be sent to the DNS. */
static bool may_be_host_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '=' || s.p[i] == '+' || s.p[i] == '/')
			return false;
	return s.n > 0;
}

static bool has_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_is_blank(s.p[i]))
			return true;
	return false;
}

enum { HOST_MAX = 1024 }; /* NI_MAXHOST - 1; scope and port fit as well */

static bool endpoint_read(void *object, const struct field *f, struct field_value *v)
{
	struct wg_peer *peer = object;
	struct span host, port;
	struct ip_endpoint e = { 0 };
	char *copy;

	(void)f;
	if (v->syntax == SYNTAX_UAPI) {
		if (!endpoint_parse(&e, v->text, v->scopes))
			return refuse(v, "Endpoint is not an address and a port", v->text);
		peer->endpoint = e;
		return true;
	}
	if (v->text.n == 0)
		return refuse(v, "Unable to parse empty endpoint", (struct span){ NULL, 0 });
	if (!endpoint_split(&host, &port, v) || !port_read(&e.port, port, v, v->text))
		return false;
	if (host_parse(&e, host, v->scopes)) {
		peer->endpoint = e;
		free(peer->host);
		peer->host = NULL;
		peer->flags &= ~(uint32_t)WG_PEER_HAS_HOST;
		return true;
	}
	if (v->text.n > HOST_MAX || !may_be_host_name(host) || /* blanks: see struct field_value */
	    (v->syntax == SYNTAX_CONF && has_blank(v->text)))
		return refuse(v, "Name or service not known", v->text);
	copy = malloc(v->text.n + 1);
	if (!copy)
		return refuse(v, NULL, (struct span){ NULL, 0 });
	memcpy(copy, v->text.p, v->text.n);
	copy[v->text.n] = '\0';
	free(peer->host);
	peer->host = copy;
	peer->flags |= WG_PEER_HAS_HOST;
	return true;
}

static void endpoint_print_field(struct text *t, const void *object, const struct field *f,
				 enum field_syntax syntax, const struct ip_scopes *scopes)
{
	const struct wg_peer *peer = object;

	(void)f;
	(void)syntax;
	endpoint_print(t, &peer->endpoint, scopes);
}

/* ---- allowed IPs ---- */

static bool allowedip_parse(void *object, const struct field *f, struct field_value *v)
{
	struct wg_peer *peer = object;
	struct wg_allowedip *a;
	struct span text = v->text, address;
	struct ip_prefix prefix;
	struct ip_addr ip;
	uint8_t flags = 0;
	uint64_t bits;
	bool is_address_only;

	(void)f;
	if (text.n > 0 && (text.p[0] == '-' || (text.p[0] == '+' && v->syntax != SYNTAX_UAPI))) {
		flags = text.p[0] == '-' ? WG_ALLOWEDIP_REMOVE : 0;
		v->incremental = true;
		text = span_sub(text, 1, text.n);
	}
	address = span_sub(text, 0, span_find(text, '/'));
	if (!ip_parse(&ip, address))
		return refuse(v, "Unable to parse IP address", address);
	bits = ip_bits(&ip);
	is_address_only = address.n == text.n;
	if ((is_address_only && v->syntax == SYNTAX_UAPI) ||
	    (!is_address_only && !span_to_u64(&bits, span_sub(text, address.n + 1, text.n), bits)) ||
	    !prefix_make(&prefix, &ip, (unsigned int)bits))
		return refuse(v, "AllowedIP is not in the correct format", v->text);
	a = peer_add_allowedip(peer);
	if (!a)
		return refuse(v, NULL, (struct span){ NULL, 0 });
	a->prefix = prefix;
	a->flags = flags;
	v->host_bits = !ip_equal(&ip, &prefix.addr);
	return true;
}

void allowedip_print(struct text *t, const struct wg_allowedip *a)
{
	if (a->flags & WG_ALLOWEDIP_REMOVE)
		text_char(t, '-');
	prefix_print(t, &a->prefix);
}

/* ---- the table ---- */

static const struct field_kind kind_private = { key_parse, key_print, always_significant, true };
static const struct field_kind kind_psk = { key_parse, key_print, key_is_significant, true };
static const struct field_kind kind_public = { key_parse, key_print, always_significant, false };
static const struct field_kind kind_port = { port_parse, u16_print, u16_is_significant, false };
static const struct field_kind kind_fwmark = { fwmark_parse, fwmark_print,
					       fwmark_is_significant, false };
static const struct field_kind kind_seconds = { keepalive_parse, u16_print,
						u16_is_significant, false };
static const struct field_kind kind_endpoint = { endpoint_read, endpoint_print_field,
						 always_significant, false };
static const struct field_kind kind_allowedip = { allowedip_parse, NULL, NULL, false };

#define OF_DEVICE(member) false, offsetof(struct wg_device, member)
#define OF_PEER(member) true, offsetof(struct wg_peer, member)

#define WORD(text) { text, sizeof(text) - 1 }
#define WORDS(conf, set, uapi) { WORD(conf), WORD(set), WORD(uapi) }

const struct field fields[FIELDS] = {
	/* .conf, wg set, UAPI; presence bit; owner and member; kind */
	[FIELD_PRIVATE_KEY] = { WORDS("PrivateKey", "private-key", "private_key"),
		WG_DEVICE_HAS_PRIVATE_KEY, OF_DEVICE(private_key), &kind_private },
	[FIELD_LISTEN_PORT] = { WORDS("ListenPort", "listen-port", "listen_port"),
		WG_DEVICE_HAS_LISTEN_PORT, OF_DEVICE(listen_port), &kind_port },
	[FIELD_FWMARK] = { WORDS("FwMark", "fwmark", "fwmark"),
		WG_DEVICE_HAS_FWMARK, OF_DEVICE(fwmark), &kind_fwmark },
	[FIELD_PUBLIC_KEY] = { WORDS("PublicKey", "peer", "public_key"),
		WG_PEER_HAS_PUBLIC_KEY, OF_PEER(public_key), &kind_public },
	[FIELD_PSK] = { WORDS("PresharedKey", "preshared-key", "preshared_key"),
		WG_PEER_HAS_PSK, OF_PEER(psk), &kind_psk },
	[FIELD_ENDPOINT] = { WORDS("Endpoint", "endpoint", "endpoint"),
		WG_PEER_HAS_ENDPOINT, OF_PEER(endpoint), &kind_endpoint },
	[FIELD_KEEPALIVE] = { WORDS("PersistentKeepalive", "persistent-keepalive",
				"persistent_keepalive_interval"),
		WG_PEER_HAS_KEEPALIVE, OF_PEER(keepalive_s), &kind_seconds },
	[FIELD_ALLOWEDIP] = { WORDS("AllowedIPs", "allowed-ips", "allowed_ip"),
		0, OF_PEER(allowedips), &kind_allowedip },
};

static_assert(offsetof(struct wg_device, flags) == 0 && offsetof(struct wg_peer, flags) == 0,
	       "the flags are first, so that presence bits are found without knowing the struct");
static_assert(sizeof(struct wg_peer) <= UINT16_MAX && sizeof(struct wg_device) <= UINT16_MAX, "offsets fit 16 bits");

bool field_read(void *object, const struct field *f, struct field_value *v)
{
	uint32_t flags;

	v->message = NULL;
	v->offending = (struct span){ NULL, 0 };
	v->host_bits = v->incremental = false;
	if (!f->kind->parse(object, f, v))
		return false;
	memcpy(&flags, object, sizeof flags);
	flags |= f->presence;
	if (f->presence == WG_PEER_HAS_ENDPOINT && f->of_peer && (flags & WG_PEER_HAS_HOST))
		flags &= ~(uint32_t)WG_PEER_HAS_ENDPOINT; /* the resolver will set it */
	memcpy(object, &flags, sizeof flags);
	return true;
}

bool field_is_present(const void *object, const struct field *f)
{
	uint32_t flags;

	memcpy(&flags, object, sizeof flags);
	return (flags & f->presence) != 0;
}

void field_print(struct text *t, const void *object, const struct field *f,
		 enum field_syntax syntax, const struct ip_scopes *scopes)
{
	f->kind->print(t, object, f, syntax, scopes);
}

static bool may_begin(struct span name, const char *word)
{
	return name.n > 0 && ascii_lower(name.p[0]) == ascii_lower(word[0]);
}

/* Tries the exact spelling first, because nearly all files use it. */
const struct field *field_find(enum field_syntax syntax, struct span name, bool of_peer)
{
	const struct field *begin = of_peer ? &fields[FIELD_OF_PEER] : fields;
	const struct field *end = of_peer ? fields + FIELDS : &fields[FIELD_OF_PEER];

	if (syntax == SYNTAX_CONF)
		name = span_trim(name);
	for (const struct field *f = begin; f < end; f++)
		if (f->spelling[syntax].n == name.n && memcmp(f->spelling[syntax].p, name.p, name.n) == 0)
			return f;
	for (const struct field *f = begin; f < end && syntax == SYNTAX_CONF; f++)
		if (may_begin(name, f->spelling[syntax].p) && span_is_spaced(name, f->spelling[syntax].p))
			return f;
	return NULL;
}
