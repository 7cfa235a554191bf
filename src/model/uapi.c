/* Requests and replies of the configuration protocol, line by line. */
#include "uapi.h"

#include <errno.h>

#include "fields.h"

/* Takes the next complete line, without its newline. False: no complete line. */
static bool line_next(struct span *line, struct span *text)
{
	size_t end = span_find(*text, '\n');

	if (end == text->n)
		return false;
	*line = span_sub(*text, 0, end);
	*text = span_sub(*text, end + 1, text->n);
	return true;
}

static bool key_and_value(struct span *key, struct span *value, struct span line)
{
	size_t equals = span_find(line, '=');

	*key = span_sub(line, 0, equals);
	*value = span_sub(line, equals + 1, line.n);
	return equals < line.n;
}

static void print_line(struct text *t, const void *object, enum field_id id,
		       const struct ip_scopes *scopes)
{
	text_span(t, fields[id].spelling[SYNTAX_UAPI]);
	text_char(t, '=');
	field_print(t, object, &fields[id], SYNTAX_UAPI, scopes);
	text_char(t, '\n');
}

static void print_present(struct text *t, const void *object, enum field_id id,
			  const struct ip_scopes *scopes)
{
	if (field_is_present(object, &fields[id]))
		print_line(t, object, id, scopes);
}

static void print_allowedips(struct text *t, const struct wg_peer *peer)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		text_span(t, fields[FIELD_ALLOWEDIP].spelling[SYNTAX_UAPI]);
		text_char(t, '=');
		allowedip_print(t, &peer->allowedips[i]);
		text_char(t, '\n');
	}
}

/* ---- client: the request ---- */

static void print_peer_change(struct text *t, const struct wg_peer *peer,
			      const struct ip_scopes *scopes)
{
	print_line(t, peer, FIELD_PUBLIC_KEY, scopes);
	if (peer->flags & WG_PEER_REMOVE) {
		text_add(t, "remove=true\n");
		return;
	}
	if (peer->flags & WG_PEER_UPDATE_ONLY)
		text_add(t, "update_only=true\n");
	print_present(t, peer, FIELD_PSK, scopes);
	print_present(t, peer, FIELD_ENDPOINT, scopes);
	print_present(t, peer, FIELD_KEEPALIVE, scopes);
	if (peer->flags & WG_PEER_REPLACE_ALLOWEDIPS)
		text_add(t, "replace_allowed_ips=true\n");
	print_allowedips(t, peer);
}

void uapi_print_set(struct text *t, const struct wg_device *patch, const struct ip_scopes *scopes)
{
	text_add(t, "set=1\n");
	print_present(t, patch, FIELD_PRIVATE_KEY, scopes);
	print_present(t, patch, FIELD_LISTEN_PORT, scopes);
	print_present(t, patch, FIELD_FWMARK, scopes);
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		text_add(t, "replace_peers=true\n");
	for (uint32_t i = 0; i < patch->n_peers; i++)
		print_peer_change(t, &patch->peers[i], scopes);
	text_char(t, '\n');
}

/* ---- client: the reply ---- */

static int read_field(void *object, const struct field *f, struct span value,
		      const struct ip_scopes *scopes)
{
	struct field_value v = { .text = value, .syntax = SYNTAX_UAPI, .scopes = scopes };

	if (field_read(object, f, &v))
		return 0;
	return v.message ? -EINVAL : -ENOMEM;
}

static int read_number(uint64_t *out, struct span value, uint64_t max)
{
	return span_to_u64(out, value, max) ? 0 : -EINVAL;
}

/* Counters and times of a peer. -ENOENT: another key. */
static int read_statistic(struct wg_peer *peer, struct span key, struct span value)
{
	uint64_t ns;
	int err;

	if (span_is(key, "last_handshake_time_sec"))
		return read_number(&peer->handshake_s, value, INT64_MAX);
	if (span_is(key, "last_handshake_time_nsec")) {
		err = read_number(&ns, value, NS_PER_S - 1);
		if (!err)
			peer->handshake_ns = (uint32_t)ns;
		return err;
	}
	if (span_is(key, "rx_bytes"))
		return read_number(&peer->rx_bytes, value, UINT64_MAX);
	if (span_is(key, "tx_bytes"))
		return read_number(&peer->tx_bytes, value, UINT64_MAX);
	return -ENOENT;
}

/* "errno=N" with either sign, because daemons differ. */
static int read_errno(struct uapi_reader *r, struct span value)
{
	uint64_t number;

	if (span_starts(value, "-"))
		value = span_sub(value, 1, value.n);
	if (!span_to_u64(&number, value, INT32_MAX))
		return -EPROTO;
	r->have_errno = true;
	r->error = (int)number;
	return 0;
}

