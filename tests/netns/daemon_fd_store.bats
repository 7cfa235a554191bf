# wireguardd --fd-store: restarts and crashes of a service whose manager keeps descriptors. tests/netns/systemd_slow.bats
# does the same with systemd.
load ../lib/netns

S=/run/wireguard/wg0.sock
MANAGER=$BATS_TEST_DIRNAME/../lib/service_manager.py

setup() {
	net_begin
	host a b
	wire a eth0 "192.0.2.1/24 2001:db8::1/64" b eth0 "192.0.2.2/24 2001:db8::2/64"
	[[ $BATS_TEST_DESCRIPTION != *"several queues"* ]] || THREADS=3
	on_bg a env LOG_LEVEL=verbose WG_LOG_FILE=/run/log WG_THREADS="${THREADS-1}" python3 "$MANAGER" serve wg0
	eventually 5 grep -q serves "$BG_LOG"
}
teardown() {
	on a tail -n 40 /run/log || true
	net_end
}

manager() { on a python3 "$MANAGER" "$@"; }

# expect REPLY COMMAND…: to the manager.
expect() {
	local want=$1
	shift
	run -0 manager "$@"
	[ "$output" = "$want" ] || fail "$*: expected $want" "$output"
}

tunnel_up() {
	local h
	expect ready start
	on b wireguardd wg0
	for h in a b; do
		on $h sh -c 'umask 077; wg genkey > /run/key; wg genpsk > /run/psk; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a cat /run/psk | on b sh -c 'cat > /run/psk'
	on a wg set wg0 fwmark 0x77 peer "$KB" allowed-ips 10.9.0.2/32,fd09::2/128,10.10.0.0/16 preshared-key /run/psk \
		endpoint 192.0.2.2:5000
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128 preshared-key /run/psk
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	printf 'set_binding=1\nbind_device=eth0\n\n' | on a socat -t 60 - UNIX-CONNECT:$S | grep -qx errno=0
	on a ip link set wg0 mtu 1300
	on a ip route add 10.10.0.0/16 dev wg0
	pings a 10.9.0.2
}

handshakes() { on a wg show wg0 latest-handshakes; on b wg show wg0 latest-handshakes; }
exact_handshake() { # in nanoseconds
	printf 'get=1\n\n' | on b socat -t 60 - UNIX-CONNECT:$S | grep last_handshake_time
}
binding() { printf 'get_binding=1\n\n' | on a socat -t 60 - UNIX-CONNECT:$S; }
settings() { binding; on a wg showconf wg0; on a ip address show wg0; on a ip route; on a ip -s link show wg0 | head -n 2; }

# capture_counters, counters_increase: of no session is a counter ever sent twice, nor a lower one after a higher one.
capture_counters() {
	on_bg a tcpdump -n -i eth0 -s 80 --immediate-mode -U -w "$NET_DIR/wire.pcap" udp port 5000
	eventually 10 grep -q 'listening on' "$BG_LOG"
}

counters_increase() {
	tshark -r "$NET_DIR/wire.pcap" -d udp.port==5000,wg -Y "wg.type == 4 && ip.src == 192.0.2.1" -T fields \
		-e wg.receiver -e wg.counter 2>/dev/null | python3 -c '
import sys
last = {}
for line in sys.stdin:
    session, counter = line.split()
    counter = int(counter)
    assert counter > last.get(session, -1), (session, counter, last[session])
    last[session] = counter
print(len(last), "sessions")'
}
# has_sessions N: packets of so many sessions have been captured.
has_sessions() { [ "$(counters_increase)" = "$1 sessions" ]; }

@test "a restart under 100 pings a second loses none, needs no handshake, and keeps everything" {
	tunnel_up
	on a wg set wg0 peer "$KB" persistent-keepalive 25
	capture_counters
	before=$(settings; handshakes)
	on_bg a ping -n -i 0.01 10.9.0.2
	log=$BG_LOG
	for end in interim term interim term; do
		expect "exit 0" $end
		on a test -S $S # wg waits in the backlog
		expect ready start
		on a wg set wg0 listen-port 5000 # no change
	done
	[ "$(manager names)" = "config-0 stats tun uapi" ]
	pings_end a "$log"
	[ "$(settings; handshakes)" = "$before" ]
	eventually 10 has_sessions 1
	on a socat -u UNIX-CONNECT:/run/wgsuite/wg0.stats - | grep -x "# EOF"
	on a wg set wg0 peer "$KB" remove
	expect "exit 0" term
	expect ready start
	[ -z "$(on a wg show wg0 peers)" ]
}

