/* The table of settings of devices and peers, with the three spellings of each. conf and uapi walk this table: to add a
 * setting, add an entry. Private to src/model. */
#ifndef WG_FIELDS_H
#define WG_FIELDS_H

#include "model.h"

enum field_syntax { SYNTAX_CONF, SYNTAX_SET, SYNTAX_UAPI, SYNTAXES };

enum field_id {
	FIELD_PRIVATE_KEY,
	FIELD_LISTEN_PORT,
	FIELD_FWMARK,
	FIELD_PUBLIC_KEY, /* the first one of a peer */
	FIELD_PSK,
	FIELD_ENDPOINT,
	FIELD_KEEPALIVE,
	FIELD_ALLOWEDIP, /* one element of the list; the list syntax is up to conf and uapi */
	FIELDS,
	FIELD_OF_PEER = FIELD_PUBLIC_KEY
};

/* A value to be parsed; the text is borrowed. Blanks inside a value are an error; in files they have no meaning, so the
 * reader of files removes them and tries again. */
struct field_value {
	struct span text;
	enum field_syntax syntax;
	const struct ip_scopes *scopes;
	bool (*service)(uint16_t *port, struct span name); /* null: ports must be numbers */
	/* set on failure: */
	const char *message;   /* upstream's error message without the value; null: out of memory */
	struct span offending; /* the part of the text to print; the null span: none */
	/* set on success: */
	bool host_bits;        /* an allowed IP had host bits, which were cleared */
	bool incremental;      /* an allowed IP began with '+' or '-' */
};

struct field;

struct field_kind {
	/* Parses into the field of this device or peer. False: v->message is set, and the field is unchanged or empty. */
	bool (*parse)(void *object, const struct field *f, struct field_value *v);
	/* Null for allowed IPs, which are printed by element. */
	void (*print)(struct text *t, const void *object, const struct field *f,
		      enum field_syntax syntax, const struct ip_scopes *scopes);
	/* False if the value has the same meaning as an absent field: zero. */
	bool (*is_significant)(const void *object, const struct field *f);
	bool secret;
};

struct field {
	struct span spelling[SYNTAXES]; /* literals, so a NUL follows */
	uint32_t presence; /* the bit in the object's flags; 0: none */
	bool of_peer;      /* false: of the device */
	uint16_t offset;   /* in struct wg_device or struct wg_peer */
	const struct field_kind *kind;
};

extern const struct field fields[FIELDS];

/* Parses the value and sets the presence bit. */
must_check bool field_read(void *object, const struct field *f, struct field_value *v);
void field_print(struct text *t, const void *object, const struct field *f,
		 enum field_syntax syntax, const struct ip_scopes *scopes);
bool field_is_present(const void *object, const struct field *f);

/* The device's or peer's field with this spelling, or null. SYNTAX_CONF ignores case and blanks. */
const struct field *field_find(enum field_syntax syntax, struct span name, bool of_peer);

/* "address/bits", with a leading '-' if it is to be removed. */
void allowedip_print(struct text *t, const struct wg_allowedip *a);

#endif
