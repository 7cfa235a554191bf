#include "dns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "quick/plan/dns_text.h"
#include "subprocess.h"
#include "report/report.h"

static const char *const names[] = { [DNS_NONE] = "none", [DNS_RESOLVCONF] = "resolvconf",
				     [DNS_RESOLVED] = "resolved", [DNS_FILE] = "file" };

static bool dns_backend_named(enum dns_backend *out, struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_is(name, names[i])) {
			*out = (enum dns_backend)i;
			return true;
		}
	return false;
}

/* systemd's resolvectl also answers to the name resolvconf, and understands less. */
static bool resolvconf_is_resolvectl(const char *program)
{
	char *real = realpath(program, NULL);
	bool is = real && strstr(real, "resolvectl");

	free(real);
	return is;
}

static bool is_of_plain_name(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-';
}

/* Debian's resolvconf orders interfaces by patterns; names must carry the first one's prefix. */
static void find_prefix(char prefix[32], const char *program)
{
	char buffer[4096], target[PATH_MAX];
	int fd;
	ssize_t got;
	struct span rest, line;

	if (readlink(program, target, sizeof target) >= 0)
		return;
	fd = open("/etc/resolvconf/interface-order", O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
	if (fd >= 0)
		close(fd);
	rest = (struct span){ buffer, got > 0 ? (size_t)got : 0 };
	while (span_next(&line, &rest, '\n')) {
		size_t n = 0;
		line = span_trim(line);
		while (n < line.n && is_of_plain_name(line.p[n]))
			n++;
		/* Other patterns are not for names of ours. */
		if (n == 0 || n > 30 || n + 1 != line.n || line.p[n] != '*')
			continue;
		memcpy(prefix, line.p, n);
		memcpy(prefix + n, ".", 2);
		return;
	}
}

enum dns_backend dns_choose(const struct settings *set, char prefix[32])
{
	enum dns_backend b;
	const char *program = subprocess_find("resolvconf");
	bool shim = program && resolvconf_is_resolvectl(program);

	prefix[0] = '\0';
	if (!set->dns[0] || strcmp(set->dns, "auto") == 0 ||
	    !dns_backend_named(&b, span_of(set->dns))) {
		if (program && !shim)
			b = DNS_RESOLVCONF;
		else
			b = resolved_is_active() ? DNS_RESOLVED : DNS_FILE;
	}
	if (b == DNS_RESOLVCONF && program && !shim)
		find_prefix(prefix, program);
	return b;
}

static int apply_resolvconf(const struct plan *p, const struct step *s)
{
	struct text input = text_heap();
	struct subprocess like = { 0 };
	char name[48];
	struct text t = text_fixed(name, sizeof name);
	int r;

	text_f(&t, "%s%s", p->dns_prefix, p->name);
	if (s->remove) {
		r = subprocess_run_args(&like, "resolvconf", "-d", name, "-f", NULL);
		return r == 0 ? 0 : -EIO;
	}
	dns_resolvconf_text(&input, &p->dns);
	like.input = text_of(&input);
	r = input.failed ? -ENOMEM
			 : subprocess_run_args(&like, "resolvconf", "-a", name, "-m", "0", "-x", NULL);
	text_heap_free(&input);
	if (r != 0)
		report_error("resolvconf failed (%d); the name servers of %s are not set", r, p->name);
	return r == 0 ? 0 : -EIO;
}

int dns_apply(const struct plan *p, const struct step *s, uint32_t ifindex, const char *backup)
{
	switch (p->dns_backend) {
	case DNS_NONE:
		return 0;
	case DNS_RESOLVCONF:
		return apply_resolvconf(p, s);
	case DNS_RESOLVED:
		return s->remove ? resolved_revert(ifindex) : resolved_set(ifindex, &p->dns);
	case DNS_FILE:
		return s->remove ? dns_file_restore(p, backup) : dns_file_set(p, backup);
	}
	unreachable();
}
