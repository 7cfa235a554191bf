/* `wg show` and `wg showconf`: selection of devices and format. */
#include <errno.h>

#include "access.h"
#include "model/conf.h"
#include "report/report.h"
#include "settings.h"
#include "show_field.h"
#include "show_pretty.h"

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

/* False: there is no such field, or an error was reported. */
static bool print(struct program *p, const struct wg_device *d, const char *field, bool with_name)
{
	int rc;

	if (field)
		return show_field(p, d, field, with_name);
	settings_apply(p);
	rc = show_pretty(p, d);
	if (rc)
		report_error("%s: %s", d->name, strerror(-rc));
	return rc == 0;
}

static int show_all(struct program *p, const char *field)
{
	struct ipc_names names;
	struct wg_device d;
	int rc, code;

	if (list(p, &names) != 0)
		return 1;
	code = names.n > 0;
	for (size_t i = 0; i < names.n; i++) {
		bool known;

		rc = ipc_get_listed(&p->ipc, &d, &names.list[i]);
		if (rc) {
			report_no_access(&p->ipc, names.list[i].name, rc);
			continue;
		}
		known = print(p, &d, field, true);
		device_free(&d);
		code = known ? 0 : field ? invalid_field(p, field) : 1;
		if (!known)
			break;
		if (!field && i + 1 < names.n)
			text_char(&p->out, '\n');
	}
	ipc_names_free(&names);
	return code;
}

static int show_one(struct program *p, const char *name, const char *field)
{
	struct wg_device d;
	bool known;
	int rc = ipc_get(&p->ipc, &d, name);

	if (rc) {
		report_no_access(&p->ipc, NULL, rc);
		return 1;
	}
	known = print(p, &d, field, false);
	device_free(&d);
	return known ? 0 : field ? invalid_field(p, field) : 1;
}

int cmd_show(struct program *p, int argc, char *const argv[])
{
	const char *what = argc > 1 ? argv[1] : "all", *field = argc > 2 ? argv[2] : NULL;

	if (argc > 3)
		return usage(p, 1);
	if (argc == 2 && (strcmp(what, "-h") == 0 || strcmp(what, "--help") == 0 ||
			  strcmp(what, "help") == 0))
		return usage(p, 0);
	if (strcmp(what, "all") == 0)
		return show_all(p, field);
	if (strcmp(what, "interfaces") == 0)
		return field ? usage(p, 1) : show_interfaces(p);
	return show_one(p, what, field);
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
		report_no_access(&p->ipc, NULL, rc);
		return 1;
	}
	conf_print(&p->out, &d, &ipc_scopes);
	device_free(&d);
	return 0;
}
