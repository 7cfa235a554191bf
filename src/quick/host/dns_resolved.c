/* DNS through systemd-resolved: libsystemd is loaded when it is first needed; without it, resolvectl(1) is run. */
#include "dns_resolved.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "dns_backup.h"
#include "base/dlopen_note.h"
#include "report/library.h"
#include "fault_injection.h"
#include "quick/plan/dns_text.h"
#include "subprocess.h"

DLOPEN_NOTE("libsystemd.so.0", "resolved", "Name servers through systemd-resolved");

enum { LIMIT_S = 5 }; /* for a call, or for resolvectl(1) */

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
	sd.library = library_load("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
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

/* ---- is it used ---- */

static bool is_own_path(const char *path)
{
	static const char fixed[] = "systemd/resolv.conf"; /* below /usr/lib */
	size_t n = strlen(path);

	return strstr(path, "systemd/resolve/") ||
	       (n >= sizeof fixed - 1 && strcmp(path + n - (sizeof fixed - 1), fixed) == 0);
}

static bool names_stub_resolver(struct span text)
{
	struct span line, word;

	while (span_next(&line, &text, '\n')) {
		line = span_trim(line);
		if (!span_starts(line, "nameserver"))
			continue;
		word = span_trim(span_sub(line, strlen("nameserver"), line.n));
		if (span_is(word, "127.0.0.53") || span_is(word, "127.0.0.54"))
			return true;
	}
	return false;
}

enum resolved_owns resolved_owns(const struct resolv_conf *now)
{
	char target[PATH_MAX];
	ssize_t n = readlink(RESOLV_CONF, target, sizeof target - 1);
	char *real = n < 0 ? NULL : realpath(RESOLV_CONF, NULL);
	bool own;

	if (n < 0 && now->kind != RESOLV_CONF_LINK)
		return names_stub_resolver(text_of(&now->original)) ? RESOLVED_IS_NAMED : RESOLVED_OWNS_NOTHING;
	if (n >= 0)
		target[n] = '\0'; /* where it leads may not exist */
	own = is_own_path(real ? real : n >= 0 ? target : now->target);
	free(real);
	return own ? RESOLVED_OWNS_LINK : RESOLVED_OWNS_NOTHING;
}

/* ---- calls ---- */

static struct sd_bus_message *call_new(struct sd_bus *bus, const char *interface, const char *member)
{
	struct sd_bus_message *m = NULL;

	return sd.new_call(bus, &m, "org.freedesktop.resolve1", "/org/freedesktop/resolve1", interface, member) < 0
		       ? NULL
		       : m;
}

static struct sd_bus_message *manager_call_new(struct sd_bus *bus, const char *member)
{
	return call_new(bus, "org.freedesktop.resolve1.Manager", member);
}

/* Sends the message if it was built, and frees it. optional: a method that old versions do not have. -EBUSY: systemd-networkd
 * manages the link, and what others set was discarded. */
static int call(struct sd_bus *bus, struct sd_bus_message *take_m, bool built, const char *member, bool optional,
		struct text *why)
{
	static const uint64_t limit_us = LIMIT_S * 1000000ull;
	struct bus_error e = { 0 };
	int r = !take_m || !built ? -ENOMEM : fault_injected("dbus") ? -EIO : sd.call(bus, take_m, limit_us, &e, NULL);

	if (r < 0 && optional && e.name && strcmp(e.name, "org.freedesktop.DBus.Error.UnknownMethod") == 0)
		r = 0;
	if (r < 0)
		text_f(why, "systemd-resolved: %s: %s", member, e.message ? e.message : strerror(-r));
	if (r < 0 && e.name && strcmp(e.name, "org.freedesktop.resolve1.LinkBusy") == 0)
		r = -EBUSY;
	sd.error_free(&e);
	if (take_m)
		sd.message_unref(take_m);
	return r < 0 ? r : 0;
}

static int set_servers(struct sd_bus *bus, int32_t ifindex, const struct dns_config *d, struct text *why)
{
	struct sd_bus_message *m = manager_call_new(bus, "SetLinkDNS");
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
	return call(bus, m, ok && sd.close_container(m) >= 0, "SetLinkDNS", false, why);
}

static int set_domains(struct sd_bus *bus, int32_t ifindex, const struct dns_config *d, bool default_route,
		       struct text *why)
{
	struct sd_bus_message *m = manager_call_new(bus, "SetLinkDomains");
	bool ok = m && sd.append(m, "i", ifindex) >= 0 && sd.open_container(m, 'a', "(sb)") >= 0;

	for (size_t i = 0; ok && i < d->domains.n; i++) {
		const char *word = d->domains.list[i];
		ok = sd.append(m, "(sb)", word + (*word == '~'), (int)(*word == '~')) >= 0;
	}
	if (ok && default_route)
		ok = sd.append(m, "(sb)", ".", 1) >= 0;
	return call(bus, m, ok && sd.close_container(m) >= 0, "SetLinkDomains", false, why);
}

static int set_default_route(struct sd_bus *bus, int32_t ifindex, bool on, struct text *why)
{
	struct sd_bus_message *m = manager_call_new(bus, "SetLinkDefaultRoute");

	return call(bus, m, m && sd.append(m, "ib", ifindex, (int)on) >= 0, "SetLinkDefaultRoute", true, why);
}

/* resolvectl VERB LINK WORD… [LAST]; words that do not fit are left out. */
static int resolvectl(struct text *why, const char *verb, uint32_t ifindex, const struct string_list *words,
		      const char *last)
{
	enum { WORDS = 60 };
	char link[16];
	struct text t = text_fixed(link, sizeof link);
	const char *argv[3 + WORDS + 1] = { "resolvectl", verb, link };
	struct subprocess like = { .argv = argv, .input = SPAN(""), .limit_s = LIMIT_S };
	size_t n = 3;
	int r;

	text_u64(&t, ifindex);
	for (size_t i = 0; words && i < words->n && n < 3 + WORDS - 1; i++)
		argv[n++] = words->list[i];
	if (last)
		argv[n++] = last;
	r = subprocess_run(&like);
	if (r > 0)
		text_f(why, "resolvectl %s failed with status %d", verb, r);
	else if (r == -ETIMEDOUT)
		text_f(why, "resolvectl %s took longer than %d seconds and was stopped", verb, (int)LIMIT_S);
	else if (r < 0)
		text_f(why, "resolvectl: %s", strerror(-r));
	return r == 0 ? 0 : -EIO;
}

/* The commands that the trace shows. */
static int set_with_resolvectl(uint32_t ifindex, const struct dns_config *d, bool default_route, struct text *why)
{
	int r = d->servers.n > 0 ? resolvectl(why, "dns", ifindex, &d->servers, NULL) : 0;

	if (r == 0)
		r = resolvectl(why, "domain", ifindex, &d->domains, default_route ? "~." : NULL);
	if (r == 0)
		r = resolvectl(why, "default-route", ifindex, NULL, default_route ? "true" : "false");
	return r;
}

static int bus_open(struct sd_bus **bus, struct text *why)
{
	int r = sd.open_system(bus);

	if (r < 0)
		text_f(why, "D-Bus: %s", strerror(-r));
	return r < 0 ? r : 0;
}

bool resolved_answers(void)
{
	static const char *const argv[] = { "resolvectl", "dns", NULL };
	static const struct subprocess like = { .argv = argv, .quiet = true, .limit_s = LIMIT_S };
	char reason[256];
	struct text why = text_fixed(reason, sizeof reason);
	struct sd_bus *bus = NULL;
	struct sd_bus_message *m;
	int r;

	if (!library_open())
		return subprocess_find(argv[0]) && subprocess_run(&like) == 0;
	if (bus_open(&bus, &why) < 0)
		return false;
	m = call_new(bus, "org.freedesktop.DBus.Peer", "Ping");
	r = call(bus, m, m, "Ping", false, &why);
	sd.unref(bus);
	return r == 0;
}

int resolved_set(uint32_t ifindex, const struct dns_config *d, struct text *why)
{
	struct sd_bus *bus = NULL;
	bool default_route = dns_is_default_route(d);
	int r;

	if (!library_open())
		return set_with_resolvectl(ifindex, d, default_route, why);
	r = bus_open(&bus, why);
	if (r < 0)
		return r;
	r = set_servers(bus, (int32_t)ifindex, d, why);
	if (r == 0)
		r = set_domains(bus, (int32_t)ifindex, d, default_route, why);
	if (r == 0)
		r = set_default_route(bus, (int32_t)ifindex, default_route, why);
	sd.unref(bus);
	return r;
}

int resolved_revert(uint32_t ifindex, struct text *why)
{
	struct sd_bus *bus = NULL;
	struct sd_bus_message *m;
	int r;

	if (ifindex == 0 || !resolved_answers())
		return 0; /* the settings were deleted with the link, or with the program */
	if (!library_open())
		return resolvectl(why, "revert", ifindex, NULL, NULL);
	r = bus_open(&bus, why);
	if (r < 0)
		return r;
	m = manager_call_new(bus, "RevertLink");
	r = call(bus, m, m && sd.append(m, "i", (int32_t)ifindex) >= 0, "RevertLink", false, why);
	sd.unref(bus);
	return r == -EBUSY ? 0 : r;
}