@test "at SIGTERM, what takes the kernel long to close is closed before the tunnel stops" {
	tunnel_up
	pid=$(on a pgrep -x wireguardd)
	inotify=$(on a sh -c "cd /proc/$pid/fd && for fd in *; do [ \"\$(readlink \$fd)\" != anon_inode:inotify ] || echo \$fd; done")
	[[ $inotify =~ ^[0-9]+$ ]]
	on_bg a strace -f -e trace=close,memfd_create -o /run/calls -p "$pid"
	eventually 10 grep -q attached "$BG_LOG"
	expect "exit 0" term
	closed=$(on a grep -n -m 1 "close($inotify)" /run/calls | cut -d: -f1)
	exported=$(on a grep -n memfd_create /run/calls | tail -n 1 | cut -d: -f1)
	[ "$closed" -lt "$exported" ]
}

@test "several queues of the TUN device are kept, after a restart and after kill -9" {
	tunnel_up
	for how in "0 term" "-9 kill"; do
		expect "exit ${how% *}" ${how#* }
		[[ $(manager names) == *" tun tun-1 tun-2 uapi" ]]
		expect ready start
		[ "$(on a sh -c 'ls /sys/class/net/wg0/queues | grep -c tx-')" = 3 ]
		for port in 1 2 3 4 5 6 7 8 9; do # flows in all of them
			on_bg b socat -u UDP4-RECVFROM:700$port "OPEN:/run/got$port,creat,append"
			eventually 5 on b sh -c "ss -Hlun 'sport = :700$port' | grep -q ."
			eventually 5 on a sh -c "echo x | socat -u - UDP4:10.9.0.2:700$port"
			eventually 5 on b test -s /run/got$port
			on b rm /run/got$port
		done
	done
	manager lose tun-1 # its descriptor only: the queue of the next process has another number
	expect "exit 0" term
	expect ready start
	[[ $(manager names) == *" tun tun-1 uapi" ]]
	pings a 10.9.0.2
}

@test "after kill -9, interface and configuration are there again, and a new handshake begins at once" {
	tunnel_up
	capture_counters
	for i in 1 2; do
		on a wg set wg0 peer "$KB" allowed-ips +10.12.$i.0/24
		on a wg set wg0 listen-port 500$i
		pings a 10.9.0.2 # b learns the port
		before=$(settings)
		handshake=$(exact_handshake)
		expect "exit -9" kill
		expect ready start
		[ "$(settings)" = "$before" ]
		within 12 on b ping -n -c 1 -W 1 10.9.0.1 # without that handshake, b would send with the old session for 15 seconds
		[ "$(exact_handshake)" != "$handshake" ]
	done
	on a grep -c "restored the configuration from the file descriptor store" /run/log | grep -x 2
	counters_increase
}

@test "the endpoint of a peer on an interface that is gone does not prevent the restoration" {
	tunnel_up
	on a ip link add eth1 type veth peer name eth2
	on a wg set wg0 peer "$(head -c 32 /dev/zero | base64)" endpoint '[fe80::1%eth1]:5000'
	on a ip link del eth1
	expect "exit -9" kill
	expect ready start
	[ "$(on a wg show wg0 peers | wc -l)" = 2 ]
	pings a 10.9.0.2
}

@test "a stored state is used once: not again after a crash, and not by a second process" {
	tunnel_up
	capture_counters
	expect "exit 0" term
	manager copy
	expect ready start
	pings a 10.9.0.2
	eventually 10 has_sessions 1
	expect "exit -9" kill
	manager paste # as if the manager had removed nothing
	[[ $(manager names) == *" state "* ]]
	expect ready start
	on a grep "cannot continue the sessions of the previous process: Stale file handle" /run/log
	pings a 10.9.0.2
	eventually 10 has_sessions 2
	[ "$(manager names)" = "config-0 stats tun uapi" ]
}

@test "killing a process at any time while it starts or ends never makes a counter repeat" {
	tunnel_up
	capture_counters
	on_bg a ping -n -i 0.002 10.9.0.2
	for delay in 0 0.004 0.008 0.012 0.02 0.04; do
		end=$([ "${end-}" = term ] && echo interim || echo term)
		expect "exit 0" $end
		manager copy
		manager begin
		sleep $delay # any moment will do
		expect "exit -9" kill
		manager paste
		expect ready start
		eventually 10 on a ping -n -c 1 -W 1 10.9.0.2
	done
	counters_increase
}

@test "an interim process gives the tunnel only to the service, and ends when it cannot" {
	tunnel_up
	capture_counters
	expect "exit 0" interim
	run -1 on a wireguardd --takeover wg0
	[[ $output == *"the running daemon cannot hand over its tunnel" ]]
	manager lose interim # as if the service had ended
	eventually 5 no_daemons a
	expect ready start
	pings a 10.9.0.2
	expect "exit 0" interim
	on a kill -KILL "$(daemons a)"
	expect ready start
	on a grep -c "restored the configuration from the file descriptor store" /run/log | grep -x 2
	pings a 10.9.0.2
	counters_increase
	expect "exit 0" int # the only process
	not on a ip link show wg0
	run -1 on b wireguardd --interim wg0 # no service
	[[ $output == *"cannot take over: "* ]]
	on b wg show wg0
}

@test "a state that does not fit is not used: of another version, too old, of another network namespace, incomplete" {
	tunnel_up
	for at in 12 20 36 44; do # the version, the time, the namespace
		expect "exit 0" term
		manager flip state $at
		before=$(on a sh -c 'wc -l < /run/log')
		expect ready start
		on a tail -n +$((before + 1)) /run/log | grep "cannot continue the sessions of the previous process"
		pings a 10.9.0.2
	done
	expect "exit 0" term
	manager lose socket-2
	expect ready start
	pings a 10.9.0.2
	expect "exit 0" term
	# Of the end of the list of peers. When this is found, the peer is in the tunnel already: another process is needed.
	manager flip state -9
	expect "exit 75" start
	expect ready start
	pings a 10.9.0.2
	[ "$(on a wg show wg0 listen-port)" = 5000 ]
}

@test "a large configuration, a link that is down, and no data threads" {
	tunnel_up
	on a sh -c 'for i in $(seq 1000); do echo "[Peer]"; echo "PublicKey = $(head -c 32 /dev/urandom | base64)"
		echo "AllowedIPs = 10.11.$((i / 250)).$((i % 250))/32"; done > /run/peers; wg addconf wg0 /run/peers'
	before=$(settings)
	expect "exit -9" kill
	expect ready start
	[ "$(settings)" = "$before" ]
	pings b 10.9.0.1
	expect "exit 0" term
	expect ready start
	[ "$(settings)" = "$before" ]
	[ "$(manager names)" = "config-0 stats tun uapi" ] || [ "$(manager names)" = "config-1 stats tun uapi" ]
	on a ip link set wg0 down
	for how in "0 term" "-9 kill"; do
		expect "exit ${how% *}" ${how#* }
		expect ready start
		[ "$(on a wg show wg0 listen-port)" = 5000 ]
	done
	on a ip link set wg0 up
	pings a 10.9.0.2
}

@test "the end of the interface is the end of what the store has" {
	tunnel_up
	expect "exit 0" int
	[ -z "$(manager names)" ]
	not on a ip link show wg0
	[ -z "$(on a ls /run/wireguard)" ]
	expect ready start
	on a wg set wg0 private-key /run/key
	on a rm $S
	expect "exit 0" wait
	[ -z "$(manager names)" ]
	not on a ip link show wg0
	# A link that is deleted while no process runs: a new one, without the configuration.
	expect ready start
	on a wg set wg0 private-key /run/key
	expect "exit 0" term
	on a ip link del wg0
	expect ready start
	[ "$(on a wg show wg0 private-key)" = "(none)" ]
	# A socket file that is gone is created again.
	expect "exit 0" term
	on a rm $S /run/wgsuite/wg0.stats
	expect ready start
	on a wg show wg0
	on a socat -u UNIX-CONNECT:/run/wgsuite/wg0.stats - | grep -x "# EOF"
	expect "exit 0" term
	expect ready start
	on a wg show wg0
}

@test "without a service manager there is a warning, and SIGTERM removes the interface" {
	on_bg a env WG_LOG_FILE= wireguardd --fd-store wg0
	pid=$BG log=$BG_LOG
	eventually 5 on a test -S $S
	eventually 5 grep "warning: NOTIFY_SOCKET is not set: nothing is kept for a restart" "$log"
	on a pkill -TERM -x wireguardd
	eventually 5 not kill -0 "$pid"
	not on a ip link show wg0
	run on a wireguardd --fd-store --takeover wg0
	[ "$status" = 1 ]
	[[ $output == Usage:* ]]
}
