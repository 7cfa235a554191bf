/* The states of a tunnel of `supervise`. */
#include "supervised_tunnel.h"

enum { WAIT_FIRST_MS = 1000, WAIT_MAX_MS = 300000 };

enum supervised_job supervised_next(const struct supervised_tunnel *t, bool stopping, uint64_t now_ms)
{
	if (t->job != JOB_NONE)
		return JOB_NONE;
	if (stopping)
		return t->is_up && !t->ended ? JOB_DOWN : JOB_NONE;
	if (!t->wanted && t->retry_ms > now_ms)
		return JOB_NONE;
	return t->is_up ? JOB_RELOAD : JOB_UP;
}

void supervised_started(struct supervised_tunnel *t, enum supervised_job job, int pid, uint64_t stamp)
{
	t->job = job;
	t->pid = pid;
	t->stamp = stamp;
	t->wanted = false;
	t->retry_ms = NEVER;
}

void supervised_ended(struct supervised_tunnel *t, int status, uint64_t now_ms)
{
	enum supervised_job job = t->job;

	t->job = JOB_NONE;
	t->pid = 0;
	if (job == JOB_DOWN) {
		t->ended = true;
		t->is_up &= status != 0;
		return;
	}
	if (job == JOB_UP)
		t->is_up = status == 0;
	if (status == 0) {
		t->wait_ms = 0;
		return;
	}
	t->wait_ms = t->wait_ms == 0 ? WAIT_FIRST_MS : t->wait_ms > WAIT_MAX_MS / 2 ? WAIT_MAX_MS : 2 * t->wait_ms;
	t->retry_ms = now_ms + t->wait_ms;
}