static struct wg_peer *last_peer(const struct wg_device *d)
{
	return d->n_peers > 0 ? &d->peers[d->n_peers - 1] : NULL;
}

static bool has_nul(struct span s)
{
	return span_find(s, '\0') < s.n;
}

static int read_state_line(struct uapi_reader *r, struct span key, struct span value)
{
	struct wg_peer *peer = last_peer(r->device);
	const struct field *f;
	int err;

	if (span_equal(key, fields[FIELD_PUBLIC_KEY].spelling[SYNTAX_UAPI])) {
		if (r->device->n_peers >= WG_PEERS_MAX)
			return -EMSGSIZE;
		peer = device_add_peer(r->device);
		return peer ? read_field(peer, &fields[FIELD_PUBLIC_KEY], value, r->scopes)
			    : -ENOMEM;
	}
	err = peer ? read_statistic(peer, key, value) : -ENOENT;
	if (err != -ENOENT)
		return err;
	f = field_find(SYNTAX_UAPI, key, peer != NULL);
	if (!f) /* an unknown key of a newer daemon */
		return has_nul(key) || has_nul(value) ? -EINVAL : 0;
	if (f == &fields[FIELD_ALLOWEDIP] && r->n_allowedips++ >= WG_ALLOWEDIPS_MAX)
		return -EMSGSIZE;
	err = read_field(peer ? (void *)peer : r->device, f, value, r->scopes);
	if (f == &fields[FIELD_PSK] && !err && !f->kind->is_significant(peer, f))
		peer->flags &= ~(uint32_t)WG_PEER_HAS_PSK;
	if (f == &fields[FIELD_ALLOWEDIP] && !err && last_peer(r->device)->allowedips[
		    peer->n_allowedips - 1].flags)
		err = -EINVAL; /* '-' has no meaning in a state */
	return err;
}

static int read_reply_line(struct uapi_reader *r, struct span line)
{
	struct span key, value;
	int err;

	if (line.n == 0) {
		r->done = true;
		return r->have_errno ? 0 : -EPROTO;
	}
	if (line.n > UAPI_LINE_MAX || !key_and_value(&key, &value, line))
		return -EPROTO;
	if (span_is(key, "errno"))
		return read_errno(r, value); /* the last one is valid */
	err = r->set_reply ? 0 /* an unknown key of a newer daemon */ : read_state_line(r, key, value);
	return err == -EINVAL ? -EPROTO : err;
}

int uapi_read_reply(struct uapi_reader *r, struct span *text)
{
	struct span line;
	int err = 0;

	while (!err && !r->done && line_next(&line, text))
		err = read_reply_line(r, line);
	if (!err && !r->done && text->n > UAPI_LINE_MAX)
		err = -EPROTO;
	return err;
}

/* ---- server: the reply ---- */

static void print_peer_state(struct text *t, const struct wg_peer *peer,
			     const struct ip_scopes *scopes)
{
	/* wgctrl-go interprets 0 nanoseconds as "never". */
	uint32_t ns = peer->handshake_s > 0 && peer->handshake_ns == 0 ? 1 : peer->handshake_ns;

	print_line(t, peer, FIELD_PUBLIC_KEY, scopes);
	print_line(t, peer, FIELD_PSK, scopes);
	text_add(t, "protocol_version=1\n");
	print_present(t, peer, FIELD_ENDPOINT, scopes);
	text_f(t, "last_handshake_time_sec=%llu\n", (unsigned long long)peer->handshake_s);
	text_f(t, "last_handshake_time_nsec=%u\n", ns);
	text_f(t, "tx_bytes=%llu\n", (unsigned long long)peer->tx_bytes);
	text_f(t, "rx_bytes=%llu\n", (unsigned long long)peer->rx_bytes);
	print_line(t, peer, FIELD_KEEPALIVE, scopes);
	print_allowedips(t, peer);
}

void uapi_print_get(struct text *t, const struct wg_device *state, const struct ip_scopes *scopes)
{
	static const enum field_id of_device[] = { FIELD_PRIVATE_KEY, FIELD_LISTEN_PORT, FIELD_FWMARK };

	for (size_t i = 0; i < ARRAY_LEN(of_device); i++)
		if (fields[of_device[i]].kind->is_significant(state, &fields[of_device[i]]))
			print_present(t, state, of_device[i], scopes);
	for (uint32_t i = 0; i < state->n_peers; i++)
		print_peer_state(t, &state->peers[i], scopes);
	text_add(t, "errno=0\n\n");
}

void uapi_print_errno(struct text *t, enum uapi_verb verb, int error)
{
	text_f(t, "errno=%d\n\n", verb == UAPI_GET ? -error : error);
}

