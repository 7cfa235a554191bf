/* Creates the interface. */
#include "link_create.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fileio.h"
#include "process.h"
#include "subprocess.h"
#include "quick/plan/print.h"
#include "report/report.h"

/* In order of preference: the environment variable, the setting, the wireguardd of this installation, then
 * wireguardd and wireguard-go in PATH. */
const char *link_create_userspace(const struct settings *set)
{
	static char sibling[PATH_MAX];
	struct text t = text_fixed(sibling, sizeof sibling);
	const char *variable = getenv("WG_QUICK_USERSPACE_IMPLEMENTATION"),
		   *folder = process_folder();
	const char *in_path;

	if (variable && variable[0])
		return variable;
	if (set->program[0])
		return set->program;
	if (folder) {
		text_f(&t, "%s/wireguardd", folder);
		in_path = subprocess_find("wireguardd");
		if (!t.failed && access(sibling, X_OK) == 0)
			return in_path && strcmp(in_path, sibling) == 0 ? "wireguardd" : sibling;
	}
	if (subprocess_find("wireguardd"))
		return "wireguardd";
	return subprocess_find("wireguard-go") ? "wireguard-go" : NULL;
}

bool link_create_kernel_has_wireguard(void)
{
	static const char *const lists[] = { "modules.builtin", "modules.dep" };
	struct utsname u;
	bool found = access("/sys/module/wireguard", F_OK) == 0;

	for (size_t i = 0; !found && i < ARRAY_LEN(lists) && uname(&u) == 0; i++) {
		char path[PATH_MAX];
		struct text t = text_fixed(path, sizeof path), list = text_heap();
		text_f(&t, "/lib/modules/%s/%s", u.release, lists[i]);
		if (fileio_read(path, &list) == 0 && list.p)
			found = strstr(list.p, "/wireguard.ko");
		text_heap_free(&list);
	}
	return found;
}

const char *link_create_program(const struct settings *set)
{
	if (strcmp(set->implementation, "kernel") == 0)
		return NULL;
	if (strcmp(set->implementation, "userspace") == 0 || !link_create_kernel_has_wireguard())
		return link_create_userspace(set);
	return NULL;
}

static int start(const char *program, const char *name, const struct settings *set)
{
	static const struct subprocess like;
	char unit[256];
	struct text u = text_fixed(unit, sizeof unit);
	bool is_unit = implementation_unit(&u, program, name);
	int status;

	if (set->log_level[0])
		setenv("LOG_LEVEL", set->log_level, 0);
	if (set->log_file[0])
		setenv("WG_LOG_FILE", set->log_file, 0);
	if (set->cpu[0])
		setenv("WG_CPU", set->cpu, 0);
	if (set->threads[0])
		setenv("WG_THREADS", set->threads, 0);
	if (set->affinity[0])
		setenv("WG_AFFINITY", set->affinity, 0);
	status = is_unit ? subprocess_run_args(&like, "systemctl", "start", unit, NULL) :
			   subprocess_run_args(&like, program, name, NULL);
	if (status == 0)
		return 0;
	if (is_unit)
		program = "systemctl";
	if (status > 0)
		report_error("%s failed with status %d", program, status);
	else
		report_error("cannot run %s: %s", program, strerror(-status));
	return status < 0 ? status : -EIO;
}

static int find_created(struct created_link *out, struct rtnetlink *rt, const char *name, const char *creator)
{
	struct link_info link;
	int r = rtnetlink_link_find(rt, name, 0, &link);

	out->created = r != -ENODEV;
	out->index = r == 0 ? link.index : 0;
	if (r == -ENODEV)
		report_error("%s did not create the interface", creator);
	else if (r < 0)
		report_error("netlink: %s", strerror(-r));
	return r;
}

static int create_in_userspace(struct created_link *out, struct rtnetlink *rt, const char *name,
			       const struct settings *set, struct command_trace *trace)
{
	const char *program = link_create_userspace(set);
	int r;

	if (!program) {
		command_trace_flush(trace);
		report_error("this kernel does not support WireGuard, and no userspace implementation was found");
		report_help("load the kernel module wireguard, or install wireguardd");
		return -EOPNOTSUPP;
	}
	text_add(&trace->t, "[#] ");
	implementation_print(&trace->t, program, name);
	text_char(&trace->t, '\n');
	command_trace_flush(trace);
	subprocess_status = 0;
	r = start(program, name, set);
	out->created = subprocess_status > 128; /* killed, possibly after it created the interface */
	return r < 0 ? r : find_created(out, rt, name, program);
}

int link_create(struct created_link *out, struct rtnetlink *rt, const char *name, const struct settings *set,
		struct command_trace *trace)
{
	char why[128];
	int r;

	*out = (struct created_link){ 0 };
	if (strcmp(set->implementation, "userspace") == 0)
		return create_in_userspace(out, rt, name, set, trace);
	text_f(&trace->t, "[#] ip link add dev %s type wireguard\n", name);
	command_trace_flush(trace);
	r = rtnetlink_send(rt, rtnetlink_build_link_add(name), why);
	if (r == 0)
		return find_created(out, rt, name, "the kernel");
	if (r != -EOPNOTSUPP || strcmp(set->implementation, "kernel") == 0) {
		out->created = rtnetlink_is_uncertain(rt);
		report_error("cannot create the interface: %s", why);
		return r;
	}
	text_add(&trace->t, "[!] Missing WireGuard kernel module. Falling back to slow userspace "
			    "implementation.\n");
	return create_in_userspace(out, rt, name, set, trace);
}
