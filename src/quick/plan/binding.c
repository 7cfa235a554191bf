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
