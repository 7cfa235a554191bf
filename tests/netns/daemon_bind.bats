# The outer sockets bound to a device (BindDevice) and to addresses (SourceAddress): requests of wireguardd's own at its
# configuration socket.
load ../lib/netns
load ../lib/uplinks

S=/run/wireguard/wg0.sock

# a has two uplinks to b. Its route to b's address 198.51.100.1 prefers eth1.
setup() {
	net_begin
	host a b
	wire a eth1 "10.0.1.1/24 2001:db8:1::1/64" b eth1 "10.0.1.2/24 2001:db8:1::2/64"
	wire a eth2 "10.0.2.1/24 10.0.2.11/24 2001:db8:2::1/64" b eth2 "10.0.2.2/24 2001:db8:2::2/64"
	in_net b ip address add 198.51.100.1/32 dev lo
	routes_of_a
	count_arrivals b 5000 eth1 eth2
}
teardown() { net_end; }

routes_of_a() {
	in_net a ip route replace 198.51.100.1/32 via 10.0.1.2 metric 10
	in_net a ip route replace 198.51.100.1/32 via 10.0.2.2 metric 20
}

refused() { request "set_binding=1\n$1\n" | grep -qx "errno=-$2"; }   # LINES ERRNO

# tunnel [VARIABLE=VALUE…]: between a, whose daemon has these variables, and b, with a session.
tunnel() {
	local h
	on a env LOG_LEVEL=verbose WG_LOG_FILE=/run/log "$@" wireguardd wg0
	on b wireguardd wg0
	for h in a b; do
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32 endpoint 198.51.100.1:5000
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32
	net_up a wg0 10.9.0.1/24
	net_up b wg0 10.9.0.2/24
	pings a 10.9.0.2
}
handshake() { on a wg show wg0 latest-handshakes; }
# metric NAME[{LABELS…}] VALUE: this sample is in the statistics of a.
metric() {
	on a python3 "$NET_LIB/openmetrics.py" /run/wgsuite/wg0.stats > "$NET_DIR/statistics"
	grep -qxF "wireguardd_$1 $2" "$NET_DIR/statistics"
}
endpoint_at_b() { on b wg show wg0 endpoints | cut -f 2; }
session_is() { [ "$(handshake)" = "$1" ]; }

@test "a device: packets leave and arrive through it alone, whatever the routes say" {
	local before
	tunnel
	reset
	pings a 10.9.0.2
	only_through eth1
	before=$(handshake)
	metric 'up{interface="wg0"}' 1
	not grep binding "$NET_DIR/statistics"
	bind_to 'bind_device=eth2\n'
	metric 'binding_info{interface="wg0",device="eth2"}' 1
	metric 'binding_in_effect{interface="wg0"}' 1
	[ "$(binding)" = bind_device=eth2 ]
	reset
	pings a 10.9.0.2
	only_through eth2
	[ "$(endpoint_at_b)" = 10.0.2.1:5000 ]
	session_is "$before" # of before
	on b wg set wg0 peer "$KA" endpoint 10.0.1.1:5000
	not on b ping -c 1 -W 1 10.9.0.1
	on b wg set wg0 peer "$KA" endpoint 10.0.2.1:5000
	pings b 10.9.0.1
	bind_to ''
	[ -z "$(binding)" ]
	on b wg set wg0 peer "$KA" endpoint 10.0.1.1:5000
	on a wg set wg0 peer "$KB" endpoint 198.51.100.1:5000
	reset
	pings a 10.9.0.2
	only_through eth1
	session_is "$before"
}

@test "an address: everything is sent from it, the other family has no sockets, and answers from other addresses end" {
	local before threads
	for threads in 0 2; do
		tunnel WG_THREADS=$threads
		before=$(handshake)
		on b wg set wg0 peer "$KA" endpoint 10.0.2.1:5000 # a has learned this source
		pings b 10.9.0.1
		bind_to 'source_address=10.0.2.11\nbind_device=eth2\n'
		[ "$(binding)" = $'bind_device=eth2\nsource_address=10.0.2.11' ]
		pings a 10.9.0.2
		[ "$(endpoint_at_b)" = 10.0.2.11:5000 ]
		session_is "$before"
		in_net a ss -Hulna 'sport = :5000' | awk '{ print $4 }' > "$NET_DIR/sockets"
		grep -q '10\.0\.2\.11%eth2:5000' "$NET_DIR/sockets"
		[ -z "$(grep -v '^10\.0\.2\.11%' "$NET_DIR/sockets")" ]
		in_net a ip address del 10.0.2.11/24 dev eth2
		eventually 5 metric 'binding_in_effect{interface="wg0",reason="this host does not have the address"}' 0
		in_net a ip address add 10.0.2.11/24 dev eth2
		bind_to 'source_address=10.0.2.11\nsource_address=2001:db8:2::1\n'
		metric 'binding_info{interface="wg0",source_ipv4="10.0.2.11",source_ipv6="2001:db8:2::1"}' 1
		on a wg set wg0 peer "$KB" endpoint '[2001:db8:2::2]:5000'
		pings a 10.9.0.2
		[ "$(endpoint_at_b)" = '[2001:db8:2::1]:5000' ]
		session_is "$before"
		on a wg set wg0 listen-port 5001
		pings a 10.9.0.2
		[ "$(endpoint_at_b)" = '[2001:db8:2::1]:5001' ]
		for h in a b; do on $h ip link delete wg0; eventually 5 no_daemons $h; done
	done
}

