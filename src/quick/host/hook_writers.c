/* Finds out who can write the hooks of a tunnel file. */
#include "hook_writers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "caller.h"
#include "report/report.h"
#include "settings_file.h"

/* [hooks] owner: whose files have hooks that are run, besides root's. */
enum trusted {
	TRUSTED_ROOT,      /* no writer, or the user that wg-quick runs as */
	TRUSTED_CALLER,    /* the user who called sudo, doas or pkexec */
	TRUSTED_ANY,       /* one user */
	TRUSTED_UNCHECKED, /* all users */
};

struct writers {
	enum trusted trusted;
	const char *path; /* of the file or folder that is being checked */
	struct stat st;
	bool has_foreign;
	uid_t foreign; /* the one user who is neither root nor the caller */
};

static const char *setting_of(enum trusted trusted)
{
	switch (trusted) {
	case TRUSTED_ROOT: return "root";
	case TRUSTED_CALLER: return "caller";
	case TRUSTED_ANY: return "any";
	case TRUSTED_UNCHECKED: return "unchecked";
	}
	unreachable();
}

static enum trusted trusted_by(const struct settings *set)
{
	static const enum trusted all[] = { TRUSTED_ROOT, TRUSTED_CALLER, TRUSTED_UNCHECKED };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(set->hook_owner, setting_of(all[i])) == 0)
			return all[i];
	return TRUSTED_ANY;
}

/* ---- one file or folder; false after reporting ---- */

static void help_with(const struct writers *w, const char *command, const char *setting)
{
	report_help("%s %s, or set [hooks] owner = %s in %s", command, w->path, setting, SETTINGS_PATH);
}

static void report_unsafe(const struct writers *w, const char *command, const char *setting, const char *who,
			  const char *does)
{
	report_error("hooks are not run: %s %s %s", who, does, w->path);
	help_with(w, command, setting);
}

static bool user_is_trusted(struct writers *w, uid_t uid, bool owner)
{
	char who[32];
	struct text t = text_fixed(who, sizeof who);

	if (uid == 0 || uid == getuid() || (w->trusted >= TRUSTED_CALLER && user_is_caller(uid)))
		return true;
	if (w->trusted >= TRUSTED_ANY && (!w->has_foreign || w->foreign == uid)) {
		w->has_foreign = true;
		w->foreign = uid;
		return true;
	}
	text_f(&t, "user %u", (unsigned int)uid);
	report_unsafe(w, owner ? "chown root" : "setfacl -b", w->has_foreign ? "unchecked" : "any", who,
		      owner ? "owns" : "can write to");
	return false;
}

static bool group_is_trusted(struct writers *w, gid_t gid, bool owner)
{
	char who[32];
	struct text t = text_fixed(who, sizeof who);

	if (gid == 0 || group_is_of_caller(gid))
		return true;
	text_f(&t, "group %u", (unsigned int)gid);
	report_unsafe(w, owner ? "chmod g-w" : "setfacl -b", "unchecked", who, "can write to");
	return false;
}

/* The form of an access control list in its extended attribute, after a version of 4 bytes; little-endian. */
enum {
	ACL_HEADER_BYTES = 4, ACL_ENTRY_BYTES = 8, ACL_BYTES_MAX = 4096,
	ACL_USER = 0x02, ACL_GROUP_OBJ = 0x04, ACL_GROUP = 0x08, /* tags: a named user, the group, a named group */
	ACL_WRITE = 0x02,
};

static bool acl_entry_is_trusted(struct writers *w, const uint8_t *entry)
{
	uint32_t tag_and_permissions = load_le32(entry), id = load_le32(entry + 4);

	if (!(tag_and_permissions >> 16 & ACL_WRITE))
		return true;
	switch (tag_and_permissions & 0xffff) {
	case ACL_USER: return user_is_trusted(w, id, false);
	case ACL_GROUP: return group_is_trusted(w, id, false);
	case ACL_GROUP_OBJ: return group_is_trusted(w, w->st.st_gid, true);
	}
	return true;
}

/* With an access control list, the group bits of the mode are the mask of its entries. */
static bool group_bits_are_trusted(struct writers *w)
{
	uint8_t acl[ACL_BYTES_MAX];
	ssize_t n = getxattr(w->path, "system.posix_acl_access", acl, sizeof acl);

	if (n < 0 && errno != ERANGE)
		return group_is_trusted(w, w->st.st_gid, true);
	if (n < 0) {
		report_error("hooks are not run: the access control list of %s is too large to check", w->path);
		help_with(w, "setfacl -b", "unchecked");
		return false;
	}
	for (ssize_t at = ACL_HEADER_BYTES; at + ACL_ENTRY_BYTES <= n; at += ACL_ENTRY_BYTES)
		if (!acl_entry_is_trusted(w, acl + at))
			return false;
	return true;
}

static bool path_is_trusted(struct writers *w, const char *path)
{
	bool sticky;

	w->path = path;
	if (stat(path, &w->st) < 0) {
		report_error("hooks are not run: cannot determine who can write to %s: %s", path, strerror(errno));
		report_help("set [hooks] owner = unchecked in %s", SETTINGS_PATH);
		return false;
	}
	/* In such a folder, others can only create files. */
	sticky = S_ISDIR(w->st.st_mode) && (w->st.st_mode & S_ISVTX) != 0;
	if (!sticky && (w->st.st_mode & S_IWOTH) != 0) {
		report_unsafe(w, "chmod o-w", "unchecked", "all users", "can write to");
		return false;
	}
	if (!sticky && (w->st.st_mode & S_IWGRP) != 0 && !group_bits_are_trusted(w))
		return false;
	return user_is_trusted(w, w->st.st_uid, true);
}

/* ---- */

static bool has_hooks(const struct tunnel_file *f)
{
	for (int i = 0; i < HOOK_PHASES; i++)
		if (f->interface.hooks[i].n > 0)
			return true;
	return false;
}

/* A file, and the folder in which it can be replaced. */
static bool file_is_trusted(struct writers *w, const char *path)
{
	size_t slash = span_find_last(span_of(path), '/');
	char *folder = span_dup((struct span){ path, slash > 0 ? slash : 1 });
	bool safe = folder && path_is_trusted(w, path) && path_is_trusted(w, folder);

	free(folder);
	return safe;
}

/* It may be a symbolic link. */
static bool drop_in_is_trusted(struct writers *w, const char *path)
{
	char *target = realpath(path, NULL);
	bool safe = file_is_trusted(w, path) && (!target || strcmp(target, path) == 0 || file_is_trusted(w, target));

	free(target);
	return safe;
}

bool hooks_are_safe(const struct tunnel_file *f, const struct settings *set, bool warn)
{
	struct writers w = { .trusted = trusted_by(set) };
	bool safe;

	if (!has_hooks(f) || w.trusted == TRUSTED_UNCHECKED)
		return true;
	safe = file_is_trusted(&w, f->path);
	for (size_t i = 0; safe && i < f->drop_ins.n; i++)
		safe = drop_in_is_trusted(&w, f->drop_ins.list[i]);
	if (safe && warn && w.has_foreign)
		report_warning("user %u can change the hooks in %s", (unsigned int)w.foreign, f->path);
	return safe;
}
