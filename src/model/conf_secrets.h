/* The places of secret keys: lines of wg(8), or lines of wg-quick(8) that name another place. Giving a key in two ways is an
 * error, because it is not clear which one was meant. Private to src/model. */
#ifndef WG_CONF_SECRETS_H
#define WG_CONF_SECRETS_H

#include "base/text.h"

/* A zeroed struct is a file without keys. */
struct conf_secrets {
	struct conf_secret {
		unsigned int line; /* of the last one; 0: none */
		const char *key;   /* in its usual spelling */
		bool elsewhere;    /* the line names another place */
	} private_key, psk;        /* psk: of the current peer */
	char message[96];
};

/* Notes a line with this key, which may be any. An error if an earlier one gives the same secret in another way; null: it
 * does not. Valid until the next call. */
const char *conf_secrets_note(struct conf_secrets *s, struct span key, struct span value, unsigned int line);

#endif
