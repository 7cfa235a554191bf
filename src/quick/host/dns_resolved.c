/* DNS through systemd-resolved: libsystemd is loaded when it is first needed; without it, resolvectl(1) is run. */
#include "dns_resolved.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"
#include "dlopen_note.h"
#include "fault_injection.h"
#include "quick/plan/dns_text.h"
#include "subprocess.h"
#include "report/report.h"

DLOPEN_NOTE("libsystemd.so.0", "resolved", "Name servers through systemd-resolved");

struct sd_bus;
struct sd_bus_message;
struct bus_error { /* sd_bus_error in libsystemd's ABI */
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

static const struct { void *function; const char *name; } symbols[] = {
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
	for (size_t i = 0; sd.library && i < ARRAY_LEN(symbols); i++) {
		void *p = dlsym(sd.library, symbols[i].name);
		memcpy(symbols[i].function, &p, sizeof p);
		if (!p) {
			dlclose(sd.library);
			sd.library = NULL;
		}
	}
	return sd.library;
}

/* When systemd-resolved is stopped, its files and its socket stay, but the socket refuses connections. */
static bool is_stopped(void)
{
	static const struct sockaddr_un at = { .sun_family = AF_UNIX,
					       .sun_path = "/run/systemd/resolve/io.systemd.Resolve" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) < 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

bool resolved_is_active(void)
{
	return (access("/run/systemd/resolve/stub-resolv.conf", F_OK) == 0 ||
		access("/run/systemd/resolve/resolv.conf", F_OK) == 0) &&
	       !is_stopped();
}

static struct sd_bus_message *call_new(struct sd_bus *bus, const char *member)
{
	struct sd_bus_message *m = NULL;

	return sd.new_call(bus, &m, "org.freedesktop.resolve1", "/org/freedesktop/resolve1",
			   "org.freedesktop.resolve1.Manager", member) < 0
		       ? NULL
		       : m;
}

/* Sends the message if it was built, and frees it. */
static int call(struct sd_bus *bus, struct sd_bus_message *take_m, bool built, const char *member)
{
	struct bus_error e = { 0 };
	int r = !take_m || !built ? -ENOMEM : fault_injected("dbus") ? -EIO : sd.call(bus, take_m, 0, &e, NULL);

	if (r < 0)
		report_error("systemd-resolved: %s: %s", member, e.message ? e.message : strerror(-r));
	sd.error_free(&e);
	if (take_m)
		sd.message_unref(take_m);
	return r < 0 ? r : 0;
}

static int set_servers(struct sd_bus *bus, int32_t ifindex, const struct dns_config *d)
{
	struct sd_bus_message *m = call_new(bus, "SetLinkDNS");
	bool ok = m && sd.append(m, "i", ifindex) >= 0 && sd.open_container(m, 'a', "(iay)") >= 0;

	for (size_t i = 0; ok && i < d->servers.n; i++) {
		struct ip_addr a;
		struct span server = span_of(d->servers.list[i]);
		/* The zone of a link-local server is the link itself, which the call names. */
		server = span_sub(server, 0, span_find(server, '%'));
		ok = ip_parse(&a, server) && sd.open_container(m, 'r', "iay") >= 0 &&
		     sd.append(m, "i", (int32_t)(a.family == IP_V4 ? AF_INET : AF_INET6)) >= 0 &&
		     sd.append_array(m, 'y', a.b, ip_bytes(&a)) >= 0 && sd.close_container(m) >= 0;
	}
	return call(bus, m, ok && sd.close_container(m) >= 0, "SetLinkDNS");
}

static int set_domains(struct sd_bus *bus, int32_t ifindex, const struct dns_config *d, bool default_route)
{
	struct sd_bus_message *m = call_new(bus, "SetLinkDomains");
	bool ok = m && sd.append(m, "i", ifindex) >= 0 && sd.open_container(m, 'a', "(sb)") >= 0;

	for (size_t i = 0; ok && i < d->domains.n; i++) {
		const char *word = d->domains.list[i];
		ok = sd.append(m, "(sb)", word + (*word == '~'), (int)(*word == '~')) >= 0;
	}
	if (ok && default_route)
		ok = sd.append(m, "(sb)", ".", 1) >= 0;
	return call(bus, m, ok && sd.close_container(m) >= 0, "SetLinkDomains");
}

static int set_default_route(struct sd_bus *bus, int32_t ifindex, bool on)
{
	struct sd_bus_message *m = call_new(bus, "SetLinkDefaultRoute");

	return call(bus, m, m && sd.append(m, "ib", ifindex, (int)on) >= 0, "SetLinkDefaultRoute");
}

/* resolvectl VERB LINK WORD… [LAST]; words that do not fit are left out. */
static int resolvectl(const char *verb, uint32_t ifindex, const struct string_list *words, const char *last)
{
	enum { WORDS = 60 };
	char link[16];
	struct text t = text_fixed(link, sizeof link);
	const char *argv[3 + WORDS + 1] = { "resolvectl", verb, link };
	struct subprocess r = { .argv = argv };
	size_t n = 3;

	text_u64(&t, ifindex);
	for (size_t i = 0; words && i < words->n && n < 3 + WORDS - 1; i++)
		argv[n++] = words->list[i];
	if (last)
		argv[n++] = last;
	return subprocess_run(&r) == 0 ? 0 : -EIO;
}

/* The commands that the trace shows. */
static int set_with_resolvectl(uint32_t ifindex, const struct dns_config *d, bool default_route)
{
	int r = d->servers.n > 0 ? resolvectl("dns", ifindex, &d->servers, NULL) : 0;

	if (r == 0)
		r = resolvectl("domain", ifindex, &d->domains, default_route ? "~." : NULL);
	if (r == 0)
		r = resolvectl("default-route", ifindex, NULL, default_route ? "true" : "false");
	return r;
}

static int bus_open(struct sd_bus **bus)
{
	int r = sd.open_system(bus);

	if (r < 0)
		report_error("cannot connect to D-Bus: %s", strerror(-r));
	return r < 0 ? r : 0;
}

int resolved_set(uint32_t ifindex, const struct dns_config *d)
{
	struct sd_bus *bus = NULL;
	bool default_route = dns_is_default_route(d);
	int r;

	if (!library_open())
		return set_with_resolvectl(ifindex, d, default_route);
	r = bus_open(&bus);
	if (r < 0)
		return r;
	r = set_servers(bus, (int32_t)ifindex, d);
	if (r == 0)
		r = set_domains(bus, (int32_t)ifindex, d, default_route);
	if (r == 0)
		r = set_default_route(bus, (int32_t)ifindex, default_route);
	sd.unref(bus);
	return r;
}

int resolved_revert(uint32_t ifindex)
{
	struct sd_bus *bus = NULL;
	struct sd_bus_message *m;
	int r;

	if (ifindex == 0)
		return 0; /* the settings were deleted with the link */
	if (!library_open())
		return resolvectl("revert", ifindex, NULL, NULL);
	r = bus_open(&bus);
	if (r < 0)
		return r;
	m = call_new(bus, "RevertLink");
	r = call(bus, m, m && sd.append(m, "i", (int32_t)ifindex) >= 0, "RevertLink");
	sd.unref(bus);
	return r;
}