/* ---- server: the request ---- */

static int set_flag(uint32_t *flags, uint32_t flag, struct span value)
{
	if (!span_is(value, "true"))
		return -EINVAL;
	*flags |= flag;
	return 0;
}

/* Lines apply in order. If prefixes precede this line, adding them may take them from other peers, so they remain in a
 * separate entry before the one that replaces the list. */
static int read_replace_allowedips(struct wg_device *patch, struct wg_peer *peer, struct span value)
{
	struct wg_public key = peer->public_key;
	uint32_t flags = peer->flags & (WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE | WG_PEER_UPDATE_ONLY);

	if (peer->n_allowedips > 0) {
		peer = device_add_peer(patch);
		if (!peer)
			return -ENOMEM;
		peer->public_key = key;
		peer->flags = flags;
	}
	return set_flag(&peer->flags, WG_PEER_REPLACE_ALLOWEDIPS, value);
}

/* Keys that are not settings. -ENOENT: none of them. */
static int read_peer_flag(struct wg_device *patch, struct wg_peer *peer, struct span key, struct span value)
{
	if (span_is(key, "remove"))
		return set_flag(&peer->flags, WG_PEER_REMOVE, value);
	if (span_is(key, "update_only"))
		return set_flag(&peer->flags, WG_PEER_UPDATE_ONLY, value);
	if (span_is(key, "protocol_version"))
		return span_is(value, "1") ? 0 : -EINVAL;
	if (span_is(key, "replace_allowed_ips"))
		return read_replace_allowedips(patch, peer, value);
	return -ENOENT;
}

static int read_change(struct uapi_request *r, struct span key, struct span value)
{
	struct wg_peer *peer = last_peer(&r->patch);
	const struct field *f;
	int err = -ENOENT;

	if (span_equal(key, fields[FIELD_PUBLIC_KEY].spelling[SYNTAX_UAPI])) {
		peer = device_add_peer(&r->patch);
		return peer ? read_field(peer, &fields[FIELD_PUBLIC_KEY], value, r->scopes)
			    : -ENOMEM;
	}
	if (peer)
		err = read_peer_flag(&r->patch, peer, key, value);
	else if (span_is(key, "replace_peers"))
		err = set_flag(&r->patch.flags, WG_DEVICE_REPLACE_PEERS, value);
	if (err != -ENOENT)
		return err;
	f = field_find(SYNTAX_UAPI, key, peer != NULL);
	if (!f)
		return -EINVAL;
	return read_field(peer ? (void *)peer : &r->patch, f, value, r->scopes);
}

static int read_verb(struct uapi_request *r, struct span line)
{
	if (span_is(line, "get=1"))
		r->verb = UAPI_GET;
	else if (span_is(line, "set=1"))
		r->verb = UAPI_SET;
	else if (span_is(line, BINDING_GET))
		r->verb = UAPI_GET_BINDING;
	else if (span_is(line, BINDING_SET))
		r->verb = UAPI_SET_BINDING;
	return r->verb != UAPI_NONE ? 0 : -EPROTO;
}

/* A line of the request. */
static int read_key(struct uapi_request *r, struct span key, struct span value)
{
	int error;

	switch (r->verb) {
	case UAPI_SET:
		return read_change(r, key, value);
	case UAPI_SET_BINDING:
		error = binding_read(&r->binding, key, value);
		return error == -ENOENT ? -EINVAL : error;
	case UAPI_NONE:
	case UAPI_GET:
	case UAPI_GET_BINDING:
		return -EINVAL;
	}
	unreachable();
}

/* After an invalid line the others are skipped up to the blank line. */
static int read_request_line(struct uapi_request *r, struct span line)
{
	struct span key, value;

	if (line.n > UAPI_LINE_MAX)
		return -EPROTO;
	if (r->verb == UAPI_NONE)
		return read_verb(r, line);
	if (line.n == 0) {
		r->done = true;
		return 0;
	}
	if (r->error)
		return 0;
	if (!key_and_value(&key, &value, line))
		r->error = -EPROTO;
	else
		r->error = read_key(r, key, value);
	if (r->error)
		device_free(&r->patch);
	return 0;
}

int uapi_read_request(struct uapi_request *r, struct span *text)
{
	struct span line;
	int err = 0;

	while (!err && !r->done && line_next(&line, text))
		err = read_request_line(r, line);
	if (!err && !r->done && text->n > UAPI_LINE_MAX)
		err = -EPROTO;
	return err;
}

void uapi_request_reset(struct uapi_request *r)
{
	const struct ip_scopes *scopes = r->scopes;

	device_free(&r->patch);
	*r = (struct uapi_request){ .scopes = scopes };
}
