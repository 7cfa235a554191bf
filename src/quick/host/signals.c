/* The signals that stop wg-quick. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

volatile int stop_signal;
static volatile pid_t running_child;
static bool hangup_ignored;

static void handle_stop(int number)
{
	int saved = errno;

	if (stop_signal && running_child > 0)
		kill(running_child, SIGTERM);
	stop_signal = number;
	errno = saved;
}

static void set_handler(int number, void (*handler)(int number))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(number, &action, NULL);
}

static void set_handlers(void (*stop)(int number), void (*ignore)(int number))
{
	set_handler(SIGINT, stop);
	set_handler(SIGTERM, stop);
	if (!hangup_ignored)
		set_handler(SIGHUP, stop);
	set_handler(SIGPIPE, ignore);
	set_handler(SIGXFSZ, ignore);
}

void signals_watch(void)
{
	struct sigaction now;

	/* By nohup(1): then it stays ignored, also in the programs that are run. */
	hangup_ignored = sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
	set_handlers(handle_stop, SIG_IGN);
}

void signals_restore(void)
{
	set_handlers(SIG_DFL, SIG_DFL);
}

void signals_stop_by_term(void)
{
	set_handler(SIGTERM, SIG_DFL);
}

bool signals_stop_is_hangup(void)
{
	return stop_signal == SIGHUP;
}

void signals_set_child(pid_t child)
{
	running_child = child;
}
