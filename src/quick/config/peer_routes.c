/* The key Routes of [Peer]. */
#include "peer_routes.h"

#include <stdlib.h>

#include "bad_value.h"
#include "base/prefix_set.h"
#include "base/vector.h"
#include "list.h"

void peer_routes_free(struct peer_routes *r)
{
	free(r->list);
	*r = (struct peer_routes){ 0 };
}

static void report_value(const char *file, const struct conf_extra *x, struct diag *d, struct span bad)
{
	bad_value_report(d, file, x, "bad-value", bad, "off, or prefixes");
}

static void warn_of_host_bits(const char *file, const struct conf_extra *x, struct diag *d, struct span word)
{
	struct diag_at at = { .file = file, .line = x->line, .column = x->column + (unsigned int)(word.p - x->value.p),
			      .width = (unsigned int)word.n, .id = "host-bits" };

	diag_f(d, DIAG_WARNING, &at, NULL, "%.*s has a nonzero host part: %.*s", (int)x->key.n, x->key.p, (int)word.n, word.p);
}

bool peer_routes_read(struct peer_routes *r, const char *file, const struct conf_extra *x, struct diag *d)
{
	struct span rest = x->value, word;

	r->given = true;
	if (span_is_nocase(x->value, "off")) {
		r->n = 0;
		return true;
	}
	if (x->value.n == 0)
		report_value(file, x, d, x->value);
	while (list_next(&word, &rest)) {
		struct peer_route route = { .line = x->line, .column = x->column + (unsigned int)(word.p - x->value.p),
					    .width = (unsigned int)word.n, .line_text = x->line_text };
		bool had_host_bits;
		if (!prefix_parse(&route.prefix, word, &had_host_bits)) {
			report_value(file, x, d, word);
			continue;
		}
		if (had_host_bits)
			warn_of_host_bits(file, x, d, word);
		if (!vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list))
			return false;
		r->list[r->n++] = route;
	}
	return true;
}

bool peer_routes_check(const struct peer_routes *r, const struct wg_peer *peer, const char *file, struct diag *d)
{
	struct prefix_set allowed = { 0 };
	bool ok = true;

	for (uint32_t i = 0; ok && r->n > 0 && i < peer->n_allowedips; i++)
		if (!(peer->allowedips[i].flags & WG_ALLOWEDIP_REMOVE))
			ok = prefix_set_append(&allowed, &peer->allowedips[i].prefix);
	prefix_set_normalize(&allowed);
	for (size_t i = 0; ok && i < r->n; i++) {
		const struct peer_route *route = &r->list[i];
		struct diag_at at = { .file = file, .line = route->line, .column = route->column, .width = route->width,
				      .source = route->line_text, .id = "route-outside-allowed-ips" };
		char text[IP_PREFIX_TEXT_MAX];
		struct text t = text_fixed(text, sizeof text);
		if (prefix_set_covers(&allowed, &route->prefix))
			continue;
		prefix_print(&t, &route->prefix);
		diag_f(d, DIAG_ERROR, &at, "add it to AllowedIPs, without which the peer does not get its packets",
		       "Routes: %s is not within the AllowedIPs of this peer", text);
	}
	prefix_set_free(&allowed);
	return ok;
}
