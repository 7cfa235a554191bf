/* Reads keys, and reports a key that cannot be read at the line that names it. */
#include "key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "caller.h"
#include "crypto/crypto.h"
#include "key_make.h"
#include "quick/plan/shell_quote.h"
#include "report/output.h"
#include "signals.h"

enum { KEY_TEXT_MAX = 1024 }; /* a key, and blanks around it */

/* A key and the file that it is read from. */
struct reader {
	const struct key_source *s;
	const struct key_files *files;
	struct diag *d;
	const char *path;
	bool is_private; /* of one user, by its folder: a credential */
};

static int fail(const struct reader *r, int error, const char *help, const char *why)
{
	diag_f(r->d, DIAG_ERROR, &r->s->at, help, "%s: cannot read %s: %s", r->s->key, r->path, why);
	return error;
}

/* `command` is printed with the path. */
static int fail_with_command(const struct reader *r, const char *command, const char *why)
{
	char help[PATH_MAX + 64];
	struct text t = text_fixed(help, sizeof help);

	text_f(&t, "%s %s", command, r->path);
	return fail(r, -EPERM, help, why);
}

/* ---- the file ---- */

static int check_status(const struct reader *r, const struct stat *st)
{
	char mode[48];
	struct text t = text_fixed(mode, sizeof mode);

	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return fail(r, S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL, NULL, S_ISDIR(st->st_mode) ? "it is a directory" : "it is not a regular file");
	if (st->st_uid != 0 && !user_is_caller(st->st_uid)) {
		text_f(&t, "it belongs to user %u", (unsigned int)st->st_uid);
		return fail_with_command(r, "chown root", mode);
	}
	if (st->st_mode & (r->is_private ? 0007 : 0077)) {
		text_add(&t, "its mode is 0");
		for (int shift = 6; shift >= 0; shift -= 3)
			text_u64(&t, st->st_mode >> shift & 7);
		text_add(&t, ", and must be 0600");
		return fail_with_command(r, "chmod 600", mode);
	}
	return 0;
}

/* Descriptors of this process appear as symbolic links. */
static bool is_descriptor(const char *path)
{
	return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/self/fd/", 14) == 0 || strcmp(path, "/dev/stdin") == 0;
}

static int open_file(const struct reader *r)
{
	int fd;

	do /* opening a pipe waits for who writes to it */
		fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_descriptor(r->path) ? 0 : O_NOFOLLOW));
	while (fd < 0 && errno == EINTR && !stop_signal);
	if (fd >= 0)
		return fd;
	if (errno == EINTR)
		return -EINTR;
	if (errno == ELOOP)
		return fail(r, -ELOOP, "write the path of its target", "it is a symbolic link");
	return fail(r, -errno, NULL, strerror(errno));
}

