/* Splits shell lines into words, and compares commands with their inverses. */
#include "commands.h"

static bool is_separator(char c)
{
	return c == ';' || c == '&' || c == '|' || c == '\n' || c == '\r';
}

/* The length of the command at the front: up to a separator outside of quotes. */
static size_t command_length(struct span s)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < s.n && (quote || !is_separator(s.p[i])); i++) {
		if (s.p[i] == '\\' && quote != '\'' && i + 1 < s.n)
			i++;
		else if (quote ? s.p[i] == quote : s.p[i] == '"' || s.p[i] == '\'')
			quote = quote ? '\0' : s.p[i];
	}
	return i < s.n ? i : s.n;
}

static struct span unquoted(struct span word)
{
	bool quoted = word.n >= 2 && (word.p[0] == '"' || word.p[0] == '\'') && word.p[word.n - 1] == word.p[0];

	return quoted ? span_sub(word, 1, word.n - 2) : word;
}

static void add_word(struct command *c, struct span word)
{
	if (c->n < COMMAND_WORDS)
		c->words[c->n++] = unquoted(word);
	else
		c->has_more = true;
}

static void split_words(struct command *c)
{
	struct span rest = c->text;

	while ((rest = span_trim(rest)).n > 0) {
		char quote = '\0';
		size_t n;
		if (rest.p[0] == '#')
			return; /* a comment of the shell */
		for (n = 0; n < rest.n && (quote || !ascii_is_blank(rest.p[n])); n++)
			if (quote ? rest.p[n] == quote : rest.p[n] == '"' || rest.p[n] == '\'')
				quote = quote ? '\0' : rest.p[n];
		add_word(c, span_sub(rest, 0, n));
		rest = span_sub(rest, n, rest.n);
	}
}

bool command_next(struct command *out, struct span *rest)
{
	while (rest->n > 0) {
		size_t n = command_length(*rest);
		out->text = span_trim(span_sub(*rest, 0, n));
		*rest = span_sub(*rest, n + 1, rest->n);
		out->n = 0;
		out->has_more = false;
		split_words(out);
		if (out->n > 0)
			return true;
	}
	return false;
}

bool commands_are_complex(struct span line)
{
	static const char *const signs[] = { "$(", "`", "<(", "<<", "for ", "while ", "if ", "case ", "{", "(", "eval ", "xargs ",
					     "bash -c", "sh -c" };

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (span_contains(line, signs[i]))
			return true;
	return false;
}

static struct span base_name(struct span path)
{
	size_t slash = span_find_last(path, '/');

	return slash < path.n ? span_sub(path, slash + 1, path.n) : path;
}

static bool is_one_of(struct span word, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(word, list[i]))
			return true;
	return false;
}

/* The object of ip(8): the first word that is no option. */
static struct span ip_object(const struct command *c, size_t program)
{
	size_t i = program + 1;

	while (i < c->n && c->words[i].n > 0 && c->words[i].p[0] == '-')
		i++;
	return i < c->n ? c->words[i] : (struct span){ "", 0 };
}

enum command_kind command_kind(const struct command *c, size_t *program)
{
	static const char *const iptables[] = { "iptables", "ip6tables", "iptables-nft", "ip6tables-nft", "iptables-legacy",
						"ip6tables-legacy" };
	static const char *const harmless[] = { "echo", "true", "wg", "resolvectl", "resolvconf", "logger", "sleep", "ping", "ping6",
						"sysctl", "curl", "wget", ":", "exit", "date", "printf" };
	struct span name, object;

	*program = c->n > 1 && span_is(base_name(c->words[0]), "sudo") ? 1 : 0;
	name = base_name(c->words[*program]);
	if (is_one_of(name, iptables, ARRAY_LEN(iptables)))
		return COMMAND_IPTABLES;
	if (is_one_of(name, harmless, ARRAY_LEN(harmless)))
		return COMMAND_HARMLESS;
	if (span_is(name, "nft"))
		return COMMAND_NFT;
	if (span_is(name, "ufw"))
		return COMMAND_UFW;
	if (span_is(name, "firewall-cmd"))
		return COMMAND_FIREWALLD;
	if (!span_is(name, "ip"))
		return COMMAND_OTHER;
	object = ip_object(c, *program);
	if (object.n >= 2 && object.n <= 4 && memcmp("rule", object.p, object.n) == 0)
		return COMMAND_IP_RULE;
	if (object.n >= 1 && object.n <= 5 && memcmp("route", object.p, object.n) == 0)
		return COMMAND_IP_ROUTE;
	return COMMAND_HARMLESS;
}

static bool has_word(const struct command *c, const char *const list[], size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_one_of(c->words[i], list, n))
			return true;
	return false;
}

static bool has_prefix(const struct command *c, const char *prefix)
{
	for (size_t i = 0; i < c->n; i++)
		if (span_starts(c->words[i], prefix))
			return true;
	return false;
}

/* A route or rule that the kernel removes with the interface. */
static bool is_on_interface(const struct command *c, struct span interface)
{
	for (size_t i = 1; i < c->n; i++) {
		bool named = span_is(c->words[i], "%i") || (interface.n > 0 && span_equal(c->words[i], interface));
		if (span_is(c->words[i - 1], "dev") && named)
			return true;
	}
	return false;
}

static const char *const adds[] = { "add", "append", "replace", "a", "prepend", "change" };
static const char *const removes[] = { "del", "delete", "d", "flush", "f" };

