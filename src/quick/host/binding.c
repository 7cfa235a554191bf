/* Binds the outer sockets, and reports failures. */
#include "binding.h"

#include <errno.h>

#include "fault_injection.h"
#include "settings_file.h"
#include "report/report.h"

static void print_place(struct text *t, const char *key, unsigned int line, const char *file)
{
	if (line)
		text_f(t, "%s on line %u%s%s: ", key, line, file ? " of " : "", file ? file : "");
}

static void print_sources(struct text *t, const struct wg_binding *b)
{
	for (int v6 = 0; v6 < 2; v6++) {
		if (b->source[v6].family == IP_NONE)
			continue;
		if (v6 && b->source[0].family != IP_NONE)
			text_add(t, " or ");
		ip_print(t, &b->source[v6]);
	}
}

void binding_report_error(const struct step_bind *b, int error)
{
	char text[512];
	struct text t = text_fixed(text, sizeof text);

	switch (error) {
	case -EOPNOTSUPP:
		report_error("BindDevice and SourceAddress need wireguardd, and the kernel or another program serves the interface");
		report_help("install wireguardd, and set [backend] implementation = userspace in " SETTINGS_PATH
			    "; with auto, the default, a kernel that has WireGuard serves the interface");
		return;
	case -ENODEV:
		print_place(&t, "BindDevice", b->device_at.line, b->device_at.file);
		report_error("cannot bind the UDP sockets: %sthere is no interface %s", text, b->to.device);
		report_help("correct the name, or bring the tunnel up after the interface exists");
		return;
	case -EADDRNOTAVAIL:
		print_place(&t, "SourceAddress", b->source_at.line, b->source_at.file);
		print_sources(&t, &b->to);
		report_error("cannot bind the UDP sockets: %s is not an address of this host", text);
		report_help("add it to an interface before the tunnel is brought up; an IPv6 address can be used once it is no longer tentative");
		return;
	default:
		report_error("cannot bind the UDP sockets: %s", strerror(-error));
	}
}

int perform_bind(struct ipc *ipc, const struct plan *p, struct step *s)
{
	int r;

	s->done = true;
	r = fault_injected("bind") ? -EIO : ipc_set_binding(ipc, p->name, &s->bind.to);
	if (r < 0)
		binding_report_error(&s->bind, r);
	return r;
}

uint32_t binding_device_index(struct rtnetlink *rt, const struct wg_binding *b)
{
	struct link_info link;

	return b->device[0] && rtnetlink_link_find(rt, b->device, 0, &link) == 0 ? link.index : 0;
}
