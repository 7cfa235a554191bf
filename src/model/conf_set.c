/* Reading the arguments of `wg set` into a patch. */
#include "conf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fields.h"

struct set_reader {
	const struct set_options *o;
	struct diag *d;
	struct wg_device *out;
	char *const *args;
	int n, at;
};

static int fail_value(struct set_reader *r, const struct field_value *v)
{
	if (!v->message)
		return -ENOMEM;
	if (v->offending.p && !text_may_be_key(v->offending))
		diag_f(r->d, DIAG_ERROR, NULL, NULL, "%s: `%.*s'", v->message, (int)v->offending.n,
		       v->offending.p);
	else
		diag_f(r->d, DIAG_ERROR, NULL, NULL, "%s", v->message);
	return -EINVAL;
}

static int fail_word(struct set_reader *r, const char *word)
{
	if (text_may_be_key(span_of(word)))
		diag_f(r->d, DIAG_ERROR, NULL, NULL, "Invalid argument");
	else
		diag_f(r->d, DIAG_ERROR, NULL, NULL, "Invalid argument: %s", word);
	return -EINVAL;
}

static struct wg_peer *open_peer(const struct set_reader *r)
{
	return r->out->n_peers > 0 ? &r->out->peers[r->out->n_peers - 1] : NULL;
}

static int set_value(struct set_reader *r, void *object, const struct field *f, struct span text,
		     struct field_value *v)
{
	*v = (struct field_value){ .text = text, .syntax = SYNTAX_SET, .scopes = r->o->scopes,
				   .service = r->o->service };
	return field_read(object, f, v) ? 0 : fail_value(r, v);
}

/* One element of the list; blanks inside it are ignored. */
static int set_allowedip(struct set_reader *r, struct wg_peer *peer, const struct field *f,
			 struct span raw, bool *incremental)
{
	struct field_value v;
	char *compact = malloc(raw.n + 1);
	size_t n = 0;
	int err;

	if (!compact)
		return -ENOMEM;
	for (size_t i = 0; i < raw.n; i++)
		if (!ascii_is_blank(raw.p[i]))
			compact[n++] = raw.p[i];
	err = set_value(r, peer, f, (struct span){ compact, n }, &v);
	*incremental |= v.incremental;
	if (!err && v.host_bits)
		diag_f(r->d, DIAG_WARNING, NULL, NULL, "AllowedIP has nonzero host part: %.*s",
		       (int)n - v.incremental, compact + v.incremental);
	free(compact);
	return err;
}

static int set_allowedips(struct set_reader *r, struct wg_peer *peer, const struct field *f,
			  const char *list)
{
	struct span rest = span_trim(span_of(list)), raw;
	bool incremental = false;
	int err = 0;

	if (rest.n > 0)
		while (!err && span_next(&raw, &rest, ','))
			err = set_allowedip(r, peer, f, raw, &incremental);
	if (incremental)
		peer->flags &= ~(uint32_t)WG_PEER_REPLACE_ALLOWEDIPS;
	else
		peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	return err;
}

static int set_secret(struct set_reader *r, uint8_t key[KEY_BYTES], uint32_t *flags,
		      const struct field *f, const char *path)
{
	uint8_t read[KEY_BYTES] = { 0 };
	int err = r->o->read_key(r->o->ctx, read, path, r->d);

	if (!err) {
		memcpy(key, read, KEY_BYTES);
		*flags |= f->presence;
	}
	mem_wipe(read, sizeof read);
	return err;
}

static int set_peer(struct set_reader *r, const struct field *f, const char *key)
{
	struct wg_peer *peer = device_add_peer(r->out);
	struct field_value v;
	int err;

	if (peer && key[0] == '@' && r->o->find_peer) {
		err = r->o->find_peer(r->o->ctx, &peer->public_key, key);
		peer->flags |= f->presence;
		return err;
	}
	return peer ? set_value(r, peer, f, span_of(key), &v) : -ENOMEM;
}

/* "remove" and "update-only" have no value. */
static bool set_flag(struct wg_peer *peer, const char *word)
{
	uint32_t flag = 0;

	if (peer && strcmp(word, "remove") == 0)
		flag = WG_PEER_REMOVE;
	else if (peer && strcmp(word, "update-only") == 0)
		flag = WG_PEER_UPDATE_ONLY;
	if (flag)
		peer->flags |= flag;
	return flag != 0;
}

static int set_arg(struct set_reader *r)
{
	const char *word = r->args[r->at++], *value;
	struct wg_peer *peer = open_peer(r);
	const struct field *f = field_find(SYNTAX_SET, span_of(word), peer != NULL);
	struct field_value v;

	if (set_flag(peer, word))
		return 0;
	if (span_is(fields[FIELD_PUBLIC_KEY].spelling[SYNTAX_SET], word))
		f = &fields[FIELD_PUBLIC_KEY];
	if (!f || r->at == r->n)
		return fail_word(r, word);
	value = r->args[r->at++];
	if (f == &fields[FIELD_PUBLIC_KEY])
		return set_peer(r, f, value);
	if (f == &fields[FIELD_PRIVATE_KEY])
		return set_secret(r, r->out->private_key.b, &r->out->flags, f, value);
	if (f == &fields[FIELD_PSK])
		return set_secret(r, peer->psk.b, &peer->flags, f, value);
	if (f == &fields[FIELD_ALLOWEDIP])
		return set_allowedips(r, peer, f, value);
	return set_value(r, f->of_peer ? (void *)peer : r->out, f, span_of(value), &v);
}

int conf_read_set(struct wg_device *out, char *const args[], int n, const struct set_options *o,
		  struct diag *d)
{
	struct set_reader r = { .o = o, .d = d, .out = out, .args = args, .n = n };
	int err = 0;

	memset(out, 0, sizeof *out);
	while (!err && r.at < r.n)
		err = set_arg(&r);
	if (err)
		device_free(out);
	return err;
}
