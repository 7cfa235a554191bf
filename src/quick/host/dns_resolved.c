/* Name servers by systemd-resolved, over D-Bus. libsystemd is opened when it is needed; where it is
 * missing, resolvectl does the same. */
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dns.h"
#include "fault_injection.h"
#include "quick/plan/dns_text.h"
#include "subprocess.h"
#include "report/report.h"

struct sd_bus;
struct sd_bus_message;
struct bus_error { /* sd_bus_error of libsystemd's ABI */
	const char *name, *message;
	int need_free;
};

static struct {
	bool tried;
	void *library;
	int (*open_system)(struct sd_bus **bus);
	struct sd_bus *(*unref)(struct sd_bus *bus);
	int (*new_call)(struct sd_bus *bus, struct sd_bus_message **m, const char *destination,
			const char *path, const char *interface, const char *member);
	int (*append)(struct sd_bus_message *m, const char *types, ...);
	int (*append_array)(struct sd_bus_message *m, char type, const void *p, size_t n);
	int (*open_container)(struct sd_bus_message *m, char type, const char *contents);
	int (*close_container)(struct sd_bus_message *m);
	int (*call)(struct sd_bus *bus, struct sd_bus_message *m, uint64_t usec, struct bus_error *e,
		    struct sd_bus_message **reply);
	struct sd_bus_message *(*message_unref)(struct sd_bus_message *m);
	void (*error_free)(struct bus_error *e);
} sd;

static const struct { void *function; const char *name; } needed[] = {
	{ &sd.open_system, "sd_bus_open_system" },
	{ &sd.unref, "sd_bus_flush_close_unref" },
	{ &sd.new_call, "sd_bus_message_new_method_call" },
	{ &sd.append, "sd_bus_message_append" },
	{ &sd.append_array, "sd_bus_message_append_array" },
	{ &sd.open_container, "sd_bus_message_open_container" },
	{ &sd.close_container, "sd_bus_message_close_container" },
	{ &sd.call, "sd_bus_call" },
	{ &sd.message_unref, "sd_bus_message_unref" },
	{ &sd.error_free, "sd_bus_error_free" },
};

static bool library_open(void)
{
	if (sd.tried)
		return sd.library;
	sd.tried = true;
	sd.library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; sd.library && i < ARRAY_LEN(needed); i++) {
		void *p = dlsym(sd.library, needed[i].name);
		memcpy(needed[i].function, &p, sizeof p);
		if (!p) {
			dlclose(sd.library);
			sd.library = NULL;
		}
	}
	return sd.library;
}

/* Its files stay when it is stopped, its sockets too, but then nobody answers there. */
static bool socket_is_dead(void)
{
	static const struct sockaddr_un at = { .sun_family = AF_UNIX,
					       .sun_path = "/run/systemd/resolve/io.systemd.Resolve" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) < 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return dead;
}

bool resolved_is_active(void)
{
	return (access("/run/systemd/resolve/stub-resolv.conf", F_OK) == 0 ||
		access("/run/systemd/resolve/resolv.conf", F_OK) == 0) &&
	       !socket_is_dead();
}

static struct sd_bus_message *call_new(struct sd_bus *bus, const char *member)
{
	struct sd_bus_message *m = NULL;

	return sd.new_call(bus, &m, "org.freedesktop.resolve1", "/org/freedesktop/resolve1",
			   "org.freedesktop.resolve1.Manager", member) < 0
		       ? NULL
		       : m;
}

static int call(struct sd_bus *bus, struct sd_bus_message *m, bool built, const char *member)
{
	struct bus_error e = { 0 };
	int r = !m || !built ? -ENOMEM : fault_injected("dbus") ? -EIO : sd.call(bus, m, 0, &e, NULL);

	if (r < 0)
		report_error("systemd-resolved: %s: %s", member, e.message ? e.message : strerror(-r));
	sd.error_free(&e);
	if (m)
		sd.message_unref(m);
	return r < 0 ? r : 0;
}

static int set_servers(struct sd_bus *bus, int32_t ifindex, const struct dns_config *d)
{
	struct sd_bus_message *m = call_new(bus, "SetLinkDNS");
	bool ok = m && sd.append(m, "i", ifindex) >= 0 && sd.open_container(m, 'a', "(iay)") >= 0;

	for (size_t i = 0; ok && i < d->servers.n; i++) {
		struct ip_addr a;
		struct span server = span_of(d->servers.list[i]);
		/* Of the link that is asked for; a zone says no more. */
		server = span_sub(server, 0, span_find(server, '%'));
		ok = ip_parse(&a, server) && sd.open_container(m, 'r', "iay") >= 0 &&
		     sd.append(m, "i", (int32_t)(a.family == IP_V4 ? AF_INET : AF_INET6)) >= 0 &&
		     sd.append_array(m, 'y', a.b, ip_bytes(&a)) >= 0 && sd.close_container(m) >= 0;
	}
	return call(bus, m, ok && sd.close_container(m) >= 0, "SetLinkDNS");
}

