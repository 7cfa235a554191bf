/* `wg genkey`, `genpsk` and `pubkey`: generating keys, and deriving public keys. */
#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "program.h"
#include "report/report.h"

static int usage(const struct program *p, const char *word)
{
	report_verbatim("Usage: %s %s", p->name, word);
	return 1;
}

static void print_key(struct program *p, const uint8_t key[KEY_BYTES])
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, key);
	text_add(&p->out, base64);
	text_char(&p->out, '\n');
	mem_wipe(base64, sizeof base64);
}

static bool random_bytes(uint8_t *out, size_t n)
{
	ssize_t got;

	while (n > 0) {
		got = getrandom(out, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			report_verbatim("getrandom: %s", strerror(errno));
			return false;
		}
		out += got;
		n -= (size_t)got;
	}
	return true;
}

static void warn_if_others_can_read(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO)) {
		report_verbatim("Warning: writing to world accessible file.");
		report_verbatim("Consider setting the umask to 077 and trying again.");
	}
}

int cmd_genkey(struct program *p, int argc, char *const argv[])
{
	struct wg_private key;
	bool ok;

	if (argc != 1)
		return usage(p, argv[0]);
	warn_if_others_can_read();
	ok = random_bytes(key.b, sizeof key.b);
	if (ok) {
		x25519_clamp(&key);
		print_key(p, key.b);
	}
	mem_wipe(&key, sizeof key);
	return ok ? 0 : 1;
}

int cmd_genpsk(struct program *p, int argc, char *const argv[])
{
	struct wg_psk key;
	bool ok;

	if (argc != 1)
		return usage(p, argv[0]);
	warn_if_others_can_read();
	ok = random_bytes(key.b, sizeof key.b);
	if (ok)
		print_key(p, key.b);
	mem_wipe(&key, sizeof key);
	return ok ? 0 : 1;
}

/* Reads up to n bytes from standard input; fewer only at its end. */
static size_t read_stdin(char *out, size_t n)
{
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		got = read(STDIN_FILENO, out + have, n - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return have;
}

enum { BLANKS_MAX = 1 << 20 }; /* more than any file has; a device may be endless */

/* True if only blanks and NULs follow until the end of standard input. */
static bool only_blanks_follow(void)
{
	char rest[4096];
	size_t n, read = 0;
	bool blank = true;

	do { /* does not read again after the end: a terminal would wait for another one */
		n = read_stdin(rest, sizeof rest);
		blank = read < BLANKS_MAX;
		for (size_t i = 0; blank && i < n; i++)
			blank = ascii_is_blank(rest[i]) || rest[i] == '\0';
		read += n;
	} while (blank && n == sizeof rest);
	mem_wipe(rest, sizeof rest);
	return blank;
}

int cmd_pubkey(struct program *p, int argc, char *const argv[])
{
	char base64[KEY_BASE64_CHARS];
	struct wg_private key = { 0 };
	struct wg_public public_key;
	int code = 1;

	if (argc != 1)
		return usage(p, argv[0]);
	if (read_stdin(base64, sizeof base64) != sizeof base64) {
		report_verbatim("%s: Key is not the correct length or format", p->name);
	} else if (!only_blanks_follow()) {
		report_verbatim("%s: Trailing characters found after key", p->name);
	} else if (!key_from_base64(key.b, (struct span){ base64, sizeof base64 })) {
		report_verbatim("%s: Key is not the correct length or format", p->name);
	} else {
		x25519_public(&public_key, &key);
		print_key(p, public_key.b);
		code = 0;
	}
	mem_wipe(base64, sizeof base64);
	mem_wipe(&key, sizeof key);
	return code;
}
