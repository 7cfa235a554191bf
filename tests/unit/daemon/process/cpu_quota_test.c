/* CPU quotas of control groups, in a folder laid out like /sys/fs/cgroup. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/process/cpu_quota.h"

static char root[64], membership[96];

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/wgsuite-cpu-quota.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(membership, sizeof membership, "%s/self", root);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the root and the folders above it. */
static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", root, name);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static unsigned int quota(void)
{
	return cpu_quota(membership, root);
}

static void version_2(void **state)
{
	(void)state;
	put("self", "0::/system.slice/wireguardd@wg0.service\n");
	assert_int_equal(quota(), 0); /* no such group */
	put("system.slice/wireguardd@wg0.service/cpu.max", "max 100000\n");
	assert_int_equal(quota(), 0);
	put("system.slice/wireguardd@wg0.service/cpu.max", "150000 100000\n");
	assert_int_equal(quota(), 2);
	put("system.slice/wireguardd@wg0.service/cpu.max", "400000 100000\n");
	assert_int_equal(quota(), 4);
	put("system.slice/cpu.max", "300000 100000\n"); /* a group above has less */
	assert_int_equal(quota(), 3);
	put("system.slice/wireguardd@wg0.service/cpu.max", "1000 100000\n");
	assert_int_equal(quota(), 1);
}

/* The group of the host is named, but only the container's is mounted, as the topmost one. */
static void version_2_in_a_container(void **state)
{
	(void)state;
	put("self", "0::/docker/0123456789abcdef\n");
	put("cpu.max", "200000 100000\n");
	assert_int_equal(quota(), 2);
	put("self", "0::/\n");
	assert_int_equal(quota(), 2);
}

static void version_1(void **state)
{
	(void)state;
	put("self", "12:cpuset:/x\n4:cpu,cpuacct:/limited/inner\n1:name=systemd:/limited/inner\n0::/limited/inner\n");
	put("cpu,cpuacct/limited/inner/cpu.cfs_quota_us", "-1\n");
	put("cpu,cpuacct/limited/inner/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota(), 0);
	put("cpu,cpuacct/limited/cpu.cfs_quota_us", "50000\n");
	put("cpu,cpuacct/limited/cpu.cfs_period_us", "20000\n");
	assert_int_equal(quota(), 3);
	put("cpu/limited/inner/cpu.cfs_quota_us", "20000\n");
	put("cpu/limited/inner/cpu.cfs_period_us", "20000\n");
	assert_int_equal(quota(), 1);
	put("self", "3:cpuacct:/limited/inner\n2:cpuset,cpux:/limited/inner\n");
	assert_int_equal(quota(), 0); /* the cpu controller is in none of them */
}

static void malformed(void **state)
{
	static const char *const files[] = { "", "\n", "max", "100000", "100000 0\n", "x 100000\n", "100000 x\n", "-5 100000\n",
					     "99999999999999999999999999999999 1\n" };
	static const char *const lines[] = { "", "\n", ":", "::", "0::", "0::x", "0:cpu", "0::\n::\n", "0::/" };

	(void)state;
	put("self", "0::/g\n");
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		put("g/cpu.max", files[i]);
		assert_int_equal(quota(), 0);
	}
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		put("self", lines[i]);
		assert_int_equal(quota(), 0);
	}
	assert_int_equal(cpu_quota("/nonexistent", root), 0);
	assert_true(cpu_count_usable() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(version_2, make_root, remove_root),
		cmocka_unit_test_setup_teardown(version_2_in_a_container, make_root, remove_root),
		cmocka_unit_test_setup_teardown(version_1, make_root, remove_root),
		cmocka_unit_test_setup_teardown(malformed, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
