#!/usr/bin/env bats
# A hub and two sites behind NAT, with three published tunnel files, unmodified:
#
#   c1 .20 --+                                                        +-- c2 .20
#            lan1 192.168.1.0/24 -- nat1 -- internet -- nat2 -- 172.16.1.0/24 lan2
#   site1 .10+                        192.0.2.0/24 |                  +-- site2 .10
#                                             hub = example.com
#
# A host in one LAN reaches a host in the other through both NATs and the hub.
load ../lib/netns

setup_file() {
	export CONFIGS=$BATS_TEST_DIRNAME/configs
}

setup() {
	net_begin
	lan internet lan1 lan2
	host hub nat1 nat2 site1 site2 c1 c2
	plug internet hub eth0 192.0.2.1/24
	plug internet nat1 wan0 192.0.2.11/24
	plug internet nat2 wan0 192.0.2.12/24
	plug lan1 nat1 lan0 192.168.1.1/24
	plug lan1 site1 eth0 192.168.1.10/24
	plug lan1 c1 eth0 192.168.1.20/24
	plug lan2 nat2 lan0 172.16.1.1/24
	plug lan2 site2 eth0 172.16.1.10/24
	plug lan2 c2 eth0 172.16.1.20/24
	nat nat1 wan0
	nat nat2 wan0
	router hub site1 site2
	route site1 default via 192.168.1.1
	route site2 default via 172.16.1.1
	# The routes of the hosts on the LANs in the published setup.
	route c1 10.1.1.0/24 via 192.168.1.10
	route c1 172.16.1.0/24 via 192.168.1.10
	route c2 10.1.1.0/24 via 172.16.1.10
	route c2 192.168.1.0/24 via 172.16.1.10
	add_hosts_entry site1 192.0.2.1 example.com
	add_hosts_entry site2 192.0.2.1 example.com
	tunnel hub wg0 < "$CONFIGS/scenario4-hub.conf"
	tunnel site1 wg0 < "$CONFIGS/scenario4-site1.conf"
	tunnel site2 wg0 < "$CONFIGS/scenario4-site2.conf"
}

teardown() {
	net_end
}

start_all() {
	on hub wg-quick up wg0
	on site1 wg-quick up wg0
	on site2 wg-quick up wg0
	# Persistent keepalives start the sessions of both sites without any traffic.
	eventually 10 has_handshake hub wg0 D+GcHTk8uRiggEj79IhbbsLWHSdZynYjUVPWcP8aJFg=
	eventually 10 has_handshake hub wg0 up9LDZjYw8/LHH29ZQdp7Mg9bB+LIE7T4OsYLlEXLng=
}

# check_path FROM TO-ADDRESS: twenty pings without loss, three hops (TTL 61), no redirects.
check_path() {
	COUNT=20 run -0 pings "$1" "$2"
	echo "$output"
	[ "$(grep -c 'ttl=61 ' <<< "$output")" = "$(grep -c 'ttl=' <<< "$output")" ]
	[[ ${output,,} != *redirect* ]]
	[[ $output != *DUP* ]]
}

@test "hosts on both LANs reach each other through both NATs and the hub: TTL 61, no loss, no redirect" {
	start_all
	on_bg hub tcpdump -n -i wg0 --immediate-mode -U -w "$NET_DIR/hub.pcap" icmp
	eventually 10 grep -q 'listening on' "$BG_LOG"
	check_path c1 172.16.1.20
	check_path c2 192.168.1.20
	# The hub forwarded echo requests and replies, and sent no redirects.
	has_captured() { tcpdump -n -r "$NET_DIR/hub.pcap" | grep -q "echo request"; }
	eventually 10 has_captured
	run -0 tcpdump -n -r "$NET_DIR/hub.pcap"
	[[ $output == *"echo request"* ]]
	[[ ${output,,} != *redirect* ]]
}

@test "the sites reach each other's tunnel addresses, and the hub reaches both LANs" {
	start_all
	pings site1 10.1.1.1
	pings site2 10.1.1.1
	pings site1 10.1.1.12
	pings site2 10.1.1.11
	pings hub 192.168.1.20
	pings hub 172.16.1.20
}

@test "the hub gets a route for every allowed IP, the sites only those of their PostUp lines" {
	run -0 on hub wg-quick up wg0
	trace=$output
	echo "$trace"
	# Longest prefix first.
	added=$(grep -oE 'route add [0-9./]+' <<< "$trace" | cut -d' ' -f3 | xargs)
	[ "$added" = "10.1.1.12/32 10.1.1.11/32 192.168.1.0/24 172.16.1.0/24" ]
	run -0 on site1 wg-quick up wg0
	echo "$output"
	[[ $output == *"[#] ip -4 route add 10.1.1.0/24 dev wg0"*"[#] ip -4 route add 172.16.1.0/24 dev wg0"* ]]
	[ "$(in_net site1 ip -4 route show dev wg0 | sort | awk '{ print $1 }' | xargs)" = \
		"10.1.1.0/24 172.16.1.0/24" ]
	[ "$(in_net hub ip -4 route show dev wg0 | awk '{ print $1 }' | sort | xargs)" = \
		"10.1.1.11 10.1.1.12 172.16.1.0/24 192.168.1.0/24" ]
	in_net hub ip -4 address show dev wg0 | grep -q 'inet 10.1.1.1/32'
	# The sites have no ListenPort: each gets an automatic one.
	on site2 wg-quick up wg0
	[ "$(on site1 wg show wg0 listen-port)" -gt 0 ]
	[ "$(on hub wg show wg0 listen-port)" = 51820 ]
}

@test "keepalives keep a NAT mapping with a timeout of two seconds open" {
	for site in site1 site2; do
		sed 's/^PersistentKeepalive = 25$/PersistentKeepalive = 1/' \
			"$CONFIGS/scenario4-$site.conf" | tunnel "$site" wg0
	done
	for router in nat1 nat2; do
		on "$router" sh -c 'echo 2 > /proc/sys/net/netfilter/nf_conntrack_udp_timeout
			echo 2 > /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream'
	done
	start_all
	check_path c1 172.16.1.20
	# After more than twice the timeout the hub, which cannot initiate through a NAT, still reaches both LANs at
	# the same ports.
	before=$(on hub wg show wg0 endpoints)
	received=$(on hub wg show wg0 transfer | awk '{ n += $2 } END { print n }')
	# A keepalive has 32 bytes: wait for ten from the two sites.
	has_received() { [ "$(on hub wg show wg0 transfer | awk '{ n += $2 } END { print n }')" -ge $((received + 320)) ]; }
	eventually 30 has_received
	[ "$(on hub wg show wg0 endpoints)" = "$before" ]
	pings hub 192.168.1.20
	pings hub 172.16.1.20
}

@test "down in reverse order restores the state of every host" {
	before=$(net_state hub; net_state site1; net_state site2)
	start_all
	check_path c1 172.16.1.20
	for name in site2 site1 hub; do
		on "$name" wg-quick down wg0
		eventually 10 no_daemons "$name"
	done
	after=$(net_state hub; net_state site1; net_state site2)
	diff <(echo "$before") <(echo "$after")
}
