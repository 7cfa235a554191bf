# wg-quick monitor: restores what other programs remove from a tunnel, as the journal has it; leaves alone what was
# changed on purpose; gives way to a program that insists.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

FULL="0.0.0.0/0, ::/0"

setup() {
	net_begin
	quick_host
	quick_file wg0 $'Address = 10.7.0.1/24, fd07::1/64\nDNS = 10.7.0.53\nPostUp = echo %i >> /run/hooks' "$FULL"
	quick_file split $'Address = 10.8.0.1/24\nRouteMetric = 7\nExcludeIPs = 10.9.4.0/24\nKillSwitch = lan' "10.8.0.0/16, 10.9.0.0/16"
	untouched=$(state)
}
teardown() { net_end; }

# A tunnel of which nothing differs, and no hook ran twice.
is_as_the_file() { [ -z "$(on a wg-quick diff "$1" 2>&1)" ] && [ "$(on a cat /run/hooks)" = wg0 ]; }

@test "rules, routes, addresses, firewall rules, name servers and the sysctl come back" {
	on a wg-quick up wg0
	on a wg-quick up split
	monitor_start
	restores ip -4 rule del table 51820
	eventually 5 says "wg-quick: wg0: restored IPv4 rule not fwmark 51820 table 51820"
	restores sh -c 'ip -4 rule del table 51820; ip -4 rule del table main suppress_prefixlength 0; ip -6 rule del table 51820
		echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
		ip -4 route del default dev wg0 table 51820; ip -6 route del default dev wg0 table 51820
		ip -4 route del unreachable default table 51820 metric 32767; ip route del 10.9.32.0/19 dev split metric 7
		ip address del 10.7.0.1/24 dev wg0; ip address del fd07::1/64 dev wg0'
	restores nft flush ruleset
	eventually 5 says "wg-quick: wg0: restored firewall rules, and 1 more"
	restores sh -c 'echo "nameserver 192.168.5.254" > /etc/resolv.conf'
	eventually 5 says "wg-quick: wg0: restored name servers"
	eventually 5 says "wg-quick: split: restored route 10.9.32.0/19"
	is_as_the_file wg0
	# status shows the last of it.
	[[ $(on a wg-quick status wg0) == *"  monitor"*"running, restored name servers "* ]]
	on a wg-quick status json > "$NET_DIR/json"
	[[ $(jq -c '.wg0.monitor | .running, .last' "$NET_DIR/json" | xargs) == "true restored name servers" ]]
	on a wg-quick down wg0
	on a wg-quick down split
	quick_settled "$untouched" state
	not says "gone"
	# Its own files go with the tunnels and with it.
	monitor_stop
	on a test ! -e /run/wgsuite
}

@test "policy rules that a network manager flushes come back, whatever is left" {
	on a wg-quick up wg0
	monitor_start
	restores sh -c 'for family in -4 -6; do ip $family rule flush; ip $family rule add pref 32766 table main; done; ip rule add pref 32767 table default'
	# With another program's rules in between, ours are where they have their effect.
	on a sh -c 'ip -4 rule flush; ip -4 rule add pref 100 to 192.0.2.0/24 table 7; ip -4 rule add pref 32766 table main; ip -4 rule add pref 32767 table default'
	has_its_rule() { on a ip route get 8.8.8.8 | grep -q 'dev wg0'; }
	eventually 5 has_its_rule
	is_as_the_file wg0
}

@test "the MTU follows the path: DHCP renewals, another uplink, its MTU" {
	on a wg-quick up split
	monitor_start
	mtu_is() { [ "$(on a cat /sys/class/net/split/mtu)" = "$1" ]; }
	mtu_is 1420
	in_net a ip route change default via 192.168.5.254 mtu 1400 # the endpoint is on the link
	in_net a ip route add 192.168.5.254 dev eth0 mtu 1400
	eventually 5 mtu_is 1320
	eventually 5 says "wg-quick: split: set the MTU to 1320"
	in_net a ip route del 192.168.5.254 dev eth0 mtu 1400
	eventually 5 mtu_is 1420
	in_net a ip link set eth0 mtu 1380
	eventually 5 mtu_is 1300
	# Renumbered.
	in_net a ip link set eth0 mtu 1500
	in_net a ip address flush dev eth0 scope global
	in_net a ip address add 192.168.5.77/24 dev eth0
	in_net a ip route add default via 192.168.5.254
	eventually 5 mtu_is 1420
	[ -z "$(on a wg-quick diff split 2>&1)" ]
}

