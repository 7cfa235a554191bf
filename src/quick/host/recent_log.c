/* Log messages, from a file or from journalctl(1). */
#include "recent_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "subprocess.h"

static void add_last(struct string_list *out, const struct string_list *lines, size_t n)
{
	for (size_t i = lines->n > n ? lines->n - n : 0; i < lines->n; i++)
		if (!string_list_add(out, span_of(lines->list[i])))
			return;
}

/* The lines of the tunnel in the end of the file, which may have those of several. */
static void read_file(struct string_list *lines, const char *path, const char *name)
{
	enum { TAIL_BYTES = 64 << 10 };
	static char tail[TAIL_BYTES];
	char prefix[32];
	struct text t = text_fixed(prefix, sizeof prefix);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	ssize_t n = size < 0 ? -1 : pread(fd, tail, sizeof tail, size > TAIL_BYTES ? size - TAIL_BYTES : 0);
	struct span rest = { tail, n > 0 ? (size_t)n : 0 }, line;

	if (fd >= 0)
		close(fd);
	text_f(&t, "wireguardd: %s: ", name);
	while (span_next(&line, &rest, '\n'))
		if (span_starts(line, prefix) && !string_list_add(lines, line))
			return;
}

static void read_journal(struct string_list *lines, const char *name, int pid)
{
	static const char identifier[] = "SYSLOG_IDENTIFIER=wireguardd";
	struct text output = text_heap();
	struct subprocess like = { .output = &output, .quiet = true, .limit_s = 10 };
	char unit[64], process[32];
	struct text t = text_fixed(unit, sizeof unit);
	struct span rest, line;

	if (access("/run/systemd/journal", F_OK) < 0 || !subprocess_find("journalctl"))
		return;
	text_f(&t, "_SYSTEMD_UNIT=wg-quick@%s.service", name);
	t = text_fixed(process, sizeof process);
	text_f(&t, "_PID=%d", pid);
	if (subprocess_run_args(&like, "journalctl", "--quiet", "--no-pager", "--boot", "--lines=5", "--output=short", unit,
				pid > 0 ? "+" : NULL, identifier, process, NULL) == 0) {
		rest = text_of(&output);
		while (span_next(&line, &rest, '\n'))
			if (line.n > 0 && !string_list_add(lines, line))
				break;
	}
	text_heap_free(&output);
}

void recent_log(struct string_list *out, const char *name, int pid, size_t n, const struct settings *set)
{
	struct string_list lines = { 0 };

	if (set->log_file[0])
		read_file(&lines, set->log_file, name);
	else
		read_journal(&lines, name, pid);
	add_last(out, &lines, n);
	string_list_free(&lines);
}
