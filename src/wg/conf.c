/* `wg setconf`, `addconf` and `syncconf`: a file to a patch. */
#include <errno.h>
#include <stdlib.h>

#include "model/conf.h"
#include "model/sync.h"
#include "change.h"
#include "conf_file.h"

struct conf_command {
	const char *device, *path;
	bool allow_empty;
};

/* The two words, and --allow-empty anywhere among them. */
static bool read_words(struct conf_command *c, int argc, char *const argv[])
{
	const char *words[2] = { NULL, NULL };
	int n = 0;

	*c = (struct conf_command){ 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--allow-empty") == 0) {
			c->allow_empty = true;
			continue;
		}
		if (n == 2)
			return false;
		words[n++] = argv[i];
	}
	c->device = words[0];
	c->path = words[1];
	return n == 2;
}

/* What was found in a file, kept to be told in the order of its lines: that a peer has no key is known
 * at the peer's end only. */
struct findings {
	struct finding {
		unsigned int line;
		size_t number; /* of those on one line the first comes first */
		char *text;
	} *list;
	size_t n, cap;
};

static bool keep(struct findings *f, unsigned int line, const char *text)
{
	struct finding *larger;
	size_t cap = f->cap ? 2 * f->cap : 16;
	char *copy = strdup(text);

	if (copy && f->n == f->cap) {
		larger = realloc(f->list, cap * sizeof *larger);
		if (larger) {
			f->list = larger;
			f->cap = cap;
		}
	}
	if (!copy || f->n == f->cap) {
		free(copy);
		return false;
	}
	f->list[f->n] = (struct finding){ line, f->n, copy };
	f->n++;
	return true;
}

/* file:line:column, the sentence, the line, a caret; what to do about it. */
static void find(void *findings, const struct diag_message *m)
{
	char lines[8192]; /* the longest path, and all that can be said */
	struct text t = text_fixed(lines, sizeof lines);

	if (m->level == DIAG_WARNING) /* in the words that scripts know */
		text_f(&t, "Warning: %s\n", m->text);
	else
		diag_print(&t, m, true);
	if (!keep(findings, m->at.line, lines))
		complain("%s", lines);
}

