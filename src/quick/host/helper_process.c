/* A process that acts for another one that has given up its privileges. */
#include "helper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { RUNNING_MAX = 24, WAITING_MAX = 256 };
static const unsigned int limit_of[HELPER_KINDS] = { [HELPER_LOOK_UP] = 8, [HELPER_TUNNEL] = 16 };

struct head {
	uint32_t id;
	int32_t status;   /* of a reply */
	uint32_t kind, limit_s; /* of a request */
};

struct message {
	struct head head;
	char text[HELPER_TEXT_MAX];
};

/* ---- the helper: struct task is a request ---- */

struct task {
	struct head head;
	char *request;       /* owned while it waits; null once it runs */
	int pid, from;       /* its process, and the pipe with its output */
	uint64_t end_ms;
	struct text output;
};

struct tasks {
	int fd; /* to the other process; -1: it has ended */
	helper_work *work;
	void *ctx;
	struct task running[RUNNING_MAX], waiting[WAITING_MAX];
	size_t n_running, n_waiting;
	struct message message;
};

/* Nothing waits for look-ups. Work that was begun for tunnels is completed. */
static void lose_connection(struct tasks *x)
{
	x->fd = -1;
	for (size_t i = 0; i < x->n_waiting; i++)
		free(x->waiting[i].request);
	x->n_waiting = 0;
	for (size_t i = 0; i < x->n_running; i++)
		if (x->running[i].head.kind == HELPER_LOOK_UP)
			kill(x->running[i].pid, SIGKILL);
}

/* t is no longer in the lists. */
static void reply(struct tasks *x, const struct task *t, int status)
{
	struct message *m = &x->message;
	size_t n = t->output.failed || t->output.n > sizeof m->text ? 0 : t->output.n;

	m->head = (struct head){ .id = t->head.id, .status = status };
	if (n > 0)
		memcpy(m->text, t->output.p, n);
	if (x->fd >= 0 && send(x->fd, m, sizeof m->head + n, MSG_NOSIGNAL) < 0)
		lose_connection(x);
}

/* For what parses the answers of name servers. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(255);
}

/* In the child process. */
static void run_task(const struct tasks *x, const struct task *t, int to)
{
	struct text output = text_heap();
	int status;

	close(x->fd); /* so that the end of the helper is seen */
	alarm(t->head.limit_s + 1); /* if the helper has ended */
	if (t->head.kind == HELPER_LOOK_UP)
		drop_capabilities();
	status = x->work(x->ctx, t->request, &output);
	for (size_t at = 0; !output.failed && at < output.n;) {
		ssize_t n = write(to, output.p + at, output.n - at);
		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	_exit(output.failed ? 255 : status);
}

static bool begin(struct tasks *x, struct task *t)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return false;
	t->pid = fork();
	if (t->pid == 0)
		run_task(x, t, p[1]);
	close(p[1]);
	if (t->pid < 0) {
		close(p[0]);
		return false;
	}
	t->from = p[0];
	t->end_ms = clock_boot_ms() + t->head.limit_s * 1000ull;
	t->output = text_heap();
	return true;
}

static size_t count_running(const struct tasks *x, uint32_t kind)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_running; i++)
		n += x->running[i].head.kind == kind;
	return n;
}

static void begin_waiting(struct tasks *x)
{
	for (size_t i = 0; i < x->n_waiting;) {
		struct task t = x->waiting[i];
		char *request = t.request;
		if (count_running(x, t.head.kind) >= limit_of[t.head.kind]) {
			i++;
			continue;
		}
		x->n_waiting--;
		memmove(&x->waiting[i], &x->waiting[i + 1], (x->n_waiting - i) * sizeof t);
		if (begin(x, &t)) {
			t.request = NULL;
			x->running[x->n_running++] = t;
		} else {
			reply(x, &t, -1);
		}
		free(request);
	}
}

