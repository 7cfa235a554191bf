# wireguardd with several data threads: packets arrive in order, also during configuration changes.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a v0 "10.0.0.1/24 fd00::1/64" b v0 "10.0.0.2/24 fd00::2/64"
}
teardown() { net_end; }

# pair [VARIABLE=VALUE…]: a daemon with eight data threads on each host, with each other as peer; b is 10.9.0.2.
pair() {
	local h
	for h in a b; do
		on $h env WG_THREADS=8 "$@" wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32,fd09::2/128 endpoint "${ENDPOINT:-10.0.0.2:5000}"
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	on b sh -c 'wg show wg0 > /dev/null'
}

# ThreadSanitizer starts additional threads, and the daemon then has no system call filter.
instrumented() { grep -q __tsan_init "$WGSUITE_BUILD/wireguardd"; }

count_threads() { on "$1" sh -c "ls /proc/$(daemons "$1")/task | wc -l"; }

@test "WG_THREADS sets the number of threads, and they end with the daemon" {
	pair
	instrumented || [ "$(count_threads a)" = 9 ]
	pings a 10.9.0.2
	pings a fd09::2
	on a ip link del wg0
	eventually 5 no_daemons a
	on a env WG_THREADS=0 wireguardd wg0
	instrumented || [ "$(count_threads a)" = 1 ]
	on a wireguardd wg1
	instrumented || [ "$(on a sh -c 'ls /proc/$(pidof wireguardd | cut -d" " -f1)/task | wc -l')" -ge 2 ]
	for n in 65 -1 two 4x; do
		run on a env WG_THREADS=$n wireguardd wg2
		[ "$status" = 1 ]
		[[ $output == *"WG_THREADS: expected a number from 0 to 64"* ]]
	done
}

@test "single packets, each to sleeping threads" {
	pair
	pings a 10.9.0.2
	COUNT=1000 pings a 10.9.0.2 -i 0.002
	COUNT=1000 pings a fd09::2 -i 0.002
}

received_bytes() { on b wg show wg0 transfer | cut -f2; }
has_received() { [ "$(received_bytes)" -gt "$1" ]; }

# stream N: sends N bursts of 40 numbered UDP datagrams from a to b, a burst with one system call. $NET_DIR/stream gets
# the number of datagrams that arrived, and of those that arrived after one with a higher number.
stream() {
	on_bg b perl -MSocket=:all -e '
		socket(S, AF_INET, SOCK_DGRAM, 0); setsockopt(S, SOL_SOCKET, 33, 16 << 20); # SO_RCVBUFFORCE
		bind(S, sockaddr_in(7001, INADDR_ANY)) or die; $| = 1; print "ready\n"; $last = -1;
		while (1) {
			recv(S, my $d, 2000, 0); my $i = unpack("N", $d);
			if ($i == 0xffffffff) { print "arrived $n late $late\n"; exit }
			$n++; if ($i < $last) { $late++ } else { $last = $i }
		}'
	local log=$BG_LOG
	eventually 5 grep -q ready "$log"
	on a perl -MSocket=:all -MTime::HiRes=usleep -e '
		socket(S, AF_INET, SOCK_DGRAM, 0); setsockopt(S, 17, 103, 1000); # UDP_SEGMENT
		my $to = sockaddr_in(7001, inet_aton("10.9.0.2")), my $i = 0;
		for (1 .. $ARGV[0]) {
			send(S, join("", map { pack("N", $i++) . "x" x 996 } 1 .. 40), 0, $to) or die "$!";
			usleep(1000) if $_ % 4 == 0;
		}
		sleep 1; setsockopt(S, 17, 103, 0);
		for (1 .. 300) { # longer than it takes to repeat an initiation that was lost
			send(S, pack("N", 0xffffffff), 0, $to); usleep(50000);
			last if $_ >= 20 && system("grep", "-q", "arrived", $ARGV[1]) == 0;
		}' "$1" "$log" || true
	eventually 5 grep -q arrived "$log"
	cp "$log" "$NET_DIR/stream"
	cat "$log"
}

@test "a stream of datagrams arrives in order" {
	pair
	pings a 10.9.0.2
	stream 1500
	read -r _ n _ late < <(grep arrived "$NET_DIR/stream")
	[ "$n" -gt 10000 ] && [ "${late:-0}" = 0 ]
}

