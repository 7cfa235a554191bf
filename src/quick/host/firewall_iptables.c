/* Firewall rules through iptables-save(8) and iptables-restore(8). */
#include "firewall_iptables.h"

#include <errno.h>

#include "quick/plan/firewall_text.h"
#include "report/report.h"
#include "subprocess.h"

bool iptables_is_installed(void)
{
	return subprocess_find("iptables-restore");
}

int firewall_iptables_apply(const struct plan *p, const struct step *s)
{
	struct text t = text_heap();
	struct subprocess like = { .quiet = s->remove };
	int r;

	firewall_iptables_text(&t, p, s);
	like.input = text_of(&t);
	r = t.failed ? -ENOMEM : subprocess_run_args(&like, iptables_restore_program(s->firewall.family), "-n", NULL);
	text_heap_free(&t);
	return r > 0 ? -EIO : r;
}

static bool span_contains(struct span s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part));
}

/* Appends input for iptables-restore that deletes the rules with this comment from what iptables-save printed. False: no
 * rule has it. */
static bool add_deletions(struct text *out, struct span saved, const char *comment)
{
	struct span line;
	bool found = false;

	while (span_next(&line, &saved, '\n')) {
		if (span_starts(line, "*") || span_is(line, "COMMIT")) {
			text_span(out, line);
			text_char(out, '\n');
		} else if (span_starts(line, "-A") && span_contains(line, comment)) {
			text_add(out, "-D");
			text_span(out, span_sub(line, 2, line.n));
			text_char(out, '\n');
			found = true;
		}
	}
	return found;
}

static void sweep_family(uint8_t family, const char *save, const char *comment, struct text *trace)
{
	const char *restore = iptables_restore_program(family);
	struct text saved = text_heap(), deletions = text_heap();
	struct subprocess list = { .output = &saved, .quiet = true }, delete = { .quiet = true };

	if (subprocess_find(save) && subprocess_run_args(&list, save, NULL) == 0 && saved.p &&
	    add_deletions(&deletions, text_of(&saved), comment)) {
		text_f(trace, "[#] %s -n\n", restore);
		delete.input = text_of(&deletions);
		if (subprocess_run_args(&delete, restore, "-n", NULL) != 0)
			report_warning("%s cannot remove the firewall rules", restore);
	}
	text_heap_free(&saved);
	text_heap_free(&deletions);
}

void firewall_iptables_sweep(const char *name, struct text *trace)
{
	char comment[64];
	struct text c = text_fixed(comment, sizeof comment);

	text_f(&c, "--comment \"wg-quick(8) rule for %s\"", name);
	sweep_family(IP_V4, "iptables-save", comment, trace);
	sweep_family(IP_V6, "ip6tables-save", comment, trace);
}
