/* Findings about hooks. */
#include <stdlib.h>

#include "commands.h"
#include "finding.h"
#include "base/vector.h"

/* ---- hook-without-inverse ---- */

static bool is_up(const struct check_hook *h)
{
	return h->phase == CHECK_PRE_UP || h->phase == CHECK_POST_UP;
}

struct commands {
	struct command *list;
	size_t n, cap;
	bool is_unknown; /* a script, or a line that only the shell understands */
};

enum { COMMANDS_MAX = 256 }; /* that are compared with each other */

/* The commands of PreDown and PostDown. */
static bool list_down(struct commands *out, const struct check_file *f)
{
	for (size_t i = 0; i < f->n_hooks; i++) {
		struct span rest = f->hooks[i].text;
		if (is_up(&f->hooks[i]))
			continue;
		out->is_unknown |= commands_are_complex(rest);
		for (;;) {
			size_t program;
			if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list))
				return false;
			if (!command_next(&out->list[out->n], &rest))
				break;
			out->is_unknown |= command_kind(&out->list[out->n], &program) == COMMAND_OTHER;
			out->is_unknown |= ++out->n > COMMANDS_MAX;
			if (out->is_unknown)
				return true;
		}
	}
	return true;
}

static bool is_undone(const struct command *up, const struct commands *down)
{
	for (size_t i = 0; i < down->n; i++)
		if (command_undoes(&down->list[i], up))
			return true;
	return false;
}

/* The command with -D in the place of -A or -I; false: it cannot be printed. */
static bool print_inverse(struct text *t, const struct command *up)
{
	size_t program;

	if (command_kind(up, &program) != COMMAND_IPTABLES || text_may_be_key(up->text) || span_find(up->text, '"') < up->text.n ||
	    span_find(up->text, '\'') < up->text.n)
		return false;
	for (size_t i = program; i < up->n; i++) {
		struct span word = up->words[i];
		uint64_t number;
		bool inserts = span_is(word, "-I") || span_is(word, "--insert");
		text_add(t, i > program ? " " : "");
		text_span(t, inserts || span_is(word, "-A") || span_is(word, "--append") ? SPAN("-D") : word);
		if (inserts && i + 2 < up->n && span_to_u64(&number, up->words[i + 2], UINT64_MAX)) {
			text_f(t, " %.*s", (int)up->words[i + 1].n, up->words[i + 1].p);
			i += 2;
		}
	}
	return !t->failed;
}

static const char *what_stays(const struct command *up)
{
	size_t program;

	switch (command_kind(up, &program)) {
	case COMMAND_OTHER:
	case COMMAND_HARMLESS:
	case COMMAND_IPTABLES:
	case COMMAND_NFT: return "firewall rule: each `up' adds another one";
	case COMMAND_UFW:
	case COMMAND_FIREWALLD: return "firewall rule: it stays after `down'";
	case COMMAND_IP_RULE: return "policy rule: it stays after `down'";
	case COMMAND_IP_ROUTE: return "route: it stays after `down'";
	}
	unreachable();
}

static void report_not_undone(struct check *c, const struct check_file *f, const struct finding *self,
			      const struct check_hook *h, const struct command *up)
{
	struct check_at at = { h->at.line, h->at.column + (uint32_t)(up->text.p - h->text.p), (uint32_t)up->text.n };
	char inverse[1024];
	struct text t = text_fixed(inverse, sizeof inverse);

	found(c, self, f, &at, "neither PreDown nor PostDown removes this %s", what_stays(up));
	if (print_inverse(&t, up))
		found_help(c, "add PostDown = %s", inverse);
	else
		found_help(c, "add a PostDown that removes it");
}

static struct span interface_name(const struct check_file *f)
{
	struct span path = span_of(f->in.path);
	size_t slash = span_find_last(path, '/');
	struct span base = slash < path.n ? span_sub(path, slash + 1, path.n) : path;

	return span_sub(base, 0, span_find_last(base, '.'));
}

