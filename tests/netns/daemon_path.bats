# Packets through two daemons: IPv4 and IPv6 inside and outside, every offload disabled in turn, ICMP errors to senders,
# MTU, ECN, fwmark, and wake-ups of an idle tunnel.
load ../lib/netns

setup() {
	net_begin
	host a b
}
teardown() { net_end; }

# pair [VARIABLE=VALUE…]: a daemon on each host, with keys, addresses and each other as peer; b is 10.9.0.2.
# $ENDPOINT is the endpoint that a uses.
pair() {
	local h
	for h in a b; do
		on $h env "$@" wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32,fd09::2/128 endpoint "$ENDPOINT"
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	on b sh -c 'wg show wg0 > /dev/null' # replies after it has processed the link event
}

# connect_hosts [ENDPOINT]: a link between a and b.
connect_hosts() {
	wire a v0 "10.0.0.1/24 fd00::1/64" b v0 "10.0.0.2/24 fd00::2/64"
	ENDPOINT=${1-10.0.0.2:5000}
}

both_ping() {
	local h to
	for h in a b; do
		for to in 10.9.0. fd09::; do
			to=$to$([ $h = a ] && echo 2 || echo 1)
			pings $h "$to"
		done
	done
}

same_file() { [ "$(on a sha256sum /run/sent | cut -c-64)" = "$(on b sha256sum /run/got | cut -c-64)" ]; }

# send_tcp ADDRESS: sends three megabytes over TCP from a to b, and compares the checksums.
send_tcp() {
	on_bg b socat -u TCP6-LISTEN:7000,ipv6only=0,reuseaddr OPEN:/run/got,creat,trunc
	eventually 5 on b sh -c 'ss -Htln "sport = :7000" | grep -q .'
	on a sh -c "head -c 3000000 /dev/urandom > /run/sent; socat -u OPEN:/run/sent TCP:$1:7000"
	eventually 5 same_file
}

# send_udp ADDRESS: sends 40 datagrams in one system call, so that they reach the TUN as one super-packet; all must arrive
# intact.
send_udp() {
	on_bg b perl -MSocket=:all -e '
		socket(S, AF_INET6, SOCK_DGRAM, 0); setsockopt(S, SOL_SOCKET, SO_RCVBUF, 4 << 20);
		bind(S, sockaddr_in6(7001, IN6ADDR_ANY)) or die; $| = 1; print "ready\n";
		for (1 .. 40) { recv(S, my $d, 2000, 0); $seen{$d}++; }
		print "whole\n" if keys %seen == 40 && !grep { $_ ne substr($_, 0, 1) x length $_ } keys %seen' 
	local log=$BG_LOG
	eventually 5 grep -q ready "$log"
	on a perl -MSocket=:all -e '
		my $to = $ARGV[0]; my $v6 = $to =~ /:/ ? 1 : 0;
		socket(S, $v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		setsockopt(S, 17, 103, 1000);                         # UDP_SEGMENT
		my $a = $v6 ? sockaddr_in6(7001, inet_pton(AF_INET6, $to)) : sockaddr_in(7001, inet_aton($to));
		send(S, join("", map { chr($_) x 1000 } 1 .. 40), 0, $a) or die "$!"' "$1"
	eventually 5 grep -q whole "$log"
}

stop_both() {
	local h
	for h in a b; do
		on $h ip link del wg0
		eventually 5 on $h sh -c '! pgrep -x wireguardd'
	done
}

@test "IPv4 and IPv6 inside, IPv4 outside" {
	connect_hosts
	pair
	both_ping
	[ "$(on b wg show wg0 endpoints)" = "$KA"$'\t10.0.0.1:5000' ]
}

@test "IPv4 and IPv6 inside, IPv6 outside" {
	connect_hosts "[fd00::2]:5000"
	pair
	both_ping
	[ "$(on b wg show wg0 endpoints)" = "$KA"$'\t[fd00::1]:5000' ]
}

@test "a link-local endpoint" {
	wire a v0 "fe80::1/64" b v0 "fe80::2/64"
	ENDPOINT='[fe80::2%v0]:5000'
	pair
	both_ping

	[[ $(on b wg show wg0 endpoints) == "$KA"$'\t[fe80::'*%v0]:5000 ]]
	[ "$(on a wg show wg0 endpoints)" = "$KB"$'\t[fe80::2%v0]:5000' ]
}

