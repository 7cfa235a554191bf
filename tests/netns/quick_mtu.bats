# The automatic MTU: that of the narrowest path to an endpoint, as the kernel routes the encrypted packets, minus 80.
load ../lib/netns
load ../lib/quick

# Host a has two links to its gateway: eth0 with an MTU of 1500, eth1 with one of 1400.
setup() {
	net_begin
	host a gw
	wire a eth0 "192.168.5.1/24 2001:db8:5::1/64" gw eth0 "192.168.5.254/24 2001:db8:5::fe/64"
	wire a eth1 "192.168.6.1/24 2001:db8:6::1/64" gw eth1 "192.168.6.254/24 2001:db8:6::fe/64"
	in_net a ip link set eth1 mtu 1400
	route a default via 192.168.5.254
	in_net a ip -6 route add default via 2001:db8:5::fe
}
teardown() { net_end; }

# file ENDPOINT…: a tunnel file with a peer for each endpoint; the word none is a peer without one.
file() {
	local endpoint n=0
	{
		printf '[Interface]\nPrivateKey = %s\nAddress = 10.7.0.1/24\n' "$QUICK_KEY"
		for endpoint; do
			printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.%s.0/24\n' "$(on a wg genkey | on a wg pubkey)" $((n++))
			[ "$endpoint" = none ] || echo "Endpoint = $endpoint"
		done
	} | tunnel a wg0
}