@test "what was changed on purpose stays: a link that is down, an edited file, wg set" {
	on a wg-quick up wg0
	on a wg-quick up split
	monitor_start
	in_net a ip link set split down
	eventually 5 says "wg-quick: split: warning: the interface was set down: settings that need it are restored when it is up"
	in_net a ip link set wg0 down
	eventually 5 says "wg-quick: wg0: warning: the interface was set down"
	# Nothing may leave by another route meanwhile.
	on a sh -c 'ip -4 rule del table 51820; ip -4 route del unreachable default table 51820 metric 32767'
	is_blocked() { [[ $(on a ip route get 8.8.8.8 2>&1) != *"dev eth0"* ]]; }
	eventually 5 is_blocked
	[ -z "$(on a ip -o link show up | grep -E 'wg0|split')" ]
	in_net a ip link set wg0 up
	has_default() { on a ip -4 route show table 51820 | grep -q '^default dev wg0'; }
	eventually 5 has_default
	in_net a ip link set split up
	has_route() { on a ip route show 10.9.32.0/19 | grep -q split; }
	eventually 5 has_route
	# The file is not applied, and what was applied before is kept.
	on a sed -i 's/10.7.0.1/10.7.0.9/; s|^AllowedIPs.*|AllowedIPs = 10.55.0.0/16|; s/^DNS.*//' /etc/wireguard/wg0.conf
	eventually 5 says "wg-quick: wg0: warning: /etc/wireguard/wg0.conf was changed: \`wg-quick reload wg0' applies it"
	restores sh -c 'ip -4 rule del table 51820; ip address del 10.7.0.1/24 dev wg0; nft flush ruleset'
	on a wg-quick reload wg0
	eventually 5 is_as_the_file wg0
	on a install -D -m 600 /dev/stdin /etc/wireguard/split.conf.d/mtu.conf <<< $'[Interface]\nMTU = 1300'
	in_net a ip address delete 10.8.0.1/24 dev split
	eventually 5 says "wg-quick: split: warning: /etc/wireguard/split.conf was changed"
	has_address() { in_net a ip address show dev split | grep -q 10.8.0.1/24; }
	eventually 5 has_address
	on a rm -r /etc/wireguard/split.conf.d
	# A peer without the allowed IP has no route to it.
	on a wg set split peer "$QUICK_PEER" allowed-ips 10.8.0.0/16
	before=$(state | sed '/^10\.9\./d')
	on a sh -c 'ip route del 10.9.32.0/19 dev split metric 7; ip address del 10.8.0.1/24 dev split'
	quick_settled "$before" state
}

@test "a program that insists is left alone, with one warning that names it" {
	on a wg-quick up wg0
	on a wg-quick up split
	monitor_start
	on_bg a sh -c 'while :; do ip link set split mtu 1000; sleep 0.02; done'
	on_bg a python3 "$BATS_TEST_DIRNAME/rule_remover.py" 51820
	eventually 10 says "removes the IPv4 rule not fwmark 51820 table 51820 as often as it is restored: left alone for 5 minutes"
	grep -qE "wg-quick: wg0: warning: \`python3' \(process [0-9]+\) removes" "$LOG"
	[ "$(grep -c "wg0: restored" "$LOG")" = 3 ]
	# The rest of the tunnel is still kept; without this rule.
	on a ip -6 rule del table 51820
	eventually 5 says "wg-quick: wg0: restored IPv6 rule"
	[ -z "$(in_net a ip -4 rule show table 51820)" ]
	eventually 10 says "wg-quick: split: warning: another program changes the MTU as often as it is restored: left alone for 5 minutes"
	[ "$(grep -c warning "$LOG")" = 2 ]
	on a wg-quick down wg0
}