/* *n: the bytes read, at most KEY_TEXT_MAX + 1. 0 or -errno. */
static int read_text(int fd, char text[KEY_TEXT_MAX + 1], size_t *n)
{
	ssize_t got = 1;

	*n = 0;
	while (*n < KEY_TEXT_MAX + 1 && got != 0) {
		got = read(fd, text + *n, KEY_TEXT_MAX + 1 - *n);
		if (got < 0 && (errno != EINTR || stop_signal))
			return -errno;
		*n += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int read_key(const struct reader *r, int fd, uint8_t key[KEY_BYTES])
{
	char text[KEY_TEXT_MAX + 1];
	size_t n;
	int error = read_text(fd, text, &n);
	bool ok = error == 0 && n <= KEY_TEXT_MAX && key_from_base64(key, span_trim((struct span){ text, n }));
	bool empty = error == 0 && span_trim((struct span){ text, n }).n == 0;

	mem_wipe(text, sizeof text);
	if (ok || error == -EINTR)
		return error;
	if (error < 0)
		return fail(r, error, NULL, strerror(-error));
	return fail(r, -EINVAL, "a key has 44 base64 characters, the last of which is '='", empty ? "it is empty" : "it is not a key");
}

static int read_file(const struct reader *r, uint8_t key[KEY_BYTES])
{
	struct stat st;
	int fd, error;

	if (!(r->files->use & KEY_FILE_WAIT) &&
	    (is_descriptor(r->path) || (lstat(r->path, &st) == 0 && S_ISFIFO(st.st_mode))))
		return -EAGAIN;
	fd = open_file(r);
	if (fd < 0)
		return fd;
	error = fstat(fd, &st) < 0 ? fail(r, -errno, NULL, strerror(errno)) : check_status(r, &st);
	if (error == 0)
		error = read_key(r, fd, key);
	close(fd);
	return error;
}

/* ---- files that are made ---- */

static void print_public_key(const struct wg_private *key, int fd)
{
	struct wg_public public;
	char line[KEY_BASE64_CHARS + 2];

	x25519_public(&public, key);
	key_to_base64(line, public.b);
	line[KEY_BASE64_CHARS] = '\n';
	(void)!report_write(fd, line, KEY_BASE64_CHARS + 1);
}

static void print_path(struct text *t, const char *path)
{
	struct span s = span_of(path);
	bool plain = true;

	for (size_t i = 0; i < s.n; i++)
		plain &= ascii_is_digit(s.p[i]) || (ascii_lower(s.p[i]) >= 'a' && ascii_lower(s.p[i]) <= 'z') ||
			 (s.p[i] != '\0' && strchr("/._-+:@", s.p[i]));
	if (plain)
		text_span(t, s);
	else
		shell_quote(t, s);
}

/* As the commands that do the same. */
static void trace_make(struct command_trace *trace, const char *path)
{
	text_add(&trace->t, "[#] (umask 077; wg genkey > ");
	print_path(&trace->t, path);
	text_add(&trace->t, ")\n[#] wg pubkey < ");
	print_path(&trace->t, path);
	text_char(&trace->t, '\n');
	command_trace_flush(trace);
}

static int make(const struct reader *r, uint8_t key[KEY_BYTES])
{
	struct wg_private new;
	int error;

	trace_make(r->files->trace, r->path);
	error = key_make(&new, r->path);
	if (error == 0) {
		memcpy(key, new.b, KEY_BYTES);
		print_public_key(&new, STDOUT_FILENO);
	} else if (error == -EEXIST) { /* another process was faster */
		error = read_file(r, key);
	} else {
		diag_f(r->d, DIAG_ERROR, &r->s->at, NULL, "%s: cannot make %s: %s", r->s->key, r->path, strerror(-error));
	}
	mem_wipe(&new, sizeof new);
	return error;
}

static int read_or_make(const struct reader *r, uint8_t key[KEY_BYTES])
{
	struct stat st;

	if (lstat(r->path, &st) == 0 || errno != ENOENT)
		return read_file(r, key);
	if (r->files->use & KEY_FILE_SHOW)
		trace_make(r->files->trace, r->path);
	if (r->files->use & (KEY_FILE_LATER | KEY_FILE_SHOW))
		return -EAGAIN;
	if (r->files->use & KEY_FILE_MAKE)
		return make(r, key);
	return fail(r, -ENOENT, "`wg-quick up' makes it", strerror(ENOENT));
}

/* ---- credentials ---- */

/* The folder of the service's credentials, which exists while it is active: for a wg-quick that systemd did not start. */
static bool credential_path(struct text *t, const struct key_source *s, const char *interface)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder)
		text_f(t, "%s/%s", folder, s->name);
	else
		text_f(t, "/run/credentials/wg-quick@%s.service/%s", interface, s->name);
	return !t->failed && (folder || access(t->p, F_OK) == 0);
}

int key_file_look_up(void *ctx, uint8_t key[KEY_BYTES], const struct key_source *s, struct diag *d)
{
	const struct key_files *files = ctx;
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);
	struct reader r = { .s = s, .files = files, .d = d, .path = s->name };

	switch ((enum key_source_kind)s->kind) {
	case KEY_IN_FILE: break;
	case KEY_FILE: return read_file(&r, key);
	case KEY_NEW_FILE: return read_or_make(&r, key);
	case KEY_CREDENTIAL:
		if (credential_path(&t, s, files->interface)) {
			r.path = path;
			r.is_private = true;
			return read_file(&r, key);
		}
		diag_f(d, DIAG_ERROR, &s->at, "use systemctl, and LoadCredential= or LoadCredentialEncrypted= in the unit",
		       "%s: there is no credential `%s': CREDENTIALS_DIRECTORY is not set", s->key, s->name);
		return -ENOENT;
	}
	unreachable();
}

void key_file_check(const struct key_source *s, struct diag *d)
{
	const struct key_files files = { .use = 0 };
	const struct reader r = { .s = s, .files = &files, .d = d, .path = s->name };
	struct stat st;

	if ((s->kind != KEY_FILE && s->kind != KEY_NEW_FILE) || is_descriptor(s->name))
		return;
	if (lstat(s->name, &st) < 0) {
		if (errno != EACCES && !(errno == ENOENT && s->kind == KEY_NEW_FILE))
			(void)fail(&r, -errno, NULL, strerror(errno));
		return;
	}
	if (S_ISLNK(st.st_mode))
		(void)fail(&r, -ELOOP, "write the path of its target", "it is a symbolic link");
	else
		(void)check_status(&r, &st);
}
