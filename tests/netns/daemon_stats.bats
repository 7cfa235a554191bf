# The statistics of wireguardd: the socket and its text, and that the counters account for every packet.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a v1 "10.0.0.1/24" b v1 "10.0.0.2/24"
}
teardown() { net_end; }

# daemon HOST [VARIABLE=VALUE…]: DAEMON[HOST] is its PID outside.
declare -gA DAEMON LOG KEY
daemon() {
	local h=$1
	shift
	on_bg "$h" env "$@" wireguardd -f wg0
	LOG[$h]=$BG_LOG
	eventually 5 pgrep -P "$BG" -x wireguardd # a stale socket may be there before
	DAEMON[$h]=$(pgrep -P "$BG" -x wireguardd)
	eventually 5 on "$h" test -S /run/wgsuite/wg0.stats
}

# statistics HOST [IF]: prints the text if it is valid.
statistics() {
	on "$1" python3 "$NET_LIB/openmetrics.py" "/run/wgsuite/${2-wg0}.stats"
}

# sample HOST TEXT: the line of this sample, with its value.
sample() {
	statistics "$1" | grep -F "$2"
}

@test "the socket answers root with valid text, follows the interface, and is removed" {
	daemon a LOG_LEVEL=verbose
	statistics a | tail -n 1 | grep -x '# EOF'
	[ "$(on a stat -c '%a %u %F' /run/wgsuite/wg0.stats)" = "600 0 socket" ]
	sample a 'wireguardd_up{interface="wg0"} 0'
	sample a 'offload="gro",reason="the interface is down"} 0'
	on a ip link set wg0 up
	eventually 5 sample a 'wireguardd_up{interface="wg0"} 1'
	sample a 'wireguardd_crypto_info{interface="wg0",primitive="aead",implementation="'
	on a ip link set wg0 down
	on a ip link set wg0 name 'w"\g'
	eventually 5 on a test -S '/run/wgsuite/w"\g.stats'
	statistics a 'w"\g' | grep -F 'wireguardd_up{interface="w\"\\g"} 0'
	eventually 5 eval '[ "$(on a ls /run/wgsuite)" = "w\"\\g.stats" ]'
	not on a setpriv --reuid 1 --clear-groups python3 "$NET_LIB/openmetrics.py" '/run/wgsuite/w"\g.stats'
	on a ip link del 'w"\g'
	eventually 5 not on a test -e '/run/wgsuite/w"\g.stats'
	eventually 5 grep -q exiting "${LOG[a]}"
	not grep -i warning "${LOG[a]}"
}

