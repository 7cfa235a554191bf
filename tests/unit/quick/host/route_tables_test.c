/* Names of routing tables: which files of iproute2 are read, and which of several definitions is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "quick/host/route_tables.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	memcpy(root, "/tmp/route_tables_test.XXXXXX", 30);
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", root);
	return system(command);
}

static void put(const char *path, const char *text)
{
	char whole[256];
	FILE *f;

	snprintf(whole, sizeof whole, "%s/%s", root, path);
	for (char *p = whole + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(whole, 0755);
		*p = '/';
	}
	f = fopen(whole, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Number -1: there is no such table. */
static void assert_table(const char *name, long number)
{
	uint32_t found = 0;

	assert_int_equal(route_table_find(&found, span_of(name), root), number >= 0);
	if (number >= 0)
		assert_int_equal(found, number);
}

static void without_files(void **state)
{
	(void)state;
	assert_table("main", 254);
	assert_table("local", 255);
	assert_table("default", 253);
	assert_table("vpn", -1);
	assert_table("", -1);
}

static void every_folder_is_read(void **state)
{
	(void)state;
	put("usr/lib/iproute2/rt_tables", "10 lib\n");
	assert_table("lib", 10);
	put("usr/lib/iproute2/rt_tables.d/a.conf", "11 libd\n");
	put("usr/share/iproute2/rt_tables", "20 share\n");
	put("usr/share/iproute2/rt_tables.d/b.conf", "21 shared\n");
	put("usr/etc/iproute2/rt_tables.d/e.conf", "22 suse\n");
	put("etc/iproute2/rt_tables", "30 etc\n");
	put("etc/iproute2/rt_tables.d/c.conf", "31 etcd\n");
	put("etc/iproute2/rt_tables.d/.d.conf", "32 hidden\n");
	put("etc/iproute2/rt_tables.d/d", "33 other\n");
	put("etc/iproute2/rt_tables.d/.conf", "34 nameless\n");
	assert_table("lib", 10);
	assert_table("libd", 11);
	assert_table("share", 20);
	assert_table("shared", 21);
	assert_table("suse", 22);
	assert_table("etc", 30);
	assert_table("etcd", 31);
	assert_table("hidden", -1);
	assert_table("other", -1);
	assert_table("nameless", -1);
}

/* The administrator's file replaces the vendor's of the same name. */
static void files_in_etc_come_first(void **state)
{
	(void)state;
	put("usr/share/iproute2/rt_tables", "100 vpn\n");
	put("usr/share/iproute2/rt_tables.d/x.conf", "101 office\n");
	assert_table("vpn", 100);
	assert_table("office", 101);
	put("etc/iproute2/rt_tables", "200 vpn\n");
	put("etc/iproute2/rt_tables.d/x.conf", "201 office\n");
	assert_table("vpn", 200);
	assert_table("office", 201);
}

static void lines(void **state)
{
	static const struct { const char *text, *name; long number; } cases[] = {
		{ "0xc9 vpnhex\n", "vpnhex", 201 }, { "\t 200\t vpn  # office\n", "vpn", 200 }, { "200 vpn", "vpn", 200 },
		{ "0x384 v\n", "v", 900 }, { "# 200 vpn\n", "vpn", -1 }, { "200 vpn\r\n", "vpn", 200 },
		{ "x vpn\n200 vpn\n", "vpn", 200 }, { "2147483648 vpn\n", "vpn", -1 }, { "2147483647 vpn\n", "vpn", 2147483647 },
		{ "200\n", "vpn", -1 }, { "200 VPN\n", "vpn", -1 }, { "200 300\n", "300", 200 }, { "0200 vpn\n", "vpn", 200 },
		{ "200 vpn more\n", "more", -1 },
		/* Of several numbers that with the lowest last eight bits, then the last one. */
		{ "200 vpn\n100 vpn\n", "vpn", 100 }, { "100 vpn\n200 vpn\n", "vpn", 100 },
		{ "356 vpn\n100 vpn\n", "vpn", 100 }, { "100 vpn\n356 vpn\n", "vpn", 356 },
		{ "100 main\n", "main", 100 }, { "255 main\n", "main", 254 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put("etc/iproute2/rt_tables", cases[i].text);
		assert_table(cases[i].name, cases[i].number);
	}
}

/* 8,192 bytes are not enough for some hosts. */
static void long_files_and_names(void **state)
{
	static char text[70000];
	struct text t = text_fixed(text, sizeof text);
	char name[256];

	(void)state;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (unsigned int i = 1; i <= 4000; i++)
		text_f(&t, "%u table%u\n", i + 1000, i);
	text_f(&t, "7000 %s\n", name);
	assert_false(t.failed);
	put("etc/iproute2/rt_tables", text);
	assert_table("table1", 1001);
	assert_table("table4000", 5000);
	assert_table(name, 7000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_files, make_root, remove_root),
		cmocka_unit_test_setup_teardown(every_folder_is_read, make_root, remove_root),
		cmocka_unit_test_setup_teardown(files_in_etc_come_first, make_root, remove_root),
		cmocka_unit_test_setup_teardown(lines, make_root, remove_root),
		cmocka_unit_test_setup_teardown(long_files_and_names, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
