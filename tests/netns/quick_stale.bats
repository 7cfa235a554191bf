# What tunnels leave behind whose daemon died and whose journal is lost, as when a container is started again in the same
# network namespace: up, down and reload, also of other tunnels, remove it, and nothing of other programs.
load ../lib/netns
load ../lib/quick
load ../lib/firewall

FULL="0.0.0.0/0, ::/0"

setup() {
	net_begin
	quick_host
	for i in 0 1; do quick_file wg$i "Address = 10.7.$i.1/24, fd07:$i::1/64" "$FULL"; done
	quick_file split "Address = 10.8.0.1/24" "10.8.0.0/16"
	before=$(settled_state)
}
teardown() { net_end; }

# Without a journal it is not known what the sysctl was.
settled_state() { quick_state | sed '/^# sysctl/,+1d'; }

# restored: as before the first tunnel.
restored() {
	is_restored() { [ "$(settled_state)" = "$before" ]; }
	eventually 5 is_restored && return
	diff <(echo "$before") <(settled_state) >&2
	return 1
}

die() { kill_daemon "$1"; }

lose_journals() { on a rm -rf /run/wgsuite; }

# lost NAME…: these tunnels were up, and a container ended with all of /run.
lost() {
	local name
	for name in "$@"; do on a wg-quick up "$name"; done
	for name in "$@"; do die "$name"; done
	on a rm -rf /run/wgsuite /run/wireguard
	is_blocked
}

reaches() { [[ $(on a ip route get "$@" 2>&1) == *" dev "* ]]; }
is_blocked() { not reaches 8.8.8.8 && not reaches 2001:db8:77::1; }
is_free() { [[ $(on a ip route get 8.8.8.8) == *"dev eth0"* && $(on a ip route get 2001:db8:77::1) == *"dev eth0"* ]]; }
rules() { on a sh -c 'ip -4 rule; ip -6 rule'; }
warning="warning: removing the policy rules and routes of tunnels that are no longer up: table 51820"

@test "down of a tunnel that is dead and not recorded removes what it left" {
	lost wg0
	run -0 on a wg-quick down wg0
	[[ $output == *"wg-quick: wg0: $warning"*"[#] ip -4 rule delete table 51820"* ]]
	restored
	is_free
	# Without firewall rules nothing tells that it is this tunnel.
	printf '[firewall]\nbackend = none\n' | on a install -m 644 /dev/stdin /etc/wireguard/wgsuite.ini
	before=$(settled_state)
	lost wg0
	run -1 on a wg-quick down wg0
	[ "${lines[-1]}" = "wg-quick: \`wg0' is not a WireGuard interface" ]
	restored
	run -1 on a wg-quick down wg0
	[ "$output" = "wg-quick: \`wg0' is not a WireGuard interface" ]
}

@test "up of the same tunnel, and up, down and reload of another one, remove it" {
	lost wg0
	run -0 on a wg-quick up wg0
	[[ $output == *"$warning"* ]]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0 table 51820"* ]]
	[ "$(rules | grep -c -e 51820 -e 0xca6c -e suppress)" = 4 ]
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	on a wg-quick down wg0
	restored
	lost wg0
	run -0 on a wg-quick up split
	[[ $output == *"wg-quick: split: $warning"* ]]
	[[ $output == *"wg-quick: split: warning: removing the firewall rules of a tunnel that is no longer up: wg0"* ]]
	is_free
	on a wg-quick down split
	restored
	for then in down reload; do
		on a wg-quick up split
		on a wg-quick up wg0
		die wg0
		lose_journals
		run on a wg-quick $then split
		[[ $output == *"wg-quick: split: $warning"* ]]
		is_free
		[ $then = down ] || on a wg-quick down split
		restored
	done
}