@test "transfer counters after two pings are exact" {
	connect_hosts
	pair
	on a ping -n -c 2 -i 0.1 -W 30 10.9.0.2
	transfer_is() { [ "$(on "$1" wg show wg0 transfer)" = "$2" ]; }
	eventually 5 transfer_is a "$KB"$'\t348\t404' # what was sent is counted afterwards
	eventually 5 transfer_is b "$KA"$'\t404\t348'
}

@test "packets that could not be sent are not counted as sent" {
	connect_hosts
	for threads in 0 1; do
		pair WG_THREADS=$threads
		pings a 10.9.0.2
		sent=$(on a wg show wg0 transfer)
		on a ip route add unreachable 10.0.0.2/32
		run on a ping -n -c 3 -i 0.1 -W 1 10.9.0.2
		[ "$status" -ne 0 ]
		[ "$(on a wg show wg0 transfer)" = "$sent" ]
		on a ip route del unreachable 10.0.0.2/32
		pings a 10.9.0.2
		[ "$(on a wg show wg0 transfer)" != "$sent" ]
		for unreachable in 192.0.2.1:1 '[2001:db8::1]:1'; do # initiations are not counted either
			on a sh -c 'wg set wg0 peer '"$KB"' remove peer $(wg genkey | wg pubkey) \
				allowed-ips 10.9.0.2/32 endpoint "'"$unreachable"'"'
			run on a ping -n -c 1 -W 1 10.9.0.2
			[[ $(on a wg show wg0 transfer) == *$'\t0\t0' ]]
			on a wg set wg0 peer "$(on a wg show wg0 peers)" remove
		done
		stop_both
	done
}

# shift_clock SECONDS: the system clock of the daemons of pair_with_shifted_clock differs from the machine's by so much.
shift_clock() { perl -e 'print pack "q", $ARGV[0]' -- "$1" | dd of="$NET_DIR/shift" conv=notrunc status=none; }
pair_with_shifted_clock() {
	! grep -q __asan_init "$WGSUITE_BUILD/wireguardd" || skip "a sanitizer must be the first preloaded library"
	"${CC:-cc}" -O1 -shared -fPIC -o "$NET_DIR/clock.so" "$BATS_TEST_DIRNAME/clock_shift.c"
	shift_clock 0
	connect_hosts
	pair LD_PRELOAD="$NET_DIR/clock.so" CLOCK_SHIFT="$NET_DIR/shift"
}

@test "latest-handshakes follows changes of the system clock, and handshakes work after it was set back" {
	pair_with_shifted_clock
	for shift in 86400 0 -86400 -1700000000 3600; do
		shift_clock $shift
		on a wg set wg0 peer "$KB" remove
		on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32 endpoint "$ENDPOINT"
		pings a 10.9.0.2
		read -r _ shown < <(on a wg show wg0 latest-handshakes)
		off=$((shown - $(date +%s) - shift))
		[ $((off * off)) -le 400 ]
	done
}

@test "after the system time was set forward, packets are sent with a new session" {
	pair_with_shifted_clock
	pings a 10.9.0.2
	before=$(latest_handshake a wg0 "$KB")
	shift_clock 3600
	on a wg show wg0 > /dev/null # the daemon looks at the clock
	pings a 10.9.0.2
	[ "$(latest_handshake a wg0 "$KB")" -ge $((before + 3600)) ]
	before=$(latest_handshake a wg0 "$KB")
	shift_clock 0 # backwards: sessions go on
	on a wg show wg0 > /dev/null
	pings a 10.9.0.2
	[ "$(latest_handshake a wg0 "$KB")" = "$before" ]
}

