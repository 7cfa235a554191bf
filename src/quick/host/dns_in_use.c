/* Name servers in /etc/resolv.conf and in systemd-resolved. */
#include "dns_in_use.h"

#include <errno.h>

#include "fileio.h"
#include "subprocess.h"

int dns_in_use_resolv_conf(struct string_list *out)
{
	struct text file = text_heap();
	struct span rest, line, word;
	int r = fileio_read_settings("/etc/resolv.conf", &file);

	rest = text_of(&file);
	while (r == 0 && span_next(&line, &rest, '\n')) {
		line = span_trim(line);
		if (!span_starts(line, "nameserver"))
			continue;
		line = span_trim(span_sub(line, strlen("nameserver"), line.n));
		if (span_next(&word, &line, ' ') && word.n > 0 && !string_list_add(out, word))
			r = -ENOMEM;
	}
	text_heap_free(&file);
	return r;
}

/* "Link 7 (wg0): 10.8.0.1 fd00::1" */
int dns_in_use_resolved(struct string_list *out, const char *link)
{
	struct text output = text_heap();
	struct subprocess like = { .output = &output, .quiet = true, .limit_s = 5 };
	struct span rest, word;
	int r = subprocess_run_args(&like, "resolvectl", "dns", link, NULL);

	rest = text_of(&output);
	if (r == 0 && !span_next(&word, &rest, ':'))
		r = -EPROTO;
	rest = span_sub(rest, 0, span_find(rest, '\n'));
	while (r == 0 && span_next(&word, &rest, ' '))
		if (word.n > 0 && !string_list_add(out, word))
			r = -ENOMEM;
	text_heap_free(&output);
	return r > 0 ? -EIO : r;
}
