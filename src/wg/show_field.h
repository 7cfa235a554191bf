/* `wg show INTERFACE FIELD`: tab-separated lines for scripts. */
#ifndef WG_SHOW_FIELD_H
#define WG_SHOW_FIELD_H

#include "program.h"

/* Prints the field, each line after the device's name if with_name. False: there is no such field. */
must_check bool show_field(struct program *p, const struct wg_device *d, const char *field, bool with_name);

#endif
