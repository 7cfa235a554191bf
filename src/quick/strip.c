/* `strip`. */
#include <unistd.h>

#include "quick.h"

/* The file without what only wg-quick knows. A file that wg would refuse gives nothing and fails,
 * so that `wg syncconf X <(wg-quick strip X)` cannot empty a device. */
int command_strip(struct quick *q)
{
	struct text t = grow_text();
	bool ok = quick_read_file(q);

	if (ok) {
		file_strip(&q->file, &t);
		ok = !t.failed;
		if (ok)
			say_bytes(STDOUT_FILENO, t.p, t.n);
	}
	grow_text_free(&t);
	return !ok;
}
