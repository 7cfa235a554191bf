/* `strip`. */
#include <unistd.h>

#include "quick.h"
#include "report/output.h"

/* The file without what only wg-quick knows. A file that wg would refuse gives nothing and fails,
 * so that `wg syncconf X <(wg-quick strip X)` cannot empty a device. */
int command_strip(struct quick *q)
{
	static char ends[] = "\n\n";
	const struct tunnel_file *f = &q->file;
	size_t n_ends = 2;
	int r;

	q->file.lines_only = q->errors_only = true;
	if (!quick_read_file(q))
		return 1;
	tunnel_file_strip(&q->file);
	if (f->n_text == 0 || f->text[f->n_text - 1] == '\n')
		n_ends = 1;
	r = report_write(STDOUT_FILENO, f->text, f->n_text);
	if (r == 0)
		r = report_write(STDOUT_FILENO, ends, n_ends);
	return quick_said(r);
}