@test "bulk TCP and UDP data arrives intact" {
	connect_hosts
	pair
	send_tcp 10.9.0.2
	send_tcp '[fd09::2]'
	send_udp 10.9.0.2
	send_udp fd09::2
}

@test "traffic with each offload disabled, and with all" {
	connect_hosts
	for off in vnet tso uso join segment gro mmsg split tunnel vnet,segment,gro,mmsg,split; do
		pair WG_NO_OFFLOAD=$off
		both_ping
		send_tcp 10.9.0.2
		send_tcp '[fd09::2]'
		send_udp 10.9.0.2
		stop_both
	done
}

@test "traffic between a daemon with offloads and one without" {
	connect_hosts
	on a env WG_NO_OFFLOAD=vnet,segment,gro,mmsg wireguardd wg1 # another daemon with other settings comes first
	on a ip link del wg1
	pair
	on b ip link del wg0
	eventually 5 on b sh -c '! pgrep -x wireguardd'
	on b env WG_NO_OFFLOAD=vnet,segment,gro,mmsg wireguardd wg0
	on b wg set wg0 private-key /run/key listen-port 5000 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	# The restarted daemon has no session: it must initiate.
	on b wg set wg0 peer "$KA" endpoint 10.0.0.1:5000
	pings b 10.9.0.1
	send_tcp 10.9.0.2
	send_udp 10.9.0.2
}

@test "inner packets much larger than the MTU of the underlying link" {
	connect_hosts
	pair
	for h in a b; do on $h ip link set wg0 mtu 34736; done # 34816 - 80
	pings a 10.9.0.2 -s 65000
	pings a fd09::2 -s 65000
	send_tcp 10.9.0.2
	for h in a b; do on $h ip link set wg0 mtu 65535; done
	pings a 10.9.0.2 -s 60000 # datagrams close to the maximum size
	for h in a b; do on $h ip link set wg0 mtu 1420; done
	pings a 10.9.0.2 -s 65000
}

@test "an underlying link with an MTU below that of the tunnel" {
	connect_hosts
	for h in a b; do on $h ip link set v0 mtu 1300; done
	pair
	pings a 10.9.0.2 -s 1392 -M do # the outer header has no DF
	send_tcp 10.9.0.2
	for h in a b; do on $h ip link set v0 mtu 1500; done
	send_tcp 10.9.0.2
}

@test "padding does not exceed the MTU of a route" {
	connect_hosts
	pair
	for h in a b; do on $h ip link set wg0 mtu 1300; done
	on a ip route add 10.9.0.2/32 dev wg0 mtu 1299
	on b iptables -I INPUT 1 -p udp -m length --length 1360 -j DROP
	pings a 10.9.0.2 -s 1269
}

@test "senders get ICMP errors for addresses without a peer, and for peers without an endpoint" {
	connect_hosts
	pair
	run on a ping -n -c 2 -i 0.2 -W 30 10.9.0.77
	[[ $output == *"From 10.9.0.1 icmp_seq=1 Destination Host Unreachable"* ]]
	run on a ping -n -c 2 -i 0.2 -W 30 fd09::77
	[[ $output == *"From fd09::1 icmp_seq=1 Destination unreachable: Address unreachable"* ]]
	on b ip link set wg0 down
	on b wg set wg0 peer "$KA" remove
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32
	on b ip link set wg0 up
	run on b ping -n -c 1 -W 30 10.9.0.1
	[[ $output == *"From 10.9.0.2 icmp_seq=1 Destination Host Unreachable"* ]]
}

@test "ICMP errors to forwarded senders come from the gateway's address on their side" {
	connect_hosts
	host c
	wire c v1 10.1.0.2/24 a v1 10.1.0.1/24
	route c default via 10.1.0.1
	router a
	pair
	run on c ping -n -c 1 -W 30 10.9.0.77
	[[ $output == *"From 10.1.0.1 icmp_seq=1 Destination Host Unreachable"* ]]
}

