/* `wg show` and `wg showconf`: selection of devices and format. */
#include <errno.h>

#include "access.h"
#include "base/mem.h"
#include "model/conf.h"
#include "peer_names.h"
#include "report/report.h"
#include "settings.h"
#include "show_document.h"
#include "show_field.h"
#include "show_pretty.h"
#include "show_select.h"

static int usage(const struct program *p, int code)
{
	report_verbatim("Usage: %s show { <interface> | all | interfaces } [public-key | private-key | "
		 "listen-port | fwmark | peers | preshared-keys | endpoints | allowed-ips | "
		 "latest-handshakes | transfer | persistent-keepalive | dump]", p->name);
	return code;
}

static int invalid_field(const struct program *p, const char *field)
{
	report_verbatim("Invalid parameter: `%s'", field);
	return usage(p, 1);
}

static int list(struct program *p, struct ipc_names *names)
{
	int rc = ipc_list(&p->ipc, names);

	if (rc)
		report_verbatim("Unable to list interfaces: %s", strerror(-rc));
	return rc;
}

static int show_interfaces(struct program *p)
{
	struct ipc_names names;

	if (list(p, &names) != 0)
		return 1;
	for (size_t i = 0; i < names.n; i++)
		text_f(&p->out, "%s%c", names.list[i].name, i + 1 < names.n ? ' ' : '\n');
	ipc_names_free(&names);
	return 0;
}

/* ---- one device ---- */

struct request {
	const char *field; /* null: the format for people */
	const char *peer;  /* "@NAME": only this one; null: all */
};

static bool needs_names(const struct program *p, const struct request *r)
{
	return r->peer || (r->field ? show_field_has_names(r->field) : peer_names_are_shown(p));
}

/* False: there is no such field, or an error was reported. */
static bool print(struct program *p, const struct wg_device *d, const struct peer_names *names, const struct request *r,
		  bool with_name)
{
	static const struct peer_names none;
	struct show_field_options o = { .with_name = with_name, .peers_only = r->peer };
	int rc;

	if (r->field) {
		o.names = show_field_has_names(r->field) ? names : NULL;
		return show_field(p, d, r->field, &o);
	}
	rc = show_pretty(p, d, peer_names_are_shown(p) ? names : &none);
	if (rc)
		report_error("%s: %s", d->name, strerror(-rc));
	return rc == 0;
}

static int show_one(struct program *p, const char *name, const struct request *r)
{
	struct peer_names names = { 0 };
	struct wg_device d, selected;
	bool known = false;
	int rc = ipc_get(&p->ipc, &d, name);

	if (rc) {
		report_no_access(&p->ipc, name, rc);
		if (name[0] == '@')
			report_help("the name of a peer follows the interface or `all'");
		else if (show_document_is_format(name))
			report_help("the format follows the interface or `all': %s show all %s", p->name, name);
		return 1;
	}
	if (!r->field)
		settings_apply(p);
	if (needs_names(p, r))
		peer_names_read(&names, &d);
	selected = d;
	if (!r->peer) {
		known = print(p, &d, &names, r, false);
	} else {
		report_set_interface(name);
		known = show_select(&selected, &d, &names, r->peer) && print(p, &selected, &names, r, false);
	}
	names_free(&names);
	mem_wipe(&selected, sizeof selected);
	device_free(&d);
	return known ? 0 : r->field && !r->peer ? invalid_field(p, r->field) : 1;
}

/* ---- all devices ---- */

struct all {
	struct program *p;
	const struct request *r;
	struct show_search search; /* for r->peer */
	bool any_printed;
};

