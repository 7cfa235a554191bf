/* Runs one point after the other, and judges each by the state of the host. */
#include "sweep.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "call_errors.h"
#include "commands.h"
#include "host_state.h"

enum {
	LIMIT_S = 5,      /* for wg-quick */
	SETTLE_S = 15,    /* for the state: a daemon exits by itself */
	PAUSE_MS = 5,
	TRIES = 3,        /* before an exceeded limit counts, because the machine may be busy */
	SHOWN = 10,       /* violations that are printed in full */
	START_SHARE = 16, /* one of so many calls before main() is visited */
};

static const char *const verbs[] = { "up", "down", "reload", "save" };
static const char resolv_conf[] = "/etc/resolv.conf";
static const char key_file[] = "/var/lib/key"; /* which `up` makes; outside the state */
static const char tunnel_file[] = "/etc/wireguard/" SWEEP_NAME ".conf";

struct sweep {
	const struct sweep_options *o;
	char wg[PATH_MAX];
	struct text resolv_conf; /* its contents without the tunnel */
	mode_t resolv_conf_mode;
	struct text base;  /* the state without the tunnel */
	struct text ready; /* before the command */
	struct text done;  /* after the command, when nothing fails */
	struct text saved; /* the file that `save` writes */
	bool is_ready;
	unsigned int main_at; /* the first call of main() */
	unsigned int calls;   /* of the command when nothing fails */
	/* Of the present point. */
	struct trace_fault fault;
	struct trace_result result;
	struct text now, output, undo_output;
	/* Of all points. */
	unsigned int points, succeeded, unchanged, undone_later, violations;
	uint64_t longest_ns;
};

/* ---- the host ---- */

/* One allowed IP on a line, because they have no order. */
static void add_configuration(struct sweep *s, struct text *out)
{
	struct span text, line, word;
	struct text config = text_heap();

	run_command(s->wg, "showconf", SWEEP_NAME, NULL);
	output_read(&config);
	text = text_of(&config);
	while (text.n > 0 && span_next(&line, &text, '\n')) {
		if (!span_starts(line, "AllowedIPs"))
			text_f(out, "device %.*s\n", (int)line.n, line.p);
		else
			while (span_next(&word, &line, ' '))
				text_f(out, "device allowed %.*s\n", (int)(word.n - (word.n && word.p[word.n - 1] == ',')), word.p);
	}
	text_heap_free(&config);
}

static void read_state(struct sweep *s, struct text *out)
{
	host_state_read(out, SWEEP_NAME);
	if (s->o->verb == SWEEP_RELOAD)
		add_configuration(s, out);
	sort_lines(out);
}

static bool is_state(struct sweep *s, const struct text *want)
{
	read_state(s, &s->now);
	return span_equal(text_of(&s->now), text_of(want));
}

/* The index of the interface and the time are others each time. The copy of resolv.conf may be in another folder. That there is no record
 * of the endpoints is no loss. */
static bool varies(struct span line)
{
	return span_starts(line, "file /run/wgsuite/") || span_starts(line, "in /run/wgsuite/netns-") || span_starts(line, "in /run/wgsuite/endpoints.") || span_starts(line, "file /etc/resolv.conf") ||
	       span_starts(line, "in /etc/resolv.conf: #") || span_starts(line, "in /etc/resolv.conf.wg-quick") ||
	       span_starts(line, "file /var/lib/wgsuite") || span_contains(line, ": index ") || span_contains(line, ": complete ") ||
	       span_contains(line, ": config-changed "); /* the file is written again for each point */
}

static bool next_stable_line(struct span *line, struct span *text)
{
	while (text->n > 0 && span_next(line, text, '\n'))
		if (!varies(*line))
			return true;
	return false;
}

/* Apart from the index of the interface. */
static bool is_similar(struct sweep *s, const struct text *want)
{
	struct span a, b, line_a, line_b;
	bool more_a, more_b;

	read_state(s, &s->now);
	a = text_of(&s->now);
	b = text_of(want);
	do {
		more_a = next_stable_line(&line_a, &a);
		more_b = next_stable_line(&line_b, &b);
	} while (more_a && more_b && span_equal(line_a, line_b));
	return !more_a && !more_b;
}

