/* From the environment that those programs set. */
#include "caller.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/span.h"

static bool variable_is(const char *variable, uint32_t id)
{
	const char *value = getenv(variable);
	uint64_t n;

	return value && span_to_u64(&n, span_of(value), UINT32_MAX) && n == id;
}

static const struct passwd *doas_user(void)
{
	const char *name = getenv("DOAS_USER");

	return name ? getpwnam(name) : NULL;
}

static const struct passwd *pkexec_user(void)
{
	const char *value = getenv("PKEXEC_UID");
	uint64_t n;

	return value && span_to_u64(&n, span_of(value), UINT32_MAX) ? getpwuid((uid_t)n) : NULL;
}

/* These variables may be left over from another session. They only ever add a user, and only for root: who runs as
 * another user is the caller. */
bool user_is_caller(uid_t uid)
{
	const struct passwd *doas;

	if (getuid() != 0)
		return uid == getuid();
	if (variable_is("SUDO_UID", uid) || variable_is("PKEXEC_UID", uid))
		return true;
	doas = doas_user();
	return doas && doas->pw_uid == uid;
}

/* A user's own group has no other members. */
bool group_is_of_caller(gid_t gid)
{
	const struct passwd *user;

	if (getuid() != 0)
		return gid == getgid();
	if (variable_is("SUDO_GID", gid))
		return true;
	user = pkexec_user();
	if (user && user->pw_gid == gid)
		return true;
	user = doas_user();
	return user && user->pw_gid == gid;
}