/* False: no other device is to be read. */
static bool show_listed(struct all *a, const struct ipc_name *name, bool is_last)
{
	struct peer_names names = { 0 };
	struct wg_device d, selected;
	bool go_on = true;
	int rc = ipc_get_listed(&a->p->ipc, &d, name);

	if (rc) {
		report_no_access_to(&a->p->ipc, name->name, rc);
		return true;
	}
	if (!a->r->field)
		settings_apply(a->p);
	if (needs_names(a->p, a->r))
		peer_names_read(&names, &d);
	selected = d;
	if (!a->r->peer || show_search_next(&a->search, &selected, &d, &names)) {
		if (a->r->peer && !a->r->field && a->any_printed)
			text_char(&a->p->out, '\n');
		go_on = print(a->p, &selected, &names, a->r, true);
		a->any_printed = true;
		if (!a->r->peer && !a->r->field && go_on && !is_last) /* upstream's, also if the next device cannot be read */
			text_char(&a->p->out, '\n');
	}
	names_free(&names);
	mem_wipe(&selected, sizeof selected);
	device_free(&d);
	return go_on;
}

static int show_all(struct program *p, const struct request *r)
{
	struct all a = { .p = p, .r = r, .search = { .word = r->peer } };
	struct ipc_names names;
	bool go_on = true;
	int code;

	if (list(p, &names) != 0)
		return 1;
	for (size_t i = 0; i < names.n && go_on; i++)
		go_on = show_listed(&a, &names.list[i], i + 1 == names.n);
	code = names.n > 0 && !a.any_printed;
	if (!go_on)
		code = r->field ? invalid_field(p, r->field) : 1;
	if (r->peer && !show_search_end(&a.search, a.any_printed))
		code = 1;
	ipc_names_free(&names);
	return code;
}

/* ---- the command ---- */

/* False: the field does not exist or is one of interfaces only, which was reported. */
static bool may_select(const struct program *p, const struct request *r)
{
	switch (r->field ? show_field_kind(r->field) : SHOW_FIELD_OF_PEERS) {
	case SHOW_FIELD_UNKNOWN:
		(void)invalid_field(p, r->field);
		return false;
	case SHOW_FIELD_OF_DEVICE:
		report_error("%s is a setting of the interface, not of a peer", r->field);
		return false;
	case SHOW_FIELD_OF_PEERS:
		return true;
	}
	unreachable();
}

static int show_as_document(struct program *p, int argc, char *const argv[], const char *peer)
{
	struct show_document r = {
		.device = strcmp(argv[1], "all") == 0 ? NULL : argv[1], .format = argv[2], .file = argc > 3 ? argv[3] : NULL,
		.peer = peer,
	};

	if (argc > 4 || (r.file && !show_document_has_file(r.format)))
		return usage(p, 1);
	return show_document(p, &r);
}

int cmd_show(struct program *p, int argc, char *const argv[])
{
	const char *what = argc > 1 ? argv[1] : "all";
	struct request r = { 0 };

	if (argc > 2 && argv[argc - 1][0] == '@')
		r.peer = argv[--argc];
	r.field = argc > 2 ? argv[2] : NULL;
	if (r.field && show_document_is_format(r.field) && strcmp(what, "interfaces") != 0)
		return show_as_document(p, argc, argv, r.peer);
	if (argc > 3)
		return usage(p, 1);
	if (argc == 2 && !r.peer && (strcmp(what, "-h") == 0 || strcmp(what, "--help") == 0 ||
				     strcmp(what, "help") == 0))
		return usage(p, 0);
	if (strcmp(what, "interfaces") == 0)
		return r.field || r.peer ? usage(p, 1) : show_interfaces(p);
	if (r.peer && !may_select(p, &r))
		return 1;
	return strcmp(what, "all") == 0 ? show_all(p, &r) : show_one(p, what, &r);
}

int cmd_showconf(struct program *p, int argc, char *const argv[])
{
	struct wg_device d;
	int rc;

	if (argc != 2) {
		report_verbatim("Usage: %s %s <interface>", p->name, argv[0]);
		return 1;
	}
	rc = ipc_get(&p->ipc, &d, argv[1]);
	if (rc) {
		report_no_access(&p->ipc, argv[1], rc);
		return 1;
	}
	conf_print(&p->out, &d, &ipc_scopes);
	device_free(&d);
	return 0;
}
