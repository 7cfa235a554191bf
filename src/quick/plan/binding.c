/* Binding the outer sockets. */
#include "binding.h"

#include <errno.h>

int plan_binding(struct plan *p, const struct tunnel_file *f, const struct wg_binding *before)
{
	const struct bind_keys *keys = &f->interface.bind;
	const struct diag_at device = tunnel_file_line_at(f, keys->device_at.line);
	const struct diag_at source = tunnel_file_line_at(f, keys->source_at.line);
	struct step *s = plan_add(p, STEP_BIND);

	if (!s)
		return -ENOMEM;
	s->bind = (struct step_bind){ .to = keys->to, .before = *before, .device_at = { device.line, device.file },
				      .source_at = { source.line, source.file } };
	return 0;
}

int diff_binding(struct plan *p, const struct diff_input *in)
{
	const struct host_state *s = in->actual;

	if (!s->binding_known || binding_equal(&s->binding, &in->desired->interface.bind.to))
		return 0;
	return plan_binding(p, in->desired, &s->binding);
}

/* printf(1) repeats its format for each word; socat(1) waits for the reply. */
void binding_print_step(struct text *t, const struct plan *p, const struct step *s)
{
	char lines[256];
	struct text request = text_fixed(lines, sizeof lines);
	struct span rest, line;

	binding_print_set(&request, &s->bind.to);
	rest = text_of(&request);
	text_add(t, "[#] printf '%s\\n'");
	while (rest.n > 0 && span_next(&line, &rest, '\n')) {
		text_char(t, ' ');
		if (line.n == 0)
			text_add(t, "''");
		text_span(t, line);
	}
	text_f(t, " | socat - UNIX-CONNECT:" RUNSTATEDIR "/wireguard/%s.sock\n", p->name);
}
