/* The lines of a tunnel file that the journal keeps: none of those that the device has, and no secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/kept_lines.h"

static void expect(const char *file, const char *expected)
{
	struct string_list lines = { 0 };
	struct text t = text_heap();

	assert_true(kept_lines(&lines, span_of(file)));
	for (size_t i = 0; i < lines.n; i++)
		text_f(&t, "%s\n", lines.list[i]);
	assert_string_equal(t.p ? t.p : "", expected);
	text_heap_free(&t);
	string_list_free(&lines);
}

static void interface_lines(void **state)
{
	(void)state;
	expect("", "");
	expect("# oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n[Interface]\nPrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n"
	       "  Private Key=x\nPRIVATEKEYFILE = /k\nListenPort = 5\nFwMark = 1\n\nAddress = 10.0.0.1/24 # here\r\nMTU=1400\n# PostUp = x\nPostUp = echo # y\n",
	       "[Interface]\nAddress = 10.0.0.1/24 # here\nMTU=1400\nPostUp = echo # y\n");
	expect("[interface]\nAddress = 10.0.0.1\n[Peer]\nPublicKey = a\n[ Interface ]\nTable = off", "[interface]\nAddress = 10.0.0.1\n[ Interface ]\nTable = off\n");
}

static void peers(void **state)
{
	(void)state;
	expect("[Interface]\n[Peer]\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\nPresharedKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n"
	       "AllowedIPs = 10.0.0.2/32\nEndpoint = a:1\nPersistentKeepalive = 25\n",
	       "[Interface]\n");
	expect("[Peer]\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\nPresharedKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\n"
	       "AllowedIPs = 10.0.0.2/32\nDisabled = yes\n# end\n[Peer]\nPublicKey = x\n",
	       "[Peer]\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\nDisabled = yes\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interface_lines),
		cmocka_unit_test(peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
