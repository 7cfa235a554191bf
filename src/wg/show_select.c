/* Selection of a peer by its name. */
#include "show_select.h"

#include <stdlib.h>

#include "report/report.h"

static bool keep_peer(struct wg_device *selected, const struct wg_device *d, const struct wg_public *key)
{
	for (uint32_t i = 0; i < d->n_peers; i++) {
		if (memcmp(&d->peers[i].public_key, key, sizeof *key) != 0)
			continue;
		*selected = *d;
		selected->peers = &d->peers[i];
		selected->n_peers = 1;
		return true;
	}
	return false;
}

bool show_select(struct wg_device *selected, const struct wg_device *d, const struct peer_names *names, const char *word)
{
	char base64[KEY_BASE64_CHARS + 1];
	struct wg_public key;

	if (!names_resolve(&key, names, word))
		return false;
	if (keep_peer(selected, d, &key))
		return true;
	key_to_base64(base64, key.b);
	report_error("%s is not a peer of this interface", word);
	report_help("in %s it is the name of %s", names->path ? names->path : "the tunnel file", base64);
	return false;
}

/* Only names, for suggestions, or why a device has none. Out of memory: some are missing. */
static void add_known(struct peer_names *known, const struct peer_names *names)
{
	if (!known->path && names->path && names->file.n_peers == 0) {
		known->path = span_dup(span_of(names->path));
		known->error = names->error;
	}
	for (uint32_t i = 0; i < names->file.n_peers; i++) {
		struct wg_peer *peer = device_add_peer(&known->file);
		if (!peer || !peer_copy(peer, &names->file.peers[i]))
			return;
	}
}

bool show_search_next(struct show_search *s, struct wg_device *selected, const struct wg_device *d,
		      const struct peer_names *names)
{
	struct names_match m = names_find(names, s->word + 1);

	if (m.n > 1) {
		report_set_interface(d->name);
		names_report_ambiguous(&m, s->word);
		report_set_interface(NULL);
		s->failed = true;
		return false;
	}
	if (m.n == 1 && keep_peer(selected, d, &m.key[0]))
		return true;
	s->in_files_only |= m.n == 1;
	add_known(&s->known, names);
	return false;
}

bool show_search_end(struct show_search *s, bool found)
{
	if (s->known.file.n_peers > 0) { /* of several files */
		free(s->known.path);
		s->known.path = NULL;
	}
	if (!found && !s->failed) {
		if (s->in_files_only)
			report_error("%s is not a peer of any interface", s->word);
		else
			names_report_unknown(&s->known, s->word);
		s->failed = true;
	}
	names_free(&s->known);
	return !s->failed;
}
