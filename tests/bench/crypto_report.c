/* The report of `make bench-crypto`. */
#include <string.h>
#include "crypto_task.h"

static const struct task *baseline(const struct task *t, const char *name)
{
	for (size_t i = 0; i < task_n; i++)
		if (strcmp(tasks[i].name, name) == 0 &&
		    strcmp(tasks[i].primitive, t->primitive) == 0 && tasks[i].bytes == t->bytes &&
		    (tasks[i].packets == t->packets || strcmp(t->variant, "batch") == 0 ||
		     strcmp(t->variant, "lanes") == 0))
			return &tasks[i];
	return NULL;
}

/* Speed relative to a library; 0 if the library has no such task. */
static double times_as_fast(const struct task *t, const char *name)
{
	const struct task *other = baseline(t, name);

	return other ? other->ns[ROUNDS / 2] / t->ns[ROUNDS / 2] : 0;
}

static void print_ratio(double ratio, int width)
{
	if (ratio > 0)
		printf(" %*.2f", width, ratio);
	else
		printf(" %*s", width, "-");
}

void crypto_report(FILE *json, double ghz)
{
	printf("%-9s %-14s %-7s %6s %7s %10s %8s %10s %8s %9s %14s\n", "primitive", "implementation", "", "bytes",
	       "packets", "ns/packet", "GB/s", "cycles", "cyc/B", "x OpenSSL", "x OpenSSL-avx2");
	for (size_t i = 0; i < task_n; i++) {
		const struct task *t = &tasks[i];
		double ns = t->ns[ROUNDS / 2], ratio = times_as_fast(t, "OpenSSL");
		double ratio_avx2 = times_as_fast(t, "OpenSSL-avx2");
		printf("%-9s %-14s %-7s %6zu %7zu %10.1f %8.3f %10.0f %8.2f", t->primitive, t->name,
		       t->variant, t->bytes, t->packets, ns, (double)t->bytes / ns, ns * ghz,
		       ns * ghz / (double)t->bytes);
		print_ratio(ratio, 9);
		print_ratio(ratio_avx2, 14);
		printf("\n");
		if (json)
			fprintf(json, "{\"primitive\":\"%s\",\"implementation\":\"%s\",\"variant\":\"%s\",\"bytes\":%zu,"
				      "\"packets\":%zu,\"ns\":%.2f,\"ns_min\":%.2f,\"ns_max\":%.2f,"
				      "\"cycles_per_byte\":%.4f,\"x_openssl\":%.3f,\"x_openssl_avx2\":%.3f}\n",
				t->primitive, t->name, t->variant, t->bytes, t->packets, ns, t->ns[0],
				t->ns[ROUNDS - 1], ns * ghz / (double)t->bytes, ratio, ratio_avx2);
	}
}

/* Tasks of the same kind are in the order of the tables. Differences below 3 % are noise. */
void crypto_report_order(void)
{
	for (const struct task *t = tasks; t < tasks + task_n; t++) {
		const struct task *best = t;
		for (const struct task *u = t + 1; t->impl && u < tasks + task_n; u++)
			if (u->impl && u->go == t->go && u->bytes == t->bytes &&
			    (u->packets == t->packets || strcmp(t->variant, "batch") == 0) &&
			    u->ns[ROUNDS / 2] < best->ns[ROUNDS / 2])
				best = u;
		if (best->ns[ROUNDS / 2] < 0.97 * t->ns[ROUNDS / 2])
			printf("order: %s %s, %zu bytes, %zu at a time: %s, which comes later in dispatch.c, is %.0f %% faster\n",
			       t->primitive, t->name, t->bytes, t->packets, best->name,
			       100 * (t->ns[ROUNDS / 2] / best->ns[ROUNDS / 2] - 1));
	}
}
