/* The keys Routes of the peers as text. */
#include "applied_routes.h"

#include <errno.h>
#include <stdlib.h>

#include "route_prefixes.h"

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void applied_routes_sort(struct string_list *list)
{
	if (list->n > 0)
		qsort(list->list, list->n, sizeof *list->list, compare_strings);
}

static bool add_line(struct string_list *out, const struct wg_public *key, const struct peer_routes *routes)
{
	char base64[KEY_BASE64_CHARS + 1];
	struct text t = text_heap();
	bool ok;

	key_to_base64(base64, key->b);
	text_f(&t, "%s %s", base64, routes->n == 0 ? "off" : "");
	for (size_t i = 0; i < routes->n; i++) {
		text_add(&t, i > 0 ? "," : "");
		prefix_print(&t, &routes->list[i].prefix);
	}
	ok = !t.failed && string_list_add(out, text_of(&t));
	text_heap_free(&t);
	return ok;
}

int applied_routes_set(struct string_list *out, const struct tunnel_file *f)
{
	string_list_free(out);
	for (uint32_t i = 0; i < f->device.n_peers; i++)
		if (peer_has_routes_key(f, i) && !add_line(out, &f->device.peers[i].public_key, &f->peers[i].routes))
			return -ENOMEM;
	applied_routes_sort(out);
	return 0;
}

static int compare_key(const void *key, const void *line)
{
	return strncmp(key, *(char *const *)line, KEY_BASE64_CHARS);
}

bool applied_routes_prefixes(struct prefix_set *out, const struct string_list *list, const struct wg_peer *peer)
{
	char base64[KEY_BASE64_CHARS + 1];
	char *const *line;
	struct span rest, word;
	struct ip_prefix p;

	key_to_base64(base64, peer->public_key.b);
	line = list->n > 0 ? bsearch(base64, list->list, list->n, sizeof *list->list, compare_key) : NULL;
	if (line) {
		rest = span_of(*line);
		rest = span_sub(rest, KEY_BASE64_CHARS + 1, rest.n);
		while (span_next(&word, &rest, ','))
			if (prefix_parse(&p, word, NULL) && !prefix_set_append(out, &p))
				return false;
		return true;
	}
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (!prefix_set_append(out, &peer->allowedips[i].prefix))
			return false;
	return true;
}
