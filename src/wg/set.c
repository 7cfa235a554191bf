/* `wg set`: words to a patch. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../model/conf.h"
#include "change.h"

static int usage(const struct program *p, const char *word)
{
	complain("Usage: %s %s <interface> [listen-port <port>] [fwmark <mark>] "
		 "[private-key <file path>] [peer <base64 public key> [remove] "
		 "[preshared-key <file path>] [endpoint <ip>:<port>] "
		 "[persistent-keepalive <interval seconds>] "
		 "[allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...] ]...\n", p->name, word);
	return 1;
}

static void report(struct diag *d, const char *text)
{
	struct diag_message m = { .level = DIAG_ERROR, .text = text };

	diag_report(d, &m);
}

/* The key of a file's text: nothing at all is no key (zeros). */
static int key_from_text(uint8_t key[KEY_BYTES], struct span text, struct diag *d)
{
	memset(key, 0, KEY_BYTES);
	if (text.n == 0)
		return 0;
	if (text.n < KEY_BASE64_CHARS) {
		report(d, "Invalid length key in key file");
		return -EINVAL;
	}
	for (size_t i = KEY_BASE64_CHARS; i < text.n; i++) {
		char c = text.p[i];

		if (ascii_is_blank(c))
			continue;
		diag_f(d, DIAG_ERROR, NULL, NULL, "Found trailing character in key file: `%c'",
		       c > ' ' && c < 127 ? c : '?');
		return -EINVAL;
	}
	if (!key_from_base64(key, span_sub(text, 0, KEY_BASE64_CHARS))) {
		report(d, "Key is not the correct length or format");
		return -EINVAL;
	}
	return 0;
}

enum { KEY_FILE_MAX = 64 * 1024 };

static int read_key(void *ctx, uint8_t key[KEY_BYTES], const char *path, struct diag *d)
{
	struct file_text file;
	int rc = file_read(&file, path, KEY_FILE_MAX);

	(void)ctx;
	if (rc) {
		diag_f(d, DIAG_ERROR, NULL, NULL, "%s: %s", file.failed, strerror(-rc));
		return rc;
	}
	rc = key_from_text(key, file.text, d);
	file_free(&file);
	return rc;
}

/* The words of a command line have no line or column: the sentence alone, as scripts know it. */
static void emit_sentence(void *ctx, const struct diag_message *m)
{
	(void)ctx;
	complain("%s%s\n", m->level == DIAG_WARNING ? "Warning: " : "", m->text);
}

int cmd_set(struct program *p, int argc, char *const argv[])
{
	struct set_options o = { .read_key = read_key, .scopes = &ipc_scopes, .service = ipc_service };
	struct diag diag = { .emit = emit_sentence };
	struct wg_device patch;
	int rc;

	if (argc < 3)
		return usage(p, argv[0]);
	rc = conf_read_set(&patch, argv + 2, argc - 2, &o, &diag);
	if (rc == -ENOMEM)
		complain("%s\n", strerror(ENOMEM));
	if (rc)
		return 1;
	rc = change_resolve(&patch, NULL, &diag) && change_send(p, argv[1], &patch) ? 0 : 1;
	device_free(&patch);
	return rc;
}
