/* `down`: what the record says, or else what is found, taken back; goes on after failures. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "quick/host/firewall.h"
#include "quick.h"
#include "quick/host/subprocess.h"
#include "quick/host/tunnel_file_load.h"
#include "report/diagnostics.h"

static int read_whole(struct tunnel_file *f)
{
	struct diagnostics diagnostics;
	struct diag d = { .emit = diagnostics_collect_errors, .ctx = &diagnostics };
	int r;

	diagnostics_init(&diagnostics);
	r = tunnel_file_load_again(f, &d);
	diagnostics_print(&diagnostics);
	return r;
}

/* Peers are wanted only when they are to be saved, and messages about them then and when the file is
 * wrong. */
static int read_file(struct tunnel_file *f)
{
	struct diag silent = { 0 };

	f->lines_only = true;
	return tunnel_file_load(f, &silent) == 0 && !f->interface.save_config ? 0 : read_whole(f);
}

/* The file as it is now, if it can be read; `down` needs it only for what no record says. */
static bool file_if_there(struct quick *q)
{
	char name[WG_NAME_MAX];

	if (!tunnel_file_name_of(name, q->argument)) {
		report_upstream("The config file must be a valid interface name, followed by .conf");
		return false;
	}
	if (!q->journal.exists) {
		int r = tunnel_file_find(&q->file, q->argument) ? read_file(&q->file) : -ENOENT;
		if (r == -EACCES)
			report_error("`%s': %s", q->file.path, strerror(EACCES));
		return r == 0;
	}
	if (!tunnel_file_find(&q->file, q->argument) || read_file(&q->file) < 0) {
		report_warning("the tunnel file is gone or wrong; %s goes down as it came up", name);
		tunnel_file_free(&q->file);
		memcpy(q->file.name, name, sizeof name);
		q->file.path = q->journal.config ? span_dup(span_of(q->journal.config)) : NULL;
	}
	return true;
}

static void take_hooks(struct string_list *to, struct string_list *from)
{
	string_list_free(to);
	*to = *from;
	*from = (struct string_list){ 0 };
}

/* Down hooks are those of the file that `up` read; without a record, those of the file now. */
static void choose_hooks(struct quick *q)
{
	bool half = q->journal.exists && !q->journal.complete;

	if (!q->journal.exists && !q->no_hooks && !tunnel_file_hooks_are_safe(&q->file)) {
		q->failures++; /* it goes down all the same */
	} else if (!q->journal.exists) {
		take_hooks(&q->journal.hooks[HOOK_PRE_DOWN], &q->file.interface.hooks[HOOK_PRE_DOWN]);
		take_hooks(&q->journal.hooks[HOOK_POST_DOWN], &q->file.interface.hooks[HOOK_POST_DOWN]);
	}
	/* Of an `up` that was killed, only what hooks did has to be undone by hooks. */
	if (half && !q->journal.began[HOOK_POST_UP])
		string_list_free(&q->journal.hooks[HOOK_PRE_DOWN]);
	if (half && !q->journal.began[HOOK_PRE_UP] && !q->journal.began[HOOK_POST_UP])
		string_list_free(&q->journal.hooks[HOOK_POST_DOWN]);
}

static int make_plan(struct quick *q, struct plan *undo)
{
	struct plan found = { 0 };
	int r;

	if (q->journal.exists) {
		r = plan_undo(undo, &q->journal.plan, true);
		if (r == 0)
			plan_drop_absent_rules(undo, &q->host);
		return r;
	}
	r = host_inspect_device(&q->host, &q->ipc, q->file.name);
	if (r < 0)
		report_warning("%s does not say what it is made of: %s", q->file.name, strerror(-r));
	r = plan_from_host(&found, &q->host, q->file.name);
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
	command_trace_flush(&q->trace);
	journal_backup_path(&q->journal, backup, sizeof backup);
	if (access(backup, F_OK) == 0) /* of ours, whose record was lost */
		dns.dns_backend = DNS_FILE;
	else if (q->host.dns != DNS_RESOLVCONF ||
		 (q->file.interface.dns.servers.n == 0 && q->file.interface.dns.domains.n == 0))
		return;
	memcpy(dns.name, q->file.name, sizeof dns.name);
	memcpy(dns.dns_prefix, q->host.dns_prefix, sizeof dns.dns_prefix);
	s = dns_config_copy(&dns.dns, &q->file.interface.dns) ? plan_add(&dns, STEP_DNS) : NULL;
	if (s) {
		s->remove = true;
		if (apply_plan(q, &dns, 0, true) < 0)
			q->failures++;
	}
	plan_free(&dns);
}

