/* `wg set`: from arguments to a patch, including key files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/conf.h"
#include "access.h"
#include "change.h"
#include "peer_names.h"
#include "report/report.h"

static int usage(const struct program *p, const char *word)
{
	report_verbatim("Usage: %s %s <interface> [listen-port <port>] [fwmark <mark>] "
		 "[private-key <file path>] [peer <base64 public key> [remove] "
		 "[preshared-key <file path>] [endpoint <ip>:<port>] "
		 "[persistent-keepalive <interval seconds>] "
		 "[allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...] ]...", p->name, word);
	return 1;
}

static int refuse(struct diag *d, const char *text)
{
	struct diag_message m = { .level = DIAG_ERROR, .text = text };

	diag_report(d, &m);
	return -EINVAL;
}

/* Reads up to n bytes, fewer only at the end of the file; -1: error. */
static ssize_t read_up_to(int fd, char *out, size_t n)
{
	size_t have = 0;
	ssize_t got = 1;

	while (have < n && got != 0) {
		got = read(fd, out + have, n - have);
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			have += (size_t)got;
	}
	return (ssize_t)have;
}

/* An empty file removes the key. An empty pipe does not, because most likely the command that writes to it has failed;
 * lseek tells them apart. */
static bool is_empty_file(int fd, ssize_t got)
{
	return got == 0 && lseek(fd, 0, SEEK_CUR) == 0;
}

enum { BLANKS_MAX = 1 << 20 }; /* more than any file has; a device may be endless */

static int only_blanks_follow(int fd, struct diag *d)
{
	char rest[4096], other = '\0';
	size_t blanks = 0;
	ssize_t n = 0;

	do {
		n = read_up_to(fd, rest, sizeof rest);
		for (ssize_t i = 0; i < n && !other; i++)
			if (!ascii_is_blank(rest[i]) || ++blanks > BLANKS_MAX)
				other = rest[i] >= ' ' && rest[i] < 127 ? rest[i] : '?';
	} while (!other && n == sizeof rest);
	mem_wipe(rest, sizeof rest);
	if (other)
		diag_f(d, DIAG_ERROR, NULL, NULL, "Found trailing character in key file: `%c'", other);
	return other ? -EINVAL : 0;
}

static int key_from_file(uint8_t key[KEY_BYTES], int fd, struct diag *d)
{
	char base64[KEY_BASE64_CHARS];
	ssize_t got = read_up_to(fd, base64, sizeof base64);
	int rc = 0;

	memset(key, 0, KEY_BYTES);
	if (got == sizeof base64) {
		rc = only_blanks_follow(fd, d);
		if (rc == 0 && !key_from_base64(key, (struct span){ base64, sizeof base64 }))
			rc = refuse(d, "Key is not the correct length or format");
	} else if (!is_empty_file(fd, got)) {
		rc = refuse(d, "Invalid length key in key file");
	}
	mem_wipe(base64, sizeof base64);
	return rc;
}

static int read_key(void *ctx, uint8_t key[KEY_BYTES], const char *path, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	(void)ctx;
	if (fd < 0) {
		rc = -errno;
		diag_f(d, DIAG_ERROR, NULL, NULL, "fopen: %s", strerror(-rc)); /* upstream's text */
		return rc;
	}
	rc = key_from_file(key, fd, d);
	close(fd);
	return rc;
}

/* Names are read when the first one is looked up. */
struct set_names {
	struct program *program;
	const char *device;
	struct peer_names names;
	bool is_read;
};

static int find_peer(void *ctx, struct wg_public *key, const char *name)
{
	struct set_names *s = ctx;
	struct wg_device d;
	int rc = s->is_read ? 0 : ipc_get(&s->program->ipc, &d, s->device);

	if (rc) {
		report_no_access(&s->program->ipc, s->device, rc);
		return rc;
	}
	if (!s->is_read) {
		peer_names_read(&s->names, &d);
		device_free(&d);
	}
	s->is_read = true;
	return names_resolve(key, &s->names, name) ? 0 : -ENOENT;
}

/* Upstream's text alone, as arguments have no line or column. */
static void report_argument(void *ctx, const struct diag_message *m)
{
	(void)ctx;
	report_verbatim("%s%s", m->level == DIAG_WARNING ? "Warning: " : "", m->text);
}

int cmd_set(struct program *p, int argc, char *const argv[])
{
	struct set_names names = { .program = p };
	struct set_options o = { .read_key = read_key, .find_peer = find_peer, .ctx = &names, .scopes = &ipc_scopes,
				 .service = ipc_service };
	struct diag diag = { .emit = report_argument };
	struct wg_device patch;
	int rc;

	if (argc < 3)
		return usage(p, argv[0]);
	report_set_interface(argv[1]);
	names.device = argv[1];
	rc = conf_read_set(&patch, argv + 2, argc - 2, &o, &diag);
	names_free(&names.names);
	if (rc == -ENOMEM)
		report_error("out of memory");
	if (rc)
		return 1;
	rc = change_resolve(&patch, NULL, &diag) && change_send(p, argv[1], &patch) ? 0 : 1;
	device_free(&patch);
	return rc;
}
