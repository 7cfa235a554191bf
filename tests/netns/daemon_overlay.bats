# Overlay networks (VXLAN) through the tunnel: super-packets of TCP and UDP in VXLAN from the TUN and to it. Host a has
# the tunnel and a VXLAN device, b forwards what comes out of the tunnel to c, and has a VXLAN device, too.
load ../lib/netns

setup() {
	net_begin
	host a b c
	wire a v0 10.0.0.1/24 b v0 10.0.0.2/24
	wire b v1 "10.7.0.1/24 fd07::1/64" c v0 "10.7.0.2/24 fd07::2/64"
	router b
	on b python3 "$BATS_TEST_DIRNAME/overlay_frames.py" software v1 # what b forwards arrives split
	for h in a b; do on $h sh -c 'umask 077; wg genkey > /run/key'; done
	KA=$(on a sh -c 'wg pubkey < /run/key') KB=$(on b sh -c 'wg pubkey < /run/key')
	on b nft -f - <<- END
	table inet t {
		counter joined { }
		chain in { type filter hook prerouting priority 0; iifname wg0 udp dport 4789 meta length > 2000 counter name joined; }
	}
	END
	DA= DB=
}
teardown() { net_end; }

# tunnel WORDS-A WORDS-B: a new tunnel, with these offloads disabled.
tunnel() {
	local h number=0
	[ -z "$DA" ] || for h in a b; do
		in_net $h ip link delete wg0
		eventually 5 sh -c "! nsenter -t ${NET_PID[$h]} -m -n ls /run/wireguard/wg0.sock > /dev/null 2>&1"
	done
	on a env WG_NO_OFFLOAD="$1" wireguardd wg0
	on b env WG_NO_OFFLOAD="$2" wireguardd wg0
	DA=yes
	on a wg set wg0 private-key /run/key listen-port 5000 peer "$KB" allowed-ips 10.9.0.2/32,10.7.0.0/24,fd09::2/128,fd07::/64 \
		endpoint 10.0.0.2:5000
	on b wg set wg0 private-key /run/key listen-port 5000 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128
	for h in a b; do net_up $h wg0 "10.9.0.$((number += 1))/24 fd09::$number/64"; done
	route a 10.7.0.0/24 dev wg0 src 10.9.0.1
	route a fd07::/64 dev wg0 src fd09::1
	on a ping -q -c 1 -W 30 10.9.0.2
}

# vxlan OUTER IP-LINK-WORD…: VXLAN devices on a, to c, and on b.
vxlan() {
	local from=10.9.0.1 to=10.7.0.2 any=local own=10.7.0.1 outer=$1
	shift
	[ "$outer" = v4 ] || { from=fd09::1 to=fd07::2 own=fd07::1; }
	in_net a ip link delete vx0 2> /dev/null || true
	in_net a ip link add vx0 address 02:00:00:00:00:01 type vxlan id 7 dstport 4789 local $from remote $to "$@"
	net_up a vx0 "10.8.0.1/24 fd08::1/64"
	in_net b ip link delete vx0 2> /dev/null || true
	in_net b ip link add vx0 type vxlan id 7 dstport 4789 $any $own
	in_net b ip link set vx0 up
	on b sh -c 'wg show wg0 > /dev/null' # replies after it has processed the link event
}

joined() { on b nft list counter inet t joined | grep -o 'packets [0-9]*' | cut -d' ' -f2; }

# through FILE INNER PROTOCOL CHECKSUM: sends one super-packet from a to c; writes what arrives to the file.
through() {
	local segments=40
	on_bg c python3 "$BATS_TEST_DIRNAME/overlay_frames.py" capture v0 "$2" "$3" $segments "$4"
	local log=$BG_LOG pid=$BG
	eventually 10 grep -q ready "$log"
	on a python3 "$BATS_TEST_DIRNAME/overlay_frames.py" send vx0 "$2" "$3" $segments
	eventually 25 sh -c "! [ -d /proc/$pid ]"
	grep -v ready "$log" > "$1" || true
	[ "$(grep -c . "$1")" = $segments ] || fail "$(cat "$1")"
}

# Linux takes and gives TCP and UDP in VXLAN unsplit from 6.17 on.
kernel_has_tunnels() { printf '6.17\n%s\n' "$(uname -r)" | sort -VC; }

