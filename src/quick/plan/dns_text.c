/* The printed commands of a DNS step. */
#include "dns_text.h"

#include "base/vector.h"
#include "resolv_conf.h"
#include "shell_quote.h"

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
		resolv_conf_print_servers(&input, &p->dns);
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

void resolv_conf_print_path(struct text *t, const char *netns)
{
	if (netns[0])
		text_f(t, "/etc/netns/%s/resolv.conf", netns);
	else
		text_add(t, "/etc/resolv.conf");
}

void dns_file_print_write(struct text *t, const char *path, struct span contents)
{
	text_add(t, "[#] printf %s ");
	shell_quote_all(t, contents);
	text_f(t, " > %s\n", path);
}

/* The contents that the file will have, as far as they follow from the state of the host; host/dns_file.c prints what it
 * does. */
static void print_file(struct text *t, const struct plan *p, const struct step *s)
{
	static const struct resolv_conf unknown;
	const struct resolv_conf *now = p->resolv_conf ? p->resolv_conf : &unknown;
	struct resolv_conf_tunnel self = { .boot = "-", .init = "-", .dns = p->dns };
	char path[RESOLV_CONF_PATH_MAX];
	struct text id = text_fixed(self.id, sizeof self.id), contents = text_heap(), path_text = text_fixed(path, sizeof path);

	text_add(&id, p->dns_id ? p->dns_id : p->name);
	resolv_conf_print(&contents, now, self.id, s->remove ? NULL : &self);
	resolv_conf_print_path(&path_text, p->netns);
	if (p->netns[0] && !s->remove)
		text_f(t, "[#] mkdir -p /etc/netns/%s\n", p->netns);
	if (p->netns[0] && s->remove && now->n <= 1)
		text_f(t, "[#] rm %s\n", path);
	else
		dns_file_print_write(t, path, text_of(&contents));
	text_heap_free(&contents);
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
