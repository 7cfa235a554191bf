/* Chooses the DNS back-end and performs DNS steps with it. */
#include "dns.h"

#include "dns_file.h"
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

enum dns_backend dns_choose(const struct settings *set, char prefix[32])
{
	bool resolvconf = resolvconf_is_installed(prefix);
	enum dns_backend b;

	if (!backend_by_name(&b, set->dns)) /* "auto", or not set */
		b = resolvconf ? DNS_RESOLVCONF : resolved_is_active() ? DNS_RESOLVED : DNS_FILE;
	if (b != DNS_RESOLVCONF)
		prefix[0] = '\0';
	return b;
}

static int apply_resolvconf(const struct plan *p, const struct step *s)
{
	char record[48];
	struct text t = text_fixed(record, sizeof record);

	text_f(&t, "%s%s", p->dns_prefix, p->name);
	return s->remove ? resolvconf_revert(record) : resolvconf_set(record, &p->dns);
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
		return s->remove ? dns_file_restore(p->name, &p->dns, backup)
				 : dns_file_set(p->name, &p->dns, backup);
	}
	unreachable();
}
