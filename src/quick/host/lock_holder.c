/* Reads /proc/locks, proc_locks(5), and /proc/PID/cmdline. */
#include "lock_holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fileio.h"

/* "1: FLOCK  ADVISORY  WRITE 708 00:13:9448 0 EOF" */
static bool parse_line(struct span line, unsigned int *pid, unsigned int *major_number, unsigned int *minor_number,
		       unsigned long long *inode)
{
	char text[128];
	struct text t = text_fixed(text, sizeof text);

	text_span(&t, line);
	return !t.failed && sscanf(text, "%*u: FLOCK ADVISORY WRITE %u %x:%x:%llu", pid, major_number, minor_number,
				   inode) == 4;
}

/* Arguments are separated by NULs; control characters could change what the terminal shows. */
static void read_command(struct lock_holder *h)
{
	char path[32];
	struct text t = text_fixed(path, sizeof path);
	ssize_t n;
	int fd;

	text_f(&t, "/proc/%u/cmdline", h->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, h->command, sizeof h->command - 1);
	close(fd);
	while (n > 0 && h->command[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (h->command[i] == '\0')
			h->command[i] = ' ';
		else if ((unsigned char)h->command[i] < ' ' || h->command[i] == 0x7f)
			h->command[i] = '?';
	h->command[n > 0 ? n : 0] = '\0';
}

bool lock_holder_find(struct lock_holder *out, int fd)
{
	struct text locks = text_heap();
	struct span rest, line;
	struct stat st;

	*out = (struct lock_holder){ 0 };
	if (fstat(fd, &st) < 0 || fileio_read("/proc/locks", &locks) < 0) {
		text_heap_free(&locks);
		return false;
	}
	rest = text_of(&locks);
	while (out->pid == 0 && span_next(&line, &rest, '\n')) {
		unsigned int pid, major_number, minor_number;
		unsigned long long inode;
		if (parse_line(line, &pid, &major_number, &minor_number, &inode) && inode == st.st_ino &&
		    major_number == major(st.st_dev) && minor_number == minor(st.st_dev))
			out->pid = pid;
	}
	text_heap_free(&locks);
	if (out->pid > 0)
		read_command(out);
	return out->pid > 0;
}
