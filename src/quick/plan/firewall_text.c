/* The text of a firewall step. */
#include "firewall_text.h"

#include "base/vector.h"
#include "shell_quote.h"

const char *nft_family_name(uint8_t family)
{
	return family == IP_V4 ? "ip" : "ip6";
}

void firewall_nft_text(struct text *t, const struct plan *p, const struct step *s)
{
	const char *family = nft_family_name(s->firewall.family), *name = p->name;

	if (s->remove) {
		text_f(t, "delete table %s wg-quick-%s\n", family, name);
		return;
	}
	/* "add" and "delete" first: what an earlier run left behind goes in the same transaction.
	 */
	text_f(t,
	       "add table %s wg-quick-%s\ndelete table %s wg-quick-%s\nadd table %s wg-quick-%s\n",
	       family, name, family, name, family, name);
	text_f(t,
	       "add chain %s wg-quick-%s preraw { type filter hook prerouting priority -300; }\n",
	       family, name);
	text_f(t,
	       "add chain %s wg-quick-%s premangle { type filter hook prerouting priority -150; "
	       "}\n",
	       family, name);
	text_f(t,
	       "add chain %s wg-quick-%s postmangle { type filter hook postrouting priority -150; "
	       "}\n",
	       family, name);
	for (size_t i = 0; i < p->guarded.n; i++) {
		if (p->guarded.list[i].local.family != s->firewall.family)
			continue;
		text_f(t, "add rule %s wg-quick-%s preraw iifname != \"%s\" %s daddr ", family,
		       name, name, family);
		ip_print(t, &p->guarded.list[i].local);
		text_add(t, " fib saddr type != local drop\n");
	}
	text_f(t, "add rule %s wg-quick-%s postmangle meta l4proto udp mark %u ct mark set mark\n",
	       family, name, s->firewall.mark);
	text_f(t, "add rule %s wg-quick-%s premangle meta l4proto udp meta mark set ct mark\n",
	       family, name);
}

void firewall_iptables_text(struct text *t, const struct plan *p, const struct step *s)
{
	const char *op = s->remove ? "-D" : "-A", *name = p->name;

	text_add(t, "*raw\n");
	for (size_t i = 0; i < p->guarded.n; i++) {
		if (p->guarded.list[i].local.family != s->firewall.family)
			continue;
		text_f(t, "%s PREROUTING ! -i %s -d ", op, name);
		ip_print(t, &p->guarded.list[i].local);
		text_f(t, " -m addrtype ! --src-type LOCAL -j DROP -m comment --comment "
			  "\"wg-quick(8) rule for %s\"\n", name);
	}
	text_f(t,
	       "COMMIT\n*mangle\n%s POSTROUTING -m mark --mark %u -p udp -j CONNMARK --save-mark "
	       "-m comment --comment \"wg-quick(8) rule for %s\"\n",
	       op, s->firewall.mark, name);
	text_f(t, "%s PREROUTING -p udp -j CONNMARK --restore-mark -m comment --comment "
		  "\"wg-quick(8) rule for %s\"\nCOMMIT\n", op, name);
}

const char *iptables_restore_program(uint8_t family)
{
	return family == IP_V4 ? "iptables-restore" : "ip6tables-restore";
}

void firewall_print(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	bool nft = p->firewall != FIREWALL_IPTABLES;

	if (nft)
		text_add(t, "[#] nft -f /dev/fd/63");
	else
		text_f(t, "[#] %s -n", iptables_restore_program(s->firewall.family));
	if (runnable) {
		struct text commands = text_heap();
		if (nft)
			firewall_nft_text(&commands, p, s);
		else
			firewall_iptables_text(&commands, p, s);
		text_add(t, nft ? " 63<<<" : " <<<");
		shell_quote(t, text_of(&commands));
		text_heap_free(&commands);
	}
	text_char(t, '\n');
}
