/* One row per setting of a device or a peer, with its three spellings. Private to this room: conf.c
 * and uapi.c walk this table, so that a setting is added by adding a row. */
#ifndef WG_FIELDS_H
#define WG_FIELDS_H

#include "model.h"

enum field_syntax { SYNTAX_CONF, SYNTAX_SET, SYNTAX_UAPI, SYNTAXES };

enum field_id {
	FIELD_PRIVATE_KEY,
	FIELD_LISTEN_PORT,
	FIELD_FWMARK,
	FIELD_PUBLIC_KEY, /* those of the device end, those of a peer begin */
	FIELD_PSK,
	FIELD_ENDPOINT,
	FIELD_KEEPALIVE,
	FIELD_ALLOWEDIP, /* one element; how elements make a list is the syntax's affair */
	FIELDS,
	FIELD_OF_PEER = FIELD_PUBLIC_KEY
};

/* One value on its way in; the text is borrowed. Blanks inside one of a file are refused; as they mean
 * nothing there, who asks takes them out and asks again. */
struct field_value {
	struct span text;
	enum field_syntax syntax;
	const struct ip_scopes *scopes;
	bool (*service)(uint16_t *port, struct span name); /* null: ports are numbers */
	/* set by the parser when it refuses */
	const char *why;     /* upstream's words without the value; null: out of memory */
	struct span culprit; /* the part of text to name, null span: none */
	/* set by the parser when it takes it */
	bool host_bits;      /* an allowed-ip had bits after its mask, which are cleared */
	bool incremental;    /* an allowed-ip began with '+' or '-' */
};

struct field;

struct field_kind {
	/* Into the field of this device or peer. False: v->why, and the field is as it was or
	 * empty. */
	bool (*parse)(void *object, const struct field *f, struct field_value *v);
	/* Null for allowed-ips, whose lists are printed by element. */
	void (*print)(struct text *t, const void *object, const struct field *f,
		      enum field_syntax syntax, const struct ip_scopes *scopes);
	/* It says more than the field's absence does: a nonzero number or key. */
	bool (*says_something)(const void *object, const struct field *f);
	bool secret;
};

struct field {
	struct span spelling[SYNTAXES]; /* literals, which end with a NUL */
	uint32_t presence; /* in the object's flags; 0: none */
	bool of_peer;      /* else of the device */
	uint16_t place;    /* of the field in struct wg_device or struct wg_peer */
	const struct field_kind *kind;
};

extern const struct field fields[FIELDS];

/* Parses and sets the presence bit. */
must_check bool field_read(void *object, const struct field *f, struct field_value *v);
void field_print(struct text *t, const void *object, const struct field *f,
		 enum field_syntax syntax, const struct ip_scopes *scopes);
bool field_is_present(const void *object, const struct field *f);

/* The device's or peer's row of this spelling, letters of any case in SYNTAX_CONF; or null. */
const struct field *field_find(enum field_syntax syntax, struct span name, bool of_peer);

/* "a/c" with the sign of its flags: '-' for one to be removed. */
void allowedip_print(struct text *t, const struct wg_allowedip *a);

#endif
