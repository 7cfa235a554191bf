/* The health of tunnels. */
#include "health.h"

#include <errno.h>

#include "messages.h"
#include "observation.h"
#include "quick/config/tunnel_file.h"
#include "quick/diagnosis/checks.h"
#include "quick/journal/supervised.h"
#include "report/report.h"

struct health {
	struct text *out;
	struct host *host;
	struct string_list kept; /* paths of supervised files */
	size_t tunnels, problems;
};

/* "NAME is not up" would have the name twice. */
static const char *without_name(const char *seen, const char *name)
{
	static const char is[] = " is ";
	size_t n = strlen(name);

	return strncmp(seen, name, n) == 0 && span_starts(span_of(seen + n), is) ? seen + n + sizeof is - 1 : seen;
}

static void problem(struct health *h, const char *name, const char *seen, const char *fix)
{
	seen = without_name(seen, name);
	text_f(h->out, "%s: %s%s%s\n", name, seen, fix ? ": " : "", fix ? fix : "");
	h->problems++;
}

/* A name of which no interface and no file is here is a daemon's in another place. */
static bool is_elsewhere(const struct observation *o)
{
	return !o->c.state.link.index && o->facts.file_seen == FILE_MISSING && !o->facts.leftover;
}

/* As command_status() has it. */
static bool is_other_interface(const struct observation *o)
{
	return o->c.state.link.index && o->may_read && o->facts.device_error && !o->facts.applied &&
	       o->facts.device_error != -ETIMEDOUT && o->facts.device_error != -ECONNREFUSED;
}

static void examine(struct health *h, const char *argument, bool kept, bool named)
{
	struct observation o = { 0 };
	struct findings found = { 0 };
	int r = observe(&o, h->host, argument);

	if (r < 0) {
		h->problems++; /* which was reported */
	} else if (kept || named || !is_elsewhere(&o)) {
		h->tunnels++;
		if (is_other_interface(&o))
			problem(h, o.facts.name, "not a WireGuard interface", NULL);
		else if (!o.may_read)
			problem(h, o.facts.name, "this user is not permitted to read its state", NULL);
		else if (!checks_of_health(&found, &o.facts, kept))
			h->problems += report_failure("judge the tunnel", -ENOMEM) < 0;
	}
	for (size_t i = 0; i < found.n; i++)
		problem(h, o.facts.name, found.list[i].seen, found.list[i].fix);
	findings_free(&found);
	observation_free(&o);
	report_set_interface(NULL);
}

static int examine_all(struct health *h)
{
	struct string_list names = { 0 };
	int r = observe_names(&names, h->host);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (!supervised_file(&h->kept, names.list[i]))
			examine(h, names.list[i], false, false);
	for (size_t i = 0; r == 0 && i < h->kept.n; i++)
		examine(h, h->kept.list[i], true, true);
	string_list_free(&names);
	if (r == 0 && h->tunnels == 0 && h->problems == 0) {
		text_add(h->out, "no tunnel is up\n");
		h->problems++;
	}
	return r;
}

int health(struct text *out, struct host *host, const char *argument)
{
	struct health h = { .out = out, .host = host };
	int r = report_failure("read the list of supervised files", supervised_read(&h.kept));

	if (r == 0 && argument)
		examine(&h, argument, supervised_file(&h.kept, argument) != NULL, true);
	else if (r == 0)
		r = examine_all(&h);
	string_list_free(&h.kept);
	return r < 0 || h.problems > 0;
}
