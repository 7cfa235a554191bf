/* The event loop: sources that are ready, sources that were removed, and the timer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/loop.h"

struct pipe_source {
	struct loop_source source;
	struct loop *loop;
	struct pipe_source *remove; /* null, or removed when this one is called */
	int pipe[2], calls;
};

static void pipe_ready(struct loop_source *s, uint32_t events)
{
	struct pipe_source *p = container_of(s, struct pipe_source, source);
	char c;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(s->fd, &c, 1), 1);
	p->calls++;
	if (p->remove)
		loop_remove(p->loop, &p->remove->source);
}

static void pipe_open(struct pipe_source *p, struct loop *l)
{
	*p = (struct pipe_source){ .source = { -1, pipe_ready }, .loop = l };
	assert_int_equal(pipe(p->pipe), 0);
	assert_int_equal(loop_add(l, &p->source, p->pipe[0], EPOLLIN), 0);
}

static void pipe_close(struct pipe_source *p)
{
	loop_remove(p->loop, &p->source);
	close(p->pipe[0]);
	close(p->pipe[1]);
}

static void sources_that_are_ready_are_called(void **state)
{
	struct pipe_source a, b;
	struct loop l;

	(void)state;
	assert_int_equal(loop_init(&l), 0);
	pipe_open(&a, &l);
	pipe_open(&b, &l);
	assert_int_equal(loop_run_once(&l, true), 0); /* no source is ready, and it does not wait */
	assert_int_equal(write(a.pipe[1], "x", 1), 1);
	assert_int_equal(loop_run_once(&l, false), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	loop_change(&l, &a.source, EPOLLOUT);
	assert_int_equal(write(a.pipe[1], "x", 1), 1);
	assert_int_equal(loop_run_once(&l, true), 0);
	assert_int_equal(a.calls, 1);
	pipe_close(&a);
	pipe_close(&b);
	loop_free(&l);
}

static void a_removed_source_is_not_called(void **state)
{
	struct pipe_source a, b;
	struct loop l;

	(void)state;
	assert_int_equal(loop_init(&l), 0);
	pipe_open(&a, &l);
	pipe_open(&b, &l);
	a.remove = &b;
	b.remove = &a;
	assert_int_equal(write(a.pipe[1], "x", 1), 1);
	assert_int_equal(write(b.pipe[1], "x", 1), 1);
	assert_int_equal(loop_run_once(&l, false), 0);
	assert_int_equal(a.calls + b.calls, 1);
	pipe_close(&a);
	pipe_close(&b);
	loop_free(&l);
}

static void the_timer_wakes_the_loop(void **state)
{
	struct loop l;
	uint64_t now = clock_boot_ns();

	(void)state;
	assert_int_equal(loop_init(&l), 0);
	loop_wake_at(&l, now + 20 * NS_PER_MS);
	assert_int_equal(l.armed_ns, now + 20 * NS_PER_MS);
	loop_wake_at(&l, now + 30 * NS_PER_MS); /* later: nothing to do yet */
	assert_int_equal(l.armed_ns, now + 20 * NS_PER_MS);
	assert_int_equal(loop_run_once(&l, false), 0);
	assert_true(clock_boot_ns() >= now + 20 * NS_PER_MS);
	assert_int_equal(l.armed_ns, NEVER);
	loop_wake_at(&l, 0); /* long ago */
	assert_int_equal(loop_run_once(&l, false), 0);
	assert_int_equal(l.armed_ns, NEVER);
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_that_are_ready_are_called),
		cmocka_unit_test(a_removed_source_is_not_called),
		cmocka_unit_test(the_timer_wakes_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