@test "lost events are no loss; routes of others, and their firewall rules, cost no wake-up" {
	on a wg-quick up wg0
	on a wg-quick up split
	monitor_start
	restores ip -4 rule del table 51820
	# A BGP feed, fail2ban, and nothing.
	others() { on a bash -c 'for ((i = 0; i < 5000; i++)); do echo "route add 10.$((100 + i / 256)).$((i % 256)).0/24 via 192.168.5.254"; done | ip -batch -
		ip -4 route flush 10.100.0.0/14 root 10.96.0.0/11
		for ((i = 0; i < 500; i++)); do echo "route add 10.1.$((i % 256)).$((i / 256)) via 192.168.5.254 table 99"; done | ip -batch -
		nft add table inet f2b; nft add set inet f2b banned "{ type ipv4_addr; }"; nft add element inet f2b banned "{ 192.0.2.1 }"
		nft delete element inet f2b banned "{ 192.0.2.1 }"; nft delete table inet f2b; ip route flush table 99'; }
	for try in 1 2 3; do # it wakes up every 30 seconds
		monitor_sleeps
		before=$(wakeups)
		others
		[ "$(wakeups)" != "$before" ] || break
	done
	[ "$(wakeups)" = "$before" ]
	# More events than the socket holds, ours among the first.
	on a kill -STOP "$(monitor_pid)"
	before=$(state)
	on a bash -c 'ip -4 rule del table 51820; ip route del 10.9.32.0/19 dev split metric 7
		for verb in add del; do for ((i = 0; i < 3000; i++)); do echo "rule $verb pref $((1000 + i)) to 192.0.2.1 table 77"; done; done | ip -batch -'
	on a kill -CONT "$(monitor_pid)"
	eventually 10 is_restored "$before"
}

@test "little memory, few rights, one process" {
	on a wg-quick up wg0
	monitor_start
	restores nft flush ruleset
	eventually 5 says "restored firewall rules"
	process=/proc/$(monitor_pid)/status
	[ "$(on a sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "$process")" -lt 4096 ]
	[[ $(on a grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' "$process" | xargs) == \
		"CapPrm: 0000000000001000 CapEff: 0000000000001000 CapBnd: 0000000000001000 NoNewPrivs: 1 Seccomp: 2" ]]
	run -1 on a wg-quick monitor
	[ "$output" = "wg-quick: another \`wg-quick monitor' runs in this network namespace" ]
	# After it was killed, the next one restores what was removed meanwhile.
	before=$(state)
	pid=$(monitor_pid)
	on a kill -KILL "$pid"
	eventually 5 not on a kill -0 "$pid"
	eventually 5 not on a pgrep -fx "wg-quick monitor" # its helper
	on a sh -c 'ip -4 rule del table 51820; nft flush ruleset'
	[[ $(on a wg-quick status wg0) == *"  monitor"*"not running, restored firewall rules"* ]]
	monitor_start
	eventually 5 is_restored "$before"
}

@test "down, reload and restart are not disturbed, and disturb nothing, while it repairs" {
	monitor_start
	on_bg a sh -c 'while :; do ip -4 rule del table 51820; ip -6 rule del table 51820; ip route del 10.9.32.0/19 metric 7; nft flush ruleset; sleep 0.05; done'
	for round in 1 2 3; do
		on a rm -f /run/hooks
		on a wg-quick up wg0
		on a wg-quick up split
		on a wg-quick reload wg0
		on a wg-quick restart split
		on a wg-quick down split
		on a wg-quick down wg0
		on a rm -f /run/hooks
	done
	kill "$BG"
	[ -z "$(on a ip -o link show type tun)" ]
	quick_settled "$untouched" state
	not says "gone"
}

@test "under systemd, messages belong to the unit of the tunnel as well" {
	on a mkdir -p /run/systemd/journal
	on_bg a python3 -c 'import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
while True: print(s.recv(4096).decode(), flush=True)'
	journal=$BG_LOG
	eventually 5 on a test -S /run/systemd/journal/socket
	on a wg-quick up wg0
	JOURNAL_STREAM=1:1 monitor_start
	restores ip -4 rule del table 51820
	is_logged() { [ "$(sed '/^$/d' "$journal")" = "PRIORITY=6
SYSLOG_IDENTIFIER=wg-quick
OBJECT_SYSTEMD_UNIT=wg-quick@wg0.service
MESSAGE=wg0: restored IPv4 rule not fwmark 51820 table 51820" ]; }
	eventually 5 is_logged
	[ ! -s "$LOG" ]
	# A failure is an error there.
	in_net a ip route replace default via 192.168.5.254 dev eth0 table 51820
	eventually 5 grep -qF "MESSAGE=wg0: cannot restore route 0.0.0.0/0 in table 51820" "$journal"
	grep -q PRIORITY=3 "$journal"
	# It is tried again, in vain, more often than three times within a minute, but that is no fight with another program.
	for i in 1 2 3; do
		in_net a ip link set wg0 txqueuelen $((500 + i))
		sleep 1.1 # at most one attempt a second
	done
	[ "$(grep -c "MESSAGE=wg0: cannot restore" "$journal")" = 1 ]
	in_net a ip route delete default via 192.168.5.254 dev eth0 table 51820
	eventually 5 grep -qF "MESSAGE=wg0: restored route 0.0.0.0/0 in table 51820" "$journal"
}
