/* Changes that await confirmation. */
#include "unconfirmed.h"

#include <errno.h>
#include <stdlib.h>

#include "inputs.h"
#include "messages.h"
#include "quick/config/edit.h"
#include "quick/host/clock.h"
#include "quick/host/logins.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/host/watched_file.h"
#include "quick/plan/mtu.h"
#include "report/diagnostics.h"
#include "report/report.h"

enum { MS_PER_S = 1000 };

/* ---- the beginning ---- */

static void set_deadline(struct pending *p)
{
	p->deadline_ms = clock_boot_ms() + (uint64_t)p->seconds * MS_PER_S;
}

/* The process that waits is started first: nothing is changed that could not be rolled back. Until the new file has replaced an
 * earlier one, the earlier change has its own process. */
static int begin(struct pending *p, const char *name)
{
	const char *const argv[] = { "wg-quick", "confirm", "--expire", name, NULL };
	struct temporary_file f;
	int r;

	p->earlier = p->exists;
	p->since = (struct login_since){ .real_ms = 0 };
	logins_set_user(&p->since);
	set_deadline(p);
	r = report_failure("record how to roll back the change", pending_prepare(p, &f, name));
	if (r < 0)
		return r;
	r = report_failure("start the process that rolls back the change", watched_file_start(f.fd, argv));
	if (r == 0)
		r = report_failure("record how to roll back the change", pending_commit(p, &f, name));
	if (r < 0)
		temporary_file_discard(&f); /* the process ends */
	return r;
}

int unconfirmed_up(struct pending *p, const struct tunnel_file *f, const struct command_options *o)
{
	p->seconds = o->confirm_s;
	p->no_hooks = o->no_hooks;
	p->config = span_dup(span_of(f->path));
	if (!p->config)
		return report_failure("record how to roll back the change", -ENOMEM);
	return begin(p, f->name);
}

/* ---- the state before a reload ---- */

static int join_lines(struct tunnel_file *f, const struct string_list *lines)
{
	struct text t = text_heap();

	for (size_t i = 0; i < lines->n; i++)
		text_f(&t, "%s\n", lines->list[i]);
	if (t.failed) {
		text_heap_free(&t);
		return -ENOMEM;
	}
	f->text = t.p;
	f->n_text = t.n;
	return 0;
}

static int parse(struct tunnel_file *f, const char *name, const char *path)
{
	struct diagnostics diagnostics;
	struct diag d = { .emit = diagnostics_collect_errors, .ctx = &diagnostics };
	struct text t = text_fixed(f->name, sizeof f->name);
	int r;

	text_add(&t, name);
	f->path = span_dup(span_of(path));
	if (!f->path)
		return -ENOMEM;
	diagnostics_init(&diagnostics);
	r = tunnel_file_load_text(f, &d);
	diagnostics_print(&diagnostics);
	return r;
}

/* With all that `save` would write into a file that has only what the host cannot be asked for. */
static int describe(struct text *out, const struct comparison *c)
{
	const struct applied *applied = &c->journal.applied;
	struct tunnel_file f = { .path = NULL };
	struct edit_state now = { .device = &c->state.device, .addresses = &c->state.addresses, .foreign = &applied->foreign,
				  .mtu = c->state.link.mtu, .chosen_port = true, .chosen_mark = true, .scopes = &ipc_scopes,
				  .ipv6 = c->state.ipv6 && c->state.link.mtu >= MTU_MIN_IPV6 };
	bool changed;
	int r = join_lines(&f, &applied->file_lines);

	if (r == 0)
		r = parse(&f, c->file.name, c->file.path);
	if (r == 0 && !edit_tunnel_file(out, &changed, &f, &now))
		r = -ENOMEM;
	tunnel_file_free(&f);
	return r;
}

static int list_endpoints(struct string_list *out, const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++) {
		char line[KEY_BASE64_CHARS + IP_ENDPOINT_TEXT_MAX + 2], key[KEY_BASE64_CHARS + 1];
		struct text t = text_fixed(line, sizeof line);
		if (!(d->peers[i].flags & WG_PEER_HAS_ENDPOINT))
			continue;
		key_to_base64(key, d->peers[i].public_key.b);
		text_f(&t, "%s ", key);
		endpoint_print(&t, &d->peers[i].endpoint, &ipc_scopes);
		if (!string_list_add(out, text_of(&t)))
			return -ENOMEM;
	}
	return 0;
}

static int copy_list(struct string_list *to, const struct string_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!string_list_add(to, span_of(from->list[i])))
			return -ENOMEM;
	return 0;
}

