# Leaks while wg-quick starts a full tunnel: after its first rule no packet leaves unencrypted on the uplink, and its
# address never accepts packets from outside.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
}
teardown() { net_end; }

# A program sends UDP to external addresses as fast as it can. Compared are the times of the captured packets and of the
# rules, by the same clock.
@test "no plaintext packet is captured after the first rule, in 100 starts" {
	on_bg gw tcpdump -Z root -n -tt -i eth0 -U -w /run/uplink.pcap 'udp port 4444'
	capture=$BG
	on_bg a perl -MSocket=:all -e '
		socket(my $four, AF_INET, SOCK_DGRAM, 0); socket(my $six, AF_INET6, SOCK_DGRAM, 0);
		my @to = (pack_sockaddr_in(4444, inet_aton("8.8.8.8")), pack_sockaddr_in6(4444, inet_pton(AF_INET6, "2001:db8:77::1")));
		for (;;) { send($four, "x", 0, $to[0]); send($six, "x", 0, $to[1]); select undef, undef, undef, 0.0002 }'
	captured() { [ "$(on gw stat -c %s /run/uplink.pcap)" -gt 100 ]; }
	eventually 10 captured
	for i in $(seq 100); do
		# Times after the rule was added and before it is removed.
		on a sh -c 'wg-quick up wg0 2>/dev/null && date +%s.%N && ip -4 rule > /dev/null && date +%s.%N && wg-quick down wg0 2>/dev/null'
	done > "$NET_DIR/times"
	sleep 0.2
	kill "$capture"
	on gw tcpdump -n -tt -r /run/uplink.pcap 2> /dev/null | cut -d' ' -f1 > "$NET_DIR/packets"
	[ "$(wc -l < "$NET_DIR/packets")" -gt 100 ] # packets were sent
	# One may be on its way: the program can be stopped after the kernel has chosen the route.
	leaks=$(awk 'NR == FNR { if (FNR % 2) from[++n] = $1; else to[n] = $1; next }
		{ for (i = 1; i <= n; i++) if ($1 > from[i] && $1 < to[i] && ++left[i] > 1) print $1 }' "$NET_DIR/times" "$NET_DIR/packets")
	[ -z "$leaks" ]
}

@test "rules and routes are added in an order that never uses the previous default route" {
	# The order of kernel events: unreachable route, rules, route; the unreachable route stays until down.
	on_bg a stdbuf -oL ip -4 monitor route rule
	log=$BG_LOG
	ready() { on a ip route add 10.250.0.0/16 dev lo && on a ip route delete 10.250.0.0/16 dev lo && grep -q 10.250 "$log"; }
	eventually 5 ready
	on a wg-quick up wg0
	logged() { grep -q "$1" "$log"; }
	eventually 5 logged 'default dev wg0'
	events=$(grep -o -e 'Deleted unreachable default' -e 'unreachable default' -e 'not from all fwmark' -e 'suppress_prefixlength' \
		-e 'default dev wg0' "$log" | xargs -d '\n' printf '%s|')
	[ "$events" = "unreachable default|not from all fwmark|suppress_prefixlength|default dev wg0|" ]
	on a wg-quick down wg0
	eventually 5 logged 'Deleted unreachable default'
}

@test "packets from outside to the tunnel's address are dropped as soon as the address exists" {
	on gw ip route add 10.7.0.1 via 192.168.5.1
	on a sh -c 'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/eth0/rp_filter'
	on_bg gw ping -n -i 0.005 -I 192.168.5.254 10.7.0.1
	outside=$BG_LOG
	for i in $(seq 20); do
		on a wg-quick up wg0
		on a wg-quick down wg0
	done
	run ! grep -q 'bytes from 10.7.0.1' "$outside"
	# Without the nftables table there is a reply, so the test can detect one.
	on a wg-quick up wg0
	on a nft delete table ip wg-quick-wg0
	has_reply() { grep -q 'bytes from 10.7.0.1' "$outside"; }
	eventually 10 has_reply
}