/* Waits for the state. */
static bool comes(struct sweep *s, bool (*is)(struct sweep *s, const struct text *want), const struct text *want)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * (long)NS_PER_MS };

	for (unsigned int i = 0; i < SETTLE_S * 1000 / PAUSE_MS; i++) {
		if (is(s, want))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool settles(struct sweep *s, const struct text *want)
{
	return comes(s, is_state, want);
}

/* After a violation: without wg-quick. */
static void clean(struct sweep *s)
{
	static const char script[] =
		"ip link delete " SWEEP_NAME "; rm -rf /run/wgsuite /run/pre-* /run/post-* /run/wireguard/*;"
		"for f in ip ip6; do nft delete table $f wg-quick-" SWEEP_NAME "; done;"
		"for t in iptables ip6tables; do $t-save | grep -v wg-quick | $t-restore; done;"
		"for f in -4 -6; do ip $f rule | sed -n '/fwmark\\|suppress/s/:.*//p' | while read p; do ip $f rule delete pref $p; done;"
		"ip $f route flush table 51820; ip $f route delete unreachable default metric 1; done;"
		"echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark; rm -f /etc/resolv.conf* /etc/wireguard/*.tmp";

	run_command("sh", "-c", script, NULL);
	write_file(resolv_conf, text_of(&s->resolv_conf));
	(void)chmod(resolv_conf, s->resolv_conf_mode);
	if (!settles(s, &s->base)) {
		struct text difference = text_heap();
		host_state_print_difference(&difference, text_of(&s->base), text_of(&s->now));
		errx(1, "cannot clean the host:\n%s", difference.p);
	}
}

static void must_run(struct sweep *s, const char *verb)
{
	if (run_command(s->o->wg_quick, verb, SWEEP_NAME, NULL) == 0)
		return;
	output_read(&s->output);
	errx(1, "wg-quick %s failed:\n%s", verb, s->output.p);
}

/* Brings the host from the state without the tunnel to the one before the command. */
static void prepare(struct sweep *s)
{
	const struct text *file = s->o->verb == SWEEP_RELOAD ? &s->o->after : &s->o->file;

	if (!s->is_ready && s->o->verb != SWEEP_UP) {
		write_file(tunnel_file, text_of(&s->o->file));
		must_run(s, "up");
	}
	write_file(tunnel_file, text_of(file));
	if (s->o->verb == SWEEP_UP)
		(void)unlink(key_file);
	if (s->is_ready)
		return;
	if (s->o->verb == SWEEP_SAVE && run_command(s->wg, "set", SWEEP_NAME, "listen-port", "5999", NULL) != 0)
		errx(1, "wg set failed");
	read_state(s, &s->ready);
	s->is_ready = true;
}

/* ---- violations ---- */

static void print_indented(const char *title, const struct text *t)
{
	struct span text = text_of(t), line;

	if (t->n > 0)
		printf("  %s:\n", title);
	while (text.n > 0 && span_next(&line, &text, '\n'))
		printf("    %.*s\n", (int)line.n, line.p);
}

static void print_point(const struct sweep *s)
{
	const char *name = s->result.number >= 0 ? call_name(s->result.number) : NULL;

	printf("%s, call %u of %u (%s %ld)", verbs[s->o->verb], s->fault.at, s->calls, name ? name : "call", s->result.number);
	if (s->o->kills)
		printf(", killed after it");
	else
		printf(": %s (SWEEP_VARIANT=%u)", strerror(s->result.error), s->fault.variant);
	printf(", exit status %d\n", s->result.status);
}

static void violate(struct sweep *s, const char *what, const struct text *want)
{
	struct text difference = text_heap();

	s->violations++;
	printf("VIOLATION %u: %s\n  ", s->violations, what);
	print_point(s);
	if (s->violations > SHOWN)
		return;
	print_indented("output", &s->output);
	print_indented("output of what ran afterwards", &s->undo_output);
	if (want)
		host_state_print_difference(&difference, text_of(want), text_of(&s->now));
	print_indented("state", &difference);
	text_heap_free(&difference);
}

/* ---- judging ---- */

/* After the call, or because it took too long. */
static bool was_killed(const struct sweep *s)
{
	return (s->o->kills || s->result.timed_out) && s->result.status == 128 + 9;
}

/* Something else than the commands. The call that fails may be the one that writes the message. */
static bool has_message(const struct sweep *s)
{
	struct span text = text_of(&s->output), line;
	const char *name = call_name(s->result.number);

	while (text.n > 0 && span_next(&line, &text, '\n'))
		if (line.n > 0 && !span_starts(line, "[#]") && !span_starts(line, "[!]"))
			return true;
	return name && (strcmp(name, "write") == 0 || strcmp(name, "writev") == 0);
}

static bool says_what_is_left(const struct sweep *s)
{
	return s->output.n > 0 && (strstr(s->output.p, "some steps could not be undone") || strstr(s->output.p, "failed to roll back") ||
				   strstr(s->output.p, "the kill switch stays on"));
}

/* Whole, old or new. */
static void judge_file(struct sweep *s)
{
	struct text file = text_heap();
	bool is_old, is_new;

	read_file(&file, tunnel_file);
	is_old = span_equal(text_of(&file), text_of(&s->o->file));
	is_new = span_equal(text_of(&file), text_of(&s->saved));
	if (!is_old && !is_new)
		violate(s, "the tunnel file is damaged", NULL);
	else if (s->result.status == 0 && !is_new)
		violate(s, "success, but the tunnel file was not saved", NULL);
	text_heap_free(&file);
}

/* Made completely, or not at all. */
static void judge_key(struct sweep *s)
{
	struct text key = text_heap();
	struct stat st;
	bool exists = stat(key_file, &st) == 0;

	read_file(&key, key_file);
	if (exists && (st.st_mode != (S_IFREG | 0600) || key.n != 45))
		violate(s, "the key file is damaged", NULL);
	text_heap_free(&key);
}

static void judge_unchanged(struct sweep *s)
{
	s->unchanged++;
	if (s->o->verb == SWEEP_SAVE)
		judge_file(s);
	else if (s->result.status == 0)
		violate(s, "success, but nothing was done", NULL);
	if (s->result.status != 0 && !was_killed(s) && !has_message(s))
		violate(s, "a failure without a message", NULL);
}

static void append_undo_output(struct sweep *s, const char *verb, int status)
{
	struct text t = text_heap();

	output_read(&t);
	text_f(&s->undo_output, "%s%s: exit status %d\n", t.p ? t.p : "", verb, status);
	text_heap_free(&t);
}

static int undo_with(struct sweep *s, const char *verb)
{
	int status = run_command(s->o->wg_quick, verb, SWEEP_NAME, NULL);

	append_undo_output(s, verb, status);
	return status;
}

/* A `down` that fails may have removed everything. */
static bool is_down_already(const struct sweep *s)
{
	return s->o->verb == SWEEP_DOWN && strstr(s->undo_output.p, "is not a WireGuard interface");
}

/* `down`, or for every other point `up` and `down`, leaves nothing. */
static void judge_rest(struct sweep *s)
{
	bool failed = s->result.status != 0;
	int status;

	write_file(tunnel_file, text_of(&s->o->file));
	if (failed && s->fault.at % 2)
		undo_with(s, "up");
	status = undo_with(s, "down");
	s->undone_later += failed;
	if (!settles(s, &s->base)) {
		violate(s, "down leaves the host changed", &s->base);
		clean(s);
	} else if (status != 0 && !was_killed(s) && !is_down_already(s)) {
		violate(s, "down failed", NULL);
	}
}

static void judge_changed(struct sweep *s)
{
	enum sweep_verb verb = s->o->verb;
	bool failed = s->result.status != 0, killed = was_killed(s);

	s->is_ready = verb == SWEEP_UP;
	if (verb == SWEEP_SAVE && !killed)
		violate(s, "save changed the host", &s->ready);
	if (failed && !killed && !has_message(s))
		violate(s, "a failure without a message", NULL);
	if (failed && !killed && verb != SWEEP_DOWN && !says_what_is_left(s))
		violate(s, "a failure that was not rolled back", &s->ready);
	if (!failed && !has_message(s) && !comes(s, is_similar, &s->done))
		violate(s, "success, but the result differs", &s->done);
	if (verb == SWEEP_DOWN && (failed ? is_state(s, &s->base) : settles(s, &s->base)))
		return;
	judge_rest(s);
}

static void judge(struct sweep *s)
{
	output_read(&s->output);
	s->undo_output.n = 0;
	s->succeeded += s->result.status == 0;
	s->longest_ns = s->result.ns > s->longest_ns ? s->result.ns : s->longest_ns;
	judge_key(s);
	if (s->result.status >= 128 && !was_killed(s) && !s->result.timed_out)
		violate(s, "wg-quick crashed", NULL);
	if (is_state(s, &s->ready) || (s->result.status != 0 && s->o->verb != SWEEP_DOWN && !says_what_is_left(s) &&
				       !was_killed(s) && settles(s, &s->ready)))
		judge_unchanged(s);
	else
		judge_changed(s);
}

/* ---- points ---- */

static void run_traced(struct sweep *s)
{
	const char *argv[] = { s->o->wg_quick, verbs[s->o->verb], SWEEP_NAME, NULL };
	int r = trace_run(&s->result, argv, output_begin(), &s->fault, LIMIT_S);

	if (r < 0)
		errx(1, "cannot trace: %s", strerror(-r));
}

static void visit(struct sweep *s, unsigned int at, unsigned int variant)
{
	s->fault = (struct trace_fault){ s->o->kills ? TRACE_KILL : TRACE_FAIL, at, variant };
	for (int i = 0; i < TRIES; i++) {
		prepare(s);
		run_traced(s);
		if (s->result.number < 0 || (!s->o->kills && !s->result.error && !s->result.timed_out))
			s->points--; /* there is no such call this time, or it cannot fail */
		s->points++;
		judge(s);
		if (!s->result.timed_out)
			break;
		if (i == TRIES - 1)
			violate(s, "a hang", NULL);
	}
	if (s->o->only) {
		print_point(s);
		print_indented("output", &s->output);
		print_indented("output of what ran afterwards", &s->undo_output);
	}
	fflush(stdout);
}

/* A mixing function of 32 bits, so that the sample has no period. */
static uint32_t mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}