@test "a stream of datagrams arrives in order, also when it waits in the queue for a slow uplink" {
	pair
	pings a 10.9.0.2
	in_net a tc qdisc add dev v0 root tbf rate 100mbit burst 100k limit 1g
	stream 1500
	read -r _ n _ late < <(grep arrived "$NET_DIR/stream")
	[ "$n" -gt 1000 ] && [ "${late:-0}" = 0 ]
}

@test "a stream of datagrams arrives in order, also when it has to wait for new sessions" {
	pair
	( # each time the first packets are staged by the control thread when the session is established
		for i in 1 2 3 4 5 6; do
			within 2 has_received $(($(received_bytes) + 2000000)) || break # the stream has ended
			on a sh -c 'wg showconf wg0 > /run/conf; wg setconf wg0 /run/conf'
		done
	) 3>&- &
	local changes=$!
	stream 1500
	wait $changes
	read -r _ n _ late < <(grep arrived "$NET_DIR/stream")
	[ "$n" -gt 1000 ] && [ "${late:-0}" = 0 ]
}

count_of() { on "$1" nstat -s -z "$2" | awk -v of="$2" '$1 == of { print $2 }'; }

@test "TCP segments arrive in order" {
	pair
	pings a 10.9.0.2
	for h in a b; do on $h nstat -n; done
	for port in 5201 5202; do
		on_bg b iperf3 -s -p $port
		eventually 5 on b sh -c "ss -Htln 'sport = :$port' | grep -q ."
	done
	on a iperf3 -c 10.9.0.2 -t 1 -P 4 > /dev/null
	on a iperf3 -c fd09::2 -p 5202 -t 1 -P 4 -R > /dev/null
	for h in a b; do # what the senders noticed; losses, of which a few are due, do not count
		on $h nstat -s -z | awk '/^TcpExtTCP(SACK|TS|Reno)Reorder/ { print; n += $2 } END { exit n >= 10 }'
	done
}

# Sends data over TCP from a to b until /run/stop exists, and computes checksums on both sides.
send_until_stopped() {
	on_bg b sh -c 'socat -u TCP4-LISTEN:7000,reuseaddr - | sha256sum > /run/got; touch /run/received'
	eventually 5 on b sh -c 'ss -Htln "sport = :7000" | grep -q .'
	on_bg a bash -c 'while [ ! -e /run/stop ]; do head -c 2000000 /dev/urandom; sleep 0.01; done |
		tee >(sha256sum > /run/sent) | socat -u - TCP:10.9.0.2:7000'
}

same_sum() { [ -n "$(on a cat /run/sent)" ] && [ "$(on a cat /run/sent)" = "$(on b cat /run/got)" ]; }

# change_configuration I: changes settings, peers and sessions of both daemons.
change_configuration() {
	on a wg set wg0 listen-port $((6000 + $1 % 10))
	on b wg set wg0 peer "$KA" allowed-ips "10.9.0.1/32,fd09::1/128,10.7.$1.0/24"
	on b wg set wg0 peer "$(on b sh -c "wg genkey | wg pubkey")" allowed-ips "10.8.$1.0/24" endpoint "10.0.0.1:$1"
	on a ping -n -c 1 -W 1 "10.9.0.$((100 + $1))" > /dev/null 2>&1 || true # no peer
	on a wg set wg0 fwmark "$1"
	on a wg show wg0 > /dev/null
	on b wg show wg0 > /dev/null
	[ $(($1 % 5)) != 0 ] || on a sh -c 'wg showconf wg0 > /run/conf; wg setconf wg0 /run/conf' # a new session
	COUNT=1 eventually 10 pings a 10.9.0.2 # until b has the new port
}

@test "all TCP data arrives during configuration changes" {
	pair
	pings a 10.9.0.2
	send_until_stopped
	for i in $(seq 12); do
		change_configuration "$i"
		if [ $((i % 10)) = 7 ]; then # ends the sessions of b, which must then initiate
			on b sh -c 'ip link set wg0 down; ip link set wg0 up; ip address add fd09::2/64 dev wg0 nodad'
			eventually 5 pings b 10.9.0.1
		fi
	done
	on a touch /run/stop
	eventually 20 on b test -e /run/received
	eventually 5 same_sum
	pings a 10.9.0.2
	pings a fd09::2
}

