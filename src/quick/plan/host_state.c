#include "host_state.h"

#include <stdlib.h>

void host_state_free(struct host_state *s)
{
	free(s->links.list);
	addresses_free(&s->addresses);
	free(s->rules.list);
	device_free(&s->device);
	*s = (struct host_state){ 0 };
}
