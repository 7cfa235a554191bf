/* The functions of cmocka(3) that the unit tests call, for a libc of which Debian has no cmocka. Prints TAP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static jmp_buf end_of_test; /* of the test that runs */
enum { PASSED, FAILED, SKIPPED };

static _Noreturn void end(int how)
{
	longjmp(end_of_test, how);
}

void _fail(const char *const file, const int line)
{
	printf("# %s:%d: failed\n", file, line);
	end(FAILED);
}

void _skip(const char *const file, const int line)
{
	(void)file, (void)line;
	end(SKIPPED);
}

#define PRINT(stream) \
	do { \
		va_list ap; \
		va_start(ap, format); \
		vfprintf(stream, format, ap); \
		va_end(ap); \
	} while (0)

void print_message(const char *const format, ...)
{
	PRINT(stdout);
}

void print_error(const char *const format, ...)
{
	fputs("# ", stdout);
	PRINT(stdout);
}

void cm_print_error(const char *const format, ...)
{
	fputs("# ", stdout);
	PRINT(stdout);
}

void _assert_true(const LargestIntegralType result, const char *const expression, const char *const file, const int line)
{
	if (result)
		return;
	printf("# %s\n", expression);
	_fail(file, line);
}

static void check_numbers(bool ok, LargestIntegralType a, LargestIntegralType b, const char *file, int line)
{
	if (ok)
		return;
	printf("# %#llx and %#llx\n", (unsigned long long)a, (unsigned long long)b);
	_fail(file, line);
}

void _assert_int_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file, const int line)
{
	check_numbers(a == b, a, b, file, line);
}

void _assert_int_not_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file, const int line)
{
	check_numbers(a != b, a, b, file, line);
}

void _assert_in_range(const LargestIntegralType value, const LargestIntegralType minimum, const LargestIntegralType maximum,
		      const char *const file, const int line)
{
	check_numbers(value >= minimum, value, minimum, file, line);
	check_numbers(value <= maximum, value, maximum, file, line);
}

static void check_strings(bool ok, const char *a, const char *b, const char *file, int line)
{
	if (ok)
		return;
	printf("# \"%s\" and \"%s\"\n", a, b);
	_fail(file, line);
}

void _assert_string_equal(const char *const a, const char *const b, const char *const file, const int line)
{
	check_strings(strcmp(a, b) == 0, a, b, file, line);
}

void _assert_string_not_equal(const char *const a, const char *const b, const char *const file, const int line)
{
	check_strings(strcmp(a, b) != 0, a, b, file, line);
}

void _assert_memory_equal(const void *const a, const void *const b, const size_t size, const char *const file, const int line)
{
	if (memcmp(a, b, size) != 0)
		_fail(file, line);
}

void _assert_memory_not_equal(const void *const a, const void *const b, const size_t size, const char *const file, const int line)
{
	if (memcmp(a, b, size) == 0)
		_fail(file, line);
}

static int run(const struct CMUnitTest *t)
{
	void *state = t->initial_state;
	int how = setjmp(end_of_test);

	if (how != PASSED)
		return how;
	if (t->setup_func && t->setup_func(&state) != 0)
		return FAILED;
	t->test_func(&state);
	if (t->teardown_func && t->teardown_func(&state) != 0)
		return FAILED;
	return PASSED;
}

int _cmocka_run_group_tests(const char *group_name, const struct CMUnitTest *const tests, const size_t n, CMFixtureFunction group_setup,
			    CMFixtureFunction group_teardown)
{
	static const char *const words[] = { [PASSED] = "ok", [FAILED] = "not ok", [SKIPPED] = "ok" };
	void *state = NULL;
	int failed = 0;

	(void)group_name;
	printf("1..%zu\n", n);
	fflush(stdout);
	if (group_setup && group_setup(&state) != 0)
		return 1;
	for (size_t i = 0; i < n; i++) {
		struct CMUnitTest t = tests[i];
		int how;
		t.initial_state = t.initial_state ? t.initial_state : state;
		how = run(&t);
		failed += how == FAILED;
		printf("%s %zu - %s%s\n", words[how], i + 1, t.name, how == SKIPPED ? " # SKIP" : "");
		fflush(stdout); /* a test may fork */
	}
	if (group_teardown && group_teardown(&state) != 0)
		failed++;
	return failed;
}

/* Without cmocka's guard bytes: builds with sanitizers find what these would. */
void *_test_malloc(const size_t size, const char *file, const int line)
{
	(void)file, (void)line;
	return malloc(size);
}

void _test_free(void *const p, const char *file, const int line)
{
	(void)file, (void)line;
	free(p);
}