static int describe_before(struct pending *p, const struct comparison *c)
{
	const struct wg_device *device = &c->state.device;
	int r;

	p->is_reload = true;
	p->port = device->listen_port;
	p->mark = device->fwmark;
	p->file = text_heap();
	p->config = span_dup(span_of(c->file.path));
	r = p->config ? describe(&p->file, c) : -ENOMEM;
	if (r == 0)
		r = list_endpoints(&p->endpoints, device);
	if (r == 0)
		r = copy_list(&p->texts, &c->journal.applied.endpoints);
	return report_failure("record how to roll back the change", r);
}

int unconfirmed_reload(struct pending *p, const struct comparison *c, const struct command_options *o)
{
	const char *name = c->file.name;
	int r = report_failure("read what awaits confirmation", pending_load(p, name));

	if (r < 0)
		return r;
	if (!p->exists && c->plan.n + c->old_dns.n == 0)
		return -ENOMSG;
	if (!p->exists && (!c->journal.exists || c->journal.applied.file_lines.n == 0)) {
		report_error("cannot roll back a change: the journal has no record of the previous file");
		report_help("run `wg-quick reload %s' with the previous file, then change it", name);
		return -ENODATA;
	}
	if (!p->exists)
		r = describe_before(p, c);
	p->seconds = o->confirm_s;
	return r < 0 ? r : begin(p, name);
}

/* ---- the end ---- */

static int write_in_effect(struct pending *p)
{
	p->since.real_ms = clock_now_ms();
	p->since.monotonic_ms = clock_monotonic_ms();
	return pending_write_times(p);
}

void unconfirmed_granted(struct pending *p, const char *name)
{
	if (p->fd < 0)
		return;
	set_deadline(p);
	if (write_in_effect(p) < 0)
		report_warning("cannot extend the time for the confirmation: it began before the change");
	report_warning("the change is rolled back in %u seconds, unless it is confirmed", p->seconds);
	report_help("run `wg-quick confirm %s'", name);
}

void unconfirmed_withdrawn(struct pending *p, const char *name)
{
	if (p->fd >= 0 && !p->earlier)
		pending_remove(name);
	else if (p->fd >= 0)
		(void)!write_in_effect(p); /* the earlier change, again; otherwise no login confirms it */
}

int unconfirmed_refuse(const char *name)
{
	struct pending p = PENDING_NONE;
	int r = report_failure("read what awaits confirmation", pending_load(&p, name));

	if (p.exists) {
		report_error("an earlier change of the tunnel awaits confirmation");
		report_help("run `wg-quick confirm %s' first, or change it again with --confirm", name);
		r = -EBUSY;
	}
	pending_free(&p);
	return r;
}

/* ---- the way back ---- */

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* No names are looked up: the name servers may be among what the change made unreachable. */
static int set_endpoints(struct wg_device *d, const struct string_list *endpoints)
{
	struct peer_index x = { 0 };
	int r = peer_index_build(&x, d) ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < endpoints->n; i++) {
		struct span rest = span_of(endpoints->list[i]), key;
		struct wg_public public_key;
		const struct wg_peer *found;
		struct wg_peer *peer;
		if (!span_next(&key, &rest, ' ') || !key_from_base64(public_key.b, key))
			continue;
		found = peer_index_find(&x, d, &public_key);
		peer = found ? &d->peers[found - d->peers] : NULL;
		if (!peer || !endpoint_parse(&peer->endpoint, rest, &ipc_scopes))
			continue;
		peer->flags |= WG_PEER_HAS_ENDPOINT;
		peer->flags &= ~(uint32_t)WG_PEER_HAS_HOST;
	}
	peer_index_free(&x);
	return r;
}

static int read_before(struct comparison *c, const struct pending *p, const char *name)
{
	struct tunnel_file *f = &c->file;
	int r;

	f->text = span_dup(text_of(&p->file));
	f->n_text = p->file.n;
	r = f->text ? parse(f, name, p->config ? p->config : "") : -ENOMEM;
	if (r < 0)
		return r;
	f->device.flags |= WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK;
	f->device.listen_port = p->port;
	f->device.fwmark = p->mark;
	r = set_endpoints(&f->device, &p->endpoints);
	if (r == 0)
		r = copy_list(&c->endpoints, &p->texts);
	if (c->endpoints.n > 0)
		qsort(c->endpoints.list, c->endpoints.n, sizeof *c->endpoints.list, compare_strings);
	return r;
}

int unconfirmed_read(struct comparison *c, const struct pending *p, const char *name)
{
	int r = report_failure("read the recorded state", read_before(c, p, name));

	return r < 0 ? r : open_journal(&c->journal, name, &c->host->settings);
}
