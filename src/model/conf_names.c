/* The sections and comments of a tunnel file. */
#include "conf_names.h"

#include "base/mem.h"
#include "conf.h"
#include "conf_name.h"
#include "fields.h"

struct names_reader {
	struct wg_device *out;
	enum { ELSEWHERE, IN_INTERFACE, IN_PEER } section;
	struct name_reader names;
};

static struct wg_peer *open_peer(const struct names_reader *r)
{
	return r->section == IN_PEER ? &r->out->peers[r->out->n_peers - 1] : NULL;
}

/* A peer without a key or a name is dropped. */
static void close_section(struct names_reader *r)
{
	struct wg_peer *peer = open_peer(r);

	if (peer && !((peer->flags & WG_PEER_HAS_PUBLIC_KEY) && peer->name)) {
		peer_free(peer);
		r->out->n_peers--;
	}
	r->section = ELSEWHERE;
}

static bool open_section(struct names_reader *r, struct span code)
{
	close_section(r);
	if (span_is_spaced(code, "[Interface]")) {
		r->section = IN_INTERFACE;
	} else if (span_is_spaced(code, "[Peer]")) {
		if (!device_add_peer(r->out))
			return false;
		r->section = IN_PEER;
	}
	return name_section(&r->names, open_peer(r));
}

/* A key in base64, in which blanks are ignored. */
static bool read_key(uint8_t out[KEY_BYTES], struct span value)
{
	char base64[KEY_BASE64_CHARS];
	size_t n = 0;
	bool ok;

	value = span_trim(value);
	if (value.n == sizeof base64 && key_from_base64(out, value))
		return true;
	for (size_t i = 0; i < value.n; i++) {
		if (ascii_is_blank(value.p[i]))
			continue;
		if (n < sizeof base64)
			base64[n] = value.p[i];
		n++;
	}
	ok = n == sizeof base64 && key_from_base64(out, (struct span){ base64, n });
	mem_wipe(base64, sizeof base64);
	return ok;
}

static void read_setting(struct names_reader *r, struct span code)
{
	size_t equals = span_find(code, '=');
	struct span key = span_sub(code, 0, equals), value = span_sub(code, equals + 1, code.n);
	struct wg_peer *peer = open_peer(r);

	name_other_line(&r->names);
	if (peer && span_is_spaced(key, fields[FIELD_PUBLIC_KEY].spelling[SYNTAX_CONF].p)) {
		if (read_key(peer->public_key.b, value))
			peer->flags |= WG_PEER_HAS_PUBLIC_KEY;
	} else if (r->section == IN_INTERFACE && span_is_spaced(key, fields[FIELD_PRIVATE_KEY].spelling[SYNTAX_CONF].p)) {
		if (read_key(r->out->private_key.b, value))
			r->out->flags |= WG_DEVICE_HAS_PRIVATE_KEY;
	}
}

/* A misspelt section line begins a section nevertheless. */
static bool is_section(struct span code)
{
	return (code.p[0] == '[' || code.p[code.n - 1] == ']') && span_find(code, '=') == code.n;
}

/* False: out of memory. */
static bool read_line(struct names_reader *r, struct span line)
{
	struct span code = span_trim(conf_without_comment(line));

	if (code.n > 0 && is_section(code))
		return open_section(r, code);
	if (code.n > 0)
		read_setting(r, code);
	else if (conf_without_comment(line).n < line.n)
		return name_comment(&r->names, open_peer(r), line);
	else
		name_other_line(&r->names);
	return true;
}

bool conf_read_names(struct wg_device *out, struct span text)
{
	struct names_reader r = { .out = out };
	struct span line;
	bool ok = true;

	memset(out, 0, sizeof *out);
	if (span_starts(text, "\xef\xbb\xbf"))
		text = span_sub(text, 3, text.n);
	while (ok && span_next(&line, &text, '\n'))
		ok = read_line(&r, line);
	close_section(&r);
	if (!ok)
		device_free(out);
	return ok;
}