# compare OUTER INNER PROTOCOL CHECKSUM IP-LINK-WORD…: the packets that arrive are the same whether the
# kernel or the daemon splits and joins them.
compare() {
	local outer=$1 inner=$2 protocol=$3 checksum=$4 before words
	shift 4
	# Older kernels take joined datagrams without checksum, to which they add one.
	[ "$checksum" != zero ] || kernel_has_tunnels || checksum=any
	tunnel tunnel join
	vxlan "$outer" "$@"
	through "$BATS_TEST_TMPDIR/kernel" "$inner" "$protocol" "$checksum" # split by the kernel, not joined
	for words in ":join" "tunnel:" ":"; do
		tunnel "${words%:*}" "${words#*:}"
		vxlan "$outer" "$@"
		before=$(joined)
		through "$BATS_TEST_TMPDIR/daemon" "$inner" "$protocol" "$checksum"
		cmp "$BATS_TEST_TMPDIR/kernel" "$BATS_TEST_TMPDIR/daemon" || fail "disabled $words: $(diff "$BATS_TEST_TMPDIR/kernel" "$BATS_TEST_TMPDIR/daemon")"
		[ -n "${words#*:}" ] || [ "$(joined)" -gt "$before" ] || ! kernel_has_tunnels || fail "$words: nothing was joined"
	done
}

@test "TCP in VXLAN over IPv4 arrives as the kernel would have split it" {
	compare v4 v4 tcp zero noudpcsum
	compare v4 v6 tcp valid udpcsum
}

@test "UDP in VXLAN arrives as the kernel would have split it" {
	compare v4 v4 udp valid udpcsum
	compare v6 v6 udp valid
}

@test "UDP in VXLAN without outer checksum may get one, when it is joined and forwarded" {
	tunnel tunnel join
	vxlan v4 noudpcsum
	through "$BATS_TEST_TMPDIR/kernel" v4 udp any
	tunnel "" ""
	vxlan v4 noudpcsum
	through "$BATS_TEST_TMPDIR/daemon" v4 udp any
	cmp "$BATS_TEST_TMPDIR/kernel" "$BATS_TEST_TMPDIR/daemon"
}

# socket_gets_single_datagrams: a socket of b at the port of VXLAN gets the segments of a super-packet one by one.
socket_gets_single_datagrams() {
	on_bg b python3 -uc "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('10.7.0.1', 4789))
s.settimeout(20)
print('ready')
sizes = (len(s.recv(70000)) for i in iter(int, 1))
large = (n for n in sizes if n > 1000) # the device itself sends small packets
for i in range(40): print(next(large))"
	local log=$BG_LOG pid=$BG
	eventually 10 grep -q ready "$log"
	on a python3 "$BATS_TEST_DIRNAME/overlay_frames.py" send vx0 v4 tcp 40
	eventually 25 sh -c "! [ -d /proc/$pid ]"
	[ "$(grep -c '^1254$' "$log")" = 39 ] && grep -qx 1174 "$log" || fail "$(cat "$log")"
}

@test "a socket at the port of VXLAN gets each datagram, before there is a VXLAN device and when it is gone" {
	tunnel "" ""
	in_net a ip link add vx0 address 02:00:00:00:00:01 type vxlan id 7 dstport 4789 local 10.9.0.1 remote 10.7.0.1 noudpcsum
	net_up a vx0 10.8.0.1/24
	socket_gets_single_datagrams
	in_net b ip link add vx1 type vxlan id 7 dstport 4789 local 10.7.0.1
	in_net b ip link set vx1 up
	in_net b ip link delete vx1
	on b sh -c 'wg show wg0 > /dev/null' # replies after it has processed the link event
	socket_gets_single_datagrams
	in_net b ip link add vx1 type vxlan id 7 dstport 4789 local 10.7.0.1 # down, so it has no socket
	on b sh -c 'wg show wg0 > /dev/null'
	socket_gets_single_datagrams
}

@test "TCP through VXLAN devices at both ends of the tunnel arrives complete" {
	tunnel "" ""
	in_net a ip link add vx0 type vxlan id 7 dstport 4789 local 10.9.0.1 remote 10.9.0.2
	in_net b ip link add vx0 type vxlan id 7 dstport 4789 local 10.9.0.2 remote 10.9.0.1
	net_up a vx0 10.8.0.1/24
	net_up b vx0 10.8.0.2/24
	on_bg b socat -u TCP4-LISTEN:7000,reuseaddr OPEN:/run/got,creat,trunc
	eventually 5 on b sh -c 'ss -Htln "sport = :7000" | grep -q .'
	on a sh -c 'head -c 5000000 /dev/urandom > /run/sent; socat -u OPEN:/run/sent TCP4:10.8.0.2:7000'
	eventually 10 on b sh -c '[ "$(stat -c %s /run/got)" = 5000000 ]'
	[ "$(on a sha256sum /run/sent | cut -d" " -f1)" = "$(on b sha256sum /run/got | cut -d" " -f1)" ]
	[ "$(joined)" -gt 0 ] || ! kernel_has_tunnels
}

@test "TCP in VXLAN over IPv6 arrives as the kernel would have split it" {
	compare v6 v6 tcp valid
	compare v6 v4 tcp valid
}
