/* Parses the keys of [Peer] that only wg-quick(8) knows. */
#include "peer_keys.h"

#include "bad_value.h"

void peer_keys_free(struct peer_keys *k)
{
	key_source_free(&k->psk);
	peer_routes_free(&k->routes);
	*k = (struct peer_keys){ 0 };
}

static void report_value(const struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d, const char *expected)
{
	bad_value_report(d, r->file, x, "bad-value", x->value, expected);
}

/* ---- one function per key: reports a wrong value, which makes the reader refuse the file ---- */

static void read_disabled(struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	if (span_is_nocase(x->value, "yes") || span_is_nocase(x->value, "true"))
		r->keys->disabled = true;
	else if (span_is_nocase(x->value, "no") || span_is_nocase(x->value, "false"))
		r->keys->disabled = false;
	else
		report_value(r, x, d, "yes or no");
}

static void read_psk(struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	const struct key_place place = { .file = r->file, .folder = r->folder, .interface = r->interface };

	if (!key_source_read(&r->keys->psk, &place, x, d))
		r->no_memory = true;
}

static void read_routes(struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	if (!peer_routes_read(&r->keys->routes, r->file, x, d))
		r->no_memory = true;
}

static const struct {
	const char *name;
	void (*read)(struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d);
} keys[] = {
	{ "Disabled", read_disabled },
	{ "PresharedKeyFile", read_psk },
	{ "PresharedKey", read_psk },
	{ "Routes", read_routes },
};

bool peer_keys_read(struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (span_is_nocase(x->key, keys[i].name) || (keys[i].read == read_psk && span_is_spaced(x->key, keys[i].name))) {
			keys[i].read(r, x, d);
			return true;
		}
	return false;
}
