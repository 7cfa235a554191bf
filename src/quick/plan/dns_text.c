/* The text of a DNS step. */
#include "dns_text.h"

#include "base/vector.h"
#include "shell_quote.h"

void dns_resolvconf_text(struct text *t, const struct dns_config *d)
{
	for (size_t i = 0; i < d->servers.n; i++)
		text_f(t, "nameserver %s\n", d->servers.list[i]);
	if (d->domains.n == 0)
		return;
	text_add(t, "search");
	for (size_t i = 0; i < d->domains.n; i++)
		text_f(t, " %s", d->domains.list[i] + (d->domains.list[i][0] == '~'));
	text_char(t, '\n');
}

void dns_file_text(struct text *t, const struct dns_config *d, struct span before, const char *name)
{
	struct span line;

	/* Files that an older version wrote are recognised by this text, too. */
	text_f(t, "# Made by wg-quick(8) for %s; what was here comes back when it goes down.\n",
	       name);
	dns_resolvconf_text(t, d);
	while (span_next(&line, &before, '\n')) {
		struct span word = span_trim(line);
		bool server = span_starts(word, "nameserver");
		if ((server && d->servers.n == 0) || span_starts(word, "options")) {
			text_span(t, word);
			text_char(t, '\n');
		}
	}
}

static void print_resolvconf(struct text *t, const struct plan *p, const struct step *s,
			     bool runnable)
{
	struct text input = text_heap();

	if (s->remove) {
		text_f(t, "[#] resolvconf -d %s%s -f\n", p->dns_prefix, p->name);
		return;
	}
	text_f(t, "[#] resolvconf -a %s%s -m 0 -x", p->dns_prefix, p->name);
	if (runnable) {
		dns_resolvconf_text(&input, &p->dns);
		text_add(t, " <<<");
		shell_quote(t, text_of(&input));
	}
	text_char(t, '\n');
	text_heap_free(&input);
}

bool dns_is_default_route(const struct dns_config *d)
{
	for (size_t i = 0; i < d->domains.n; i++)
		if (d->domains.list[i][0] == '~')
			return false;
	return d->servers.n > 0;
}

static void print_resolved(struct text *t, const struct plan *p, const struct step *s)
{
	bool default_route = dns_is_default_route(&p->dns);

	if (s->remove) {
		text_f(t, "[#] resolvectl revert %s\n", p->name);
		return;
	}
	if (p->dns.servers.n > 0) {
		text_f(t, "[#] resolvectl dns %s", p->name);
		for (size_t i = 0; i < p->dns.servers.n; i++)
			text_f(t, " %s", p->dns.servers.list[i]);
		text_char(t, '\n');
	}
	text_f(t, "[#] resolvectl domain %s", p->name);
	for (size_t i = 0; i < p->dns.domains.n; i++)
		text_f(t, " '%s'", p->dns.domains.list[i]);
	if (default_route)
		text_add(t, " '~.'");
	text_f(t, "\n[#] resolvectl default-route %s %s\n", p->name,
	       default_route ? "true" : "false");
}

static void print_file(struct text *t, const struct plan *p, const struct step *s)
{
	struct text content = text_heap();

	if (s->remove) {
		text_f(t, "[#] cp /etc/resolv.conf.wg-quick-%s /etc/resolv.conf\n", p->name);
		return;
	}
	dns_file_text(&content, &p->dns, (struct span){ "", 0 }, p->name);
	text_f(t, "[#] cp /etc/resolv.conf /etc/resolv.conf.wg-quick-%s\n[#] printf %%s ", p->name);
	text_char(&content, '\n');
	shell_quote(t, text_of(&content));
	text_add(t, "$'\\n' > /etc/resolv.conf\n");
	text_heap_free(&content);
}

void dns_print(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	switch (p->dns_backend) {
	case DNS_NONE:
		return;
	case DNS_RESOLVCONF:
		print_resolvconf(t, p, s, runnable);
		return;
	case DNS_RESOLVED:
		print_resolved(t, p, s);
		return;
	case DNS_FILE:
		print_file(t, p, s);
		return;
	}
	unreachable();
}
