# Source addresses of outer packets: the address that the peer sent to, while routing still allows it.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a v0 "10.0.0.1/24 fd00::1/64" b v0 "10.0.0.2/24 fd00::2/64"
	for h in a b; do
		on $h sh -c 'wireguardd wg0; umask 077; wg genkey > /run/key
			wg set wg0 private-key /run/key listen-port 5000
			for f in default v0 all; do echo 1 > /proc/sys/net/ipv4/conf/$f/promote_secondaries; done'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32
	net_up a wg0 10.9.0.1/24
	net_up b wg0 10.9.0.2/24
	on b sh -c 'wg show wg0 > /dev/null'
}
teardown() { net_end; }

# ping_other FROM: one ping through the tunnel to the other host.
ping_other() { on "$1" ping -n -c 1 -W 30 "10.9.0.$([ "$1" = a ] && echo 2 || echo 1)"; }
# set_endpoint HOST ENDPOINT: sets the endpoint of the other host.
set_endpoint() { on "$1" wg set wg0 peer "$([ "$1" = a ] && echo "$KB" || echo "$KA")" endpoint "$2"; }
# endpoint_on HOST: the endpoint of the other host.
endpoint_on() { on "$1" wg show wg0 endpoints | cut -f2; }

@test "a removed source address is no longer used, IPv4 and IPv6" {
	set_endpoint a 10.0.0.2:5000
	ping_other a
	[ "$(endpoint_on b)" = 10.0.0.1:5000 ]
	on a ip address add 10.0.0.10/24 dev v0
	on a ip address del 10.0.0.1/24 dev v0
	ping_other a
	[ "$(endpoint_on b)" = 10.0.0.10:5000 ]
	set_endpoint a '[fd00::2]:5000'
	ping_other a
	[ "$(endpoint_on b)" = '[fd00::1]:5000' ]
	on a ip address add fd00::10/64 dev v0 nodad
	on a ip address del fd00::1/64 dev v0
	ping_other a
	[ "$(endpoint_on b)" = '[fd00::10]:5000' ]
}

@test "replies have the address that the peer sent to as source" {
	for n in 3 4 5; do
		on b ip address add 10.0.0.$n/24 dev v0
		on b ip address add fd00::$n/64 dev v0 nodad
	done
	for to in 10.0.0.3 10.0.0.5 10.0.0.2 10.0.0.4 '[fd00::4]' '[fd00::2]' '[fd00::5]' '[fd00::3]'; do
		set_endpoint a "$to:5000"
		ping_other a
		ping_other b
		[ "$(endpoint_on a)" = "$to:5000" ]
	done
}

@test "a configuration that is loaded again does not change the source, another mark does" {
	on b ip address add 10.0.0.3/24 dev v0
	set_endpoint a 10.0.0.3:5000
	ping_other a
	on b sh -c 'wg showconf wg0 > /run/conf; grep ListenPort /run/conf; wg syncconf wg0 /run/conf'
	on b wg set wg0 listen-port 5000 fwmark 0
	ping_other b
	[ "$(endpoint_on a)" = 10.0.0.3:5000 ]
	on b wg set wg0 fwmark 7
	ping_other b
	[ "$(endpoint_on a)" = 10.0.0.2:5000 ]
}

@test "replies have the address that the peer sent to as source, also one of another interface" {
	on b ip link add v9 type veth peer name v9p
	net_up b v9 "10.50.0.1/24 fd50::1/64"
	net_up b v9p ""
	route a 10.50.0.0/24 via 10.0.0.2
	route a fd50::/64 via fd00::2
	for to in 10.50.0.1 '[fd50::1]'; do
		set_endpoint a "$to:5000"
		ping_other a
		ping_other b
		[ "$(endpoint_on a)" = "$to:5000" ]
	done
}

@test "a better route through another interface is used immediately" {
	wire a v1 10.0.0.3/24 b v1 10.0.0.4/24
	for h in a b; do
		on $h sh -c 'for f in all v0 v1; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done'
	done
	on a sh -c 'ip route flush dev v0; ip route flush dev v1
		ip route add 10.0.0.0/24 dev v0 src 10.0.0.1 metric 2'
	set_endpoint a 10.0.0.2:5000
	ping_other a
	[ "$(endpoint_on b)" = 10.0.0.1:5000 ]
	on a ip route add 10.0.0.0/24 dev v1 src 10.0.0.3 metric 1
	on a wg show wg0 > /dev/null # replies after it has processed the event
	ping_other a
	[ "$(endpoint_on b)" = 10.0.0.3:5000 ]
}

