#include "quick.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ipc/resolve.h"
#include "quick/host/subprocess.h"
#include "quick/host/tunnel_file_load.h"
#include "report/diagnostics.h"

void quick_warn(void *ctx, const char *text)
{
	(void)ctx;
	report_warning("%s", text);
}

bool quick_read_file(struct quick *q)
{
	struct diagnostics diagnostics;
	struct diag d = { .emit = q->errors_only ? diagnostics_collect_errors : diagnostics_collect, .ctx = &diagnostics };
	int r;

	if (!tunnel_file_find(&q->file, q->argument))
		return false;
	report_set_interface(q->file.name);
	diagnostics_init(&diagnostics);
	r = tunnel_file_load(&q->file, &d);
	diagnostics_print(&diagnostics);
	if (r == -EACCES)
		report_error("`%s': %s", q->file.path, strerror(EACCES));
	return r == 0;
}

void quick_print_plan(struct quick *q, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		step_print(&q->trace.t, p, &p->steps[i], true);
	command_trace_flush(&q->trace);
}

static void say_waiting(void *ctx, const char *host, const char *why, unsigned int wait_ms)
{
	(void)ctx;
	report_verbatim("%s: `%s'. Trying again in %u.%02u seconds...", why, host, wait_ms / 1000, wait_ms % 1000 / 10);
}

static void emit_as_warning(void *ctx, const struct diag_message *m)
{
	struct diag_message softer = *m;

	if (softer.level == DIAG_ERROR)
		softer.level = DIAG_WARNING;
	report_diag(ctx, &softer);
}

/* A name that cannot be resolved now must not keep the tunnel down for everybody else. */
int quick_resolve(struct quick *q, bool patient)
{
	struct resolve_options o = { .file = q->file.path, .waiting = say_waiting, .some = true,
				     .stop = &stop_signal };
	struct diag d = { .emit = emit_as_warning };
	size_t left_out = 0;
	bool any = false;
	int r;

	for (uint32_t i = 0; i < q->file.device.n_peers; i++)
		any |= (q->file.device.peers[i].flags & WG_PEER_HAS_HOST) != 0;
	if (!any)
		return 0;
	if (!resolve_retries(&o.retries)) {
		const char *value = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");
		report_upstream("Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: `%s'",
			  value ? value : "");
		return -EINVAL;
	}
	if (!patient)
		o.retries = 0;
	r = resolve_device(&q->file.device, &o, &d);
	if (r > 0 && stop_signal) {
		quick_stopped();
		return -EINTR;
	}
	if (r < 0) {
		report_error("%s", strerror(-r));
		return r;
	}
	for (uint32_t i = 0; i < q->file.device.n_peers; i++) {
		struct wg_peer *peer = &q->file.device.peers[i];
		if (!(peer->flags & WG_PEER_HAS_HOST))
			continue;
		peer->flags &= ~(uint32_t)WG_PEER_HAS_HOST;
		left_out++;
	}
	if (left_out > 0)
		report_warning(
			"%zu %s up without an endpoint until the name can be resolved", left_out,
			left_out == 1 ? "peer comes" : "peers come");
	return 0;
}

int quick_said(int error)
{
	if (error < 0)
		report_error("write: %s", strerror(-error));
	return error < 0;
}

int quick_status(const struct quick *q)
{
	return q->status ? q->status : 1;
}

int quick_stopped(void)
{
	report_error("stopped by a signal (%s)", strsignal(stop_signal));
	return 1;
}

bool quick_is_wireguard(struct quick *q, const char *name)
{
	struct ipc_names names = { 0 };
	bool found = false;

	if (ipc_list(&q->ipc, &names) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++)
		found |= strcmp(names.list[i].name, name) == 0;
	ipc_names_free(&names);
	return found;
}

static bool somebody_listens(const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes = fd >= 0 && (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 ||
			       errno == EAGAIN); /* one that is stopped, or busy */

	if (fd >= 0)
		close(fd);
	return yes;
}

/* A daemon sees its link go and ends by itself; whoever brings the tunnel up again must not find it
 * half way. Its socket file is removed when it cannot do that any more. */
void quick_wait_for_daemon(const char *name)
{
	enum { TRIES = 500 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct text t = text_fixed(to.sun_path, sizeof to.sun_path);

	text_f(&t, "%s/wireguard/%s.sock", RUNSTATEDIR, name);
	for (int i = 0; i < TRIES && access(to.sun_path, F_OK) == 0; i++) {
		struct timespec ms = { .tv_nsec = (long)NS_PER_MS };
		if (!somebody_listens(&to)) {
			if (access(to.sun_path, F_OK) == 0)
				unlink(to.sun_path);
			return;
		}
		nanosleep(&ms, NULL);
	}
}

static void look_at_sysctl(struct quick *q)
{
	q->host.src_valid_mark_before = -1;
	if (!journal_sysctl_in_use(&q->journal, &q->host.src_valid_mark_before))
		q->host.src_valid_mark_before = -1;
}

int quick_look_shared(struct quick *q)
{
	int r = host_inspect_shared(&q->host, &q->rtnetlink);

	if (r < 0)
		report_error("netlink: %s", strerror(-r));
	look_at_sysctl(q);
	return r;
}

int quick_look_further(struct quick *q)
{
	int r = 0;

	if (!q->file.interface.mtu)
		r = host_inspect_mtu(&q->host, &q->rtnetlink, &q->file.device,
				   plan_lookup_mark(&q->file, &q->host));
	if (r == 0 && plan_makes_default(&q->file, &q->host))
		host_inspect_firewall(&q->host, q->file.name, &q->settings);
	if (r == 0 && plan_needs_table(&q->file, &q->host))
		r = host_inspect_table(&q->host, &q->rtnetlink, journal_table_in_use, &q->journal);
	if (r < 0)
		report_error("netlink: %s", strerror(-r));
	look_at_sysctl(q);
	return r;
}
