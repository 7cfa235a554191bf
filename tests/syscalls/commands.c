/* Runs programs, with their output in a file in memory. */
#include "commands.h"

#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int output = -1;

int output_begin(void)
{
	if (output < 0)
		output = memfd_create("output", MFD_CLOEXEC);
	if (output < 0 || ftruncate(output, 0) < 0 || lseek(output, 0, SEEK_SET) < 0)
		err(1, "output");
	return output;
}

void output_read(struct text *out)
{
	char piece[4096];
	off_t at = 0;
	ssize_t n;

	out->n = 0;
	while ((n = pread(output, piece, sizeof piece, at)) > 0) {
		text_span(out, (struct span){ piece, (size_t)n });
		at += n;
	}
}

int run_command(const char *program, ...)
{
	const char *argv[8] = { program };
	int fd = output_begin(), status;
	va_list ap;
	pid_t pid;

	va_start(ap, program);
	for (size_t i = 1; i < ARRAY_LEN(argv) - 1 && argv[i - 1]; i++)
		argv[i] = va_arg(ap, const char *);
	va_end(ap);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execvp(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void write_file(const char *path, struct span text)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n)
		err(1, "%s", path);
	close(fd);
}

void read_file(struct text *out, const char *path)
{
	char piece[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	out->n = 0;
	while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
		text_span(out, (struct span){ piece, (size_t)n });
	if (fd >= 0)
		close(fd);
}
