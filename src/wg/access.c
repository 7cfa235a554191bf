/* Reasons and remedies for errors of the transports. */
#include "access.h"

#include <errno.h>
#include <string.h>

#include "report/report.h"

void report_reasons(const struct ipc *c, int error)
{
	const char *refusal = ipc_extack(c);

	if (refusal)
		report_kernel(refusal);
	if (error == -ETIMEDOUT)
		report_help("the daemon of this interface does not respond; it may be stopped or overloaded");
	else if (error == -ECONNREFUSED)
		report_help("the daemon of this interface has died, and its socket was removed; start it again");
	else if (error == -EMSGSIZE)
		report_help("the daemon of this interface reports more peers or allowed IPs than a device can have");
}

/* The kernel's error is that it has no such interface. */
static void report_refused_socket(const struct ipc *c, const char *name, int error)
{
	if ((error == -ENODEV || error == -EOPNOTSUPP || error == -EPROTONOSUPPORT) && ipc_socket_is_refused(c, name))
		report_help("its daemon is reached by a Unix socket, which this process may not open: "
			    "add AF_UNIX to RestrictAddressFamilies= of its unit");
}

static void report_reasons_of(const struct ipc *c, const char *name, int error)
{
	report_reasons(c, error);
	report_refused_socket(c, name, error);
}

void report_no_access(const struct ipc *c, const char *name, int error)
{
	report_verbatim("Unable to access interface: %s", strerror(-error));
	report_reasons_of(c, name, error);
}

void report_no_access_to(const struct ipc *c, const char *name, int error)
{
	report_verbatim("Unable to access interface %s: %s", name, strerror(-error));
	report_reasons_of(c, name, error);
}

void report_not_modified(const struct ipc *c, const struct wg_device *patch, int error)
{
	report_verbatim("Unable to modify interface: %s", strerror(-error));
	if (error == -EADDRINUSE && (patch->flags & WG_DEVICE_HAS_LISTEN_PORT) && patch->listen_port != 0)
		report_help("choose another port, or stop the program that uses UDP port %u", patch->listen_port);
	report_reasons_of(c, patch->name, error);
}