@test "what does not exist or makes no sense is refused, and nothing changes" {
	tunnel
	refused 'bind_device=eth9\n' 19
	refused 'source_address=10.0.3.1\n' 99
	refused 'source_address=2001:db8:3::1\n' 99
	refused 'source_address=fe80::1\n' 99
	refused 'source_address=0.0.0.0\n' 22
	refused 'source_address=224.0.0.1\n' 22
	refused 'source_address=10.0.1.1\nsource_address=10.0.2.1\n' 22
	refused 'bind_device=eth1\nbind_device=eth2\n' 22
	refused 'bind_device=\n' 22
	refused 'bind_device=a/b\n' 22
	refused 'listen_port=1\n' 22
	[ -z "$(binding)" ]
	[ "$(request 'get_binding=1\nx=1\n\n')" = errno=-22 ]
	bind_to 'bind_device=eth2\n'
	refused 'bind_device=eth9\n' 19
	[ "$(binding)" = bind_device=eth2 ]
	[ -z "$(request 'get=1\n\n' | grep -E 'bind|source')" ]
	pings a 10.9.0.2
}

@test "a device that is renamed, or deleted and created again" {
	local before
	tunnel
	bind_to 'bind_device=eth2\n'
	pings a 10.9.0.2
	before=$(handshake)
	in_net a ip link set eth2 down
	in_net a ip link set eth2 name eth7
	in_net a ip link set eth7 up
	eventually 5 on a grep -q 'device eth2 no longer exists' /run/log
	eventually 5 metric 'binding_in_effect{interface="wg0",reason="the device does not exist"}' 0
	in_net a ip address show dev eth7 | grep -q 10.0.2.1 # which the name eth2 does not have any more
	routes_of_a
	reset
	not on a ping -c 1 -W 1 10.9.0.2
	[ "$(packets eth1)" = 0 ]
	[ "$(packets eth2)" = 0 ]
	in_net a ip link delete eth7
	wire a eth2 "10.0.2.1/24" b eth2 "10.0.2.2/24"
	routes_of_a
	eventually 5 on a grep -q 'bound to device eth2' /run/log
	reset
	pings a 10.9.0.2
	only_through eth2
	session_is "$before"
	in_net a ip link delete eth2
	eventually 5 on a sh -c '[ "$(grep -c "device eth2 no longer exists" /run/log)" = 2 ]'
	on a ip link set wg0 down
	on a ip link set wg0 up # the sockets are opened while the device does not exist
	eventually 5 on a grep -q 'device eth2 does not exist' /run/log
	wire a eth2 "10.0.2.1/24" b eth2 "10.0.2.2/24"
	routes_of_a
	eventually 5 on a sh -c '[ "$(grep -c "bound to device eth2" /run/log)" = 2 ]'
	reset
	pings a 10.9.0.2
	only_through eth2
}

# The daemon does not run while eth1 and eth2 exchange their roles, so that its device never is missing.
@test "while another program has the port of the device, the sockets cannot be bound, which is logged once" {
	local pid
	tunnel WG_THREADS=1
	bind_to 'bind_device=eth2\n'
	pings a 10.9.0.2 # b learns the new path
	pings b 10.9.0.1 # a learns a source address
	on_bg a python3 -c 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth1")
s.bind(("", 5000))
signal.pause()'
	taken() { in_net a ss -Hulna 'sport = :5000' | grep -q '%eth1:5000'; }
	eventually 5 taken
	pid=$(daemons a)
	on a kill -STOP "$pid"
	in_net a sh -c 'ip link set eth2 down; ip link set eth1 down; ip link set eth2 name eth7; ip link set eth1 name eth2
		ip link set eth2 up; ip link set eth7 up'
	routes_of_a
	on a kill -CONT "$pid"
	eventually 5 on a grep -q 'cannot bind to device eth2: Address already in use' /run/log
	eventually 5 metric 'binding_in_effect{interface="wg0",reason="Address already in use"}' 0
	pings a 10.9.0.2 # through the device of before
	# Further attempts are no reason to look up the source address again.
	on_bg a strace -f -qq -o /run/strace -e trace=sendto,bind -p "$pid"
	on_bg a ping -n -i 0.05 10.9.0.2
	attempts() { on a grep -c EADDRINUSE /run/strace; }
	tried() { [ "$(attempts)" -ge 5 ]; }
	eventually 20 tried
	on a pkill -x strace
	[ "$(on a grep -c GETROUTE /run/strace || true)" -lt "$(attempts)" ]
	[ "$(on a grep -c 'cannot bind' /run/log)" = 1 ]
	on a pkill -x python3
	eventually 5 on a grep -q 'bound to device eth2' /run/log
	eventually 5 metric 'binding_in_effect{interface="wg0"}' 1
	routes_of_a
	pings a 10.9.0.2
	on a ip link set wg0 down
	eventually 5 metric 'binding_in_effect{interface="wg0",reason="the interface is down"}' 0
}

@test "another port, a mark, and a process that takes over" {
	local before
	tunnel
	bind_to 'bind_device=eth2\nsource_address=10.0.2.11\n'
	pings a 10.9.0.2
	before=$(handshake)
	on a wg set wg0 listen-port 5002 fwmark 0x77
	reset
	pings a 10.9.0.2
	only_through eth2
	[ "$(endpoint_at_b)" = 10.0.2.11:5002 ]
	on a env LOG_LEVEL=verbose WG_LOG_FILE=/run/log wireguardd --takeover wg0
	[ "$(binding)" = $'bind_device=eth2\nsource_address=10.0.2.11' ]
	reset
	pings a 10.9.0.2
	only_through eth2
	on a wg set wg0 listen-port 5003
	pings a 10.9.0.2
	[ "$(endpoint_at_b)" = 10.0.2.11:5003 ]
	session_is "$before"
	bind_to 'bind_device=eth1\n'
	reset
	pings a 10.9.0.2
	only_through eth1
	session_is "$before"
}
