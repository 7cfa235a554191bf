/* `wg setconf`, `addconf` and `syncconf`: from a file to a patch. */
#include <errno.h>

#include "model/conf.h"
#include "model/sync.h"
#include "access.h"
#include "change.h"
#include "conf_file.h"
#include "report/diagnostics.h"
#include "report/report.h"

struct conf_command {
	const char *device, *path;
	bool allow_empty;
};

/* Two arguments, and --allow-empty anywhere. */
static bool parse_args(struct conf_command *c, int argc, char *const argv[])
{
	const char *args[2] = { NULL, NULL };
	int n = 0;

	*c = (struct conf_command){ 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--allow-empty") == 0) {
			c->allow_empty = true;
			continue;
		}
		if (n == 2)
			return false;
		args[n++] = argv[i];
	}
	c->device = args[0];
	c->path = args[1];
	return n == 2;
}

/* /dev/null clears the device intentionally; a failed <(…) must not. */
static bool may_be_empty(const struct conf_command *c)
{
	return c->allow_empty || strcmp(c->path, "/dev/null") == 0;
}

static void report_file(const struct conf_file *f, const char *path)
{
	if (f->open_failed)
		report_verbatim("fopen: %s", strerror(-f->error)); /* upstream's text */
	else
		report_error("cannot read %s: %s", path, strerror(-f->error));
}

static void report_empty(const char *path, struct diag *diag)
{
	struct diag_at at = { .file = path, .line = 1, .column = 1 };

	diag_f(diag, DIAG_ERROR, &at, "to clear the interface, use --allow-empty or the file /dev/null",
	       "the file is empty");
}

enum { ERRORS_MAX = 1 << 20 }; /* more than any file has lines; a device may be endless */

static bool read_chunks(struct wg_device *desired, const struct conf_command *c, struct conf_file *file,
			bool empty_allowed, struct diag *diag)
{
	struct conf_options o = {
		.file = c->path, .scopes = &ipc_scopes, .service = ipc_service, .max_errors = ERRORS_MAX,
		.no_names = true,
	};
	struct conf_source source = { conf_file_next, file };
	int rc = conf_read_chunks(desired, &source, &o, diag);

	diagnostics_print(diag->ctx);
	if (file->error)
		report_file(file, c->path);
	else if (rc == -ENOMEM)
		report_error("out of memory");
	else if (rc)
		report_verbatim(rc == -ENOKEY ? "Invalid configuration" : "Configuration parsing error");
	else if (file->is_empty && !empty_allowed)
		report_empty(c->path, diag);
	else
		return true;
	return false;
}

/* Reads the file into a patch and resolves host names. False: an error was reported, and *desired is empty. */
static bool read_desired(struct wg_device *desired, const struct conf_command *c, bool empty_allowed)
{
	struct diagnostics diagnostics;
	struct diag diag = { .emit = diagnostics_collect, .ctx = &diagnostics };
	struct conf_file file;
	bool ok = false;

	diagnostics_init(&diagnostics);
	*desired = (struct wg_device){ 0 };
	if (conf_file_open(&file, c->path) != 0)
		report_file(&file, c->path);
	else
		ok = read_chunks(desired, c, &file, empty_allowed || may_be_empty(c), &diag);
	conf_file_close(&file);
	if (ok && !change_resolve(desired, c->path, &diag)) {
		diagnostics_print(&diagnostics);
		report_verbatim("Configuration parsing error");
		ok = false;
	}
	diagnostics_print(&diagnostics);
	if (!ok)
		device_free(desired);
	return ok;
}

static bool begin(struct conf_command *c, struct wg_device *desired, struct program *p, int argc,
		  char *const argv[])
{
	if (!parse_args(c, argc, argv)) {
		report_verbatim("Usage: %s %s <interface> <configuration filename>", p->name, argv[0]);
		return false;
	}
	report_set_interface(c->device);
	return read_desired(desired, c, strcmp(argv[0], "addconf") == 0);
}

