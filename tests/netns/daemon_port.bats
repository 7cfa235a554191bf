# The listen port: errors if another program uses it, and exclusive use while the link is up.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a b
	wire a v0 "10.0.0.1/24 fd00::1/64" b v0 "10.0.0.2/24 fd00::2/64"
}
teardown() { net_end; }

# occupy PORT [v6]: starts another program that uses the port, until release.
occupy() {
	on_bg a python3 -c "import socket, time
s = socket.socket(socket.AF_INET${2:+6}, socket.SOCK_DGRAM)
${2:+s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)}
s.bind(('${2:+::}', $1)); open('/run/taken', 'w'); time.sleep(600)"
	holder=$!
	eventually 10 on a test -e /run/taken
}

release() {
	on a kill "$(on a pgrep -f '^python3 -c import socket, time')"
	on a rm /run/taken
	eventually 10 port_is_free "$1"
}

port_is_free() { [ -z "$(on a ss -Hlun "sport = :$1")" ]; }

# can_share PORT FAMILY [ADDRESS]: another process of root can bind the port as well.
can_share() {
	on a python3 -c "import socket
s = socket.socket(socket.AF_$2, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('${3-}', $1))"
}

tunnel_file() {
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.9.0.1/24
		ListenPort = 51820
	END
}

@test "up fails with the port number if another program uses the port, and leaves nothing behind" {
	tunnel_file
	for family in "" v6; do
		occupy 51820 $family
		run on a wg-quick up wg0
		[ "$status" -ne 0 ]
		[[ $output == *"Unable to modify interface: Address already in use
  help: choose another port, or stop the program that uses UDP port 51820"* ]]
		run on a ip link show wg0
		[ "$status" -ne 0 ]
		release 51820
	done
	on a wg-quick up wg0
	on a wg-quick down wg0
}

@test "wg set of a port in use is an error, with the link up or down, and the old port stays" {
	on a wireguardd wg0
	on a sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	occupy 51820
	for state in down up; do
		on a ip link set wg0 $state
		run on a wg set wg0 listen-port 51820
		[ "$status" -eq 1 ]
		[ "$output" = "Unable to modify interface: Address already in use
  help: choose another port, or stop the program that uses UDP port 51820" ]
		[ "$(on a wg show wg0 listen-port)" = 5000 ]
	done
	release 51820
	on a wg set wg0 listen-port 51820
	[ "$(on a wg show wg0 listen-port)" = 51820 ]
}

@test "status and doctor show that another program has taken the port while the link was down" {
	tunnel_file
	on a wg-quick up wg0
	on a ip link set wg0 down
	eventually 10 port_is_free 51820
	occupy 51820
	on a ip link set wg0 up
	says() { [[ $(on a wg-quick "$1" wg0) == *"$2"* ]]; }
	eventually 10 says status " port: 51820, not open"
	says doctor "FAIL  port           another program has UDP port 51820"
	on a kill "$(on a pgrep -f '^python3 -c import socket, time')"
	eventually 10 says doctor "ok    port           UDP port 51820"
	eventually 10 says status " port: 51820
"
	on a wg-quick down wg0
}

@test "no other process can share the port while the tunnel is up" {
	on a wireguardd wg0
	on a sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5353'
	can_share 5353 INET
	net_up a wg0 10.9.0.1/24
	eventually 10 on a sh -c '[ "$(ss -Hlun "sport = :5353" | wc -l)" -ge 2 ]' # both families
	for address in "INET" "INET 10.0.0.1" "INET 127.0.0.1" "INET6" "INET6 fd00::1"; do
		run can_share 5353 $address
		[ "$status" -ne 0 ]
		[[ $output == *"Address already in use"* ]]
	done
	on a ip link set wg0 down
	eventually 10 can_share 5353 INET
}

nothing_waits() { on a ss -Hlun "sport = :$1" | awk '{ waiting += $2 } END { exit !NR || waiting }'; }

@test "datagrams to broadcast and multicast addresses stay in no socket of the daemon" {
	on a wireguardd wg0
	on a sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	net_up a wg0 10.9.0.1/24
	eventually 10 on a sh -c 'ss -Hlun "sport = :5000" | grep -q .'
	for address in 10.0.0.255 224.0.0.1 ff02::1%v0; do
		on b python3 -c "import socket, sys
(family, kind, _, _, to), *_ = socket.getaddrinfo('$address', 5000, type=socket.SOCK_DGRAM)
s = socket.socket(family, kind)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('10.0.0.2')) if family == socket.AF_INET else None
for _ in range(20): s.sendto(bytes([4]) + bytes(31), to)"
		pings b 10.0.0.1 # what was sent before has arrived
		eventually 10 nothing_waits 5000
	done
}

invalid_mac1() {
	on a python3 "$NET_LIB/openmetrics.py" /run/wgsuite/wg0.stats |
		sed -n 's/^wireguardd_dropped_packets_total{.*scope="handshake",reason="mac1"} //p'
}
has_invalid_mac1() { [ "$(invalid_mac1)" -ge "$1" ]; }

@test "a handshake message to a broadcast address is processed once" {
	on a env WG_THREADS=3 wireguardd wg0
	on a sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	net_up a wg0 10.9.0.1/24
	eventually 10 on a sh -c 'ss -Hlun "sport = :5000" | grep -q .'
	send_initiations() { # ADDRESS
		on b python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'v0')
for _ in range(10): s.sendto(bytes([1]) + bytes(147), ('$1', 5000))"
	}
	send_initiations 10.0.0.255
	send_initiations 255.255.255.255
	pings b 10.0.0.1 # what was sent before has arrived
	send_initiations 10.0.0.1
	eventually 10 nothing_waits 5000
	eventually 10 has_invalid_mac1 30
	[ "$(invalid_mac1)" = 30 ]
}

@test "handshakes and data work over IPv4 and IPv6, and after port changes" {
	local h
	for h in a b; do
		on $h wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32
	net_up a wg0 10.9.0.1/24
	net_up b wg0 10.9.0.2/24
	for endpoint in 10.0.0.2:5000 '[fd00::2]:5000'; do
		on a wg set wg0 peer "$KB" remove
		on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32 endpoint "$endpoint"
		eventually 10 pings a 10.9.0.2
	done
	on b wg set wg0 listen-port 5001
	on a wg set wg0 peer "$KB" endpoint 10.0.0.2:5001
	eventually 10 pings a 10.9.0.2
	on b wg set wg0 listen-port 5000
	on a wg set wg0 peer "$KB" endpoint 10.0.0.2:5000
	eventually 10 pings a 10.9.0.2
}

@test "a change of the port receives what waits in the old sockets" {
	for h in a b; do
		on $h env WG_THREADS=0 wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32 endpoint 10.0.0.2:5000
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32 endpoint 10.0.0.1:5000
	net_up a wg0 10.9.0.1/24
	net_up b wg0 10.9.0.2/24
	pings a 10.9.0.2
	# The daemon of b stops; the last byte of a request arrives, and then an echo request.
	on_bg b python3 -c 'import os, signal, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect("/run/wireguard/wg0.sock")
s.sendall(b"set=1\nlisten_port=5001\n")
open("/run/connected", "w").close()
while not os.path.exists("/run/stopped"): time.sleep(0.01)
s.sendall(b"\n")
open("/run/requested", "w").close()
print(s.recv(100).decode())'
	reply=$BG_LOG
	eventually 5 on b test -e /run/connected
	on b wg show wg0 > "$NET_DIR/shown" # replies after the daemon has read that
	pid=$(daemons b)
	eventually 5 on b sh -c "grep -q '^State:.S' /proc/$pid/status"
	on b kill -STOP "$pid"
	eventually 5 on b sh -c "grep -q '^State:.T' /proc/$pid/status"
	on b touch /run/stopped
	eventually 5 on b test -e /run/requested
	on_bg a ping -n -c 1 -W 20 10.9.0.2
	pinged=$BG_LOG
	eventually 5 on b sh -c 'ss -Hlun "sport = :5000" | awk "{ n += \$2 } END { exit !n }"'
	on b kill -CONT "$pid"
	eventually 5 grep -q errno=0 "$reply"
	eventually 10 grep -q '1 received' "$pinged"
	[ "$(on b wg show wg0 listen-port)" = 5001 ]
}

# A peer sends to the old port until it has got something from the new one.
@test "for a while after a change, the old port still receives" {
	for threads in 0 1; do
		on a env WG_THREADS=$threads wireguardd wg0
		on a sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
		net_up a wg0 10.9.0.1/24
		eventually 10 on a sh -c 'ss -Hlun "sport = :5000" | grep -q .'
		on a python3 - <<-'END'
			import socket, time

			def is_open(port):
			    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			    s.connect(("127.0.0.1", port))
			    s.send(bytes([4]) + bytes(31))
			    return s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

			def receives_after_change(old, new):
			    request = socket.socket(socket.AF_UNIX)
			    request.connect("/run/wireguard/wg0.sock")
			    request.send(b"set=1\nlisten_port=%d\n\n" % new)
			    while not is_open(new): pass
			    time.sleep(0.003)
			    answer = is_open(old)
			    assert request.recv(100) == b"errno=0\n\n"
			    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("", old)) # another program can have it now
			    return answer

			# More than once, as this process may wait for a CPU meanwhile.
			assert any(receives_after_change(5000 + i, 5001 + i) for i in range(50))
		END
		on a ip link del wg0
		eventually 5 no_daemons a
	done
}