static bool is_left_over(struct quick *q)
{
	return q->journal.exists || firewall_exists(q->file.name, IP_V4) ||
	       firewall_exists(q->file.name, IP_V6);
}

void quick_sweep_record(struct quick *q)
{
	struct plan undo = { 0 };

	if (plan_undo(&undo, &q->journal.plan, true) == 0) {
		plan_drop_absent_rules(&undo, &q->host);
		plan_leave_out(&undo, STEP_LINK);
		if (apply_plan(q, &undo, 0, true) < 0)
			q->failures++;
	}
	plan_free(&undo);
	journal_remove(&q->journal);
	journal_reset(&q->journal);
}

/* True when there is something of this name that we may take down. */
static bool may_take_down(struct quick *q)
{
	bool ours = quick_is_wireguard(q, q->file.name);

	if (q->journal.exists && q->journal.ifindex && q->host.link.index &&
	    q->journal.ifindex != q->host.link.index) {
		/* Somebody took our interface away and made another of the same name. */
		quick_sweep_record(q);
	}
	if (q->host.link.index ? ours || q->journal.exists : is_left_over(q))
		return true;
	report_upstream("`%s' is not a WireGuard interface", q->file.name);
	return false;
}

void quick_roll_back(struct quick *q)
{
	struct plan undo = { 0 };

	choose_hooks(q);
	apply_hooks(q, &q->journal.hooks[HOOK_PRE_DOWN], HOOK_PRE_DOWN);
	if (make_plan(q, &undo) < 0 || apply_plan(q, &undo, 0, true) < 0)
		q->failures++;
	plan_free(&undo);
	apply_hooks(q, &q->journal.hooks[HOOK_POST_DOWN], HOOK_POST_DOWN);
	journal_remove(&q->journal);
	journal_reset(&q->journal);
}

/* A hook may have edited the file since it was read. */
static bool save(struct quick *q)
{
	bool hooks = q->journal.hooks[HOOK_PRE_DOWN].n > 0 && !q->no_hooks;

	if (hooks && access(q->file.path, F_OK) < 0) {
		report_warning("%s is gone; nothing is saved", q->file.path);
		return true;
	}
	if (hooks && read_whole(&q->file) < 0)
		return false;
	return !q->file.interface.save_config || quick_save(q) == 0;
}

static int take_down(struct quick *q)
{
	struct plan undo = { 0 };
	bool recorded = q->journal.exists;
	int r;

	choose_hooks(q);
	apply_hooks(q, &q->journal.hooks[HOOK_PRE_DOWN], HOOK_PRE_DOWN);
	if (q->file.interface.save_config && q->host.link.index && !save(q))
		q->failures++;
	r = make_plan(q, &undo);
	if (r == 0)
		r = apply_plan(q, &undo, 0, true);
	plan_free(&undo);
	if (r < 0) {
		report_error("%s", strerror(-r));
		return 1;
	}
	if (!recorded)
		sweep(q);
	apply_hooks(q, &q->journal.hooks[HOOK_POST_DOWN], HOOK_POST_DOWN);
	journal_end(&q->journal);
	return q->failures > 0 ? quick_status(q) : 0;
}

int command_down(struct quick *q)
{
	char name[WG_NAME_MAX];
	int r;

	if (!tunnel_file_name_of(name, q->argument)) {
		report_upstream("The config file must be a valid interface name, followed by .conf");
		return 1;
	}
	report_set_interface(name);
	r = journal_open(&q->journal, name);
	if (r == -EINTR)
		return quick_stopped();
	if (r < 0)
		report_warning("the record of %s cannot be read: %s", name, strerror(-r));
	if (!file_if_there(q))
		return 1;
	r = host_inspect(&q->host, &q->rtnetlink, name, &q->settings);
	if (r < 0) {
		report_error("netlink: %s", strerror(-r));
		return 1;
	}
	q->ifindex = q->host.link.index;
	if (!may_take_down(q))
		return 1;
	return take_down(q);
}
