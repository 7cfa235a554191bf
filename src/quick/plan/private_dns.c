/* Name resolution in a private network namespace. */
#include "private_dns.h"

#include "resolv_conf.h"

/* ---- resolv.conf ---- */

static bool is_loopback(const struct ip_addr *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return a->family == IP_V4 ? a->b[0] == 127 || a->b[0] == 0 : memcmp(a->b, v6, sizeof v6) == 0;
}

static bool is_routed(const struct wg_device *d, const struct ip_addr *a)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (!(d->peers[i].allowedips[k].flags & WG_ALLOWEDIP_REMOVE) &&
			    prefix_contains(&d->peers[i].allowedips[k].prefix, a))
				return true;
	return false;
}

static size_t print_reachable(struct text *t, const struct wg_device *d, struct span host)
{
	static const char key[] = "nameserver";
	struct span line;
	size_t n = 0;

	while (host.n > 0 && span_next(&line, &host, '\n')) {
		struct span word = span_trim(line);
		struct ip_addr a;
		if (!span_starts(word, key))
			continue;
		word = span_trim(span_sub(word, sizeof key - 1, word.n));
		if (!ip_parse(&a, word) || is_loopback(&a) || ip_is_v6_link_local(&a) || !is_routed(d, &a))
			continue;
		text_f(t, "nameserver %.*s\n", (int)word.n, word.p);
		n++;
	}
	return n;
}

size_t private_resolv_conf_print(struct text *t, const struct tunnel_file *f, struct span host)
{
	const struct dns_config *dns = &f->interface.dns;

	text_add(t, "# Written by wg-quick run.\n");
	resolv_conf_print_servers(t, dns);
	return dns->servers.n > 0 ? dns->servers.n : print_reachable(t, &f->device, host);
}

/* ---- nsswitch.conf ---- */

/* A service, or a reaction to its result, as in "dns [!UNAVAIL=return]". */
static struct span next_word(struct span *rest)
{
	size_t n = 0;

	*rest = span_trim(*rest);
	if (rest->n > 0 && rest->p[0] == '[') {
		n = span_find(*rest, ']');
		n += n < rest->n;
	} else {
		while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t' && rest->p[n] != '[')
			n++;
	}
	struct span word = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n, rest->n);
	return word;
}

static void print_hosts(struct text *t, struct span services)
{
	static const char *const kept[] = { "files", "dns", "myhostname" };
	bool is_kept = false, dns = false;

	text_add(t, "hosts:");
	for (struct span word = next_word(&services); word.n > 0; word = next_word(&services)) {
		if (word.p[0] != '[') {
			is_kept = false;
			for (size_t i = 0; i < ARRAY_LEN(kept); i++)
				is_kept |= span_is(word, kept[i]);
			dns |= span_is(word, "dns");
		}
		if (is_kept)
			text_f(t, " %.*s", (int)word.n, word.p);
	}
	if (!dns)
		text_add(t, " dns");
	text_char(t, '\n');
}

void private_nsswitch_print(struct text *t, struct span host)
{
	static const char key[] = "hosts:";
	struct span line;

	while (host.n > 0 && span_next(&line, &host, '\n')) {
		struct span entry = span_trim(line);
		if (span_starts(entry, key)) {
			entry = span_sub(entry, sizeof key - 1, entry.n);
			print_hosts(t, span_sub(entry, 0, span_find(entry, '#')));
		} else {
			text_span(t, line);
			text_char(t, '\n');
		}
	}
}
