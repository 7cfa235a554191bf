/* BindDevice and SourceAddress of [Interface]: the binding of the outer sockets. */
#ifndef WG_QUICK_BIND_KEYS_H
#define WG_QUICK_BIND_KEYS_H

#include "model/binding.h"
#include "model/conf.h"

struct bind_keys { /* zeroed: the file has neither */
	struct wg_binding to;
	struct bind_position {
		unsigned int line, column, width; /* of the value; line 0: the file does not have the key */
	} device_at, source_at;
};

/* Each replaces an earlier value, and reports a wrong one. interface: the tunnel's own, or null. */
void bind_device_read(struct bind_keys *k, const char *file, const char *interface, const struct conf_extra *x, struct diag *d);
void source_address_read(struct bind_keys *k, const char *file, const struct conf_extra *x, struct diag *d);
/* Checks that depend on both. False after reporting. */
must_check bool bind_keys_check(const struct bind_keys *k, const char *file, struct diag *d);

#endif
