/* Printing a device as a tunnel file, in the order of upstream's `wg showconf`. */
#include "conf.h"
#include "fields.h"

static const enum field_id device_order[] = { FIELD_LISTEN_PORT, FIELD_FWMARK, FIELD_PRIVATE_KEY };
static const enum field_id peer_order[] = { FIELD_PUBLIC_KEY, FIELD_PSK, FIELD_ALLOWEDIP,
					    FIELD_ENDPOINT, FIELD_KEEPALIVE };

static void print_allowedips(struct text *t, const struct wg_peer *peer, const struct field *f)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		if (i == 0)
			text_f(t, "%s = ", f->spelling[SYNTAX_CONF].p);
		else
			text_add(t, ", ");
		allowedip_print(t, &peer->allowedips[i]);
	}
	if (peer->n_allowedips > 0)
		text_char(t, '\n');
}

static void print_field(struct text *t, const void *object, const struct field *f,
			const struct ip_scopes *scopes)
{
	if (!field_is_present(object, f) || !f->kind->is_significant(object, f))
		return;
	text_f(t, "%s = ", f->spelling[SYNTAX_CONF].p);
	field_print(t, object, f, SYNTAX_CONF, scopes);
	text_char(t, '\n');
}

void conf_print(struct text *t, const struct wg_device *d, const struct ip_scopes *scopes)
{
	text_add(t, "[Interface]\n");
	for (size_t i = 0; i < ARRAY_LEN(device_order); i++)
		print_field(t, d, &fields[device_order[i]], scopes);
	text_char(t, '\n');
	for (uint32_t i = 0; i < d->n_peers; i++) {
		if (i > 0)
			text_char(t, '\n');
		text_add(t, "[Peer]\n");
		for (size_t j = 0; j < ARRAY_LEN(peer_order); j++) {
			const struct field *f = &fields[peer_order[j]];
			if (f == &fields[FIELD_ALLOWEDIP])
				print_allowedips(t, &d->peers[i], f);
			else
				print_field(t, &d->peers[i], f, scopes);
		}
	}
}
