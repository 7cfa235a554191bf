/* X25519 with coordinates at the bounds of limbs, around p, and of low order, against results computed with integers: every
 * implementation, and every one of these multiplications in every lane of a batch, next to others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "crypto/x25519/fe25.h"
#include "crypto/x25519/x25519_single.inc"
#include "../../../lib/guard.h"
#include "../../../lib/vectors.h"

enum { VECTORS = 88, LANES_MAX = 8 };
static struct x25519_job expected[VECTORS];
static size_t read_n;

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	if ((needs & ~cpu_features()) == 0)
		return true;
	print_message("skip: %s %s: not on this CPU\n", primitive, name);
	return false;
}

static void read_line(const struct vector *v, void *ctx)
{
	struct x25519_job *job = &expected[read_n++];

	(void)ctx;
	assert_in_range(read_n, 1, VECTORS);
	assert_int_equal(vector_bytes(v, 1, job->key.b, sizeof job->key.b), sizeof job->key.b);
	assert_int_equal(vector_bytes(v, 2, job->u.b, sizeof job->u.b), sizeof job->u.b);
	assert_int_equal(vector_bytes(v, 3, job->out.b, sizeof job->out.b), sizeof job->out.b);
	job->ok = strcmp(v->field[4], "ok") == 0;
	assert_int_equal(job->ok, !mem_is_zero_ct(job->out.b, sizeof job->out.b));
}

static int setup(void **state)
{
	(void)state;
	return vectors_each("x25519-bounds.txt", 5, read_line, NULL) == VECTORS ? 0 : -1;
}

static void ladder_of_32_bit_machines(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
	ladder(out, k, u); /* of x25519_single.inc over fe25.h */
}

static void one_by_one(void **state)
{
	static const struct x25519_impl limbs = { "ten limbs", 0, ladder_of_32_bit_machines };
	const struct x25519_impl *impl = &limbs;
	uint8_t out[32];

	(void)state;
	for (const struct x25519_impl *next = crypto_tables.x25519;; impl = next++) {
		for (size_t i = 0; have("x25519", impl->name, impl->needs) && i < VECTORS; i++) {
			impl->mul(out, expected[i].key.b, expected[i].u.b);
			assert_memory_equal(out, expected[i].out.b, sizeof out);
		}
		if (impl != &limbs && impl->needs == 0)
			break;
	}
}

/* Batches of neighbours in an order by chance; the next batch begins one vector later. */
static void in_every_lane(void **state)
{
	struct x25519_job jobs[LANES_MAX], order[VECTORS];
	struct prng c = { 61 };

	(void)state;
	memcpy(order, expected, sizeof order);
	for (uint32_t i = VECTORS - 1; i > 0; i--) {
		uint32_t k = prng_below(&c, i + 1);
		struct x25519_job job = order[i];
		order[i] = order[k];
		order[k] = job;
	}
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch; impl->needs; impl++) {
		if (!have("x25519-batch", impl->name, impl->needs))
			continue;
		assert_in_range(impl->lanes, 1, LANES_MAX);
		for (size_t first = 0; first < VECTORS; first++) {
			size_t n = first % 5 ? impl->lanes : 1 + first % impl->lanes;
			for (size_t i = 0; i < n; i++) {
				jobs[i] = order[(first + i) % VECTORS];
				memset(&jobs[i].out, 0xee, sizeof jobs[i].out);
			}
			impl->mul(jobs, n);
			for (size_t i = 0; i < n; i++)
				assert_memory_equal(&jobs[i].out, &order[(first + i) % VECTORS].out,
						    sizeof jobs[i].out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(in_every_lane),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