# mtu_is N [ENDPOINT…]: up chooses this MTU, and diff and reload keep it.
mtu_is() {
	local mtu
	[ $# -eq 1 ] || file "${@:2}"
	on a wg-quick up wg0
	mtu=$(on a cat /sys/class/net/wg0/mtu)
	[ "$mtu" = "$1" ] || fail "MTU $mtu, expected $1: ${*:2}" || return
	run -0 on a wg-quick diff wg0
	[ -z "$output" ] || fail "diff: $output" || return
	run -0 on a wg-quick reload wg0
	[ -z "$(grep -v -e "is inside 192.168.6.254/32 of AllowedIPs" -e '^  help: ' <<< "$output")" ] || fail "reload: $output" || return
	on a wg-quick down wg0
}

@test "the smallest of several endpoints; without endpoints the default route's" {
	mtu_is 1420 192.168.5.254:1
	mtu_is 1320 192.168.5.254:1 192.168.6.254:1
	mtu_is 1320 192.168.5.254:1 "[2001:db8:6::fe]:1"
	mtu_is 1420 "[2001:db8:5::fe]:1" none
	mtu_is 1420 none
	in_net a ip route replace default via 192.168.6.254
	mtu_is 1320 none
	in_net a ip route add default via 192.168.5.254 metric 5
	mtu_is 1320 none
}

@test "no endpoint, and a default route of IPv6 only" {
	in_net a ip route delete default
	in_net a ip -6 route replace default via 2001:db8:6::fe
	mtu_is 1320 none
	in_net a ip -6 route delete default
	mtu_is 1420 none
}

@test "no endpoint, and the default route in another table" {
	in_net a ip route delete default
	in_net a ip route add default via 192.168.6.254 table 100
	in_net a ip rule add pref 1000 table 100
	mtu_is 1320 none
	# Rules for other packets do not count.
	in_net a ip rule delete pref 1000
	in_net a ip rule add pref 1000 from 192.168.7.0/24 table 100
	in_net a ip -6 route delete default
	mtu_is 1420 none
}

@test "no endpoint: a default route for the tunnel's mark" {
	in_net a ip route add default via 192.168.6.254 table 100
	in_net a ip rule add pref 1000 fwmark 7 table 100
	mtu_is 1420 none
	file none
	on a sed -i '2i FwMark = 7' /etc/wireguard/wg0.conf
	mtu_is 1320
}

@test "several next hops: any of them may be used" {
	in_net a ip route add 203.0.113.0/24 nexthop via 192.168.5.254 nexthop via 192.168.6.254
	in_net a ip -6 route add 2001:db8:77::/64 nexthop via 2001:db8:5::fe nexthop via 2001:db8:6::fe
	for last in 1 2 3 4 5 6; do
		mtu_is 1320 203.0.113.$last:1
		mtu_is 1320 "[2001:db8:77::$last]:1"
	done
	in_net a ip route replace default nexthop via 192.168.5.254 nexthop via 192.168.6.254
	mtu_is 1320 none
	in_net a ip route delete default
	in_net a ip -6 route delete default
	in_net a ip -6 route add default nexthop via 2001:db8:5::fe nexthop via 2001:db8:6::fe
	mtu_is 1320 none
}

@test "next hop objects, and next hops that are down" {
	in_net a ip nexthop add id 1 via 192.168.5.254 dev eth0
	in_net a ip nexthop add id 2 via 192.168.6.254 dev eth1
	in_net a ip nexthop add id 3 group 1/2
	in_net a ip route add 203.0.113.0/24 nhid 3
	in_net a ip route add 198.51.100.0/24 nhid 2
	mtu_is 1320 203.0.113.1:1
	mtu_is 1320 198.51.100.1:1
	in_net a ip route add 192.0.2.0/24 nexthop via 192.168.5.254 nexthop via 192.168.6.254
	# Without this setting the kernel uses a next hop without a carrier.
	on a sh -c "echo 1 > /proc/sys/net/ipv4/conf/eth1/ignore_routes_with_linkdown"
	in_net gw ip link set eth1 down
	eventually 5 dead_hop
	mtu_is 1420 192.0.2.1:1
}
dead_hop() { in_net a ip route show 192.0.2.0/24 | grep -q "dead.*linkdown"; }

@test "rules choose another table: by address, mark, protocol and port" {
	in_net a ip route add default via 192.168.6.254 table 100
	in_net a ip rule add pref 1000 to 203.0.113.1 table 100
	in_net a ip rule add pref 1001 fwmark 7 table 100
	in_net a ip rule add pref 1002 ipproto udp dport 5801 table 100
	in_net a ip rule add pref 1003 ipproto udp sport 5802 table 100
	mtu_is 1320 203.0.113.1:1
	mtu_is 1420 203.0.113.2:1
	mtu_is 1320 203.0.113.2:5801
	file 203.0.113.2:1
	on a sed -i '2i FwMark = 7' /etc/wireguard/wg0.conf
	mtu_is 1320
	file 203.0.113.2:1
	on a sed -i '2i ListenPort = 5802' /etc/wireguard/wg0.conf
	mtu_is 1320
}

@test "endpoints with a scope" {
	in_net gw ip address add fe80::fe/64 dev eth0 nodad
	in_net gw ip address add fe80::fe/64 dev eth1 nodad
	mtu_is 1420 "[fe80::fe%eth0]:1"
	mtu_is 1320 "[fe80::fe%eth1]:1"
	mtu_is 1320 "[fe80::fe%eth1]:1" 192.168.5.254:1
}

@test "MTUs of routes, locked ones too, and those that the kernel learned" {
	in_net a ip route add 203.0.113.1 via 192.168.5.254 mtu 1390
	in_net a ip route add 203.0.113.2 via 192.168.5.254 mtu lock 1380
	in_net a ip route add 203.0.113.3 via 192.168.5.254 mtu 9000
	in_net a ip -6 route add 2001:db8:77::1 via 2001:db8:5::fe mtu 1390
	in_net a ip -6 route add 2001:db8:77::2 via 2001:db8:5::fe mtu lock 1380
	in_net a ip route add 203.0.113.4 via 192.168.5.254 mtu lock 0
	mtu_is 1310 203.0.113.1:1
	mtu_is 1300 203.0.113.2:1
	mtu_is 1420 203.0.113.3:1
	mtu_is 496 203.0.113.4:1 # the kernel's own rule
	mtu_is 1310 "[2001:db8:77::1]:1"
	mtu_is 1300 "[2001:db8:77::2]:1"
	in_net a ip route replace default via 192.168.5.254 mtu lock 1370
	mtu_is 1290 none
	in_net a ip route add 203.0.113.5 nexthop via 192.168.5.254 nexthop via 192.168.6.254
	in_net a ip route change 203.0.113.5 mtu lock 1350 nexthop via 192.168.5.254 nexthop via 192.168.6.254
	mtu_is 1270 203.0.113.5:1
	# As from a router advertisement.
	on a sh -c 'echo 1360 > /proc/sys/net/ipv6/conf/eth0/mtu'
	mtu_is 1280 "[2001:db8:5::fe]:1"
	mtu_is 1420 192.168.5.254:1
}

@test "a path through the tunnel itself leaves the MTU as it is" {
	file 192.168.6.254:1
	on a sed -i 's/AllowedIPs.*/AllowedIPs = 192.168.6.254\/32/' /etc/wireguard/wg0.conf
	mtu_is 1320
	file none
	on a sed -i 's/AllowedIPs.*/AllowedIPs = 0.0.0.0\/1/; 2i MTU = 1300' /etc/wireguard/wg0.conf
	mtu_is 1300
}

@test "a full tunnel: the path is that of the encrypted packets" {
	in_net a ip route replace default via 192.168.6.254
	file 203.0.113.1:1
	on a sed -i 's/AllowedIPs.*/AllowedIPs = 0.0.0.0\/0/' /etc/wireguard/wg0.conf
	mtu_is 1320
	file none
	on a sed -i 's/AllowedIPs.*/AllowedIPs = 0.0.0.0\/0/' /etc/wireguard/wg0.conf
	mtu_is 1320
}
