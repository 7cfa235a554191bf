/* Whether the outer sockets can be bound. */
#include "binding.h"

#include <errno.h>

#include "quick/host/binding.h"
#include "quick/host/link_create.h"
#include "report/report.h"

int check_binding(const struct tunnel_file *f, const struct settings *set)
{
	if (binding_is_empty(&f->interface.bind.to) || link_create_program(set))
		return 0;
	binding_report_error(NULL, -EOPNOTSUPP);
	return -EOPNOTSUPP;
}

/* Other daemons would log an error. */
static int ask(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct applied *a)
{
	bool is_expected = !binding_is_empty(&f->interface.bind.to) || (a && !binding_is_empty(&a->binding));
	int r = is_expected ? ipc_get_binding(&host->ipc, f->name, &s->binding) : 0;

	s->binding_known = is_expected && r == 0;
	return r;
}

void inspect_binding_quietly(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct applied *a)
{
	s->binding = (struct wg_binding){ .device = "" };
	if (ask(s, host, f, a) < 0)
		s->binding_known = true;
}

int inspect_binding(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct applied *a)
{
	int r = ask(s, host, f, a);

	if (r == 0 || binding_is_empty(&f->interface.bind.to))
		return 0;
	if (r == -EOPNOTSUPP)
		binding_report_error(NULL, r);
	else
		report_error("cannot read what the UDP sockets are bound to: %s", strerror(-r));
	return r;
}

int restore_binding(struct host *host, const struct tunnel_file *f)
{
	struct step_bind b = { .to = f->interface.bind.to };
	int r;

	if (binding_is_empty(&b.to))
		return 0;
	b.to.may_be_missing = true;
	r = ipc_set_binding(&host->ipc, f->name, &b.to);
	if (r < 0)
		binding_report_error(&b, r);
	return r;
}
