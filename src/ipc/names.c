/* Lists of device names. */
#include "names.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vector.h"

int ipc_names_add(struct ipc_names *names, const struct ipc_name *name)
{
	if (!vector_reserve(&names->list, &names->cap, names->n + 1, sizeof *names->list))
		return -ENOMEM;
	names->list[names->n++] = *name;
	return 0;
}

void ipc_names_free(struct ipc_names *names)
{
	free(names->list);
	*names = (struct ipc_names){ 0 };
}
