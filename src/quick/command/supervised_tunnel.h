/* A tunnel of `supervise`: the command of wg-quick to run for it next. Private to that command. */
#ifndef WG_QUICK_SUPERVISED_TUNNEL_H
#define WG_QUICK_SUPERVISED_TUNNEL_H

#include "base/base.h"
#include "model/model.h"

enum supervised_job { JOB_NONE, JOB_UP, JOB_RELOAD, JOB_DOWN };

struct supervised_tunnel {
	char name[WG_NAME_MAX];
	char *path;        /* owned */
	uint64_t stamp;    /* of the file when the last command was started; 0: it did not exist */
	bool is_up;
	bool wanted;       /* a command is to run: the file is new or has changed, or a retry is due at retry_ms */
	bool ended;        /* while stopping: `down` has run */
	enum supervised_job job;
	int pid;           /* of the job */
	uint64_t retry_ms; /* by clock_boot_ms(); NEVER: no retry is due */
	unsigned int wait_ms; /* the last wait before a retry */
};

/* The command to start now: JOB_NONE while one runs, or there is nothing to do. */
enum supervised_job supervised_next(const struct supervised_tunnel *t, bool stopping, uint64_t now_ms);
/* It was started. */
void supervised_started(struct supervised_tunnel *t, enum supervised_job job, int pid, uint64_t stamp);
/* The job has ended, or could not be started: exit status 0 is success. Failures are tried again, each after a longer wait. */
void supervised_ended(struct supervised_tunnel *t, int status, uint64_t now_ms);

#endif
