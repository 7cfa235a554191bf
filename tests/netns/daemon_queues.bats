# wireguardd: the queues of the TUN device.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a v0 "10.0.0.1/24" b v0 "10.0.0.2/24"
}
teardown() { net_end; }

# daemon HOST [VARIABLE=VALUE…]
daemon() {
	local h=$1
	shift
	on "$h" env "$@" wireguardd wg0
}

queues() { on "$1" sh -c 'ls /sys/class/net/wg0/queues | grep -c tx-'; }
# The value and, if it is 0, the reason of the offload "queues" in the statistics.
in_statistics() { on "$1" socat -u UNIX-CONNECT:/run/wgsuite/wg0.stats - | grep 'offload="queues"'; }

# pair [VARIABLE=VALUE…]: a daemon on each host, with each other as peer. The variables are for a.
pair() {
	local h
	daemon a "$@"
	daemon b
	for h in a b; do
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32 endpoint 10.0.0.2:5000
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32
	net_up a wg0 10.9.0.1/24
	net_up b wg0 10.9.0.2/24
}

@test "as many queues as threads, up to eight, and one where the system gives no more" {
	local n
	for n in 0=1 1=1 2=2 6=6 12=8; do
		daemon a WG_THREADS="${n%=*}"
		[ "$(queues a)" = "${n#*=}" ]
		on a ip link del wg0
		eventually 5 no_daemons a
	done
	daemon a WG_THREADS=4 WG_NO_OFFLOAD=queues
	[ "$(queues a)" = 1 ]
	[[ $(in_statistics a) == *'reason="disabled by WG_NO_OFFLOAD"'*" 0" ]]
	on a ip link del wg0
	eventually 5 no_daemons a
	on a ip tuntap add wg0 mode tun vnet_hdr # persistent, with a single queue
	daemon a WG_THREADS=4
	[ "$(queues a)" = 1 ]
	[[ $(in_statistics a) == *'reason="not supported by the kernel"'*" 0" ]]
	on a ip link del wg0
	eventually 5 no_daemons a
	daemon a WG_THREADS=4
	[[ $(in_statistics a) == *'"queues"} 1' ]]
	run on a env WG_THREADS=4 wireguardd wg0 # takes no queue of a device in use
	[ "$status" = 1 ]
	[[ $output == *"Device or resource busy (an interface of this name is in use)"* ]]
	[ "$(queues a)" = 4 ]
	[ "$(daemons a | wc -l)" = 1 ]
}

# is_stopped PID: no thread of the process on a runs any more.
is_stopped() { on a sh -c "! grep -L '^State:.T' /proc/$1/task/*/status | grep -q ."; }

# flood_while_stopped LEAST: while the daemon of a is stopped, one program fills its queue; then 64 others send one datagram
# each. Prints how many of these arrived, as soon as there are LEAST.
flood_while_stopped() {
	on_bg b perl -MSocket=:all -e '
		socket(S, AF_INET, SOCK_DGRAM, 0); setsockopt(S, SOL_SOCKET, 33, 16 << 20); # SO_RCVBUFFORCE
		bind(S, sockaddr_in(7001, INADDR_ANY)) or die; $| = 1; print "ready\n";
		while (1) {
			recv(S, my $d, 2000, 0);
			if ($d eq "end" && ($n >= $ARGV[0] || $ends++ == 100)) { print "arrived ", 0 + $n, "\n"; exit }
			$n++ if $d eq "other";
		}' "$1"
	local log=$BG_LOG pid
	pid=$(daemons a)
	eventually 5 grep -q ready "$log"
	on a kill -STOP "$pid"
	eventually 5 is_stopped "$pid"
	on a perl -MSocket=:all -e '
		my $to = sockaddr_in(7001, inet_aton("10.9.0.2"));
		socket(F, AF_INET, SOCK_DGRAM, 0); setsockopt(F, SOL_SOCKET, 32, 64 << 20); # SO_SNDBUFFORCE
		send(F, "flood", MSG_DONTWAIT, $to) for 1 .. 5000;
		for (1 .. 64) { socket(my $s, AF_INET, SOCK_DGRAM, 0); send($s, "other", MSG_DONTWAIT, $to) }'
	on a kill -CONT "$pid"
	on a perl -MSocket=:all -e '
		socket(S, AF_INET, SOCK_DGRAM, 0);
		for (1 .. 1000) {
			send(S, "end", 0, sockaddr_in(7001, inet_aton("10.9.0.2"))); select(undef, undef, undef, 0.05);
			last if system("grep", "-q", "arrived", $ARGV[0]) == 0;
		}' "$log"
	eventually 5 grep -q arrived "$log"
	sed -n 's/^arrived //p' "$log"
}

@test "a program that fills its queue does not displace the packets of others" {
	pair WG_THREADS=4
	pings a 10.9.0.2
	[ "$(flood_while_stopped 16)" -ge 16 ]
}

@test "with one queue it does" {
	pair WG_THREADS=4 WG_NO_OFFLOAD=queues
	pings a 10.9.0.2
	[ "$(flood_while_stopped 0)" = 0 ]
}

# The kernel sends the replies of a flow to the queue that it was written to.
@test "threads share the flows of one peer, and each flow stays in order" {
	pair WG_THREADS=8
	pings a 10.9.0.2
	for port in 1 2 3 4 5 6 7 8; do on_bg b iperf3 -s -1 -p 520$port; done
	for port in 1 2 3 4 5 6 7 8; do eventually 5 on b sh -c "ss -Htln 'sport = :520$port' | grep -q ."; done
	on a nstat -n
	local all=()
	for port in 1 2 3 4 5 6 7 8; do
		on a iperf3 -c 10.9.0.2 -p 520$port -n 20M -R > /dev/null 3>&- &
		all+=($!)
	done
	wait "${all[@]}"
	[ $(($(on a nstat -s -z TcpExtTCPOFOQueue | awk '/OFO/ { print $2 }') * 50)) -lt \
		"$(on a nstat -s -z TcpInSegs | awk '/InSegs/ { print $2 }')" ]
}

@test "a process with another number of threads takes all queues over" {
	pair WG_THREADS=6
	pings a 10.9.0.2
	local threads
	one_daemon() { [ "$(daemons a | wc -w)" = 1 ]; }
	for threads in 1 0 8; do
		on_bg a ping -n -D -i 0.005 -c 200 -W 30 10.9.0.2
		local log=$BG_LOG
		on a env WG_THREADS=$threads wireguardd --takeover wg0
		eventually 20 grep -q transmitted "$log"
		echo "threads $threads: $(grep loss "$log") missing: $(grep -o "seq=[0-9]*" "$log" | cut -d= -f2 | awk "{ for (++n; n < \$1; n++) print n }" | xargs)"
		grep -q " 0% packet loss" "$log"
		[ "$(queues a)" = 6 ]
		eventually 5 one_daemon
		[ "$(flood_while_stopped 16)" -ge 16 ]
	done
}

@test "of the queues in WG_TUN_FD, as many as threads are used" {
	on_bg a python3 -c '
import fcntl, os, struct
fds = [os.open("/dev/net/tun", os.O_RDWR) for i in range(5)]
for fd in fds:
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"wg0", 0x5101)) # TUNSETIFF: TUN, no header, several queues
    os.set_inheritable(fd, True)
os.environ["WG_TUN_FD"] = ",".join(map(str, fds))
os.environ["WG_THREADS"] = "3"
os.execvp("wireguardd", ["wireguardd", "-f", "wg0"])'
	eventually 10 on a test -S /run/wireguard/wg0.sock
	eventually 5 eval '[ "$(queues a)" = 3 ]'
}