int cmd_setconf(struct program *p, int argc, char *const argv[])
{
	struct conf_command c;
	struct wg_device desired;
	bool ok;

	if (!begin(&c, &desired, p, argc, argv))
		return 1;
	desired.flags |= WG_DEVICE_HAS_PRIVATE_KEY | WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK |
			WG_DEVICE_REPLACE_PEERS;
	ok = change_send(p, c.device, &desired);
	device_free(&desired);
	return ok ? 0 : 1;
}

int cmd_addconf(struct program *p, int argc, char *const argv[])
{
	struct conf_command c;
	struct wg_device desired;
	bool ok;

	if (!begin(&c, &desired, p, argc, argv))
		return 1;
	ok = change_send(p, c.device, &desired);
	device_free(&desired);
	return ok ? 0 : 1;
}

/* Finds the peers whose endpoint differs from the file's and that have had a handshake, so that they may have roamed.
 * Without a handshake the endpoint was configured, and is to be set. */
static int find_roaming_candidates(struct wg_device *candidates, const struct wg_device *state, const struct wg_device *desired)
{
	struct peer_index index = { 0 };
	int rc = peer_index_build(&index, desired) ? 0 : -ENOMEM;

	for (uint32_t i = 0; rc == 0 && i < state->n_peers; i++) {
		const struct wg_peer *peer = &state->peers[i];
		const struct wg_peer *target = peer_index_find(&index, desired, &peer->public_key);
		struct wg_peer *out;

		if (!target || peer->handshake_s == 0 ||
		    !(target->flags & peer->flags & WG_PEER_HAS_ENDPOINT) ||
		    endpoint_equal(&target->endpoint, &peer->endpoint))
			continue;
		out = device_add_peer(candidates);
		rc = out ? 0 : -ENOMEM;
		if (out) {
			out->public_key = peer->public_key;
			out->flags = WG_PEER_HAS_PUBLIC_KEY;
		}
	}
	peer_index_free(&index);
	return rc;
}

static int find_difference(struct wg_device *patch, struct program *p, const struct conf_command *c,
			   const struct wg_device *state, const struct wg_device *desired)
{
	struct wg_device candidates = { 0 }, last_request = { 0 };
	struct sync_options o = { .keep_private_key = true, .keep_listen_port = true,
				  .keep_fwmark = true, .last_request = &last_request };
	int rc = find_roaming_candidates(&candidates, state, desired);

	/* Where it is not known that the file's endpoint was applied before, another program may have set the device's. */
	if (rc == 0 && candidates.n_peers > 0)
		rc = ipc_last_request(&p->ipc, &last_request, c->device, &candidates);
	if (rc == 0)
		rc = sync_diff(patch, state, desired, &o);
	device_free(&candidates);
	device_free(&last_request);
	return rc;
}

/* The device's key, port and mark are kept if the file does not have them, because wg-quick and hooks set them in
 * addition to the file. Upstream resets them, which interrupts the tunnel. */
int cmd_syncconf(struct program *p, int argc, char *const argv[])
{
	struct wg_device state = { 0 }, desired, patch = { 0 };
	struct conf_command c;
	int rc;

	if (!begin(&c, &desired, p, argc, argv))
		return 1;
	rc = ipc_get(&p->ipc, &state, c.device);
	if (rc) { /* upstream reads the device only if the file has peers */
		report_verbatim("Unable to %s: %s", desired.n_peers > 0 ?
			 "retrieve current interface configuration" : "modify interface", strerror(-rc));
		report_reasons(&p->ipc, rc);
	} else if ((rc = find_difference(&patch, p, &c, &state, &desired)) != 0) {
		report_error("cannot compare the configurations: %s", strerror(-rc));
	}
	if (rc == 0 && !sync_is_empty(&patch) && !change_send(p, c.device, &patch))
		rc = -EIO;
	device_free(&state);
	device_free(&desired);
	device_free(&patch);
	return rc ? 1 : 0;
}