static void end(struct tasks *x, size_t i)
{
	struct task t = x->running[i];
	int status = 0;

	while (waitpid(t.pid, &status, 0) < 0 && errno == EINTR)
		;
	close(t.from);
	x->running[i] = x->running[--x->n_running];
	reply(x, &t, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	text_heap_free(&t.output);
}

/* Its end closes the pipe; what it started, such as a daemon, does not have it. */
static void read_output(struct tasks *x, size_t i)
{
	struct task *t = &x->running[i];
	char piece[4096];
	ssize_t n = read(t->from, piece, sizeof piece);

	if (n > 0 && t->output.n + (size_t)n <= HELPER_TEXT_MAX)
		text_span(&t->output, (struct span){ piece, (size_t)n });
	else if (n > 0)
		t->output.failed = true;
	else if (n == 0 || errno != EINTR)
		end(x, i);
}

static void receive(struct tasks *x)
{
	struct message *m = &x->message;
	ssize_t n = recv(x->fd, m, sizeof *m, 0);
	struct task t = { .from = -1 };

	if (n == 0 || (n < 0 && errno != EINTR))
		lose_connection(x);
	if (n < (ssize_t)sizeof m->head || m->head.kind >= HELPER_KINDS)
		return;
	t.head = m->head;
	t.request = span_dup((struct span){ m->text, (size_t)n - sizeof m->head });
	if (t.request && x->n_waiting < WAITING_MAX) {
		x->waiting[x->n_waiting++] = t;
		return;
	}
	reply(x, &t, -1);
	free(t.request);
}

static int wait_ms(const struct tasks *x)
{
	uint64_t now_ms = clock_boot_ms(), next_ms = NEVER;

	for (size_t i = 0; i < x->n_running; i++)
		next_ms = x->running[i].end_ms < next_ms ? x->running[i].end_ms : next_ms;
	if (next_ms == NEVER)
		return -1;
	return next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
}

static void kill_late(struct tasks *x)
{
	uint64_t now_ms = clock_boot_ms();

	for (size_t i = 0; i < x->n_running; i++)
		if (x->running[i].end_ms <= now_ms) {
			kill(x->running[i].pid, SIGKILL);
			x->running[i].end_ms = NEVER;
		}
}

static void serve(struct tasks *x)
{
	while (x->fd >= 0 || x->n_running > 0) {
		struct pollfd p[1 + RUNNING_MAX];
		size_t n = x->n_running;
		p[0] = (struct pollfd){ .fd = x->fd, .events = POLLIN };
		for (size_t i = 0; i < n; i++)
			p[1 + i] = (struct pollfd){ .fd = x->running[i].from, .events = POLLIN };
		if (poll(p, (nfds_t)(1 + n), wait_ms(x)) > 0) {
			for (size_t i = n; i-- > 0;)
				if (p[1 + i].revents)
					read_output(x, i);
			if (x->fd >= 0 && p[0].revents)
				receive(x);
		}
		kill_late(x);
		begin_waiting(x);
	}
}

/* ---- the other process ---- */

static void finish(struct helper *h, struct helper_call *c, int status, struct span output)
{
	helper_forget(h, c);
	c->done(c, status, output);
}

static void fail_all(struct helper *h)
{
	close(event_loop_remove(h->loop, &h->source));
	while (h->calls)
		finish(h, h->calls, -1, (struct span){ "", 0 });
}

static void reply_ready(struct event_source *s)
{
	static struct message m;
	struct helper *h = container_of(s, struct helper, source);
	ssize_t n = recv(s->fd, &m, sizeof m, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		fail_all(h);
		h->ended(h);
		return;
	}
	if (n < (ssize_t)sizeof m.head)
		return;
	for (struct helper_call *c = h->calls; c; c = c->next)
		if (c->id == m.head.id) {
			finish(h, c, m.head.status, (struct span){ m.text, (size_t)n - sizeof m.head });
			return;
		}
}

int helper_start(struct helper *h, struct event_loop *l, helper_work *work, void *ctx)
{
	struct tasks *x;
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		prctl(PR_SET_NAME, "wg-quick-helper", 0, 0, 0);
		event_loop_forget();
		signal(SIGTERM, SIG_IGN); /* it ends with the other process */
		signal(SIGINT, SIG_IGN);
		x = calloc(1, sizeof *x);
		if (x) {
			*x = (struct tasks){ .fd = pair[1], .work = work, .ctx = ctx };
			serve(x);
		}
		_exit(x ? 0 : 1);
	}
	r = pid < 0 ? -errno : 0;
	close(pair[1]);
	*h = (struct helper){ .source = { .fd = -1, .ready = reply_ready }, .loop = l, .ended = h->ended };
	if (r == 0)
		r = event_loop_add(l, &h->source, pair[0]);
	if (r < 0)
		close(pair[0]);
	return r;
}

void helper_stop(struct helper *h)
{
	if (h->loop && h->source.fd >= 0)
		fail_all(h);
}

int helper_call(struct helper *h, struct helper_call *c, enum helper_kind kind, unsigned int limit_s, const char *request)
{
	static struct message m;
	size_t n = strlen(request);

	if (h->source.fd < 0)
		return -EPIPE;
	if (n > sizeof m.text)
		return -EMSGSIZE;
	m.head = (struct head){ .id = ++h->last_id ? h->last_id : ++h->last_id, .kind = kind, .limit_s = limit_s };
	memcpy(m.text, request, n);
	if (send(h->source.fd, &m, sizeof m.head + n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	c->id = m.head.id;
	c->next = h->calls;
	h->calls = c;
	return 0;
}

void helper_forget(struct helper *h, struct helper_call *c)
{
	struct helper_call **at = &h->calls;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	c->next = NULL;
	c->id = 0;
}
