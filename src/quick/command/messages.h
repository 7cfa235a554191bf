/* Messages that several commands print, and the exit statuses that go with them. */
#ifndef WG_QUICK_MESSAGES_H
#define WG_QUICK_MESSAGES_H

/* "cannot WHAT: …" if there is an error; returns the error, 0 or -errno. */
int report_failure(const char *what, int error);
/* For struct plan_options. */
void report_plan_warning(void *ctx, const char *text);

/* Each of these returns the exit status. */

/* After writing to standard output: error is 0 or -errno. */
int exit_status_of_output(int error);
/* A signal ended the run. */
int exit_status_stopped(void);

#endif
