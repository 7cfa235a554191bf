/* Chooses the DNS back-end and performs DNS steps with it. */
#include "dns.h"

#include "dns_resolvconf.h"
#include "dns_resolved.h"

static bool backend_by_name(enum dns_backend *out, const char *name)
{
	static const char *const names[] = { [DNS_NONE] = "none", [DNS_RESOLVCONF] = "resolvconf",
					     [DNS_RESOLVED] = "resolved", [DNS_FILE] = "file" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum dns_backend)i;
			return true;
		}
	return false;
}

/* A resolvconf that is installed is the one that writes resolv.conf, unless that is a link to a file of
 * systemd-resolved. */
static enum dns_backend choose(const struct resolv_conf *now, bool resolvconf)
{
	enum resolved_owns owns = resolved_owns(now);

	if ((owns == RESOLVED_OWNS_LINK || (owns == RESOLVED_IS_NAMED && !resolvconf)) && resolved_answers())
		return DNS_RESOLVED;
	return resolvconf ? DNS_RESOLVCONF : DNS_FILE;
}

enum dns_backend dns_choose(const struct settings *set, const struct resolv_conf *now, char prefix[32])
{
	bool resolvconf = resolvconf_is_installed(prefix);
	enum dns_backend b;

	if (!backend_by_name(&b, set->dns)) /* "auto", or not set */
		b = choose(now, resolvconf);
	if (b != DNS_RESOLVCONF)
		prefix[0] = '\0';
	return b;
}

static int apply_resolvconf(const struct plan *p, const struct step *s, unsigned int limit_s, struct text *why)
{
	char record[48];
	struct text t = text_fixed(record, sizeof record);

	text_f(&t, "%s%s", p->dns_prefix, p->name);
	return s->remove ? resolvconf_revert(record, limit_s, why) : resolvconf_set(record, &p->dns, limit_s, why);
}

int dns_apply(const struct plan *p, const struct step *s, const struct dns_file *file, const struct settings *set, struct text *why)
{
	switch (p->dns_backend) {
	case DNS_NONE:
		return 0;
	case DNS_RESOLVCONF:
		return apply_resolvconf(p, s, settings_dns_timeout_s(set), why);
	case DNS_RESOLVED:
		return s->remove ? resolved_revert(file->ifindex, why) : resolved_set(file->ifindex, &p->dns, why);
	case DNS_FILE:
		return s->remove ? dns_file_restore(file, why) : dns_file_set(file, &p->dns, why);
	}
	unreachable();
}
