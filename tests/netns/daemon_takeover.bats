# wireguardd --takeover: a new process goes on where the running one stops, without a lost packet and without a handshake.
# WGSUITE_RESTARTS: how often (20).
load ../lib/netns

RESTARTS=${WGSUITE_RESTARTS:-20}
S=/run/wireguard/wg0.sock

setup() {
	net_begin
	host a b
	wire a eth0 "192.0.2.1/24 2001:db8::1/64" b eth0 "192.0.2.2/24 2001:db8::2/64"
}
teardown() { net_end; }

daemon() { # daemon HOST [OPTION]
	on "$1" env LOG_LEVEL=verbose WG_LOG_FILE=/run/log ${THREADS:+WG_THREADS=$THREADS} wireguardd ${2-} wg0
}

# tunnel_up [A B]: wg0 on both hosts, with these outer addresses, and a session.
tunnel_up() {
	local h
	for h in a b; do
		daemon $h
		on $h sh -c 'umask 077; wg genkey > /run/key; wg genpsk > /run/psk; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a cat /run/psk | on b sh -c 'cat > /run/psk'
	on a wg set wg0 fwmark 0x77 peer "$KB" allowed-ips 10.9.0.2/32,fd09::2/128,10.10.0.0/16 preshared-key /run/psk \
		endpoint "${2:-192.0.2.2}:5000"
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128 preshared-key /run/psk endpoint "${1:-192.0.2.1}:5000"
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	pings a 10.9.0.2
}

handshakes() { on a wg show wg0 latest-handshakes; on b wg show wg0 latest-handshakes; }
one_daemon() { [ "$(daemons a | wc -w)" = 1 ]; }

take() {
	local pid
	pid=$(daemons a)
	daemon a --takeover || { on a tail -n 20 /run/log; return 1; }
	eventually 5 one_daemon
	[ "$(daemons a)" != "$pid" ]
}

# capture_counters, counters_increase: of no session is a counter ever sent twice, nor a lower one after a higher one.
capture_counters() {
	on_bg a tcpdump -n -i eth0 -s 80 --immediate-mode -U -w "$NET_DIR/wire.pcap" udp port 5000
	eventually 10 grep -q 'listening on' "$BG_LOG"
}

counters() {
	tshark -r "$NET_DIR/wire.pcap" -d udp.port==5000,wg -Y "wg.type == 4 && ip.src == 192.0.2.1" -T fields \
		-e wg.receiver -e wg.counter 2>/dev/null
}

counters_increase() {
	counters | python3 -c '
import sys
last = {}
for line in sys.stdin:
    session, counter = line.split()
    counter = int(counter)
    assert counter > last.get(session, -1), (session, counter, last[session])
    last[session] = counter
assert last
print(len(last), "sessions")'
}

restarts_under_pings() {
	local before log i began=$SECONDS
	tunnel_up "$@"
	before=$(handshakes)
	on_bg a ping -n -i 0.01 10.9.0.2
	log=$BG_LOG
	for ((i = 0; i < RESTARTS; i++)); do
		take
	done
	pings_end a "$log"
	tail -n 3 "$log"
	on a cat /run/log | grep 'took over the tunnel' | awk '{ print $8 }' | sort -n | tail -n 1
	# Sessions are replaced after two minutes as always.
	[ "$(handshakes)" = "$before" ] || [ $((SECONDS - began)) -gt 110 ]
}

@test "restarts under 100 pings a second lose none, and need no handshake" {
	ON_LIMIT=1200
	restarts_under_pings
}

@test "the same without data threads, and over IPv6" {
	RESTARTS=5
	THREADS=0 restarts_under_pings "[2001:db8::1]" "[2001:db8::2]"
}