@test "a new unrelated route does not change the source" {
	on b ip address add 10.0.0.3/24 dev v0
	set_endpoint a 10.0.0.3:5000
	ping_other a
	route b 203.0.113.0/24 via 10.0.0.1
	ping_other b
	[ "$(endpoint_on a)" = 10.0.0.3:5000 ]
}

@test "a blackhole route to the peer does not change the source" {
	on b ip address add 10.0.0.3/24 dev v0
	set_endpoint a 10.0.0.3:5000
	ping_other a
	for kind in blackhole unreachable prohibit; do
		on b ip route add $kind 10.0.0.1/32
		not on b ping -n -c 1 -W 1 10.9.0.1
		on b ip route del $kind 10.0.0.1/32
		ping_other b
		[ "$(endpoint_on a)" = 10.0.0.3:5000 ]
	done
}

# second_wire: a second link between the hosts, on which datagrams with addresses of the first may arrive.
second_wire() {
	wire a v1 10.1.0.1/24 b v1 10.1.0.2/24
	for h in a b; do
		on $h sh -c 'for f in all v0 v1; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done'
	done
}

@test "replies that leave through another interface than requests arrive at keep their source when other routes change" {
	second_wire
	on a ip address add 10.3.0.1/32 dev v0
	on b ip route add 10.3.0.1/32 via 10.0.0.1 # replies go through v0
	on a ip route add 10.1.0.2/32 dev v1 src 10.3.0.1
	set_endpoint a 10.1.0.2:5000
	ping_other a
	[ "$(endpoint_on b)" = 10.3.0.1:5000 ]
	for change in "route add 203.0.113.0/24 via 10.0.0.1" "route add 203.0.113.0/25 via 10.1.0.1" \
		"rule add from 203.0.113.1 lookup 77" "route del 203.0.113.0/24"; do
		on b ip $change
		on b wg show wg0 > /dev/null
		ping_other b
		[ "$(endpoint_on a)" = 10.1.0.2:5000 ]
	done
	on b ip route replace 10.3.0.1/32 via 10.1.0.1 # now through v1
	ping_other b
	[ "$(endpoint_on a)" = 10.1.0.2:5000 ]
}

@test "when a link goes down, whose routes disappear without events, the source of the remaining one is used" {
	second_wire
	on a ip route add 10.9.9.2/32 via 10.0.0.2 metric 1
	on a ip route add 10.9.9.2/32 via 10.1.0.2 metric 2
	on b ip address add 10.9.9.2/32 dev lo
	set_endpoint a 10.9.9.2:5000
	ping_other a
	[ "$(endpoint_on b)" = 10.0.0.1:5000 ]
	on a ip link set v0 down
	ping_other a
	[ "$(endpoint_on b)" = 10.1.0.1:5000 ]
}

@test "nothing is sent while the link is down; the private key can be set after the keepalive" {
	on a ip link set wg0 down
	on a wg set wg0 private-key /dev/null peer "$KB" persistent-keepalive 1 endpoint 10.0.0.2:5000
	on_bg b timeout 300 tcpdump -l -n -i v0 udp port 5000
	log=$BG_LOG
	eventually 5 grep -q listening "$log"
	on a wg set wg0 private-key /run/key
	sleep 1.2
	not grep -q '10.0.0.1.5000 >' "$log"
	[ "$(on a wg show wg0 transfer | cut -f3)" -eq 0 ]
	on a ip link set wg0 up
	eventually 5 grep -q '10.0.0.1.5000 >' "$log"
	on a ip link set wg0 down
	on a wg set wg0 private-key /dev/null
	on a ip link set wg0 up
	on a wg set wg0 private-key /run/key
	before=$(grep -c '10.0.0.1.5000 >' "$log")
	more() { [ "$(grep -c '10.0.0.1.5000 >' "$log")" -gt "$before" ]; }
	eventually 5 more
}

@test "roaming: another address and port, then another family" {
	set_endpoint a 10.0.0.2:5000
	ping_other a
	on a ip address add 10.0.0.9/24 dev v0
	on a ip address del 10.0.0.1/24 dev v0
	on a wg set wg0 listen-port 9997
	ping_other a
	[ "$(endpoint_on b)" = 10.0.0.9:9997 ]
	ping_other b
	set_endpoint a '[fd00::2]:5000'
	on a wg set wg0 listen-port 9998
	ping_other a
	[ "$(endpoint_on b)" = '[fd00::1]:9998' ]
	ping_other b
}