static bool is_chosen(const struct sweep *s, unsigned int at, unsigned int variant)
{
	unsigned int share = s->o->share;

	if (s->o->only)
		return at == s->o->only && (s->o->kills || variant == s->o->only_variant);
	if (!s->o->kills && !call_error(s->result.numbers[at - 1], variant).error)
		return false; /* as far as the calls are the same as those without a fault */
	if (at < s->main_at && !s->o->kills)
		share *= START_SHARE;
	return mix(at + (variant << 16) + mix(s->o->seed)) % share == 0;
}

/* Without a fault. */
static void run_reference(struct sweep *s)
{
	prepare(s);
	s->fault = (struct trace_fault){ .action = TRACE_COUNT };
	run_traced(s);
	output_read(&s->output);
	if (s->result.status != 0)
		errx(1, "wg-quick %s failed:\n%s", verbs[s->o->verb], s->output.p);
	s->calls = s->result.calls;
	while (s->main_at < s->calls && s->result.numbers[s->main_at] != SYS_fcntl)
		s->main_at++;
	s->main_at++;
	read_state(s, &s->done);
	read_file(&s->saved, tunnel_file);
	if (s->o->verb != SWEEP_DOWN) {
		write_file(tunnel_file, text_of(&s->o->file));
		must_run(s, "down");
	}
	if (!settles(s, &s->base)) {
		violate(s, "down leaves the host changed, although nothing failed", &s->base);
		clean(s);
	}
	if (s->o->verb == SWEEP_DOWN)
		read_state(s, &s->done);
	s->is_ready = s->o->verb == SWEEP_UP;
}

