/* Two devices made of the bytes: the patch from one to the other, applied by the plain device, must end
 * where the wanted file says, and a second patch must be empty. */
#include <stdlib.h>
#include "../lib/slow_device.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slow_bytes bytes = { data, n };
	struct wg_device now, wanted, before, patch, right;
	struct sync_options o = { 0 };

	o.keep_private_key = n & 1;
	o.keep_listen_port = n & 2;
	o.keep_fwmark = n & 4;
	slow_state(&now, &bytes);
	slow_file(&wanted, &bytes);
	slow_state(&before, &bytes);
	o.last_request = n & 8 ? &before : NULL;
	slow_sync(&right, &now, &wanted, &o);
	if (sync_diff(&patch, &now, &wanted, &o))
		abort();
	if (sync_is_empty(&patch) != slow_equal(&now, &right))
		abort();
	slow_apply(&now, &patch);
	if (!slow_equal(&now, &right))
		abort();
	device_free(&patch);
	if (sync_diff(&patch, &now, &wanted, &o) || (!o.last_request && !sync_is_empty(&patch)))
		abort();
	device_free(&patch);
	device_free(&right);
	device_free(&before);
	device_free(&wanted);
	device_free(&now);
	return 0;
}
