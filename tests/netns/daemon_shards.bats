# wireguardd with several data threads and several peers: the receiver index of a datagram chooses its socket.
load ../lib/netns

setup() {
	net_begin
	host hub p0 p1 p2 p3
	for i in 0 1 2 3; do wire hub "v$i" "10.0.$i.1/24" p$i v0 "10.0.$i.2/24"; done
}
teardown() { net_end; }

# tunnels THREADS: 10.9.0.100 is the hub, with so many data threads, and 10.9.0.1$i is p$i.
tunnels() {
	local i h key
	for h in hub p0 p1 p2 p3; do
		on $h env WG_THREADS=$([ $h = hub ] && echo "$1" || echo 1) wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	HUB=$(on hub wg show wg0 public-key)
	for i in 0 1 2 3; do
		key=$(on p$i wg show wg0 public-key)
		on hub wg set wg0 peer "$key" allowed-ips 10.9.0.1$i/32 endpoint 10.0.$i.2:5000
		on p$i wg set wg0 peer "$HUB" allowed-ips 10.9.0.100/32 endpoint 10.0.$i.1:5000
		net_up p$i wg0 10.9.0.1$i/24
	done
	net_up hub wg0 10.9.0.100/24
	for i in 0 1 2 3; do pings p$i 10.9.0.100; done
}

# metric NAME: the values of all samples of the hub, each in a line.
metric() { on hub python3 "$NET_LIB/openmetrics.py" /run/wgsuite/wg0.stats | sed -n "s/^wireguardd_$1{.* //p"; }
is_metric() { [ "$(metric "$1")" = "$2" ]; }
received() { metric socket_datagrams_total | awk '{ n += $1 } END { print n }'; }
has_received() { [ "$(received)" -gt "$1" ]; }

@test "each peer has another socket, and stays with it" {
	local before after i used=""
	tunnels 4
	for i in 0 1 2 3; do
		local n changed try
		for try in 1 2 3; do # a keepalive of another peer may come, ten seconds after its pings
			changed=""
			mapfile -t before < <(metric socket_datagrams_total)
			COUNT=20 pings p$i 10.9.0.100 -i 0.01
			mapfile -t after < <(metric socket_datagrams_total)
			[ "${#after[@]}" = 8 ] # of both families
			for n in "${!after[@]}"; do [ "${before[$n]}" = "${after[$n]}" ] || changed+=" $n"; done
			[ "$(wc -w <<< "$changed")" -gt 1 ] || break
		done
		[ "$(wc -w <<< "$changed")" = 1 ]
		used+="$changed"
	done
	[ "$(xargs -n 1 <<< "$used" | sort -u | wc -l)" = 4 ]
}

handshakes() { on hub wg show wg0 latest-handshakes | sort; }

@test "datagrams that arrive at another socket than their session was made for are opened" {
	local before i
	tunnels 4
	before=$(handshakes)
	on hub env WG_THREADS=3 wireguardd --takeover wg0 # its four sockets stay
	[ "$(metric socket_datagrams_total | wc -l)" = 8 ]
	for i in 0 1 2 3; do COUNT=20 pings hub 10.9.0.1$i -i 0.01; done
	on hub wg set wg0 listen-port 5001 # three now
	[ "$(metric socket_datagrams_total | wc -l)" = 6 ]
	for i in 0 1 2 3; do COUNT=20 pings hub 10.9.0.1$i -i 0.01; done
	on hub env WG_THREADS=0 wireguardd --takeover wg0
	for i in 0 1 2 3; do COUNT=20 pings hub 10.9.0.1$i -i 0.01; done
	on hub wg set wg0 listen-port 5002 # one
	for i in 0 1 2 3; do COUNT=20 pings hub 10.9.0.1$i -i 0.01; done
	[ "$(handshakes)" = "$before" ]
}