@test "two tunnels, of which one or both died, in any order" {
	for dead in 0 1; do
		alive=$((1 - dead))
		for order in "0 1" "1 0"; do
			for journals in kept lost; do
				for i in $order; do on a wg-quick up wg$i; done
				table=$(($(on a wg show wg$dead fwmark)))
				die wg$dead
				if [ $journals = kept ]; then
					on a sh -c 'rm /run/wgsuite/*wg$1@*' - $dead
				else
					lose_journals
				fi
				run -0 on a wg-quick reload wg$alive
				[[ $output == *"tunnels that are no longer up: table $table"* ]]
				[[ $(on a ip route get 8.8.8.8) == *"dev wg$alive"* ]]
				[[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
				[[ $(rules) != *"lookup $table"* ]]
				[ "$(rules | grep -c -e suppress -e 'lookup 5182')" = 4 ]
				run -0 on a wg-quick diff wg$alive
				[ -z "$output" ]
				on a wg-quick down wg$alive
				restored
			done
		done
	done
	lost wg0 wg1
	on a wg-quick up wg1
	[[ $(on a ip route get 8.8.8.8) == *"dev wg1 table 51820"* ]]
	on a wg-quick down wg1
	restored
}

@test "the journal is lost while the tunnels live: down of each removes its own" {
	for order in "0 1" "1 0"; do
		on a wg-quick up wg0
		on a wg-quick up wg1
		lose_journals
		set -- $order
		on a wg-quick down wg$1
		[[ $(on a ip route get 8.8.8.8) == *"dev wg$2"* ]]
		[[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
		run -0 on a wg-quick reload wg$2
		[ -z "$output" ]
		on a wg-quick down wg$2
		restored
	done
	# Its mark was changed, so that it does not tell which rules are its own.
	on a wg-quick up wg0
	lose_journals
	on a wg set wg0 fwmark 7
	on a wg-quick down wg0
	restored
	# Its peer was removed.
	on a wg-quick up wg0
	lose_journals
	on a wg set wg0 peer "$QUICK_PEER" remove
	on a wg-quick down wg0
	restored
	# The link was deleted.
	on a wg-quick up wg0
	on a ip link delete wg0
	lose_journals
	on a wg-quick down wg0
	restored
}

@test "a tunnel with a journal keeps its rules when it is dead, its link down or in another namespace" {
	on a wg-quick up wg0
	die wg0
	left=$(rules)
	for command in "up split" "reload split" "down split"; do
		run -0 on a wg-quick $command
		[[ $output != *"no longer up"* ]]
		[ "$(rules)" = "$left" ]
		is_blocked
	done
	on a wg-quick down wg0
	restored
	on a wg-quick up wg0
	on a ip link set wg0 down
	for journal in kept lost; do
		on a wg-quick up split
		on a wg-quick down split
		[ "$(rules)" = "$left" ]
		is_blocked
		lose_journals # its mark tells
	done
	on a wg-quick down wg0
	restored
	on a ip netns add other
	on a wg-quick up wg0
	on a ip link set wg0 netns other
	for journal in kept lost; do
		on a wg-quick up split
		on a wg-quick down split
		[ "$(rules)" = "$left" ]
		on a nft list table ip wg-quick-wg0
		lose_journals
	done
	on a ip -n other link delete wg0
	eventually 5 no_daemons a
	on a wg-quick down wg0
	on a ip netns delete other
	on a sh -c 'umount /run/netns; rmdir /run/netns'
	restored
}

@test "an interface that cannot be read: nothing is removed" {
	on a wg-quick up split
	on a wg-quick up wg0
	die wg0
	lose_journals
	on a pkill -STOP -fx 'wireguardd split'
	run -1 on a wg-quick down wg1
	[[ $output == *"warning: cannot determine which policy rules belong to tunnels that are no longer up: Connection timed out"* ]]
	is_blocked
	on a pkill -CONT -fx 'wireguardd split'
	run -1 on a wg-quick down wg1
	[[ $output == *"$warning"* ]]
	is_free
	# A journal that cannot be read may have them.
	on a wg-quick up wg0
	die wg0
	on a sh -c 'for f in /run/wgsuite/wg0@*; do echo damaged > $f; done'
	run -1 on a wg-quick down wg1
	[[ $output == *"warning: cannot determine which policy rules belong to tunnels that are no longer up: Invalid argument"* ]]
	is_blocked
	on a wg-quick down wg0
	is_free
	on a wg-quick down split
	restored
}

# A second container: the network namespace is the same, /run is another one.
@test "a tunnel of a container with the same network namespace keeps its rules" {
	pod() { on a unshare -m sh -c 'mount -t tmpfs tmpfs /run; exec "$@"' sh "$@"; }
	on a wg-quick up wg0
	left=$(rules)
	pod wg-quick up split
	[ "$(rules)" = "$left" ]
	on a ip link delete split
	# While it is being brought up or down there is no default route.
	on a sh -c 'for f in -4 -6; do ip $f route delete default dev wg0 table 51820; done'
	run -0 pod wg-quick up split
	[[ $output == *"warning: cannot determine which policy rules belong to tunnels that are no longer up: Permission denied"* ]]
	[ "$(rules)" = "$left" ]
	is_blocked
	on a nft list table ip wg-quick-wg0
	on a ip link delete split
	on a wg-quick down wg0
	restored
}

@test "rules, routes and firewall of other programs stay" {
	host_sh a <<-'END'
	for f in -4 -6; do
		ip $f rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
		ip $f rule add pref 5270 lookup 52
		ip $f rule add pref 100 not fwmark 77 lookup 77
		ip $f rule add pref 99 lookup main suppress_prefixlength 0
		ip $f rule add pref 98 fwmark 77 lookup main
		ip $f rule add pref 97 not fwmark 78 lookup 78 protocol kernel
		ip $f rule add pref 96 lookup main suppress_prefixlength 0
		ip $f route add default dev eth0 table 78
		ip $f route add unreachable default metric 32767 table 79
		ip $f route add unreachable default metric 100 table 51821
		ip $f route add unreachable default metric 4278198272 table 53
	done
	nft 'add table inet wg-quick-other; add table ip wg_quick; add chain ip wg_quick c'
	iptables-nft -t mangle -A PREROUTING -m comment --comment "wg-quick(8) rule" -j ACCEPT
	END
	before=$(settled_state)
	lost wg0
	on a wg-quick up split
	on a wg-quick down split
	restored
	lost wg0
	on a wg-quick up wg0
	on a wg-quick down wg0
	restored
}

@test "a running tunnel of Debian's wg-quick keeps its rules" {
	[ -x "$WGSUITE_PEERS/wg-quick" ] || skip "Debian's wg-quick is not available"
	theirs() {
		on a env WG_QUICK_USERSPACE_IMPLEMENTATION="$WGSUITE_BUILD/wireguardd" bash "$WGSUITE_PEERS/wg-quick" "$@"
	}
	for first in ours theirs; do
		[ $first = ours ] || theirs up wg1
		on a wg-quick up wg0
		[ $first = theirs ] || theirs up wg1
		ours=$(($(on a wg show wg0 fwmark))) theirs=$(($(on a wg show wg1 fwmark)))
		die wg0
		lose_journals
		[[ $(rules) == *"lookup $ours"* && $(rules) == *"lookup $theirs"* ]]
		on a wg-quick up split
		[[ $(rules) != *"lookup $ours"* && $(rules) == *"lookup $theirs"* ]]
		[[ $(on a ip route get 8.8.8.8) == *"dev wg1"* ]]
		[[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
		on a nft list table ip wg-quick-wg1
		on a wg-quick down split
		theirs down wg1
		restored
	done
	# Its link is down: the default route is gone, its mark tells.
	theirs up wg1
	on a ip link set wg1 down
	theirs_rules=$(rules)
	on a wg-quick up split
	on a wg-quick down split
	[ "$(rules)" = "$theirs_rules" ]
	theirs down wg1
	restored
}

@test "Debian's down of our tunnel leaves routes of a table that no rule uses: the next up or down removes them" {
	[ -x "$WGSUITE_PEERS/wg-quick" ] || skip "Debian's wg-quick is not available"
	for next in "up wg0" "down wg0" "up split" "down split"; do
		on a wg-quick up wg0
		on a bash "$WGSUITE_PEERS/wg-quick" down wg0
		[[ $(on a ip route show table 51820) == "unreachable default"* ]]
		is_free
		[[ $next != *split ]] || lose_journals
		on a wg-quick $next || [ "$next" = "down split" ]
		[[ $next == "up wg0" || -z $(on a ip route show table 51820; on a ip -6 route show table 51820) ]]
		[[ $next != up* ]] || on a wg-quick down "${next#up }"
		restored
	done
	# A table that the file names.
	quick_file wg0 "FwMark = 1234" "$FULL"
	on a wg-quick up wg0
	on a bash "$WGSUITE_PEERS/wg-quick" down wg0
	lose_journals
	on a wg-quick up wg0
	on a wg-quick down wg0
	restored
}

@test "rules that an earlier tunnel of another program left are used, and removed by down" {
	on a wg-quick up wg0
	expected=$(rules)
	on a wg-quick down wg0
	host_sh a <<-'END'
	for f in -4 -6; do ip $f rule add not fwmark 51820 table 51820; ip $f rule add table main suppress_prefixlength 0; done
	END
	on a wg-quick up wg0
	[ "$(rules)" = "$expected" ]
	on a wg-quick down wg0
	restored
}

@test "additional routes in the table of a dead tunnel do not protect its rules, another default route does" {
	lost wg0
	on a ip route add 10.99.0.0/16 via 192.168.5.254 table 51820
	on a wg-quick down wg0
	is_free
	[ "$(on a ip route show table 51820)" = "10.99.0.0/16 via 192.168.5.254 dev eth0 " ]
	on a ip route flush table 51820
	restored
	lost wg0
	on a ip route add default via 192.168.5.254 table 51820
	left=$(rules)
	on a wg-quick up split
	on a wg-quick down split
	[ "$(rules)" = "$left" ]
	on a ip route delete default via 192.168.5.254 table 51820
	on a wg-quick down wg0 || true
	restored
}

@test "firewall rules of each tool" {
	on a mkdir -p /etc/tools
	for tool in nft iptables-nft iptables-legacy; do
		use $tool
		before=$(settled_state)
		quick up wg0
		die wg0
		lose_journals
		[[ $(settled_state; saved) == *wg-quick* ]]
		use nft
		quick up split
		quick down split
		[[ $(settled_state; saved) != *wg-quick?wg0* && $(saved) != *"wg-quick(8)"* ]]
		is_free
	done
}

@test "firewall rules that cannot be listed: nothing is removed" {
	on a mkdir -p /etc/tools
	use iptables-nft
	quick up split
	quick up wg0
	die wg0
	lose_journals
	left=$(rules)
	firewall=$(saved)
	for broken in iptables-nft-save nft; do
		printf '#!/bin/sh\nexit 1\n' | on a install -m 755 /dev/stdin "/etc/tools/$broken"
		on a touch /etc/tools/libnftables.so.1 # instead of the library
		run on a env LD_LIBRARY_PATH=/etc/tools PATH="/etc/tools:$NET_PATH" wg-quick reload split
		[[ $output == *"split: warning: cannot determine which policy rules belong to tunnels that are no longer up: Input/output error"* ]]
		[ "$(rules)" = "$left" ]
		[ "$(saved)" = "$firewall" ]
		on a rm "/etc/tools/$broken" /etc/tools/libnftables.so.1
	done
	quick down split
	is_free
	[[ $(saved) != *"wg-quick(8)"* ]]
}

@test "the firewall rules of a tunnel that another wg-quick has locked stay" {
	on a wg-quick up wg0
	lock=$(on a sh -c 'echo /run/wgsuite/wg0@*').lock
	die wg0
	on a rm "${lock%.lock}"
	left=$(on a nft list ruleset)
	for command in "up split" "down split"; do
		run -0 on a flock "$lock" wg-quick $command
		[[ $output != *"removing the firewall rules"* ]]
		[ "$(on a nft list ruleset)" = "$left" ]
	done
	on a wg-quick up split
	run -0 on a wg-quick down split
	[[ $output == *"split: warning: removing the firewall rules of a tunnel that is no longer up: wg0"* ]]
	on a rm -f "$lock"
	restored
}

@test "a kernel without IPv6 policy rules" {
	"${CC:-cc}" -O1 -shared -fPIC -o "$NET_DIR/norules.so" "$BATS_TEST_DIRNAME/without_rules6.c" -ldl
	without() { on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick "$@"; }
	without up wg0
	die wg0
	lose_journals
	is_blocked
	without up split
	without down split
	is_free
	restored
}

@test "src_valid_mark stays as it is when the journal is lost" {
	sysctl() { on a cat /proc/sys/net/ipv4/conf/all/src_valid_mark; }
	[ "$(sysctl)" = 0 ]
	on a wg-quick up wg0
	lost_journal_of=wg0
	die $lost_journal_of
	lose_journals
	on a wg-quick up wg0
	on a wg-quick down wg0
	[ "$(sysctl)" = 1 ]
	restored
}
