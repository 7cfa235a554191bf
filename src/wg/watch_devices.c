/* Reads devices and keeps names. */
#include "watch_devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/report.h"
#include "show_select.h"

enum { NAMES_AGE_S = 60 };

void watch_devices_free(struct watch_devices *d)
{
	for (size_t i = 0; i < d->n; i++) {
		device_free(&d->list[i]);
		names_free(&d->names[i].names);
	}
	free(d->list);
	free(d->names);
	*d = (struct watch_devices){ 0 };
}

static void set_problem(struct watch_devices *d, const char *what, int error)
{
	struct text t = text_fixed(d->problem, sizeof d->problem);

	text_f(&t, "cannot read %s: %s", what, strerror(-error));
}

static bool allocate(struct watch_devices *d, size_t n)
{
	d->list = calloc(n + 1, sizeof *d->list);
	d->names = calloc(n + 1, sizeof *d->names);
	return d->list && d->names;
}

static void read_all(struct watch_devices *out, struct program *p, const struct ipc_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		int r = ipc_get_listed(&p->ipc, &out->list[out->n], &names->list[i]);
		out->n += r == 0;
		if (r < 0 && !ipc_error_is_no_device(r)) /* it may have been removed since it was listed */
			set_problem(out, names->list[i].name, r);
	}
}

static bool read_states(struct watch_devices *out, struct program *p, const char *interface)
{
	struct ipc_names names = { 0 };
	int r = interface ? 0 : ipc_list(&p->ipc, &names);

	if (r < 0)
		set_problem(out, "the list of interfaces", r);
	if (!allocate(out, names.n + 1)) {
		ipc_names_free(&names);
		return false;
	}
	if (interface) {
		r = ipc_get(&p->ipc, &out->list[0], interface);
		out->n = r == 0;
		if (r < 0)
			set_problem(out, interface, r);
	}
	read_all(out, p, &names);
	ipc_names_free(&names);
	return true;
}

static struct watch_names *find_names(struct watch_devices *before, const struct wg_device *d, double at_s)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct wg_device *b = &before->list[i];
		if (strcmp(b->name, d->name) == 0 && b->ifindex == d->ifindex && before->names[i].n_peers == d->n_peers &&
		    at_s < before->names[i].read_at_s + (double)NAMES_AGE_S)
			return &before->names[i];
	}
	return NULL;
}

static void read_names(struct watch_names *out, struct watch_devices *before, const struct wg_device *d, double at_s)
{
	struct watch_names *known = find_names(before, d, at_s);

	if (known) {
		*out = *known;
		known->names = (struct peer_names){ 0 };
		return;
	}
	peer_names_read(&out->names, d);
	out->read_at_s = at_s;
	out->n_peers = d->n_peers;
}

static void keep_peer(struct wg_device *d, const struct peer_names *names, const char *name)
{
	struct names_match m = names_find(names, name);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->n_peers; i++) {
		struct wg_peer *p = &d->peers[i];
		if (m.n != 1 || kept > 0 || memcmp(&p->public_key, &m.key[0], sizeof p->public_key) != 0) {
			peer_free(p);
		} else if (kept++ != i) {
			d->peers[0] = *p;
			mem_wipe(p, sizeof *p);
		}
	}
	d->n_peers = kept;
}

bool watch_devices_read(struct watch_devices *out, struct watch_devices *before, struct program *p,
			const struct watch_request *r, double at_s)
{
	*out = (struct watch_devices){ 0 };
	if (!read_states(out, p, r->interface)) {
		watch_devices_free(out);
		return false;
	}
	for (size_t i = 0; i < out->n && (r->peer || p->show_names != SHOW_NAMES_NEVER); i++) {
		read_names(&out->names[i], before, &out->list[i], at_s);
		if (r->peer)
			keep_peer(&out->list[i], &out->names[i].names, r->peer + 1);
	}
	return true;
}

bool watch_devices_have_peer(struct program *p, const struct watch_request *r)
{
	const struct watch_request all = { .interface = r->interface };
	struct show_search search = { .word = r->peer };
	struct watch_devices none = { 0 }, d;
	bool found = false, ok;

	if (!watch_devices_read(&d, &none, p, &all, 0)) {
		report_error("out of memory");
		return false;
	}
	ok = d.problem[0] == '\0' || d.n > 0;
	if (!ok)
		report_error("%s", d.problem);
	for (size_t i = 0; i < d.n; i++) {
		struct wg_device selected;
		if (p->show_names == SHOW_NAMES_NEVER)
			peer_names_read(&d.names[i].names, &d.list[i]);
		found |= show_search_next(&search, &selected, &d.list[i], &d.names[i].names);
		mem_wipe(&selected, sizeof selected);
	}
	ok = ok && show_search_end(&search, found);
	watch_devices_free(&d);
	return ok;
}

const char *watch_devices_name(void *ctx, const struct wg_device *d, const struct wg_peer *peer)
{
	const struct watch_devices *w = ctx;

	return names_of(&w->names[d - w->list].names, &peer->public_key);
}