@test "wg includes the statistics in its metrics, of all daemons and in both formats" {
	daemon a
	on_bg a wireguardd -f wg1
	eventually 5 on a test -S /run/wgsuite/wg1.stats
	on a ip link set wg0 name 'w"\g'
	eventually 5 on a test -S '/run/wgsuite/w"\g.stats'
	for format in prometheus openmetrics; do
		on a wg show all $format > "$NET_DIR/metrics" 2> "$NET_DIR/errors"
		[ ! -s "$NET_DIR/errors" ]
		python3 "$NET_LIB/openmetrics.py" $format < "$NET_DIR/metrics" > /dev/null
		[ "$(grep -cF 'wireguardd_build_info{interface="w' "$NET_DIR/metrics")" = 2 ]
		grep -qF 'wireguardd_dropped_packets_total{interface="w\"\\g",scope="send",reason="no_peer"} ' "$NET_DIR/metrics"
		[ "$(grep -c '^# TYPE wireguardd_dropped_packets' "$NET_DIR/metrics")" = 1 ]
	done
}

@test "a daemon that cannot have the socket works without, and says so; a stale one is replaced" {
	on a sh -c 'mkdir -p /run/wgsuite && touch /run/wgsuite/wg0.stats'
	on_bg a wireguardd -f wg0
	eventually 5 on a wg show wg0
	[ "$(cat "$BG_LOG")" = "wireguardd: wg0: warning: no statistics: /var/run/wgsuite/wg0.stats exists and is not a socket" ]
	on a sh -c 'ip link del wg0; rm /run/wgsuite/wg0.stats'
	eventually 5 not on a test -e /run/wireguard/wg0.sock
	daemon a
	kill -KILL "${DAEMON[a]}"
	eventually 5 not on a ip link show wg0
	on a test -S /run/wgsuite/wg0.stats
	daemon a
	eventually 5 statistics a
	kill -KILL "${DAEMON[a]}"
	eventually 5 not on a ip link show wg0
	not on a wg show wg0
	not on a test -e /run/wgsuite/wg0.stats
}

@test "offloads that are not used have a reason" {
	daemon a WG_NO_OFFLOAD=tso,gro,split
	on a ip link set wg0 up
	eventually 5 sample a 'wireguardd_up{interface="wg0"} 1'
	for offload in tso gro split; do
		sample a "wireguardd_offload{interface=\"wg0\",offload=\"$offload\",reason=\"disabled by WG_NO_OFFLOAD\"} 0"
	done
	sample a 'wireguardd_offload{interface="wg0",offload="vnet"} 1'
}

# A limit for locked memory that only CAP_SYS_RESOURCE could raise, and CAP_IPC_LOCK exceed.
@test "a missing part of the sandbox is said once, and is in the statistics" {
	on_bg a setpriv --bounding-set -sys_resource,-ipc_lock sh -c 'ulimit -l 64; exec wireguardd -f wg0'
	eventually 5 sample a 'wireguardd_sandbox{interface="wg0",part="memory_lock",reason="'
	[ "$(grep -c 'warning: memory is not locked, keys may be swapped out: ' "$BG_LOG")" -eq 1 ]
	[ "$(wc -l < "$BG_LOG")" -eq 1 ]
}

@test "clients that never read do not delay the configuration or the next client" {
	daemon a
	on_bg a python3 -c "import socket, time
all = []
for i in range(200):
    s = socket.socket(socket.AF_UNIX); s.connect('/run/wgsuite/wg0.stats'); all.append(s)
open('/run/connected', 'w').close()
time.sleep(1000)"
	eventually 10 on a test -e /run/connected
	on a wg show wg0
	statistics a
}

# ---- accounting ----

account() { python3 "$BATS_TEST_DIRNAME/accounting.py" "$@"; }
# offer HOST COUNT ADDRESS [SOURCE]
offer() { OFFERED[$1]=$((OFFERED[$1] + $(in_net "$1" python3 "$BATS_TEST_DIRNAME/accounting.py" send "${@:2}"))); }
other() { [ "$1" = a ] && echo b || echo a; }
stop_daemon() { # until no thread runs any more
	kill -STOP "${DAEMON[$1]}"
	is_stopped() { ! grep -L '^State:.T' "/proc/${DAEMON[$1]}/task"/*/status | grep -q .; }
	eventually 5 is_stopped "$1"
}
go_on() { kill -CONT "${DAEMON[$1]}"; }

# not_received HOST: datagrams that came to the host while no socket had the port, or that its device dropped.
not_received() {
	in_net "$1" awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp
	in_net "$1" ip -s -j link show v1 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["rx"]["dropped"])'
}

# refused HOST: packets that the queueing discipline dropped before they reached the TUN device. Another CPU of the host may
# run the discipline while its queue fills: then packets are lost there although the device has space.
refused() {
	in_net "$1" tc -s -j qdisc show dev wg0 root | python3 -c 'import json, sys; print(sum(q["drops"] for q in json.load(sys.stdin)))'
}
# reached HOST: packets that the device had, of those that were sent into the tunnel.
reached() { echo $((OFFERED[$1] - $(refused "$1"))); }

balance() {
	local h
	for h in a b; do statistics $h > "$NET_DIR/$h.txt"; done
	account check "$NET_DIR/a.txt" "$NET_DIR/b.txt" "$(reached a)" "$(reached b)" \
		$((INJECTED[a] - $(not_received a | paste -sd -) + LOST_BEFORE[a])) \
		$((INJECTED[b] - $(not_received b | paste -sd -) + LOST_BEFORE[b]))
}

N=([1]=a [2]=b)
inner() { [ "$1" = a ] && echo 10.9.0.1 || echo 10.9.0.2; }
outer() { [ "$1" = a ] && echo 10.0.0.1 || echo 10.0.0.2; }

# know HOST: makes the other host its peer again.
know() {
	local o=$(other "$1")
	on "$1" wg set wg0 peer "${KEY[$o]}" remove
	on "$1" wg set wg0 peer "${KEY[$o]}" allowed-ips "$(inner "$o")/32" endpoint "$(outer "$o"):5000"
}
again() { know a; know b; }

# Every fault is at host $1, whose peer is $2.
fault_no_peer() { offer "$1" 30 10.9.0.77; }
fault_no_endpoint() { offer "$1" 30 10.9.0.88; }
fault_staged() { # a peer whose endpoint is refused; then it is removed
	local key=$(on "$1" wg genkey | on "$1" wg pubkey)
	on "$1" wg set wg0 peer "$key" allowed-ips 10.9.0.99/32 endpoint 10.0.9.9:9
	offer "$1" 1000 10.9.0.99
	[ $((RANDOM % 2)) = 0 ] || on "$1" wg set wg0 peer "$key" remove
	on "$1" wg set wg0 peer "$key" remove
}
fault_refused() {
	on "$1" ip route add prohibit "$(outer "$2")/32"
	offer "$1" 200 "$(inner "$2")"
	on "$1" wg show wg0 > /dev/null
	on "$1" ip route del prohibit "$(outer "$2")/32"
}
fault_source() { # waits for them: the next fault may remove the peer while they are staged
	offer "$1" 50 "$(inner "$2")" 10.9.7.7
	drops_of_source() { statistics "$1" | grep 'reason="source"} [1-9]'; }
	eventually 20 drops_of_source "$2"
}
fault_tun_queue() {
	stop_daemon "$1"
	offer "$1" 3000 "$(inner "$2")"
	go_on "$1"
}
# waits_for_nothing HOST: neither in the daemon nor in the queue of its device.
waits_for_nothing() {
	sample "$1" 'wireguardd_flow_queue_packets{interface="wg0"} 0' && in_net "$1" tc -s qdisc show dev v1 | grep 'backlog 0b 0p'
}
# slow_uplink HOST REGEX: packets to its peer through an uplink that needs seconds for them, until the statistics have such a line.
# fast_uplink HOST: until they have left. The discipline stays, as it would drop what comes at the moment.
slow_uplink() {
	local n
	in_net "$1" tc qdisc replace dev v1 root tbf rate 4mbit burst 100k limit 1g
	for n in {1..200}; do
		[ $((n % 5)) -ne 1 ] || offer "$1" 2000 "$(inner "$(other "$1")")"
		! statistics "$1" | grep "$2" || return 0
	done
	fail "no line of the statistics matches $2"
}
fast_uplink() {
	in_net "$1" tc qdisc change dev v1 root tbf rate 10gbit burst 1m limit 1g
	eventually 20 waits_for_nothing "$1"
}
fault_flow_queue() {
	slow_uplink "$1" 'reason="flow_delay"} [1-9]'
	fast_uplink "$1"
}
fault_socket_overflow() {
	stop_daemon "$2"
	offer "$1" 9000 "$(inner "$2")"
	eventually 10 is_read "$1"
	go_on "$2"
}
fault_down() { # what waits in the sockets of the other is refused by its TUN, or comes while it is down
	stop_daemon "$2"
	offer "$1" 300 "$(inner "$2")"
	eventually 10 is_read "$1"
	on "$2" ip link set wg0 down
	go_on "$2"
	eventually 10 sample "$2" 'wireguardd_up{interface="wg0"} 0'
	offer "$1" 100 "$(inner "$2")"
	eventually 10 is_read "$1"
	on "$2" ip link set wg0 up
	eventually 10 sample "$2" 'wireguardd_up{interface="wg0"} 1'
	again
}
fault_down_waiting() { # the tunnel goes down while packets wait in its flow queue
	slow_uplink "$1" 'wireguardd_flow_queue_packets{interface="wg0"} [1-9]'
	on "$1" ip link set wg0 down
	eventually 10 sample "$1" 'wireguardd_up{interface="wg0"} 0'
	fast_uplink "$1"
	on "$1" ip link set wg0 up
	eventually 10 sample "$1" 'wireguardd_up{interface="wg0"} 1'
	again
	eventually 10 is_read "$1"
}
fault_injected() {
	local numbers
	again
	numbers=($(in_net "$1" python3 "$BATS_TEST_DIRNAME/accounting.py" inject v1 "$(outer "$2")" "$(inner "$2")" $RANDOM))
	OFFERED[$1]=$((OFFERED[$1] + numbers[0])) INJECTED[$2]=$((INJECTED[$2] + numbers[1]))
}
fault_none() { offer "$1" 1000 "$(inner "$2")"; }

# is_read HOST: its daemon has read everything that was offered.
is_read() {
	local counts=$(statistics "$1" | grep -e 'thread_packets_total.*"tun"' -e '"tun_queue"')
	echo "offered ${OFFERED[$1]}, refused $(refused "$1")"$'\n'"$counts"
	[ "$(awk '{ n += $2 } END { print n }' <<< "$counts")" = "$(reached "$1")" ]
}

# account_for SEED VARIABLE=VALUE…: random faults in both directions.
account_for() {
	local h fault faults
	declare -gA OFFERED=([a]=0 [b]=0) INJECTED=([a]=0 [b]=0) LOST_BEFORE
	RANDOM=$1
	shift
	for h in a b; do
		in_net $h sysctl -qw net.ipv6.conf.default.disable_ipv6=1
		daemon $h "$@"
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
		KEY[$h]=$(on $h wg show wg0 public-key)
		net_up $h wg0 "$(inner $h)/24 10.9.7.7/32"
		on $h ip route add prohibit 10.0.9.9/32
		on $h sh -c 'wg set wg0 peer "$(wg genkey | wg pubkey)" allowed-ips 10.9.0.88/32'
		eventually 5 sample $h 'wireguardd_up{interface="wg0"} 1'
	done
	for h in a b; do
		know $h
		# No packets but those that are counted: none to be answered with an ICMP error.
		on_bg $h python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 9)); open("/run/bound", "w").close(); time.sleep(1000)'
		eventually 5 on $h test -e /run/bound
		LOST_BEFORE[$h]=$(not_received $h | paste -sd +)
		LOST_BEFORE[$h]=$((LOST_BEFORE[$h]))
	done
	faults=$(compgen -A function fault_ | python3 -c 'import random, sys
all = [f.strip() + way for f in sorted(sys.stdin) for way in (" a b", " b a")]
random.Random(int(sys.argv[1])).shuffle(all)
print("\n".join(all))' $RANDOM)
	[ "$(wc -l <<< "$faults")" -eq 24 ]
	while read -r fault <&4; do
		$fault
	done 4<<< "$faults"
	again
	offer a 1 10.9.0.2
	offer b 1 10.9.0.1
	eventually 20 balance
	for h in a b; do
		statistics $h | grep '^wireguardd_dropped' | grep -v ' 0$' >&2
		for reason in no_peer no_endpoint staged_full peer_removed send tun_queue socket source replay auth unknown_index mac1 flow_delay; do
			statistics $h | grep "reason=\"$reason\"} [1-9]"
		done
	done
}

@test "the counters account for every packet, with one data thread" {
	account_for 1 WG_NO_OFFLOAD=segment
}

@test "the counters account for every packet, without data threads and offloads" {
	account_for 2 WG_THREADS=0 WG_NO_OFFLOAD=vnet,segment,gro,mmsg
}

@test "the counters account for every packet, with several data threads, and packets that are written one by one" {
	account_for 3 WG_THREADS=3 WG_NO_OFFLOAD=segment,join
}
