/* How a copied virtual machine is recognised: the kernel's message, and the system time. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/control/vm_clone.h"
#include "daemon/io/netlink.h"

#define MESSAGE(s) (s), sizeof(s) - 1

static bool is_event(const char *text, size_t n)
{
	char *exact = malloc(n + 1); /* so that a sanitizer sees the end */
	bool is;

	memcpy(exact, text, n);
	is = vm_clone_is_event(exact, n);
	free(exact);
	return is;
}

static void only_a_new_generation_is_an_event(void **state)
{
	static const char event[] = "change@/devices/platform/VMGENCTR:00\0ACTION=change\0SUBSYSTEM=platform\0"
				    "NEW_VMGENID=1\0SEQNUM=4711";

	(void)state;
	assert_true(is_event(event, sizeof event));
	assert_true(is_event(event, sizeof event - 1));
	for (size_t n = 0; n < sizeof event; n++)
		assert_true(is_event(event, n) == (n >= sizeof event - sizeof "SEQNUM=4711" - 1));
	assert_false(is_event(MESSAGE("add@/devices/x\0NEW_VMGENID=1")));
	assert_false(is_event(MESSAGE("change@/devices/x\0SYNTH_ARG_NEW_VMGENID=1\0")));
	assert_false(is_event(MESSAGE("change@/devices/x\0NEW_VMGENID=10\0")));
	assert_false(is_event(MESSAGE("change@/devices/NEW_VMGENID=1\0A=1")));
	assert_false(is_event(MESSAGE("\0\0\0\0")));
}

static void only_a_clock_that_was_set_forward_has_jumped(void **state)
{
	static const struct { uint64_t boot_s, wall_ms; bool jumped; } steps[] = {
		{ 100, 1800000000000, false }, /* the first */
		{ 110, 1800000010000, false },
		{ 120, 1800000021500, false }, /* drift */
		{ 130, 1800000033600, true },
		{ 140, 1800000043600, false }, /* once */
		{ 150, 1799990000000, false }, /* back */
		{ 151, 1799990001000, false },
		{ 152, 1800086402000, true },
	};
	int64_t offset_ns = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (vm_clone_clock_jumped(&offset_ns, steps[i].boot_s * NS_PER_S - 1000, steps[i].wall_ms * NS_PER_MS,
					  steps[i].boot_s * NS_PER_S) != steps[i].jumped)
			fail_msg("step %zu", i);
}

static void a_pause_between_the_clocks_is_no_jump(void **state)
{
	const uint64_t boot = 100 * NS_PER_S, wall = 1800000000 * NS_PER_S, pause = 5 * NS_PER_S;
	int64_t offset_ns = 0, stored;

	(void)state;
	assert_false(vm_clone_clock_jumped(&offset_ns, boot, wall, boot));
	stored = offset_ns;
	assert_false(vm_clone_clock_jumped(&offset_ns, boot, wall, boot + pause));
	assert_false(vm_clone_clock_jumped(&offset_ns, boot, wall + pause, boot + pause));
	assert_int_equal(offset_ns, stored);
	/* the time is set during a pause: the next call finds it */
	assert_false(vm_clone_clock_jumped(&offset_ns, boot, wall + 2 * pause, boot + pause));
	assert_true(vm_clone_clock_jumped(&offset_ns, boot + pause, wall + 2 * pause, boot + pause));
}

static void lost_messages_count_once_a_minute(void **state)
{
	const uint64_t start = 1000 * NS_PER_S, minute = 60 * NS_PER_S;
	struct vm_clone_losses l = { 0 };

	(void)state;
	assert_false(vm_clone_losses_take(&l, start));
	assert_true(vm_clone_losses_deadline(&l) == UINT64_MAX);
	l.is_pending = true;
	assert_true(vm_clone_losses_deadline(&l) <= start);
	assert_true(vm_clone_losses_take(&l, start));
	assert_false(vm_clone_losses_take(&l, start));
	assert_true(vm_clone_losses_deadline(&l) == UINT64_MAX);
	l.is_pending = true; /* in the same minute: none is forgotten */
	assert_false(vm_clone_losses_take(&l, start + minute - 1));
	assert_true(vm_clone_losses_deadline(&l) == start + minute);
	assert_true(vm_clone_losses_take(&l, start + minute));
	assert_false(vm_clone_losses_take(&l, start + 3 * minute));
}

/* Here on a socket whose queue overflows with acknowledgements. */
static void lost_messages_are_noticed(void **state)
{
	int fd = netlink_open_protocol(NETLINK_ROUTE, 0), small = 1;
	const struct rtmsg r = { .rtm_family = AF_INET };
	struct vm_clone_losses l = { 0 };
	struct netlink_message m;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	assert_false(vm_clone_read_events(fd, &l));
	assert_false(l.is_pending);
	for (int i = 0; i < 100; i++) { /* each is acknowledged */
		netlink_begin(&m, RTM_NEWROUTE + 2, NLM_F_ACK, &r, sizeof r);
		(void)!write(fd, m.bytes, ((struct nlmsghdr *)(void *)m.bytes)->nlmsg_len);
	}
	assert_false(vm_clone_read_events(fd, &l));
	assert_true(l.is_pending);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_new_generation_is_an_event),
		cmocka_unit_test(only_a_clock_that_was_set_forward_has_jumped),
		cmocka_unit_test(lost_messages_count_once_a_minute),
		cmocka_unit_test(lost_messages_are_noticed),
		cmocka_unit_test(a_pause_between_the_clocks_is_no_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
