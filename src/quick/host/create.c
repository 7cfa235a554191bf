/* Making the interface: the kernel's, or a userspace program's. */
#include "create.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fileio.h"
#include "subprocess.h"
#include "report/report.h"

const char *create_own_folder(void)
{
	static char folder[PATH_MAX];
	ssize_t n;
	char *slash;

	if (folder[0])
		return folder;
	n = readlink("/proc/self/exe", folder, sizeof folder - 1);
	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (!slash) {
		folder[0] = '\0';
		return NULL;
	}
	*slash = '\0';
	return folder;
}

/* The environment, the settings, wireguardd beside us, wireguardd, wireguard-go. */
static const char *implementation(const struct settings *set)
{
	static char beside[PATH_MAX];
	struct text t = text_fixed(beside, sizeof beside);
	const char *named = getenv("WG_QUICK_USERSPACE_IMPLEMENTATION"),
		   *folder = create_own_folder();
	const char *in_path;

	if (named && named[0])
		return named;
	if (set->program[0])
		return set->program;
	if (folder) {
		text_f(&t, "%s/wireguardd", folder);
		in_path = subprocess_find("wireguardd");
		if (!t.failed && access(beside, X_OK) == 0)
			return in_path && strcmp(in_path, beside) == 0 ? "wireguardd" : beside;
	}
	if (subprocess_find("wireguardd"))
		return "wireguardd";
	return subprocess_find("wireguard-go") ? "wireguard-go" : NULL;
}

/* A module that is loaded, built in, or that modprobe would find. */
static bool kernel_can(void)
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

const char *create_implementation(const struct settings *set)
{
	if (strcmp(set->implementation, "kernel") == 0)
		return NULL;
	if (strcmp(set->implementation, "userspace") == 0 || !kernel_can())
		return implementation(set);
	return NULL;
}

static int start(const char *program, const char *name, const struct settings *set)
{
	static const struct subprocess like;
	int status;

	if (set->log_level[0])
		setenv("LOG_LEVEL", set->log_level, 0);
	if (set->cpu[0])
		setenv("WG_CPU", set->cpu, 0);
	if (set->threads[0])
		setenv("WG_THREADS", set->threads, 0);
	status = subprocess_run_args(&like, program, name, NULL);
	if (status == 0)
		return 0;
	if (status > 0)
		report_error("%s %s failed (%d)", program, name, status);
	else
		report_error("%s: %s", program, strerror(-status));
	return status < 0 ? status : -EIO;
}

static int find_made(struct rtnetlink *rt, const char *name, const char *maker, struct created *out)
{
	struct link_info link;
	int r = rtnetlink_link_find(rt, name, 0, &link);

	out->made = r != -ENODEV;
	out->index = r == 0 ? link.index : 0;
	if (r == -ENODEV)
		report_error("%s made no interface %s", maker, name);
	else if (r < 0)
		report_error("netlink: %s", strerror(-r));
	return r;
}

static int start_userspace(struct rtnetlink *rt, const char *name, const struct settings *set,
			   struct text *trace, void (*flush)(void *ctx), void *ctx, struct created *out)
{
	const char *program = implementation(set);
	int r;

	if (!program) {
		flush(ctx);
		report_error("this kernel has no WireGuard, and there is no wireguardd to take its "
			  "place");
		return -EOPNOTSUPP;
	}
	text_f(trace, "[#] %s %s\n", program, name);
	flush(ctx);
	subprocess_status = 0;
	r = start(program, name, set);
	out->made = subprocess_status > 128; /* who knows what was done when it was killed */
	return r < 0 ? r : find_made(rt, name, program, out);
}

int create_link(struct rtnetlink *rt, const char *name, const struct settings *set, struct text *trace,
		void (*flush)(void *ctx), void *ctx, struct created *out)
{
	char why[128];
	int r;

	*out = (struct created){ 0 };
	if (strcmp(set->implementation, "userspace") == 0)
		return start_userspace(rt, name, set, trace, flush, ctx, out);
	text_f(trace, "[#] ip link add dev %s type wireguard\n", name);
	flush(ctx);
	r = rtnetlink_one(rt, rtnetlink_link_add(name), why);
	if (r == 0)
		return find_made(rt, name, "the kernel", out);
	if (r != -EOPNOTSUPP || strcmp(set->implementation, "kernel") == 0) {
		report_error("%s: the interface cannot be made: %s", name, why);
		return r;
	}
	text_add(trace, "[!] Missing WireGuard kernel module. Falling back to slow userspace "
			"implementation.\n");
	return start_userspace(rt, name, set, trace, flush, ctx, out);
}