static void hook_without_inverse(struct check *c, const struct check_file *f, const struct finding *self)
{
	struct commands down = { .n = 0 };
	struct command up;

	c->no_memory |= !list_down(&down, f);
	for (size_t i = 0; i < f->n_hooks && !down.is_unknown && !c->no_memory; i++) {
		struct span rest = f->hooks[i].text;
		if (!is_up(&f->hooks[i]) || commands_are_complex(rest))
			continue;
		while (command_next(&up, &rest))
			if (command_adds(&up, interface_name(f)) && !is_undone(&up, &down))
				report_not_undone(c, f, self, &f->hooks[i], &up);
	}
	free(down.list);
}

/* ---- empty-hook, hook-comment ---- */

static void empty_hook(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_hooks; i++)
		if (f->hooks[i].text.n == 0)
			found(c, self, f, &f->hooks[i].at, "the hook is empty: nothing is run");
}

/* The '#' of a comment of the shell: at the beginning of a word, outside of quotes. */
static size_t find_comment(struct span s)
{
	char quote = '\0';

	for (size_t i = 0; i < s.n; i++) {
		if (quote ? s.p[i] == quote : s.p[i] == '"' || s.p[i] == '\'')
			quote = quote ? '\0' : s.p[i];
		else if (!quote && s.p[i] == '#' && (i == 0 || ascii_is_blank(s.p[i - 1]) || s.p[i - 1] == ';'))
			return i;
	}
	return s.n;
}

static void hook_comment(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_hooks; i++) {
		const struct check_hook *h = &f->hooks[i];
		size_t hash = span_find(h->text, '#');
		bool is_comment = find_comment(h->text) == hash;
		struct check_at at = { h->at.line, h->at.column + (uint32_t)hash, is_comment ? (uint32_t)(h->text.n - hash) : 1 };
		if (hash == h->text.n)
			continue;
		found(c, self, f, &at, is_comment ? "the comment is passed to the shell, which ignores it"
						   : "wireguard-tools before 1.0.20260223 cut the hook off at this `#'");
		found_help(c, is_comment ? "a comment on a separate line is ignored by all versions"
					 : "move the command into a script if older versions are used as well");
	}
}

static const struct finding list[] = {
	{ .id = "hook-without-inverse", .title = "a rule or route that stays when the tunnel is down", .level = DIAG_WARNING,
	  .in_file = hook_without_inverse,
	  .why = "Firewall rules, policy rules and routes of other interfaces that a hook adds stay when the interface is "
		 "removed, and iptables adds the same rule once more at each start.",
	  .wrong = "PostUp = iptables -A FORWARD -i %i -j ACCEPT",
	  .right = "PostUp = iptables -A FORWARD -i %i -j ACCEPT\nPostDown = iptables -D FORWARD -i %i -j ACCEPT",
	  .fix = "Add the same command with -D to PostDown. iptables deletes a rule only if all words are the same: compare the names "
		 "of interfaces." },
	{ .id = "empty-hook", .title = "a hook without a command", .level = DIAG_NOTE, .in_file = empty_hook,
	  .why = "Programs that generate tunnel files write unset hooks as empty lines. They are accepted, and do nothing.",
	  .wrong = "PostUp =", .right = "PostUp = /etc/wireguard/up.sh", .fix = "Remove the line." },
	{ .id = "hook-comment", .title = "a '#' in a hook", .level = DIAG_NOTE, .in_file = hook_comment,
	  .why = "In a hook, '#' is for the shell. wireguard-tools before 1.0.20260223 took it for the beginning of a comment even "
		 "inside quotes, and ran the command before it.",
	  .wrong = "PostUp = logger \"tunnel #1 is up\"", .right = "PostUp = logger \"tunnel 1 is up\"",
	  .fix = "Write comments on separate lines, and move commands with '#' into a script." },
};
const struct finding_group findings_of_hooks = { list, ARRAY_LEN(list) };
