/* Work in a child process. */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/output.h"

static struct job *discarded; /* those that are running */

struct job *job_new(void *owner, void (*done)(struct job *j, int status))
{
	struct job *j = calloc(1, sizeof *j);

	if (j)
		*j = (struct job){ .source.fd = -1, .owner = owner, .done = done };
	return j;
}

static void job_free(struct job *j)
{
	text_heap_free(&j->output);
	free(j);
}

/* Its output has ended, so this does not take long. */
static int wait_for(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void end(struct job *j)
{
	int fd = j->source.fd, pid = j->pid;

	event_loop_remove(j->loop, &j->source);
	close(fd);
	j->pid = 0;
	j->done(j, wait_for(pid));
}

static void ready(struct event_source *s)
{
	struct job *j = container_of(s, struct job, source);
	char piece[4096];
	ssize_t n = read(s->fd, piece, sizeof piece);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		end(j);
	else if (j->output.n + (size_t)n <= JOB_OUTPUT_MAX)
		text_span(&j->output, (struct span){ piece, (size_t)n });
}

bool job_is_running(const struct job *j)
{
	return j->pid > 0;
}

static void run_child(int fd, job_work *work, void *ctx)
{
	struct text output = text_heap();
	int status;

	event_loop_forget();
	alarm(JOB_LIMIT_S);
	status = work(ctx, &output);
	(void)!report_write(fd, output.p, output.n);
	_exit(status);
}

int job_start(struct job *j, struct event_loop *l, job_work *work, void *ctx)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	text_heap_free(&j->output);
	j->output = text_heap();
	j->loop = l;
	j->source.ready = ready;
	r = event_loop_add(l, &j->source, fds[0]);
	if (r == 0)
		j->pid = fork();
	if (r == 0 && j->pid == 0) {
		close(fds[0]);
		run_child(fds[1], work, ctx);
	}
	if (r == 0 && j->pid < 0)
		r = -errno;
	close(fds[1]);
	if (r < 0) {
		event_loop_remove(l, &j->source);
		close(fds[0]);
		j->pid = 0;
	}
	return r;
}

static void free_discarded(struct job *j, int status)
{
	struct job **at = &discarded;

	(void)status;
	while (*at != j)
		at = &(*at)->next_discarded;
	*at = j->next_discarded;
	job_free(j);
}

void job_discard(struct job *j)
{
	if (!job_is_running(j)) {
		job_free(j);
		return;
	}
	j->owner = NULL;
	j->done = free_discarded;
	j->next_discarded = discarded;
	discarded = j;
}