@test "ICMP errors to senders whose address is translated come from the gateway's address on their side" {
	connect_hosts
	host c
	wire c v1 "10.1.0.2/24 fd01::2/64" a v1 "10.1.0.1/24 fd01::1/64"
	route c default via 10.1.0.1
	route c default via fd01::1
	router a
	pair
	on a nft -f - <<-'END'
	table inet nat {
		chain out {
			type nat hook postrouting priority srcnat
			ip daddr 10.9.0.0/24 snat ip to 10.9.0.1
			ip6 daddr fd09::/64 snat ip6 to fd09::1
		}
	}
	END
	pings c 10.9.0.2
	pings c fd09::2
	on_bg c timeout 300 tcpdump -l -n -i v1 'icmp[0] == 3 or ip6[40] == 1'
	log=$BG_LOG
	eventually 5 grep -q listening "$log"
	# No peer has the first two addresses; then the peer has no endpoint.
	for step in 1 2; do
		run on c ping -n -c 1 -W 30 10.9.0.$((79 - step))
		[[ $output == *"From 10.1.0.1 icmp_seq=1 Destination Host Unreachable"* ]]
		run on c ping -n -c 1 -W 30 fd09::$((79 - step))
		[[ $output == *"From fd01::1 icmp_seq=1 Destination unreachable: Address unreachable"* ]]
		for to in 10.9.0.$((79 - step)) fd09::$((79 - step)); do # the error reaches the socket, so ports are those of the sender
			run on c perl -MSocket=:all -e '
				my $to = $ARGV[0]; my $v6 = $to =~ /:/ ? 1 : 0;
				socket(S, $v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
				setsockopt(S, $v6 ? 41 : 0, $v6 ? 25 : 11, 1);          # IPV6_RECVERR, IP_RECVERR
				connect(S, $v6 ? sockaddr_in6(9, inet_pton(AF_INET6, $to)) : sockaddr_in(9, inet_aton($to)));
				alarm 60; send(S, "x", 0); recv(S, my $d, 1, 0); print "$!\n"' "$to"
			[[ $output == *"No route to host"* ]]
		done
		on a wg set wg0 peer "$KB" remove
		on a wg set wg0 peer "$KB" allowed-ips 10.9.0.0/24,fd09::/64
	done
	not grep -E 'IP6? (10\.9\.0\.1|fd09::1) >' "$log"
}

@test "no ICMP errors for multicast; ICMP errors are rate limited" {
	connect_hosts
	pair
	on_bg a timeout 300 tcpdump -l -n -i any 'icmp[0] == 3'
	log=$BG_LOG
	eventually 5 grep -q listening "$log"
	on a ip route add 224.0.0.0/4 dev wg0
	on a ping -n -c 1 -W 1 224.0.0.99 || true
	run on a ping -n -c 1 -W 30 10.9.0.77
	eventually 5 grep -q 'host 10.9.0.77 unreachable' "$log"
	not grep -q 224 "$log"
	# The limit is a burst of 50, and 100 per second.
	on a perl -MSocket=:all -e 'socket(S, AF_INET, SOCK_DGRAM, 0);
		send(S, "x", 0, sockaddr_in(9, inet_aton("10.9.0.77"))) for 1 .. 1000'
	on a ping -n -c 1 -W 1 10.9.0.78 || true
	[ "$(grep -c 10.9.0.77 "$log")" -lt 500 ]
}

@test "ECN is copied to the outer header, DSCP is not" {
	connect_hosts
	pair
	pings a 10.9.0.2
	on_bg b timeout 300 tcpdump -l -v -n -i v0 udp port 5000
	log=$BG_LOG
	eventually 5 grep -q listening "$log"
	on a ping -n -c 1 -Q 0xb9 10.9.0.2
	eventually 5 grep -q 'tos 0x1,' "$log"
	! grep -Eq 'tos 0x[b-f]|DF' "$log"
}

@test "outer IPv6 headers have no flow label" {
	connect_hosts "[fd00::2]:5000"
	pair
	on_bg b timeout 300 tcpdump -l -v -n -i v0 ip6 and udp port 5000
	log=$BG_LOG
	eventually 5 grep -q listening "$log"
	pings a fd09::2
	eventually 5 grep -q 'length' "$log"
	! grep -q flowlabel "$log"
}

@test "every outer packet has the fwmark" {
	connect_hosts
	pair
	on a wg set wg0 fwmark 0xca6c
	on a nft 'add table t; add chain t o { type filter hook output priority 0; }; add rule t o udp dport 5000 meta mark 0xca6c counter; add rule t o udp dport 5000 meta mark != 0xca6c counter name bad' 2> /dev/null ||
		on a nft 'add table t; add counter t bad; add chain t o { type filter hook output priority 0; }; add rule t o udp dport 5000 meta mark 0xca6c counter; add rule t o udp dport 5000 meta mark != 0xca6c counter name bad'
	pings a 10.9.0.2
	[[ $(on a nft list chain ip t o) == *"mark 0x0000ca6c counter packets "[1-9]* ]]
	[[ $(on a nft list counter ip t bad) == *"packets 0 "* ]]
	on a ip link set wg0 down
	on a ip link set wg0 up
	eventually 5 pings a 10.9.0.2
	[[ $(on a nft list counter ip t bad) == *"packets 0 "* ]]
}

@test "an idle tunnel causes no wake-ups" {
	connect_hosts
	pair
	pings a 10.9.0.2
	# A keepalive follows ten seconds after the handshake, then nothing for the rest of the minute. A few context
	# switches are allowed, as preemption by other processes counts as well.
	switches() { on b sh -c "cat /proc/$1/task/*/status" | awk '/ctxt_switches/ { n += $2 } END { print n }'; }
	pid=$(daemons b)
	received() { on b wg show wg0 transfer | cut -f2; }
	before=$(received)
	keepalive_has_come() { [ "$(received)" -eq $((before + 32)) ]; }
	eventually 12 keepalive_has_come
	for try in 1 2 3; do # on a slow host, what was done before may come after it
		sleep 1
		before=$(switches "$pid")
		sleep 6
		after=$(switches "$pid")
		[ $((after - before)) -gt 4 ] || break
	done
	[ $((after - before)) -le 4 ]
}

@test "the daemon survives errors of system calls" {
	connect_hosts
	pair WG_THREADS=1 # strace counts the calls of each thread
	pings a 10.9.0.2
	pid=$(daemons a)
	fail_with() { # the first five of these calls in each thread
		on_bg a strace -f -q -o /run/strace -e "inject=$1:when=1..5" -p "$pid"
		eventually 5 on a grep -q "^TracerPid:.[1-9]" "/proc/$pid/status"
	}
	fail_no_more() {
		on a pkill -x strace
		eventually 5 on a grep -q "^TracerPid:.0" "/proc/$pid/status"
	}
	most_arrive() {
		on a ping -n -c 15 -i 0.05 -w 60 10.9.0.2 > "$NET_DIR/pings"
		[ "$(grep -cE 'icmp_seq=(.|1[0-5]) ' "$NET_DIR/pings")" -ge 9 ]
	}
	for call in recvmmsg:error=ECONNREFUSED recvmmsg:error=EPERM recvmmsg:error=ENOBUFS recvmmsg:error=ENOMEM \
		recvmmsg:error=EINTR sendmmsg:error=ECONNREFUSED sendmmsg:error=ENOBUFS sendmmsg:error=ENOMEM \
		sendmmsg:error=EINTR sendmmsg:error=EPERM; do
		fail_with $call
		# With EPERM, as from a firewall, the packets are lost, on a busy machine perhaps many with one call; with other errors
		# all arrive.
		case $call in
		*EPERM)
			for try in 1 2 3; do
				! most_arrive || break
				[ $try -lt 3 ]
				fail_no_more
				fail_with $call
			done
			;;
		*) COUNT=15 pings a 10.9.0.2 > "$NET_DIR/pings" ;;
		esac
		fail_no_more
	done
	pings a 10.9.0.2
}