@test "TCP streams in both directions go on over restarts, no counter is used twice, and what wg shows is the same" {
	tunnel_up
	on a ip link set wg0 mtu 1300
	on a ip route add 10.10.0.0/16 dev wg0
	on a wg set wg0 peer "$KB" persistent-keepalive 25
	before=$(on a wg show wg0 dump | cut -f 1-5,8; on a ip address show wg0; on a ip route; handshakes)
	bytes=$(on a wg show wg0 transfer | cut -f 2)
	capture_counters
	on_bg b iperf3 -s
	eventually 5 on b sh -c 'ss -Hltn sport = 5201 | grep -q .'
	on_bg a iperf3 -c 10.9.0.2 --bidir -b 20M -t 6 -J
	stream=$BG log=$BG_LOG
	eventually 5 on a sh -c 'ss -Htn dport = 5201 | grep -q ESTAB'
	for i in 1 2 3 4 5 6 7 8; do take; done
	eventually 20 not kill -0 "$stream"
	jq -e '.error == null and .end.sum_received.bytes > 0' "$log"
	counters_increase
	[ "$(counters_increase)" = "1 sessions" ]
	[ "$(on a wg show wg0 dump | cut -f 1-5,8; on a ip address show wg0; on a ip route; handshakes)" = "$before" ]
	[ "$(on a wg show wg0 transfer | cut -f 2)" -gt "$bytes" ]
}

# dropped_at_sockets N: the statistics of a count so many datagrams.
dropped_at_sockets() {
	on a socat -u UNIX-CONNECT:/run/wgsuite/wg0.stats - | grep -xF \
		"wireguardd_dropped_packets_total{interface=\"wg0\",scope=\"receive\",reason=\"socket\"} $1"
}

@test "configuration, roaming, handshakes and removal work after a hand-over" {
	tunnel_up
	on b bash -c 'echo no message > /dev/udp/192.0.2.1/5000'
	eventually 5 dropped_at_sockets 1
	take
	dropped_at_sockets 0 # as all counters of the new process
	on a socat -u UNIX-CONNECT:/run/wgsuite/wg0.stats - | grep -x "# EOF"
	# The process that the socket shows is the one that serves it: the monitor would kill it if it did not answer.
	on a wg-quick status wg0 | grep -E "backend: wireguardd [^ ]*, process $(daemons a | tr -d ' \n')\$"
	on a wg set wg0 listen-port 5001 # b follows: it has the session
	pings a 10.9.0.2
	[ "$(on b wg show wg0 endpoints | cut -f 2)" = 192.0.2.1:5001 ]
	on b wg set wg0 private-key <(on b wg genkey)
	on a wg set wg0 peer "$KB" remove
	KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" preshared-key /run/psk allowed-ips 10.9.0.2/32 endpoint 192.0.2.2:5000
	pings a 10.9.0.2
	on a ip link set wg0 down
	take
	on a ip link set wg0 up
	pings a 10.9.0.2
	THREADS=0 take
	pings a 10.9.0.2
	THREADS=3 take
	pings a 10.9.0.2
	on a ip link del wg0
	eventually 5 no_daemons a
	not on a test -e $S
	not on a test -e /run/wgsuite/wg0.stats
	[ -z "$(on a ss -Hlun "sport = :5001")" ]
}

recovered() { pings a 10.9.0.2; }

@test "a new process that ends at any step leaves the running one in charge, and no counter is used twice" {
	tunnel_up
	capture_counters
	pid=$(daemons a)
	before=$(handshakes)
	on a python3 "$BATS_TEST_DIRNAME/../lib/takeover_peer.py" client $S offer
	pings a 10.9.0.2
	[ "$(handshakes)" = "$before" ] # nothing had been exported
	for step in freeze state hang late; do
		run -0 on a python3 "$BATS_TEST_DIRNAME/../lib/takeover_peer.py" client $S $step
		not grep '^g' <<< "$output"
		eventually 20 recovered
		[ "$(daemons a)" = "$pid" ]
	done
	on a grep "cannot hand over the tunnel: .*; continuing with new handshakes" /run/log
	take
	pings a 10.9.0.2
	counters_increase
}

