/* Tunnel files and random states of their tunnels: what `save` writes (tests/lib/save_round_trip.h). */
#include "../lib/save_round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { TEXT_MAX = 4096 }; /* the model is slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	uint64_t seed = n;

	for (size_t i = 0; i < n; i++)
		seed = (seed ^ data[i]) * 0x100000001b3ull;
	if (n <= TEXT_MAX)
		(void)save_round_trip(text, seed);
	return 0;
}
