/* The login sessions of this host, read from the files of systemd-logind or from utmp(5). */
#include "logins.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmp.h>

#include "base/vector.h"
#include "caller.h"
#include "clock.h"
#include "fileio.h"
#include "folder.h"

static const char sessions_folder[] = "/run/systemd/sessions", utmp_file[] = "/run/utmp";
enum { SESSIONS_MAX = 4096, SESSION_BYTES_MAX = 16384, RECORDS_MAX = 4096, ANY_PORT = 9, US_PER_S = 1000000 };

/* Of any interface: its name in a session may have changed since. If the addresses cannot be read, it is not known to be of another
 * host. */
static bool is_own_link_local(const struct ip_addr *address)
{
	struct ifaddrs *all;
	bool own = false;

	if (getifaddrs(&all) < 0)
		return true;
	for (const struct ifaddrs *a = all; a && !own; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET6) {
			struct sockaddr_in6 v6;
			memcpy(&v6, a->ifa_addr, sizeof v6);
			own = memcmp(&v6.sin6_addr, address->b, sizeof v6.sin6_addr) == 0;
		}
	freeifaddrs(all);
	return own;
}

/* A packet to an address of this host has the same address as its source. */
static bool is_own_routed(const struct ip_addr *a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(ANY_PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(ANY_PORT) };
	bool is_v4 = a->family == IP_V4, own = false;
	void *address = is_v4 ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr;
	socklen_t n = is_v4 ? sizeof v4 : sizeof v6;
	struct sockaddr *to = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address, a->b, ip_bytes(a));
	if (fd >= 0 && connect(fd, to, n) == 0 && getsockname(fd, to, &n) == 0)
		own = memcmp(address, a->b, ip_bytes(a)) == 0;
	if (fd >= 0)
		close(fd);
	return own;
}

static bool is_own(const struct ip_addr *a)
{
	return ip_is_v6_link_local(a) ? is_own_link_local(a) : is_own_routed(a);
}

static bool counts(const struct login *l, const struct login_since *since)
{
	return login_counts(l, since, clock_now_ms()) && !is_own(&l->from);
}

/* A regular file of root in which nobody else can write. The descriptor, or -1. */
static int open_of_root(const char *path, mode_t others)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & others) == 0))
		return fd;
	close(fd);
	return -1;
}

/* ---- systemd-logind ---- */

/* Next to the files of sessions are FIFOs and temporary files. */
static bool is_session_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_digit(name.p[i]) && (ascii_lower(name.p[i]) < 'a' || ascii_lower(name.p[i]) > 'z'))
			return false;
	return name.n > 0;
}

static bool read_session(struct login *l, const char *name)
{
	char path[128], text[SESSION_BYTES_MAX];
	struct text t = text_fixed(path, sizeof path);
	ssize_t n = -1;
	int fd;

	text_f(&t, "%s/%s", sessions_folder, name);
	fd = t.failed ? -1 : open_of_root(path, S_IWGRP | S_IWOTH);
	if (fd >= 0) {
		n = read(fd, text, sizeof text);
		close(fd);
	}
	return n > 0 && n < (ssize_t)sizeof text && login_parse_session(l, (struct span){ text, (size_t)n });
}

static bool find_session(struct login *found, const struct login_since *since)
{
	struct string_list names = { 0 };
	bool ok = false;

	if (folder_list(&names, sessions_folder) == 0)
		for (size_t i = 0; !ok && i < names.n && i < SESSIONS_MAX; i++)
			ok = is_session_name(span_of(names.list[i])) && read_session(found, names.list[i]) && counts(found, since);
	string_list_free(&names);
	return ok;
}

/* ---- utmp ---- */

/* The record of a process that was killed may be left. */
static bool is_alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static bool read_record(struct login *l, const struct utmp *u, const struct login_since *since)
{
	struct span user = { u->ut_user, strnlen(u->ut_user, sizeof u->ut_user) };
	uint8_t address[16];

	memcpy(address, u->ut_addr_v6, sizeof address);
	if (u->ut_type != USER_PROCESS || u->ut_host[0] == '\0' || u->ut_tv.tv_sec <= 0 || u->ut_tv.tv_usec < 0 ||
	    !login_parse_utmp(l, user, address, since))
		return false;
	l->real_us = (uint64_t)u->ut_tv.tv_sec * US_PER_S + (uint64_t)u->ut_tv.tv_usec;
	return is_alive(u->ut_pid);
}

/* Its group can write, as utempter(1) does for terminal emulators, but not their own addresses. */
static bool find_record(struct login *found, const struct login_since *since)
{
	int fd = open_of_root(utmp_file, S_IWOTH);
	bool ok = false;
	struct utmp u;

	for (int i = 0; fd >= 0 && !ok && i < RECORDS_MAX && read(fd, &u, sizeof u) == (ssize_t)sizeof u; i++)
		ok = read_record(found, &u, since) && counts(found, since);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- both ---- */

bool logins_find(struct login *found, const struct login_since *since)
{
	if (since->real_ms == 0)
		return false;
	return fileio_exists(sessions_folder) ? find_session(found, since) : find_record(found, since);
}

/* Its name is recorded with it: looking it up later may take long, as in a directory that cannot be reached. */
void logins_set_user(struct login_since *since)
{
	const struct passwd *user;
	struct text t = text_fixed(since->user, sizeof since->user);

	since->uid = (uint32_t)caller_uid();
	user = getpwuid((uid_t)since->uid);
	for (const char *c = user ? user->pw_name : ""; *c; c++)
		if (*c > ' ' && *c < 0x7f)
			text_char(&t, *c);
		else
			t.failed = true;
	if (t.failed)
		since->user[0] = '\0';
}