static int set_domains(struct sd_bus *bus, int32_t ifindex, const struct dns_config *d, bool all)
{
	struct sd_bus_message *m = call_new(bus, "SetLinkDomains");
	bool ok = m && sd.append(m, "i", ifindex) >= 0 && sd.open_container(m, 'a', "(sb)") >= 0;

	for (size_t i = 0; ok && i < d->domains.n; i++) {
		const char *word = d->domains.list[i];
		ok = sd.append(m, "(sb)", word + (*word == '~'), (int)(*word == '~')) >= 0;
	}
	if (ok && all)
		ok = sd.append(m, "(sb)", ".", 1) >= 0;
	return call(bus, m, ok && sd.close_container(m) >= 0, "SetLinkDomains");
}

static int set_default_route(struct sd_bus *bus, int32_t ifindex, bool on)
{
	struct sd_bus_message *m = call_new(bus, "SetLinkDefaultRoute");

	return call(bus, m, m && sd.append(m, "ib", ifindex, (int)on) >= 0, "SetLinkDefaultRoute");
}

/* Without the library the printed commands are run as they stand. */
static int by_resolvectl(uint32_t ifindex, const struct dns_config *d, bool all)
{
	char *argv[64] = { NULL };
	char link[16];
	struct text t = text_fixed(link, sizeof link);
	struct subprocess r = { .argv = argv };
	static char program[] = "resolvectl", verbs[][16] = { "revert", "dns", "domain", "default-route" },
		    dot[] = "~.", yes[] = "true", no[] = "false";
	int status;

	text_u64(&t, ifindex);
	argv[0] = program;
	argv[2] = link;
	argv[1] = verbs[0];
	if (!d)
		return subprocess_run(&r) == 0 ? 0 : -EIO;
	argv[1] = verbs[1];
	for (size_t i = 0; i < d->servers.n && i < 60; i++)
		argv[3 + i] = d->servers.list[i];
	status = d->servers.n > 0 ? subprocess_run(&r) : 0;
	memset(argv + 3, 0, sizeof argv - 3 * sizeof *argv);
	argv[1] = verbs[2];
	for (size_t i = 0; i < d->domains.n && i < 59; i++)
		argv[3 + i] = d->domains.list[i];
	if (all)
		argv[3 + (d->domains.n < 59 ? d->domains.n : 59)] = dot;
	if (status == 0)
		status = subprocess_run(&r);
	memset(argv + 3, 0, sizeof argv - 3 * sizeof *argv);
	argv[1] = verbs[3];
	argv[3] = all ? yes : no;
	if (status == 0)
		status = subprocess_run(&r);
	return status == 0 ? 0 : -EIO;
}

static int bus_open(struct sd_bus **bus)
{
	int r = sd.open_system(bus);

	if (r < 0)
		report_error("D-Bus: %s", strerror(-r));
	return r < 0 ? r : 0;
}

int resolved_set(uint32_t ifindex, const struct dns_config *d)
{
	struct sd_bus *bus = NULL;
	bool all = dns_is_default_route(d);
	int r;

	if (!library_open())
		return by_resolvectl(ifindex, d, all);
	r = bus_open(&bus);
	if (r < 0)
		return r;
	r = set_servers(bus, (int32_t)ifindex, d);
	if (r == 0)
		r = set_domains(bus, (int32_t)ifindex, d, all);
	if (r == 0)
		r = set_default_route(bus, (int32_t)ifindex, all);
	sd.unref(bus);
	return r;
}

int resolved_revert(uint32_t ifindex)
{
	struct sd_bus *bus = NULL;
	struct sd_bus_message *m;
	int r;

	if (ifindex == 0)
		return 0; /* what was set went with the link */
	if (!library_open())
		return by_resolvectl(ifindex, NULL, false);
	r = bus_open(&bus);
	if (r < 0)
		return r;
	m = call_new(bus, "RevertLink");
	r = call(bus, m, m && sd.append(m, "i", (int32_t)ifindex) >= 0, "RevertLink");
	sd.unref(bus);
	return r;
}
