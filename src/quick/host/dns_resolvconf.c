/* DNS through resolvconf(8). */
#include "dns_resolvconf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "fileio.h"
#include "quick/plan/resolv_conf.h"
#include "subprocess.h"

/* resolvectl(1) also serves as resolvconf, but ignores most of its options. */
static bool is_resolvectl(const char *program)
{
	char *real = realpath(program, NULL);
	bool is = real && strstr(real, "resolvectl");

	free(real);
	return is;
}

static bool is_name_character(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-';
}

/* Debian's resolvconf orders its records by the patterns in this file. The first pattern of the form "NAME*" gives the
 * prefix with which a tunnel's record precedes those of other interfaces. A resolvconf that is a symbolic link is
 * another implementation, which needs none. */
static void find_prefix(char prefix[32], const char *program)
{
	struct text patterns = text_heap();
	char target[PATH_MAX];
	struct span rest, line;

	if (readlink(program, target, sizeof target) >= 0)
		return;
	rest = fileio_read_settings("/etc/resolvconf/interface-order", &patterns) == 0 ? text_of(&patterns) : (struct span){ 0 };
	while (!prefix[0] && span_next(&line, &rest, '\n')) {
		size_t n = 0;
		line = span_trim(line);
		while (n < line.n && is_name_character(line.p[n]))
			n++;
		if (n == 0 || n > 30 || n + 1 != line.n || line.p[n] != '*')
			continue;
		memcpy(prefix, line.p, n);
		memcpy(prefix + n, ".", 2);
	}
	text_heap_free(&patterns);
}

bool resolvconf_is_installed(char prefix[32])
{
	const char *program = subprocess_find("resolvconf");

	prefix[0] = '\0';
	if (!program || is_resolvectl(program))
		return false;
	find_prefix(prefix, program);
	return true;
}

static int run_result(int r, unsigned int limit_s, struct text *why)
{
	if (r > 0)
		text_f(why, "resolvconf failed with status %d", r);
	else if (r == -ETIMEDOUT)
		text_f(why, "resolvconf took longer than %u second%s and was stopped", limit_s, limit_s == 1 ? "" : "s");
	else if (r < 0)
		text_f(why, "resolvconf: %s", strerror(-r));
	return r == 0 ? 0 : -EIO;
}

int resolvconf_set(const char *record, const struct dns_config *d, unsigned int limit_s, struct text *why)
{
	struct text input = text_heap();
	struct subprocess like = { .limit_s = limit_s };
	int r;

	resolv_conf_print_servers(&input, d);
	like.input = text_of(&input);
	r = input.failed ? -ENOMEM
			 : subprocess_run_args(&like, "resolvconf", "-a", record, "-m", "0", "-x", NULL);
	text_heap_free(&input);
	return run_result(r, limit_s, why);
}

int resolvconf_revert(const char *record, unsigned int limit_s, struct text *why)
{
	struct subprocess like = { .input = SPAN(""), .limit_s = limit_s };

	if (!subprocess_find("resolvconf"))
		return 0; /* removed meanwhile, with its records */
	return run_result(subprocess_run_args(&like, "resolvconf", "-d", record, "-f", NULL), limit_s, why);
}
