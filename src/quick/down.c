/* `down`: what the record says, or else what is found, taken back; goes on after failures. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "firewall.h"
#include "quick.h"
#include "run.h"

static int read_whole(struct file *f)
{
	struct remarks remarks;
	struct diag d = { .emit = remarks_emit_errors, .ctx = &remarks };
	int r;

	remarks_init(&remarks);
	r = file_read_again(f, &d);
	remarks_say(&remarks);
	return r;
}

/* Peers are wanted only when they are to be saved, and messages about them then and when the file is
 * wrong. */
static int read_file(struct file *f)
{
	struct diag silent = { 0 };

	f->lines_only = true;
	return file_read(f, &silent) == 0 && !f->save_config ? 0 : read_whole(f);
}

/* The file as it is now, if it can be read; `down` needs it only for what no record says. */
static bool file_if_there(struct quick *q)
{
	char name[WG_NAME_MAX];

	if (!file_name_of(name, q->argument)) {
		say_error("The config file must be a valid interface name, followed by .conf");
		return false;
	}
	if (!q->record.exists) {
		int r = file_find(&q->file, q->argument) ? read_file(&q->file) : -ENOENT;
		if (r == -EACCES)
			say_error("`%s': %s", q->file.path, strerror(EACCES));
		return r == 0;
	}
	if (!file_find(&q->file, q->argument) || read_file(&q->file) < 0) {
		say_warning("the tunnel file is gone or wrong; %s goes down as it came up", name);
		file_free(&q->file);
		memcpy(q->file.name, name, sizeof name);
		q->file.path = q->record.config ? span_dup(span_of(q->record.config)) : NULL;
	}
	return true;
}

static void take_hooks(struct words *to, struct words *from)
{
	words_free(to);
	*to = *from;
	*from = (struct words){ 0 };
}

/* Down hooks are those of the file that `up` read; without a record, those of the file now. */
static void choose_hooks(struct quick *q)
{
	bool half = q->record.exists && !q->record.complete;

	if (!q->record.exists && !q->no_hooks && !file_hooks_are_safe(&q->file)) {
		q->failures++; /* it goes down all the same */
	} else if (!q->record.exists) {
		take_hooks(&q->record.hooks[HOOK_PRE_DOWN], &q->file.hooks[HOOK_PRE_DOWN]);
		take_hooks(&q->record.hooks[HOOK_POST_DOWN], &q->file.hooks[HOOK_POST_DOWN]);
	}
	/* Of an `up` that was killed, only what hooks did has to be undone by hooks. */
	if (half && !q->record.began[HOOK_POST_UP])
		words_free(&q->record.hooks[HOOK_PRE_DOWN]);
	if (half && !q->record.began[HOOK_PRE_UP] && !q->record.began[HOOK_POST_UP])
		words_free(&q->record.hooks[HOOK_POST_DOWN]);
}

static int make_plan(struct quick *q, struct plan *undo)
{
	struct plan found = { 0 };
	int r;

	if (q->record.exists) {
		r = plan_undo(undo, &q->record.plan, true);
		if (r == 0)
			plan_drop_absent_rules(undo, &q->state);
		return r;
	}
	r = state_look_device(&q->state, &q->ipc, q->file.name);
	if (r < 0)
		say_warning("%s does not say what it is made of: %s", q->file.name, strerror(-r));
	r = plan_found(&found, &q->state, q->file.name);
	if (r == 0)
		r = plan_undo(undo, &found, true);
	plan_free(&found);
	return r;
}

/* What a wg-quick that kept no record leaves outside the link. */
static void sweep(struct quick *q)
{
	struct plan dns = { .dns_backend = DNS_RESOLVCONF };
	char backup[PATH_MAX];
	struct step *s;

	firewall_sweep(q->file.name, &q->trace.t);
	trace_flush(&q->trace);
	record_backup_path(&q->record, backup, sizeof backup);
	if (access(backup, F_OK) == 0) /* of ours, whose record was lost */
		dns.dns_backend = DNS_FILE;
	else if (q->state.dns != DNS_RESOLVCONF ||
		 (q->file.dns.servers.n == 0 && q->file.dns.domains.n == 0))
		return;
	memcpy(dns.name, q->file.name, sizeof dns.name);
	memcpy(dns.dns_prefix, q->state.dns_prefix, sizeof dns.dns_prefix);
	s = dns_wish_copy(&dns.dns, &q->file.dns) ? plan_add(&dns, STEP_DNS) : NULL;
	if (s) {
		s->remove = true;
		if (apply_plan(q, &dns, 0, true) < 0)
			q->failures++;
	}
	plan_free(&dns);
}

