/* `doctor`: ordered checks of a tunnel, each with an observation and a line that fixes the problem. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "probing.h"
#include "quick/diagnosis/findings.h"
#include "report/output.h"
#include "report/page.h"
#include "report/report.h"

enum { LEVEL_COLUMNS = 4, CHECK_COLUMNS = 13 };

static void print_padded(const struct page *p, enum terminal_style style, const char *text, size_t columns)
{
	page_text(p, style, text);
	for (size_t n = strlen(text); n < columns + 2; n++)
		text_char(p->t.out, ' ');
}

static void print_finding(const struct page *p, const struct finding *f, bool repeated)
{
	static const struct { const char *word; enum terminal_style style; } levels[] = {
		[FINDING_OK] = { "ok", STYLE_GREEN },
		[FINDING_WARN] = { "warn", STYLE_YELLOW },
		[FINDING_FAIL] = { "FAIL", STYLE_RED },
	};

	print_padded(p, levels[f->level].style, levels[f->level].word, LEVEL_COLUMNS);
	print_padded(p, STYLE_BOLD, repeated ? "" : f->check, CHECK_COLUMNS);
	page_text(p, STYLE_NONE, f->seen);
	text_char(p->t.out, '\n');
	if (!f->fix)
		return;
	print_padded(p, STYLE_NONE, "", LEVEL_COLUMNS);
	print_padded(p, STYLE_NONE, "", CHECK_COLUMNS);
	text_add(p->t.out, "fix: ");
	page_text(p, STYLE_CYAN, f->fix);
	text_char(p->t.out, '\n');
}

static void print_summary(const struct page *p, const char *name, const struct findings *all)
{
	size_t fails = 0, warnings = 0;

	for (size_t i = 0; i < all->n; i++) {
		fails += all->list[i].level == FINDING_FAIL;
		warnings += all->list[i].level == FINDING_WARN;
	}
	page_text(p, STYLE_BOLD, name);
	text_f(p->t.out, ": %zu failure%s, %zu warning%s\n", fails, fails == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

static bool has_failure(const struct findings *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].level == FINDING_FAIL)
			return true;
	return false;
}

static bool is_known(const struct observation *o)
{
	const struct facts *f = &o->facts;

	if (o->c.state.link.index && o->may_read && f->device_error && !f->applied && f->device_error != -ETIMEDOUT &&
	    f->device_error != -ECONNREFUSED) {
		report_upstream("`%s' is not a WireGuard interface", f->name);
		return false;
	}
	if (o->c.state.link.index || f->file_seen != FILE_MISSING || f->leftover)
		return true;
	report_upstream("`%s' does not exist", f->path ? f->path : f->name);
	return false;
}

/* 1: a check failed; 0; or -errno after reporting. *fixable: `reload` would change something. */
static int examine(struct text *out, struct host *host, const char *argument, bool *fixable)
{
	struct observation o;
	struct probing p = { 0 };
	struct findings all = { 0 };
	struct page page = { .t = { out, terminal_has_colour_by_setting(1, host->settings.colour) } };
	int r = observe(&o, host, argument);

	if (r == 0 && !is_known(&o))
		r = -ENOENT;
	if (r == 0)
		r = probe(&p, &o, host);
	if (r == 0 && !checks_of_doctor(&all, &o.facts, &p.probes))
		r = report_failure("examine the tunnel", -ENOMEM);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		print_finding(&page, &all.list[i], i > 0 && strcmp(all.list[i].check, all.list[i - 1].check) == 0);
	if (r == 0) {
		print_summary(&page, o.facts.name, &all);
		*fixable = o.facts.difference && o.c.plan.n + o.c.old_dns.n > 0;
		r = has_failure(&all);
	}
	findings_free(&all);
	probing_free(&p);
	observation_free(&o);
	return r;
}

static int examine_all(struct text *out, struct host *host)
{
	struct string_list names = { 0 };
	int status = 0, r = observe_names(&names, host);

	if (r == 0 && names.n == 0) {
		report_error("no tunnel is up");
		report_help("`wg-quick doctor INTERFACE' examines one that is not");
		r = -ENOENT;
	}
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		bool fixable;
		if (i > 0)
			text_char(out, '\n');
		status |= examine(out, host, names.list[i], &fixable) != 0;
	}
	string_list_free(&names);
	return r < 0 ? 1 : status;
}

/* Only what `reload` would do. */
static int fix(const struct command_options *o, struct host *host, struct command_trace *trace, bool fixable)
{
	if (!fixable) {
		report_warning("`reload' would change nothing: apply the other fixes yourself");
		return 1;
	}
	return command_reload(o, host, trace);
}

int command_doctor(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct text out = text_heap();
	bool fixable = false;
	int status = o->argument ? examine(&out, host, o->argument, &fixable) != 0 : examine_all(&out, host);

	if (out.n > 0 && exit_status_of_output(report_write(trace->fd, out.p, out.n)) != 0)
		status = 1;
	text_heap_free(&out);
	if (o->fix && status != 0 && o->argument)
		status = fix(o, host, trace, fixable);
	return status;
}
