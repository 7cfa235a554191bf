/* `wg show INTERFACE FIELD`: tab-separated lines for scripts. */
#ifndef WG_SHOW_FIELD_H
#define WG_SHOW_FIELD_H

#include "program.h"
#include "report/names.h"

struct show_field_options {
	bool with_name;                 /* each line starts with the device's name */
	bool peers_only;                /* no line of the device */
	const struct peer_names *names; /* of the device; null unless show_field_has_names() */
};

/* Prints the field. False: there is no such field. */
must_check bool show_field(struct program *p, const struct wg_device *d, const char *field,
			   const struct show_field_options *o);

/* True if the field contains names of peers. */
bool show_field_has_names(const char *field);

enum show_field_kind { SHOW_FIELD_UNKNOWN, SHOW_FIELD_OF_DEVICE, SHOW_FIELD_OF_PEERS /* and perhaps of the device */ };
enum show_field_kind show_field_kind(const char *field);

#endif
