/* `status` for programs: one JSON document. */
#ifndef WG_QUICK_STATUS_JSON_H
#define WG_QUICK_STATUS_JSON_H

#include "observation.h"
#include "report/json.h"

/* The member of the document that has the name of the tunnel. False: out of memory. */
must_check bool status_json(struct json *j, const struct observation *o);

#endif