static int by_line(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Nothing is kept afterwards. */
static void tell(struct findings *f)
{
	if (f->n > 1)
		qsort(f->list, f->n, sizeof *f->list, by_line);
	for (size_t i = 0; i < f->n; i++) {
		complain("%s", f->list[i].text);
		free(f->list[i].text);
	}
	free(f->list);
	*f = (struct findings){ 0 };
}

/* /dev/null named by hand clears a device on purpose; a failed <(…) or a typo must not. */
static bool emptiness_is_meant(const struct conf_command *c)
{
	return c->allow_empty || strcmp(c->path, "/dev/null") == 0;
}

static void complain_about_file(const struct conf_file *f, const char *path)
{
	complain("%s: %s\n", strcmp(f->failed, "fopen") == 0 ? "fopen" : path, strerror(-f->error));
}

static void complain_about_emptiness(const char *path, struct diag *diag)
{
	struct diag_at at = { .file = path, .line = 1, .column = 1 };

	diag_f(diag, DIAG_ERROR, &at, "--allow-empty, or the file /dev/null, clears the interface",
	       "The file says nothing");
}

enum { ERRORS_MAX = 1 << 20 }; /* no tunnel file has more; a device may have no end */

static bool read_pieces(struct wg_device *wanted, const struct conf_command *c, struct conf_file *file,
			bool may_be_empty, struct diag *diag)
{
	struct conf_options o = {
		.file = c->path, .scopes = &ipc_scopes, .service = ipc_service, .max_errors = ERRORS_MAX,
		.no_names = true,
	};
	struct conf_source source = { conf_file_next, file };
	int rc = conf_read_chunks(wanted, &source, &o, diag);

	tell(diag->ctx);
	if (file->error)
		complain_about_file(file, c->path);
	else if (rc == -ENOMEM)
		complain("%s\n", strerror(ENOMEM));
	else if (rc)
		complain(rc == -ENOKEY ? "Invalid configuration\n" : "Configuration parsing error\n");
	else if (!file->says_something && !may_be_empty)
		complain_about_emptiness(c->path, diag);
	else
		return true;
	return false;
}

/* The file as a patch with addresses. It complains itself; *wanted is empty unless true. */
static bool read_wanted(struct wg_device *wanted, const struct conf_command *c, bool may_be_empty)
{
	struct findings findings = { 0 };
	struct diag diag = { .emit = find, .ctx = &findings };
	struct conf_file file;
	bool ok = false;

	*wanted = (struct wg_device){ 0 };
	if (conf_file_open(&file, c->path) != 0)
		complain_about_file(&file, c->path);
	else
		ok = read_pieces(wanted, c, &file, may_be_empty || emptiness_is_meant(c), &diag);
	conf_file_close(&file);
	if (ok && !change_resolve(wanted, c->path, &diag)) {
		tell(&findings);
		complain("Configuration parsing error\n");
		ok = false;
	}
	tell(&findings);
	if (!ok)
		device_free(wanted);
	return ok;
}

static bool begin(struct conf_command *c, struct wg_device *wanted, struct program *p, int argc,
		  char *const argv[])
{
	if (!read_words(c, argc, argv)) {
		complain("Usage: %s %s <interface> <configuration filename>\n", p->name, argv[0]);
		return false;
	}
	return read_wanted(wanted, c, strcmp(argv[0], "addconf") == 0);
}

int cmd_setconf(struct program *p, int argc, char *const argv[])
{
	struct conf_command c;
	struct wg_device wanted;
	bool ok;

	if (!begin(&c, &wanted, p, argc, argv))
		return 1;
	wanted.flags |= WG_DEVICE_HAS_PRIVATE_KEY | WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK |
			WG_DEVICE_REPLACE_PEERS;
	ok = change_send(p, c.device, &wanted);
	device_free(&wanted);
	return ok ? 0 : 1;
}

int cmd_addconf(struct program *p, int argc, char *const argv[])
{
	struct conf_command c;
	struct wg_device wanted;
	bool ok;

	if (!begin(&c, &wanted, p, argc, argv))
		return 1;
	ok = change_send(p, c.device, &wanted);
	device_free(&wanted);
	return ok ? 0 : 1;
}

/* The peers that are not where the file says, although they have had a handshake and so may have roamed, each
 * with the file's endpoint. Those without one were configured elsewhere and are set. */
static int find_moved(struct wg_device *moved, const struct wg_device *now, const struct wg_device *wanted)
{
	struct peer_index index = { 0 };
	int rc = peer_index_build(&index, wanted) ? 0 : -ENOMEM;

	for (uint32_t i = 0; rc == 0 && i < now->n_peers; i++) {
		const struct wg_peer *peer = &now->peers[i];
		const struct wg_peer *goal = peer_index_find(&index, wanted, &peer->public_key);
		struct wg_peer *out;

		if (!goal || peer->handshake_s == 0 ||
		    !(goal->flags & peer->flags & WG_PEER_HAS_ENDPOINT) ||
		    endpoint_equal(&goal->endpoint, &peer->endpoint))
			continue;
		out = device_add_peer(moved);
		rc = out ? 0 : -ENOMEM;
		if (out) {
			out->public_key = peer->public_key;
			out->endpoint = goal->endpoint;
			out->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT;
		}
	}
	peer_index_free(&index);
	return rc;
}

/* Gives those that are on record the endpoint that was configured before. */
static int recall_endpoints(struct wg_device *moved, struct program *p, const char *name)
{
	struct wg_device asked = { 0 };
	struct peer_index index = { 0 };
	int rc = ipc_last_request(&p->ipc, &asked, name, moved);

	if (rc == 0 && !peer_index_build(&index, moved))
		rc = -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < asked.n_peers; i++) {
		struct wg_peer *peer = peer_index_find(&index, moved, &asked.peers[i].public_key);

		if (peer)
			peer->endpoint = asked.peers[i].endpoint;
	}
	peer_index_free(&index);
	device_free(&asked);
	return rc;
}

static int find_difference(struct wg_device *patch, struct program *p, const struct conf_command *c,
			   const struct wg_device *now, const struct wg_device *wanted)
{
	struct wg_device before = { 0 };
	struct sync_options o = { .keep_private_key = true, .keep_listen_port = true,
				  .keep_fwmark = true, .last_request = &before };
	int rc = find_moved(&before, now, wanted);

	if (rc == 0 && before.n_peers > 0)
		rc = recall_endpoints(&before, p, c->device);
	if (rc == 0)
		rc = sync_diff(patch, now, wanted, &o);
	device_free(&before);
	return rc;
}

/* A device's own key, port and mark stay when the file does not name them: wg-quick and hooks set
 * them beside the file, and a sync must not cut the tunnel that it syncs. */
int cmd_syncconf(struct program *p, int argc, char *const argv[])
{
	struct wg_device now = { 0 }, wanted, patch = { 0 };
	struct conf_command c;
	int rc;

	if (!begin(&c, &wanted, p, argc, argv))
		return 1;
	rc = ipc_get(&p->ipc, &now, c.device);
	if (rc) /* upstream does not look when no peer is wanted */
		complain("Unable to %s: %s\n", wanted.n_peers > 0 ?
			 "retrieve current interface configuration" : "modify interface", strerror(-rc));
	else if ((rc = find_difference(&patch, p, &c, &now, &wanted)) != 0)
		complain("Unable to compare configurations: %s\n", strerror(-rc));
	if (rc == 0 && !sync_is_empty(&patch) && !change_send(p, c.device, &patch))
		rc = -EIO;
	device_free(&now);
	device_free(&wanted);
	device_free(&patch);
	return rc ? 1 : 0;
}