# Numbered datagrams in bursts from one host to another, until $NET_DIR/stop exists. The log of the receiver says how many
# arrived, and how many of them after one with a higher number.
numbered_receiver() {
	on_bg "$1" perl -MSocket=:all -e '
		socket(S, AF_INET, SOCK_DGRAM, 0); setsockopt(S, SOL_SOCKET, 33, 16 << 20); # SO_RCVBUFFORCE
		bind(S, sockaddr_in($ARGV[0], INADDR_ANY)) or die; $| = 1; print "ready\n"; $last = -1; $late = 0;
		while (1) {
			recv(S, my $d, 2000, 0); my $i = unpack("N", $d);
			if ($i == 0xffffffff) { print "arrived $n late $late\n"; exit }
			$n++; if ($i < $last) { $late++ } else { $last = $i }
		}' "$2"
	eventually 5 grep -q ready "$BG_LOG"
}
numbered_sender() { # HOST ADDRESS PORT LOG
	on "$1" perl -MSocket=:all -MTime::HiRes=usleep -e '
		socket(S, AF_INET, SOCK_DGRAM, 0); setsockopt(S, 17, 103, 1000); # UDP_SEGMENT
		my $to = sockaddr_in($ARGV[1], inet_aton($ARGV[0])), my $i = 0;
		until (-e $ARGV[2]) {
			send(S, join("", map { pack("N", $i++) . "x" x 996 } 1 .. 40), 0, $to) or die "$!"; usleep(300);
		}
		setsockopt(S, 17, 103, 0);
		for (1 .. 300) {
			send(S, pack("N", 0xffffffff), 0, $to); usleep(50000);
			last if system("grep", "-q", "arrived", $ARGV[3]) == 0;
		}' "$2" "$3" "$NET_DIR/stop" "$4"
}

@test "while many peers are active, packets go to the queue of their peer; the datagrams of each stay in order" {
	local logs=() all=() i
	tunnels 4
	for i in 0 1 2 3; do # each way, with each peer
		numbered_receiver hub 700$i
		logs+=("$BG_LOG")
		numbered_receiver p$i 7000
		logs+=("$BG_LOG")
	done
	for i in 0 1 2 3; do
		numbered_sender p$i 10.9.0.100 700$i "${logs[2 * i]}" 3>&- &
		all+=($!)
		numbered_sender hub 10.9.0.1$i 7000 "${logs[2 * i + 1]}" 3>&- &
		all+=($!)
	done
	eventually 60 is_metric queue_by_peer 1
	i=$(received)
	eventually 60 has_received $((i + 20000))
	touch "$NET_DIR/stop"
	wait "${all[@]}"
	for i in "${logs[@]}"; do
		eventually 5 grep -q arrived "$i"
		cat "$i"
		[[ $(tail -n 1 "$i") == "arrived "[1-9]*" late 0" ]]
	done
}

@test "TCP segments arrive in order" {
	local all=() i
	tunnels 4
	for i in 0 1 2 3; do
		on_bg hub iperf3 -s -1 -p 520$i
		on_bg hub iperf3 -s -1 -p 530$i
	done
	for i in 0 1 2 3; do
		eventually 5 on hub sh -c "ss -Htln 'sport = :520$i or sport = :530$i' | wc -l | grep -qx 2"
	done
	for i in hub p0 p1 p2 p3; do on $i nstat -n; done
	for i in 0 1 2 3; do
		on p$i iperf3 -c 10.9.0.100 -p 520$i -n 15M > /dev/null 3>&- &
		all+=($!)
		on p$i iperf3 -c 10.9.0.100 -p 530$i -n 15M -R > /dev/null 3>&- &
		all+=($!)
	done
	wait "${all[@]}"
	for i in hub p0 p1 p2 p3; do
		[ $(($(on $i nstat -s -z TcpExtTCPOFOQueue | awk '/OFO/ { print $2 }') * 50)) -lt \
			"$(on $i nstat -s -z TcpInSegs | awk '/InSegs/ { print $2 }')" ]
	done
}

@test "WG_AFFINITY=cpu: each data thread has one CPU, and the main thread all" {
	local pid cpus
	run on hub env WG_AFFINITY=core wireguardd wg0
	[ "$status" = 1 ]
	[[ $output == *"WG_AFFINITY: expected none or cpu, found core" ]]
	for pid in none cpu; do on hub env WG_THREADS=2 WG_AFFINITY=$pid wireguardd "$pid"; done
	cpus=$(on hub nproc)
	for pid in $(daemons hub); do
		on hub sh -c "cd /proc/$pid && tr '\\0' ' ' < cmdline && for t in $pid \$(ls task | grep -vx $pid); do
			grep Cpus_allowed_list task/\$t/status | cut -f2; done | xargs"
	done > "$NET_DIR/affinity"
	cat "$NET_DIR/affinity"
	awk -v cpus="$cpus" '
		$2 == "none" && $3 == $4 && $4 == $5 { good++ }
		$2 == "cpu" && $4 ~ /^[0-9]+$/ && $5 ~ /^[0-9]+$/ && (cpus == 1 || ($4 != $5 && $3 !~ /^[0-9]+$/)) { good++ }
		END { exit good != 2 }' "$NET_DIR/affinity"
}