# The previous process has ended, or is in charge.
settled() { [ -z "$(daemons a)" ] || recovered; }

@test "killing the new process at any time never makes a counter repeat" {
	tunnel_up
	capture_counters
	on_bg a ping -n -i 0.002 10.9.0.2
	for delay in 0 0.001 0.002 0.004 0.006 0.01 0.015 0.02 0.03 0.05; do # any moment will do
		on a env WG_LOG_FILE=/run/log sh -c 'wireguardd -f --takeover wg0 & sleep "$0"; kill -KILL $!; wait $! || true' $delay
		eventually 20 settled
		if [ -z "$(daemons a)" ]; then # it had the tunnel already: a crash
			eventually 20 not on a ip link show wg0
			daemon a
			on a wg set wg0 private-key /run/key listen-port 5000 peer "$KB" preshared-key /run/psk \
				allowed-ips 10.9.0.2/32 endpoint 192.0.2.2:5000
			net_up a wg0 "10.9.0.1/24"
		fi
		eventually 20 recovered
	done
	counters_increase
}

@test "a takeover is completed although its parent is killed: nobody else has the tunnel" {
	local before old parent
	tunnel_up
	before=$(handshakes) old=$(daemons a)
	on a mkfifo /run/fifo # opening it waits for a reader
	on_bg a env WG_LOG_FILE=/run/fifo wireguardd --takeover wg0
	three() { [ "$(daemons a | wc -w)" = 3 ]; }
	eventually 10 three
	parent=$(daemons a | grep -vx "$old" | head -n 1)
	on a kill -KILL "$parent"
	on_bg a cat /run/fifo
	replaced() { one_daemon && [ "$(daemons a)" != "$old" ]; }
	eventually 10 replaced
	pings a 10.9.0.2
	[ "$(handshakes)" = "$before" ]
}

@test "the new process refuses what does not fit, says why, and removes nothing of the other" {
	run on a wireguardd --takeover wg0
	[ "$status" = 1 ]
	[[ $output == "wireguardd: wg0: cannot take over: /var/run/wireguard/wg0.sock: No such file or directory" ]]
	for step in refuse version namespace descriptors header offer empty random resized go; do
		on_bg a python3 "$BATS_TEST_DIRNAME/../lib/takeover_peer.py" server $S $step
		other=$BG
		eventually 5 grep listening "$BG_LOG"
		run on a wireguardd --takeover wg0
		echo "$step: $output"
		[ "$status" = 1 ]
		case $step in
		refuse) [[ $output == *"the running daemon cannot hand over its tunnel" ]] ;;
		version) [[ $output == *"the running daemon has another version of the state" ]] ;;
		namespace) [[ $output == *"the running daemon is in another network namespace" ]] ;;
		descriptors) [[ $output == *"the running daemon sent no descriptors" ]] ;;
		header) [[ $output == *"cannot take over the TUN device: its header is not the one that the running daemon names" ]] ;;
		offer) [[ $output == *"the running daemon closed the connection; another process may have the interface by now" ]] ;;
		empty) [[ $output == *"Stale file handle" ]] ;;
		random | go) [[ $output == *"Protocol error" ]] ;;
		resized) [[ $output == *"Invalid argument" ]] ;;
		esac
		eventually 5 not kill -0 $other
		on a rm $S
	done
}

@test "only root can take over" {
	tunnel_up
	run on a setpriv --reuid 65534 --clear-groups python3 "$BATS_TEST_DIRNAME/../lib/takeover_peer.py" client $S offer
	[ "$status" -ne 0 ]
	on a chmod 666 $S
	run on a setpriv --reuid 65534 --clear-groups python3 "$BATS_TEST_DIRNAME/../lib/takeover_peer.py" client $S offer
	[[ ${lines[0]} == "0 0" || $output == *BrokenPipe* ]]
	pings a 10.9.0.2
}
