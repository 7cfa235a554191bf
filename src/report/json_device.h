/* A WireGuard device as JSON: the keys of the script wg-json of wireguard-tools, and the additional keys backend, ifindex
 * and name. Values that are not set are left out, except allowedIps. The schema is contrib/wg-show.schema.json. */
#ifndef WG_REPORT_JSON_DEVICE_H
#define WG_REPORT_JSON_DEVICE_H

#include "json.h"
#include "names.h"

struct json_device_options {
	const struct peer_names *names; /* null: none */
	const struct ip_scopes *scopes;
	bool show_secrets;              /* private and preshared keys */
};
/* An object with the key d->name. False: out of memory, and nothing was written. */
must_check bool json_device(struct json *j, const struct wg_device *d, const struct json_device_options *o);

#endif