static bool is_left_over(struct quick *q)
{
	return q->record.exists || firewall_exists(q->file.name, IP_V4) ||
	       firewall_exists(q->file.name, IP_V6);
}

void quick_sweep_record(struct quick *q)
{
	struct plan undo = { 0 };

	if (plan_undo(&undo, &q->record.plan, true) == 0) {
		plan_drop_absent_rules(&undo, &q->state);
		plan_leave_out(&undo, STEP_LINK);
		if (apply_plan(q, &undo, 0, true) < 0)
			q->failures++;
	}
	plan_free(&undo);
	record_remove(&q->record);
	record_forget(&q->record);
}

/* True when there is something of this name that we may take down. */
static bool may_take_down(struct quick *q)
{
	bool ours = quick_is_wireguard(q, q->file.name);

	if (q->record.exists && q->record.ifindex && q->state.link.index &&
	    q->record.ifindex != q->state.link.index) {
		/* Somebody took our interface away and made another of the same name. */
		quick_sweep_record(q);
	}
	if (q->state.link.index ? ours || q->record.exists : is_left_over(q))
		return true;
	say_error("`%s' is not a WireGuard interface", q->file.name);
	return false;
}

void quick_take_back(struct quick *q)
{
	struct plan undo = { 0 };

	choose_hooks(q);
	apply_hooks(q, &q->record.hooks[HOOK_PRE_DOWN], HOOK_PRE_DOWN);
	if (make_plan(q, &undo) < 0 || apply_plan(q, &undo, 0, true) < 0)
		q->failures++;
	plan_free(&undo);
	apply_hooks(q, &q->record.hooks[HOOK_POST_DOWN], HOOK_POST_DOWN);
	record_remove(&q->record);
	record_forget(&q->record);
}

/* A hook may have edited the file since it was read. */
static bool save(struct quick *q)
{
	bool hooks = q->record.hooks[HOOK_PRE_DOWN].n > 0 && !q->no_hooks;

	if (hooks && access(q->file.path, F_OK) < 0) {
		say_warning("%s is gone; nothing is saved", q->file.path);
		return true;
	}
	if (hooks && read_whole(&q->file) < 0)
		return false;
	return !q->file.save_config || quick_save(q) == 0;
}

static int take_down(struct quick *q)
{
	struct plan undo = { 0 };
	bool recorded = q->record.exists;
	int r;

	choose_hooks(q);
	apply_hooks(q, &q->record.hooks[HOOK_PRE_DOWN], HOOK_PRE_DOWN);
	if (q->file.save_config && q->state.link.index && !save(q))
		q->failures++;
	r = make_plan(q, &undo);
	if (r == 0)
		r = apply_plan(q, &undo, 0, true);
	plan_free(&undo);
	if (r < 0) {
		say_error("%s", strerror(-r));
		return 1;
	}
	if (!recorded)
		sweep(q);
	apply_hooks(q, &q->record.hooks[HOOK_POST_DOWN], HOOK_POST_DOWN);
	record_end(&q->record);
	return q->failures > 0 ? quick_status(q) : 0;
}

int command_down(struct quick *q)
{
	char name[WG_NAME_MAX];
	int r;

	if (!file_name_of(name, q->argument)) {
		say_error("The config file must be a valid interface name, followed by .conf");
		return 1;
	}
	r = record_open(&q->record, name);
	if (r == -EINTR)
		return quick_stopped();
	if (r < 0)
		say_warning("the record of %s cannot be read: %s", name, strerror(-r));
	if (!file_if_there(q))
		return 1;
	r = state_look(&q->state, &q->rt, name, &q->settings);
	if (r < 0) {
		say_error("netlink: %s", strerror(-r));
		return 1;
	}
	q->ifindex = q->state.link.index;
	if (!may_take_down(q))
		return 1;
	return take_down(q);
}
