/* `run`: a command whose traffic goes through a tunnel or nowhere, for any user. */
#include "run.h"

#include <errno.h>

#include "inputs.h"
#include "messages.h"
#include "quick/host/fileio.h"
#include "quick/host/hooks.h"
#include "quick/host/run.h"
#include "quick/host/settings_file.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/plan/private_dns.h"
#include "quick/plan/private_plan.h"
#include "report/diagnostics.h"
#include "report/report.h"

struct run {
	struct host host;
	struct tunnel_file file;
	struct host_state state;
	struct plan plan;
	struct text resolv_conf, nsswitch;
	bool hooks;
};

static int misused(void)
{
	report_verbatim("Usage: wg-quick run [ --hooks ] { CONFIG_FILE | INTERFACE } [ -- ] COMMAND [ ARGUMENT... ]");
	return RUN_FAILED;
}

/* argv from the tunnel on; null after reporting. */
static char *const *parse_options(struct run *run, int argc, char *const argv[])
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--hooks") != 0) {
			report_error("unknown option `%s'", argv[i]);
			return NULL;
		}
		run->hooks = true;
	}
	if (i == argc)
		report_error("run needs the name of an interface or the path of a tunnel file, and a command");
	return i == argc ? NULL : &argv[i];
}

/* ---- inputs; each of these returns 0, or -errno after reporting ---- */

static int resolve(struct run *run)
{
	struct wg_device *d = &run->file.device;
	uint32_t before = 0, after = 0;
	int r;

	for (uint32_t i = 0; i < d->n_peers; i++)
		before += (d->peers[i].flags & (WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT)) != 0;
	r = resolve_endpoints(&run->file, &run->state, RESOLVE_PATIENTLY);
	for (uint32_t i = 0; i < d->n_peers; i++)
		after += (d->peers[i].flags & WG_PEER_HAS_ENDPOINT) != 0;
	if (r == 0 && before > 0 && after == 0) {
		report_error("no endpoint can be resolved: the command could reach nothing");
		r = -EHOSTUNREACH;
	}
	return r;
}

static int inspect_path(struct run *run)
{
	int r = report_failure("inspect the host", host_inspect(&run->state, &run->host.rtnetlink, run->file.name,
								&run->host.settings));

	if (r == 0 && !run->file.interface.mtu)
		r = report_failure("inspect the host", host_inspect_mtu(&run->state, &run->host.rtnetlink,
									&run->file.device, 0));
	run->state.ipv6 = fileio_exists("/proc/net/if_inet6");
	return r;
}

/* Also where the host's files cannot be read. */
static int print_name_services(struct run *run)
{
	struct text host = text_heap();
	size_t servers;
	int r = fileio_read_settings("/etc/resolv.conf", &host);

	servers = private_resolv_conf_print(&run->resolv_conf, &run->file, r == 0 ? text_of(&host) : (struct span){ 0 });
	text_heap_free(&host);
	if (servers == 0) {
		report_warning("the tunnel file has no DNS, and no name server of the host is in AllowedIPs: the command cannot "
			       "resolve names");
		report_help("add DNS to %s", run->file.path);
	}
	host = text_heap();
	if (fileio_read_settings("/etc/nsswitch.conf", &host) == 0)
		private_nsswitch_print(&run->nsswitch, text_of(&host));
	text_heap_free(&host);
	return report_failure("plan the name servers", run->resolv_conf.failed || run->nsswitch.failed ? -ENOMEM : 0);
}

static void warn_of_hooks(const struct run *run)
{
	size_t n = 0;

	for (int i = 0; i < HOOK_PHASES; i++)
		n += run->file.interface.hooks[i].n;
	if (n == 0 || run->hooks)
		return;
	report_warning("%zu %s not run", n, n == 1 ? "hook is" : "hooks are");
	report_help("`wg-quick run --hooks' runs them inside, without privileges");
}

static int prepare(struct run *run, const char *argument)
{
	struct plan_options o = { .warn = report_plan_warning };
	struct diag d = { .emit = report_diag };
	int r;

	if (!read_tunnel_file(&run->file, argument, true))
		return -EINVAL;
	r = settings_load(&run->host.settings, SETTINGS_PATH, &d);
	if (r < 0)
		report_warning("ignoring %s, which has errors", SETTINGS_PATH);
	private_file_adapt(&run->file);
	r = report_failure("open netlink", rtnetlink_open(&run->host.rtnetlink));
	if (r == 0)
		r = resolve(run);
	if (r == 0)
		r = inspect_path(run);
	if (r == 0)
		r = report_failure("plan the steps", plan_private(&run->plan, &run->file, &run->state, &o));
	if (r == 0)
		r = print_name_services(run);
	warn_of_hooks(run);
	return r;
}

static int perform(struct run *run, char *const *argv)
{
	struct run_request r = {
		.plan = &run->plan,
		.device = &run->file.device,
		.binding = &run->file.interface.bind.to,
		.hooks = run->hooks ? run->file.interface.hooks : NULL,
		.config = run->file.path,
		.files = { text_of(&run->resolv_conf), run->nsswitch.n > 0 ? text_of(&run->nsswitch) : (struct span){ 0 } },
		.settings = &run->host.settings,
		.argv = argv,
	};

	rtnetlink_close(&run->host.rtnetlink);
	return run_request_perform(&r);
}

int command_run(int argc, char *const argv[])
{
	struct run run = { .resolv_conf = text_heap(), .nsswitch = text_heap() };
	char *const *rest = parse_options(&run, argc, argv);
	char name[WG_NAME_MAX];
	const char *argument = rest ? rest[0] : NULL;
	int status = -1;

	if (!rest)
		return misused();
	rest += rest[1] && strcmp(rest[1], "--") == 0 ? 2 : 1;
	if (!rest[0]) {
		report_error("run needs a command");
		return misused();
	}
	hook_arguments = argv;
	if (prepare(&run, tunnel_argument(name, argument)) == 0)
		status = perform(&run, rest);
	rtnetlink_close(&run.host.rtnetlink);
	plan_free(&run.plan);
	host_state_free(&run.state);
	tunnel_file_free(&run.file);
	text_heap_free(&run.resolv_conf);
	text_heap_free(&run.nsswitch);
	return run_end_as(status);
}
