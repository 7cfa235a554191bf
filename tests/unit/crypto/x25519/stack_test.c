/* What X25519 leaves on the stack does not depend on the key: two multiplications by different keys, on a stack of their
 * own with the same contents before, leave the same bytes. */
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "../../../lib/vectors.h"

#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNUSUAL_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define UNUSUAL_FRAMES 1
#endif
#endif
/* A sanitizer has variables elsewhere and adds others; without optimisation frames are larger. */
#ifndef UNUSUAL_FRAMES
#define UNUSUAL_FRAMES 0
#endif

enum { STACK_BYTES = 128 * 1024, JOBS = 9 };

static _Alignas(64) uint8_t stack[STACK_BYTES], first[STACK_BYTES];
static struct x25519_job jobs[JOBS];
static struct wg_public pub;
static struct wg_shared shared;
static bool ok;
static size_t used_from; /* above: frames of the kernel and of the handler, with registers from before */
static void (*operation)(void);

static void batch(void) { x25519_batch(jobs, JOBS); }
static void single(void) { ok = x25519(&shared, &jobs[0].key, &jobs[0].u); }
static void public(void) { x25519_public(&pub, &jobs[0].key); }
static void leaking(void) /* without wiping */
{
	volatile uint8_t copy[1024];

	for (size_t i = 0; i < sizeof copy; i++)
		copy[i] = jobs[0].key.b[i % sizeof jobs[0].key];
}

static void handler(int signal)
{
	(void)signal;
	used_from = (size_t)((uint8_t *)__builtin_frame_address(0) - stack) - 256;
	operation();
}

static void run(void (*go)(void), uint8_t key_byte)
{
	operation = go;
	for (size_t i = 0; i < JOBS; i++) {
		memset(&jobs[i], key_byte + (int)i, sizeof jobs[i]);
		memset(&jobs[i].u, 9, sizeof jobs[i].u);
	}
	memset(stack, 0xa5, sizeof stack);
	assert_int_equal(raise(SIGUSR1), 0);
}

/* Number of bytes that the key changes. */
static size_t residue(void (*go)(void))
{
	size_t differ = 0;

	run(go, 0x11);
	memcpy(first, stack, sizeof stack);
	run(go, 0x73);
	for (size_t i = 0; i < used_from; i++)
		differ += first[i] != stack[i];
	return differ;
}

static void nothing_of_the_key_stays(void **state)
{
	(void)state;
	if (UNUSUAL_FRAMES) {
		print_message("skip: what X25519 leaves on the stack: built with a sanitizer or without optimisation\n");
		return;
	}
	assert_true(residue(leaking) > 0);
	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if ((impl->needs & ~cpu_features()) == 0) {
			crypto_restrict(impl->needs);
			if (residue(single) + residue(public) > 0)
				fail_msg("%s leaves %zu and %zu bytes", impl->name, residue(single),
					 residue(public));
		}
		if (impl->needs == 0)
			break;
	}
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch;; impl++) {
		if ((impl->needs & ~cpu_features()) == 0) {
			crypto_restrict(impl->needs);
			if (residue(batch) > 0)
				fail_msg("batches of %s leave %zu bytes", impl->name, residue(batch));
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_of_the_key_stays) };
	stack_t own = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	if (sigaltstack(&own, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
