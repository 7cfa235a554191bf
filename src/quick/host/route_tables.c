/* Names of routing tables. */
#include "route_tables.h"

#include <fcntl.h>
#include <unistd.h>

#include "model/conf.h"
#include "quick/config/list.h"

/* A file of lines "number name". */
static bool find_in_file(uint32_t *number, struct span wanted, const char *path)
{
	char buffer[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
	struct span rest = { buffer, got > 0 ? (size_t)got : 0 }, line, digits, name;
	uint64_t n;

	if (fd >= 0)
		close(fd);
	while (span_next(&line, &rest, '\n')) {
		line = conf_without_comment(line);
		if (list_next(&digits, &line) && list_next(&name, &line) &&
		    span_equal(name, wanted) && span_to_u64(&n, digits, UINT32_MAX)) {
			*number = (uint32_t)n;
			return true;
		}
	}
	return false;
}

bool route_table_by_name(uint32_t *number, struct span name)
{
	static const char *const files[] = { "/etc/iproute2/rt_tables",
					     "/usr/share/iproute2/rt_tables",
					     "/usr/lib/iproute2/rt_tables" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (find_in_file(number, name, files[i]))
			return true;
	return false;
}
