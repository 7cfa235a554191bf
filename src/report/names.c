/* Look-ups in both directions, and the messages about names. */
#include "names.h"

#include <errno.h>
#include <stdlib.h>

#include "base/suggestion.h"
#include "model/conf.h"
#include "names_file.h"
#include "report.h"
#include "terminal.h"

void names_read(struct peer_names *out, const struct wg_device *d, const struct names_folders *folders)
{
	*out = (struct peer_names){ 0 };
	names_read_file(out, d, folders);
	if (out->file.n_peers > 0 && !peer_index_build(&out->index, &out->file)) {
		device_free(&out->file);
		out->error = -ENOMEM;
	}
}

void names_free(struct peer_names *n)
{
	peer_index_free(&n->index);
	device_free(&n->file);
	free(n->path);
	*n = (struct peer_names){ 0 };
}

const char *names_of(const struct peer_names *n, const struct wg_public *key)
{
	const struct wg_peer *peer = n->file.n_peers > 0 ? peer_index_find(&n->index, &n->file, key) : NULL;

	return peer ? peer->name : NULL;
}

struct names_match names_find(const struct peer_names *n, const char *name)
{
	struct names_match m = { 0 };

	for (uint32_t i = 0; i < n->file.n_peers && m.n < 2; i++) {
		const struct wg_peer *peer = &n->file.peers[i];
		if (strcmp(peer->name, name) != 0)
			continue;
		if (m.n == 1 && memcmp(&m.key[0], &peer->public_key, sizeof m.key[0]) == 0)
			continue; /* two sections of one peer */
		m.key[m.n++] = peer->public_key;
	}
	return m;
}

/* True if an earlier peer of the file has the same name. */
static bool is_repeated(const struct wg_device *file, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (strcmp(file->peers[j].name, file->peers[i].name) == 0)
			return true;
	return false;
}

static void list_names(const struct peer_names *n)
{
	enum { LISTED = 8 };
	char line[1024];
	struct text t = text_fixed(line, sizeof line);

	for (uint32_t i = 0; i < n->file.n_peers && i < LISTED; i++)
		if (!is_repeated(&n->file, i))
			text_f(&t, "%s@%s", i > 0 ? ", " : "", n->file.peers[i].name);
	if (n->file.n_peers > LISTED)
		text_add(&t, " and others");
	report_help("%s has the names %s", n->path ? n->path : "the tunnel file", line);
}

static void explain_no_names(const struct peer_names *n)
{
	if (!n->path)
		report_help("names are read from tunnel files, and none was found");
	else if (n->error == -ESTALE)
		report_help("%s is not the file of this interface: it has another private key", n->path);
	else if (n->error)
		report_help("names are read from %s: %s", n->path, strerror(-n->error));
	else
		report_help("%s names no peer; to name one, write `# Name = NAME' below its [Peer] line", n->path);
}

void names_report_unknown(const struct peer_names *n, const char *word)
{
	char shown[256];
	struct text t = text_fixed(shown, sizeof shown);
	struct suggestion s;

	terminal_plain(&t, span_of(word));
	report_error("no peer is named %s", shown);
	suggestion_init(&s, span_of(word[0] == '@' ? word + 1 : word));
	for (uint32_t i = 0; i < n->file.n_peers; i++)
		suggestion_offer(&s, n->file.peers[i].name);
	if (s.best)
		report_help("did you mean @%s?", s.best);
	else if (n->file.n_peers > 0)
		list_names(n);
	else
		explain_no_names(n);
}

void names_report_ambiguous(const struct names_match *m, const char *word)
{
	char keys[2][KEY_BASE64_CHARS + 1], shown[256];
	struct text t = text_fixed(shown, sizeof shown);

	terminal_plain(&t, span_of(word));
	for (int i = 0; i < 2; i++)
		key_to_base64(keys[i], m->key[i].b);
	report_error("%s is the name of several peers: %s and %s", shown, keys[0], keys[1]);
	report_help("use the key instead of the name, or give the peers different names");
}

/* A word that may be a key, perhaps a private one, is not repeated. */
static void report_no_key(const char *word)
{
	char shown[256];
	struct text t = text_fixed(shown, sizeof shown);

	terminal_plain(&t, span_of(word));
	if (text_may_be_key(span_of(word)))
		report_error("expected the public key of a peer or @NAME");
	else
		report_error("expected the public key of a peer or @NAME, found `%s'", shown);
}

bool names_resolve(struct wg_public *out, const struct peer_names *n, const char *word)
{
	struct names_match m;

	if (word[0] != '@') {
		if (key_from_base64(out->b, span_of(word)))
			return true;
		report_no_key(word);
		return false;
	}
	m = names_find(n, word + 1);
	if (m.n == 0)
		names_report_unknown(n, word);
	else if (m.n > 1)
		names_report_ambiguous(&m, word);
	else
		*out = m.key[0];
	return m.n == 1;
}