static double cpu_seconds(void)
{
	struct rusage own, children;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
	       (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec + children.ru_stime.tv_usec) / 1e6;
}

static void run_points(struct sweep *s)
{
	for (unsigned int variant = 0; variant < (s->o->kills ? 1 : s->o->only ? CALL_VARIANTS : s->o->variants); variant++)
		for (unsigned int at = 1; at <= s->calls; at++)
			if (is_chosen(s, at, variant))
				visit(s, at, variant);
}

static void read_base(struct sweep *s)
{
	struct stat st = { 0 };

	if (stat(resolv_conf, &st) < 0)
		err(1, "%s", resolv_conf);
	s->resolv_conf_mode = st.st_mode & 07777;
	read_file(&s->resolv_conf, resolv_conf);
	read_state(s, &s->base);
}

unsigned int sweep_run(const struct sweep_options *o)
{
	struct sweep s = { .o = o, .resolv_conf = text_heap(), .base = text_heap(), .ready = text_heap(), .done = text_heap(), .saved = text_heap(),
			   .now = text_heap(), .output = text_heap(), .undo_output = text_heap() };
	const char *slash = strrchr(o->wg_quick, '/');

	snprintf(s.wg, sizeof s.wg, "%.*s/wg", (int)(slash - o->wg_quick), o->wg_quick);
	write_file(tunnel_file, text_of(&o->file));
	read_base(&s);
	run_reference(&s);
	run_points(&s);
	if (s.is_ready && o->verb != SWEEP_UP)
		must_run(&s, "down");
	printf("%s, %s: %u calls, %u points: %u succeeded, %u left the state as before, %u were undone by the next command; "
	       "longest %u ms; %u violations; %.1f s CPU\n", verbs[o->verb], o->kills ? "kills" : "failures", s.calls, s.points, s.succeeded,
	       s.unchanged, s.undone_later, (unsigned int)(s.longest_ns / NS_PER_MS), s.violations, cpu_seconds());
	return s.violations;
}
