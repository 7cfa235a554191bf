/* Reads the environment variables that these programs set. */
#include "caller.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/vector.h"
#include "fileio.h"

/* UINT32_MAX is no id. */
static bool read_id(uint32_t *id, struct span text)
{
	uint64_t n;
	bool ok = span_to_u64(&n, text, UINT32_MAX - 1);

	*id = ok ? (uint32_t)n : 0;
	return ok;
}

static bool read_variable(uint32_t *id, const char *variable)
{
	const char *value = getenv(variable);

	*id = 0;
	return value && read_id(id, span_of(value));
}

static bool variable_is(const char *variable, uint32_t id)
{
	uint32_t n;

	return read_variable(&n, variable) && n == id;
}

static const struct passwd *doas_user(void)
{
	const char *name = getenv("DOAS_USER");

	return name ? getpwnam(name) : NULL;
}

static const struct passwd *pkexec_user(void)
{
	uint32_t n;

	return read_variable(&n, "PKEXEC_UID") ? getpwuid((uid_t)n) : NULL;
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

/* audit(7) keeps the user of a login session through su(1) and sudo(8). */
static bool read_login_uid(uint32_t *id)
{
	struct text t = text_heap();
	bool ok = fileio_read("/proc/self/loginuid", &t) == 0 && read_id(id, span_trim(text_of(&t)));

	text_heap_free(&t);
	return ok;
}

uid_t caller_uid(void)
{
	const struct passwd *doas;
	uint32_t id;

	if (getuid() != 0)
		return getuid();
	if (read_variable(&id, "SUDO_UID") || read_variable(&id, "PKEXEC_UID"))
		return (uid_t)id;
	doas = doas_user();
	if (doas)
		return doas->pw_uid;
	return read_login_uid(&id) ? (uid_t)id : getuid();
}