@test "the threads keep working when the link moves to another namespace" {
	pair
	pings a 10.9.0.2
	host c
	in_net a ip link set wg0 netns "${NET_PID[c]}"
	net_up c wg0 "10.9.0.1/24 fd09::1/64"
	eventually 5 pings c 10.9.0.2
	run in_net c ping -n -c 1 -W 30 10.9.0.77
	[[ $output == *"Destination Host Unreachable"* ]]
	in_net c ip link set wg0 down
	in_net c ip link set wg0 up
	eventually 5 pings c 10.9.0.2
	in_net c ip link del wg0
	eventually 5 no_daemons a
}

@test "deleting the link and SIGTERM end the daemon under traffic" {
	pair
	pings a 10.9.0.2
	send_until_stopped
	for h in a b; do
		on_bg $h ping -n -f -q -w 20 "10.9.0.$([ $h = a ] && echo 2 || echo 1)"
	done
	eventually 10 has_received 5000000
	on a ip link del wg0
	eventually 5 no_daemons a
	on b test -S /run/wireguard/wg0.sock
	on b pkill -TERM -x wireguardd
	eventually 5 no_daemons b
	on b test ! -e /run/wireguard/wg0.sock
}

# strace and a thread sanitizer exclude each other.
# bats test_tags=uninstrumented
@test "every thread survives errors of system calls" {
	pair
	pings a 10.9.0.2
	local pid
	pid=$(daemons a)
	for call in recvmmsg:error=EPERM recvmmsg:error=EINTR sendmmsg:error=ENOBUFS sendmmsg:error=EINTR; do
		on_bg a strace -f -q -o /run/strace -e "inject=$call:when=1..5" -p "$pid"
		eventually 5 on a grep -q "^TracerPid:.[1-9]" "/proc/$pid/status"
		COUNT=20 pings a 10.9.0.2
		on a pkill -x strace
		eventually 5 on a grep -q "^TracerPid:.0" "/proc/$pid/status"
	done
}

# The sandbox of a sanitized daemon allows more.
# bats test_tags=uninstrumented
@test "every thread is in the sandbox" {
	pair
	pid=$(daemons a)
	for t in $(on a ls "/proc/$pid/task"); do
		on a grep -q '^NoNewPrivs:.1' "/proc/$pid/task/$t/status"
		[ "$(on a awk '/^CapEff/ { print $2 }' "/proc/$pid/task/$t/status")" = 0000000000001000 ]
		on a grep -q '^Seccomp:.2' "/proc/$pid/task/$t/status"
	done
}

multiplied() { # multiplied HOST: X25519 multiplications of its data threads
	on "$1" socat -u UNIX-CONNECT:/run/wgsuite/wg0.stats - |
		awk '/thread_multiplications_total/ && !/control/ { n += $2 } END { print n + 0 }'
}
begin_handshakes() { # begin_handshakes HOST: at once with the peers of the file, most of which do not answer
	on "$1" sh -c 'wg syncconf wg0 /run/none && wg syncconf wg0 /run/many && sleep 0.2'
	[ "$(multiplied "$1")" -gt 0 ]
}

@test "data threads that have nothing to do compute X25519 for handshakes of many peers" {
	pair
	pings a 10.9.0.2
	[ "$(multiplied a)" = 0 ] # not for one
	on a sh -c 'umask 077; { echo [Interface]; echo "ListenPort = 5000"; printf "PrivateKey = "; cat /run/key; } > /run/none
		{ cat /run/none; for i in $(seq 64); do
			printf "[Peer]\nPublicKey = %s\nEndpoint = 10.0.0.2:4999\nPersistentKeepalive = 25\n" "$(wg genkey | wg pubkey)"
		done; printf "[Peer]\nPublicKey = %s\nEndpoint = 10.0.0.2:5000\nAllowedIPs = 10.9.0.2/32\nPersistentKeepalive = 25\n" "$1"; } > /run/many' - "$KB"
	eventually 20 begin_handshakes a
	eventually 10 pings a 10.9.0.2
}
