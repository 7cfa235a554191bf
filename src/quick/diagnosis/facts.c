/* Names of peers. */
#include "facts.h"

const char *facts_peer_name(const struct facts *f, const struct wg_public *key)
{
	const struct wg_device *d = f->file ? &f->file->device : NULL;

	for (uint32_t i = 0; d && i < d->n_peers; i++)
		if (d->peers[i].name && memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			return d->peers[i].name;
	return NULL;
}

void facts_peer_label(char label[PEER_LABEL_MAX], const struct facts *f, const struct wg_peer *peer)
{
	enum { SHOWN = 8 };
	const char *name = facts_peer_name(f, &peer->public_key);
	struct text t = text_fixed(label, PEER_LABEL_MAX);
	char key[KEY_BASE64_CHARS + 1];

	if (name) {
		text_add(&t, name);
		return;
	}
	key_to_base64(key, peer->public_key.b);
	text_f(&t, "%.*s...", SHOWN, key);
}
