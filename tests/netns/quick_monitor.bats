# wg-quick monitor: restores what other programs remove from a tunnel, as the journal has it; leaves alone what was
# changed on purpose; gives way to a program that insists.
load ../lib/netns
load ../lib/quick
load ../lib/firewall

FULL="0.0.0.0/0, ::/0"

setup() {
	net_begin
	quick_host
	quick_file wg0 $'Address = 10.7.0.1/24, fd07::1/64\nDNS = 10.7.0.53' "$FULL"
	quick_file split "Address = 10.8.0.1/24" "10.8.0.0/16, 10.9.0.0/16"
}
teardown() { net_end; }

# monitor_start: starts the monitor on host a, and waits until it waits for events. Its output is in $LOG.
monitor_start() {
	on_bg a wg-quick monitor
	LOG=$BG_LOG
	eventually 5 monitor_waits
}
# Its last step before it reads the journals is to give up privileges; events after that are not lost.
monitor_waits() { on a grep -q "^Seccomp:[[:space:]]*2" "/proc/$(monitor_pid)/status"; }
monitor_pid() { on a pgrep -o -fx "wg-quick monitor"; }

says() { grep -qF -- "$1" "$LOG"; }

# state: what the tunnel has on the host.
state() { quick_state | sed '/^# files/,$d; /wgsuite/d'; }
is_restored() { [ "$(state)" = "$1" ]; }
# breaks COMMAND…: breaks the tunnel; the monitor restores all of it.
restores() {
	local before
	before=$(state)
	on a "$@"
	eventually 5 is_restored "$before" || { diff <(echo "$before") <(state); sed "s,^,LOG ," "$LOG"; return 1; } >&2
}

@test "rules, routes, addresses, firewall rules and name servers come back" {
	on a wg-quick up wg0
	on a wg-quick up split
	monitor_start
	restores ip -4 rule del table 51820
	eventually 5 says "wg-quick: wg0: restored IPv4 rule not fwmark 51820 table 51820"
	restores sh -c 'ip -4 rule del table 51820; ip -4 rule del table main suppress_prefixlength 0; ip -6 rule del table 51820'
	restores ip -4 route del default dev wg0 table 51820
	restores ip -6 route del default dev wg0 table 51820
	restores ip -4 route del unreachable default table 51820 metric 32767
	restores ip route del 10.9.0.0/16 dev split
	restores ip address del 10.7.0.1/24 dev wg0
	restores ip address del fd07::1/64 dev wg0
	restores nft flush ruleset
	restores nft delete table ip wg-quick-wg0
	restores sh -c 'echo "nameserver 192.168.5.254" > /etc/resolv.conf'
	eventually 5 says "wg-quick: wg0: restored name servers"
	eventually 5 says "wg-quick: split: restored route 10.9.0.0/16"
}
