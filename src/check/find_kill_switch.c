/* Findings about the kill switch. */
#include "commands.h"
#include "finding.h"

static bool is_on(const struct check_file *f)
{
	return f->kill_switch_at.line && !f->has_errors;
}

static void kill_switch_netns(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (!is_on(f) || !f->netns_at.line)
		return;
	found(c, self, f, &f->kill_switch_at, "KillSwitch and Netns cannot be combined: `wg-quick up' refuses the file");
	found_help(c, "remove KillSwitch or Netns");
}

static void kill_switch_split(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (!is_on(f) || f->netns_at.line || f->n_peers == 0 || ((f->routes_v4 || f->routes_v6) && !f->table_off && !f->table_other))
		return;
	found(c, self, f, &f->kill_switch_at, "no default route leads into the tunnel: with the kill switch, this host reaches only the "
	      "allowed IPs of the tunnel%s", f->kill_switch_lan ? ", and the local network" : "");
	found_help(c, "add 0.0.0.0/0 and ::/0 to AllowedIPs, or remove KillSwitch");
}

/* Programs that do nothing without a network. */
static bool needs_network(const struct command *c)
{
	static const char *const programs[] = { "apt", "apt-get", "chronyd", "curl", "dig", "dnf", "drill", "git", "host", "nc", "ncat",
						"nslookup", "ntpdate", "ping", "ping6", "rsync", "scp", "ssh", "traceroute", "wget" };
	struct span word;
	size_t program;

	(void)command_kind(c, &program);
	if (program >= c->n)
		return false;
	word = c->words[program];
	word = span_sub(word, span_find_last(word, '/') < word.n ? span_find_last(word, '/') + 1 : 0, word.n);
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (span_is(word, programs[i]))
			return true;
	return false;
}

/* Before the tunnel is up, and after it is down, nothing leaves the host. */
static void kill_switch_hook(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; is_on(f) && i < f->n_hooks; i++) {
		const struct check_hook *h = &f->hooks[i];
		struct span rest = h->text;
		struct command command;
		bool needs = false;
		if (h->phase != CHECK_PRE_UP && h->phase != CHECK_POST_DOWN)
			continue;
		while (!needs && command_next(&command, &rest))
			needs = needs_network(&command);
		if (!needs)
			continue;
		found(c, self, f, &h->at, "the kill switch is on before PreUp and until after PostDown: this command cannot reach the network");
		found_help(c, "run it in PostUp or PreDown, through the tunnel");
	}
}

static const struct finding list[] = {
	{ .id = "kill-switch-netns", .title = "a kill switch for a tunnel in a network namespace", .level = DIAG_ERROR,
	  .in_file = kill_switch_netns,
	  .why = "The programs in the network namespace of Netns have no other way than the tunnel, which is a kill switch already. KillSwitch "
		 "would block the programs outside, which do not use the tunnel at all. `wg-quick up' refuses a file that has both.",
	  .wrong = "[Interface]\nKillSwitch = on\nNetns = private", .right = "[Interface]\nNetns = private",
	  .fix = "Remove KillSwitch or Netns." },
	{ .id = "kill-switch-split", .title = "a kill switch for a tunnel without a default route", .level = DIAG_WARNING,
	  .in_file = kill_switch_split,
	  .why = "KillSwitch rejects all packets that would leave outside the tunnels. Where no default route leads into one, the host reaches "
		 "nothing but the AllowedIPs: neither its name servers nor updates.",
	  .wrong = "[Interface]\nKillSwitch = on\n[Peer]\nAllowedIPs = 10.0.0.0/8", .right = "[Interface]\nKillSwitch = on\n[Peer]\nAllowedIPs = 0.0.0.0/0, ::/0",
	  .fix = "Add default routes to AllowedIPs. If the host is to be isolated, ignore the warning." },
	{ .id = "kill-switch-hook", .title = "a hook that needs the network while the kill switch is on", .level = DIAG_WARNING,
	  .in_file = kill_switch_hook,
	  .why = "The kill switch is on from before the first PreUp hook until after the last PostDown hook. The tunnel is not up yet, or not "
		 "any more, so that a program such as curl reaches nothing.",
	  .wrong = "KillSwitch = on\nPreUp = curl https://example.com/up", .right = "KillSwitch = on\nPostUp = curl https://example.com/up",
	  .fix = "Move the command to PostUp or PreDown, which run while the tunnel is up." },
};
const struct finding_group findings_of_kill_switch = { list, ARRAY_LEN(list) };
