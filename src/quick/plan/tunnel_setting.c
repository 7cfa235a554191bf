/* The settings of a tunnel as text. */
#include "tunnel_setting.h"

const char *const tunnel_setting_names[SETTING_KINDS] = {
	[SETTING_PRIVATE_KEY] = "private-key",
	[SETTING_LISTEN_PORT] = "listen-port",
	[SETTING_FWMARK] = "fwmark",
	[SETTING_LINK] = "link",
	[SETTING_DNS] = "dns",
	[SETTING_ADDRESS] = "address",
	[SETTING_ROUTE] = "route",
	[SETTING_DEFAULT_ROUTE] = "default-route",
	[SETTING_FIREWALL] = "firewall",
	[SETTING_PEER] = "peer",
	[SETTING_PSK] = "preshared-key",
	[SETTING_KEEPALIVE] = "persistent-keepalive",
	[SETTING_ENDPOINT] = "endpoint",
	[SETTING_ALLOWEDIPS] = "allowed-ips",
};

void tunnel_setting_print_subject(struct text *t, const struct tunnel_setting *s)
{
	char key[KEY_BASE64_CHARS + 1];

	switch (s->kind) {
	case SETTING_ADDRESS:
		text_char(t, ' ');
		address_print(t, &s->address);
		return;
	case SETTING_ROUTE:
		text_f(t, " %u ", s->route.table);
		prefix_print(t, &s->route.prefix);
		return;
	case SETTING_DEFAULT_ROUTE:
	case SETTING_FIREWALL:
		text_f(t, " %u", (unsigned int)s->family);
		return;
	case SETTING_PEER:
	case SETTING_PSK:
	case SETTING_KEEPALIVE:
	case SETTING_ENDPOINT:
	case SETTING_ALLOWEDIPS:
		key_to_base64(key, s->peer.b);
		text_f(t, " %s", key);
		return;
	case SETTING_PRIVATE_KEY:
	case SETTING_LISTEN_PORT:
	case SETTING_FWMARK:
	case SETTING_LINK:
	case SETTING_DNS:
		return;
	case SETTING_KINDS: break;
	}
	unreachable();
}

bool tunnel_setting_parse_subject(struct tunnel_setting *s, struct span subject)
{
	struct span rest = subject, word;
	uint64_t n;

	switch (s->kind) {
	case SETTING_ADDRESS:
		return address_next(&s->address, &rest, &word) == 1;
	case SETTING_ROUTE:
		if (!span_next(&word, &rest, ' ') || !span_to_u64(&n, word, UINT32_MAX))
			return false;
		s->route.table = (uint32_t)n;
		return prefix_parse(&s->route.prefix, rest, NULL);
	case SETTING_DEFAULT_ROUTE:
	case SETTING_FIREWALL:
		if (!span_to_u64(&n, subject, IP_V6))
			return false;
		s->family = (uint8_t)n;
		return true;
	case SETTING_PEER:
	case SETTING_PSK:
	case SETTING_KEEPALIVE:
	case SETTING_ENDPOINT:
	case SETTING_ALLOWEDIPS:
		return key_from_base64(s->peer.b, subject);
	case SETTING_PRIVATE_KEY:
	case SETTING_LISTEN_PORT:
	case SETTING_FWMARK:
	case SETTING_LINK:
	case SETTING_DNS:
		return true;
	case SETTING_KINDS: break;
	}
	unreachable();
}
