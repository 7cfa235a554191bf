/* Keys that are given twice, and lines that name another place. */
#include "conf_secrets.h"

static const struct secret_key {
	const char *name;
	bool of_peer, is_file;
} keys[] = {
	{ "PrivateKey", false, false }, { "PresharedKey", true, false },
	{ "PrivateKeyFile", false, true }, { "PresharedKeyFile", true, true },
};

static const struct secret_key *find(struct span key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (span_is_spaced(key, keys[i].name))
			return &keys[i];
	return NULL;
}

const char *conf_secrets_note(struct conf_secrets *s, struct span key, struct span value, unsigned int line)
{
	const struct secret_key *k = find(key);
	struct text t = text_fixed(s->message, sizeof s->message);
	struct conf_secret *secret;
	bool elsewhere;

	if (!k)
		return NULL;
	secret = k->of_peer ? &s->psk : &s->private_key;
	elsewhere = k->is_file || span_starts(value, "@");
	if (secret->line && (secret->elsewhere != elsewhere || strcmp(secret->key, k->name) != 0)) {
		text_f(&t, "%s: %s on line %u gives this key as well", k->name, secret->key, secret->line);
		return s->message;
	}
	*secret = (struct conf_secret){ line, k->name, elsewhere };
	return NULL;
}