bool command_adds(const struct command *c, struct span interface)
{
	static const char *const rules[] = { "-A", "-I", "--append", "--insert" };
	static const char *const nft[] = { "add", "insert", "create" };
	size_t program;

	switch (command_kind(c, &program)) {
	case COMMAND_OTHER:
	case COMMAND_HARMLESS: return false;
	case COMMAND_IPTABLES: return has_word(c, rules, ARRAY_LEN(rules));
	case COMMAND_IP_RULE: return has_word(c, adds, ARRAY_LEN(adds));
	case COMMAND_IP_ROUTE: return has_word(c, adds, ARRAY_LEN(adds)) && !is_on_interface(c, interface);
	case COMMAND_NFT: return has_word(c, nft, ARRAY_LEN(nft)) || has_prefix(c, "add ") || has_prefix(c, "insert ");
	case COMMAND_UFW: {
		static const char *const allow[] = { "allow", "deny", "reject", "limit" }, *const not[] = { "delete" };
		return has_word(c, allow, ARRAY_LEN(allow)) && !has_word(c, not, 1);
	}
	case COMMAND_FIREWALLD: return has_prefix(c, "--add-");
	}
	unreachable();
}

/* ---- iptables: rules are equal if their words are, in any order ---- */

static struct span short_option(struct span word)
{
	static const char *const names[][2] = {
		{ "--in-interface", "-i" }, { "--out-interface", "-o" }, { "--jump", "-j" }, { "--source", "-s" }, { "--src", "-s" },
		{ "--destination", "-d" }, { "--dst", "-d" }, { "--protocol", "-p" }, { "--proto", "-p" }, { "--match", "-m" },
		{ "--destination-port", "--dport" }, { "--source-port", "--sport" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_is(word, names[i][0]))
			return span_of(names[i][1]);
	return word;
}

struct rule {
	struct span program, table, action, chain;
	struct span words[COMMAND_WORDS];
	size_t n;
	bool by_number; /* the chain is followed by a number */
};

static bool is_action(struct span word)
{
	static const char *const actions[] = { "-A", "-I", "-D", "-F", "-X", "--append", "--insert", "--delete", "--flush" };

	return is_one_of(word, actions, ARRAY_LEN(actions));
}

static bool is_number(struct span word)
{
	uint64_t n;

	return span_to_u64(&n, word, UINT64_MAX);
}

static void parse_rule(struct rule *r, const struct command *c)
{
	size_t program;

	(void)command_kind(c, &program);
	*r = (struct rule){ .program = base_name(c->words[program]) };
	r->table = SPAN("filter");
	for (size_t i = program + 1; i < c->n; i++) {
		struct span word = c->words[i];
		if ((span_is(word, "-t") || span_is(word, "--table")) && i + 1 < c->n) {
			r->table = c->words[++i];
		} else if (span_is(word, "-w") || span_is(word, "--wait")) {
			i += i + 1 < c->n && is_number(c->words[i + 1]);
		} else if (is_action(word) && r->action.n == 0) {
			r->action = word;
			if (i + 1 < c->n && c->words[i + 1].n > 0 && c->words[i + 1].p[0] != '-')
				r->chain = c->words[++i];
			r->by_number = i + 1 < c->n && is_number(c->words[i + 1]);
			i += r->by_number;
		} else {
			r->words[r->n++] = short_option(word);
		}
	}
}

/* Each word of a is one of b, as often as in a. */
static bool words_are_in(const struct span *a, size_t n_a, const struct span *b, size_t n_b)
{
	bool used[COMMAND_WORDS] = { false };

	for (size_t i = 0; i < n_a; i++) {
		size_t k = 0;
		while (k < n_b && (used[k] || !span_equal(a[i], b[k])))
			k++;
		if (k == n_b)
			return false;
		used[k] = true;
	}
	return true;
}

static bool undoes_rule(const struct command *down, const struct command *up)
{
	struct rule d, u;

	parse_rule(&d, down);
	parse_rule(&u, up);
	if (!span_equal(d.program, u.program) || !span_equal(d.table, u.table))
		return false;
	if (span_is(d.action, "-F") || span_is(d.action, "--flush") || span_is(d.action, "-X"))
		return d.chain.n == 0 || span_equal(d.chain, u.chain);
	if ((!span_is(d.action, "-D") && !span_is(d.action, "--delete")) || !span_equal(d.chain, u.chain))
		return false;
	return d.by_number || (d.n == u.n && words_are_in(d.words, d.n, u.words, u.n));
}

/* `ip rule del` and `ip route del` need only some of the words. */
static bool undoes_ip(const struct command *down, const struct command *up)
{
	struct span words[COMMAND_WORDS];
	size_t n = 0;

	for (size_t i = 0; i < down->n; i++) {
		struct span word = down->words[i];
		if (is_one_of(word, removes, ARRAY_LEN(removes)) || (word.n > 0 && word.p[0] == '-') || span_is(word, "sudo"))
			continue;
		words[n++] = word;
	}
	return has_word(down, removes, ARRAY_LEN(removes)) && n > 2 && words_are_in(words, n, up->words, up->n);
}

bool command_undoes(const struct command *down, const struct command *up)
{
	static const char *const flush[] = { "flush", "f" };
	size_t program;
	enum command_kind kind = command_kind(up, &program);

	if (command_kind(down, &program) != kind || down->has_more || up->has_more)
		return down->has_more || up->has_more;
	switch (kind) {
	case COMMAND_OTHER:
	case COMMAND_HARMLESS: return true;
	case COMMAND_IPTABLES: return undoes_rule(down, up);
	case COMMAND_IP_RULE:
	case COMMAND_IP_ROUTE: return has_word(down, flush, ARRAY_LEN(flush)) || undoes_ip(down, up);
	case COMMAND_NFT:
	case COMMAND_UFW:
	case COMMAND_FIREWALLD: return !command_adds(down, (struct span){ NULL, 0 }); /* any that removes something */
	}
	unreachable();
}
