/* Unrecognized lines of tunnel files: how much of the line may be printed, and which remedy to suggest. Private to
 * src/model. */
#ifndef WG_CONF_UNRECOGNIZED_H
#define WG_CONF_UNRECOGNIZED_H

#include "base/span.h"

struct conf_unrecognized {
	struct span text; /* the line without its comment */
	bool in_peer, in_section;
	bool accepts_quick_keys; /* the caller reads the keys of wg-quick(8) */
	/* set by conf_unrecognized_explain: */
	struct span shown; /* the printable part: the whole text, the key, or the null span */
	bool shows_all;
	bool may_be_public_key; /* possibly a public key, or a misspelt PublicKey line */
	const char *id;    /* of the finding */
	const char *help;  /* static, or in help_text; null: none */
	char help_text[192];
};
/* w->shown may point into the buffer. */
void conf_unrecognized_explain(struct conf_unrecognized *w, char *buffer, size_t size);

#endif
