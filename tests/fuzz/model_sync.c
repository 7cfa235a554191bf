/* Two devices from the input: the patch between them, applied to the simple device of tests/lib, must result in the desired
 * one, and a second patch must be empty. */
#include <stdlib.h>
#include "../lib/slow_device.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slow_bytes bytes = { data, n };
	struct wg_device now, desired, before, patch, right;
	struct sync_options o = { 0 };

	o.keep_private_key = n & 1;
	o.keep_listen_port = n & 2;
	o.keep_fwmark = n & 4;
	slow_state(&now, &bytes);
	slow_file(&desired, &bytes);
	slow_state(&before, &bytes);
	o.last_request = n & 8 ? &before : NULL;
	slow_sync(&right, &now, &desired, &o);
	if (sync_diff(&patch, &now, &desired, &o))
		abort();
	if (sync_is_empty(&patch) != slow_equal(&now, &right))
		abort();
	slow_apply(&now, &patch);
	if (!slow_equal(&now, &right))
		abort();
	device_free(&patch);
	if (sync_diff(&patch, &now, &desired, &o) || (!o.last_request && !sync_is_empty(&patch)))
		abort();
	device_free(&patch);
	device_free(&right);
	device_free(&before);
	device_free(&desired);
	device_free(&now);
	return 0;
}
