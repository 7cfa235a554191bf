# wireguardd under floods. Initiations with a valid mac1: it sends cookie replies, established sessions keep working,
# new peers can connect, and memory use does not grow. Malformed and forged messages: established sessions keep working,
# it answers requests, and handshakes succeed, with any number of data threads.
load ../lib/netns

setup() {
	net_begin
	host a b c
	lan sw
	plug sw a v0 10.0.0.1/16
	plug sw b v0 10.0.0.2/16
	plug sw c v0 10.0.0.3/16
}
teardown() { net_end; }

# start_on HOST N [VARIABLE=VALUE…]: starts a daemon on a host, with the address 10.9.0.N.
start_on() {
	on "$1" env "${@:3}" wireguardd wg0
	on "$1" sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	net_up "$1" wg0 "10.9.0.$2/24"
	on "$1" sh -c 'wg show wg0 > /dev/null'
}

@test "a flood of initiations with a valid mac1" {
	start_on a 1
	start_on b 2
	start_on c 3
	ka=$(on a wg show wg0 public-key) kb=$(on b wg show wg0 public-key) kc=$(on c wg show wg0 public-key)
	on b wg set wg0 peer "$ka" allowed-ips 10.9.0.1/32 peer "$kc" allowed-ips 10.9.0.3/32
	on a wg set wg0 peer "$kb" allowed-ips 10.9.0.2/32 endpoint 10.0.0.2:5000
	on c wg set wg0 peer "$kb" allowed-ips 10.9.0.2/32 endpoint 10.0.0.2:5000
	pings a 10.9.0.2
	pid=$(daemons b)
	rss() { on b awk '/VmRSS/ { print $2 }' "/proc/$pid/status"; }
	before=$(rss)
	cat > "$NET_DIR/flood.py" << 'END'
import base64, hashlib, os, select, socket, sys, time
key = base64.b64decode(sys.argv[1])
mac1_key = hashlib.blake2s(b"mac1----" + key).digest()
cookies = sent = other = 0
end = time.monotonic() + 5
messages = []
for _ in range(2000):
	m = bytes([1, 0, 0, 0]) + os.urandom(112)
	messages.append(m + hashlib.blake2s(m, key=mac1_key, digest_size=16).digest() + bytes(16))
# Several processes send bursts: more initiations than the daemon can answer put it under load.
for _ in range(3):
	os.fork()
out = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
for s in out:
	s.setblocking(False)
while time.monotonic() < end:
	for s in out:
		for _ in range(100):
			try:
				s.sendto(messages[sent % 2000], ("10.0.0.2", 5000))
			except OSError: # EAGAIN, ENOBUFS: a queue is full
				break
			sent += 1
	for s in select.select(out, [], [], 0)[0]:
		try:
			answer = s.recv(2000)
		except OSError: # although select() reported a datagram
			continue
		cookies += len(answer) == 64 and answer[0] == 3
		other += len(answer) != 64
print("sent", sent, "cookies", cookies, "other", other)
END
	all_done() { [ "$(grep -c ^sent "$flood")" -eq 8 ]; }
	for try in 1 2 3; do # while the host gives this machine no time, the flood goes on
		on_bg c python3 "$NET_DIR/flood.py" "$kb"
		flood=$BG_LOG
		on a ping -n -q -i 0.05 -c 60 -W 30 10.9.0.2 | tee "$NET_DIR/pings"
		lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$NET_DIR/pings")
		on c ping -n -c 1 -W 30 10.9.0.2 # a new peer, which needs a cookie
		eventually 60 all_done || { cat "$flood"; false; }
		[ "${lost%.*}" -gt 10 ] || break
	done
	cat "$flood"
	read -r sent cookies other < <(awk '{ s += $2; c += $4; o += $6 } END { print s, c, o }' "$flood")
	[ "$sent" -gt 1000 ]
	[ "$cookies" -gt 0 ]
	[ "$other" -eq 0 ]
	[ "${lost%.*}" -le 10 ]
	[ $(($(rss) - before)) -lt 8192 ]
	pings a 10.9.0.2
	pings c 10.9.0.2
}

# wrong_lengths WORD: lengths that no message with these first bytes has.
wrong_lengths() {
	case $1 in
	01000000) echo 1 3 4 31 64 92 147 149 1000 ;;
	02000000) echo 1 3 4 31 64 91 93 148 1000 ;;
	03000000) echo 1 3 4 31 63 65 92 148 1000 ;;
	04000000) echo 1 3 4 16 31 ;;
	*) echo 1 4 32 64 92 148 1000 ;;
	esac
}

# new_handshake HOST KEY SETTINGS…: the host forgets the peer and its sessions, and begins a handshake.
new_handshake() {
	local name=$1 key=$2
	shift 2
	on "$name" wg set wg0 peer "$key" remove
	on "$name" wg set wg0 peer "$key" persistent-keepalive 25 "$@"
	eventually 60 has_handshake "$name" wg0 "$key"
}

# under_flood WORD LENGTH…: while c sends such datagrams to b, b answers a request, handshakes from both sides succeed, and
# a pings b. Adds to $sent and $received.
under_flood() {
	local log got
	touch "$NET_DIR/flooding"
	on_bg c "$NET_DIR/flood" 10.0.0.2 5000 "$NET_DIR/flooding" "$@"
	log=$BG_LOG
	eventually 20 grep flooding "$log"
	ON_LIMIT=60 on b wg show wg0 dump > /dev/null
	new_handshake a "$kb" allowed-ips 10.9.0.2/32 endpoint 10.0.0.2:5000
	new_handshake b "$ka" allowed-ips 10.9.0.1/32 endpoint 10.0.0.1:5000
	for try in 1 2 3; do # while the host gives this machine no time, the flood goes on
		got=$(on a ping -n -q -i 0.01 -c 50 -W 30 10.9.0.2 | sed -n 's/.* \([0-9]*\) received.*/\1/p')
		[ "$got" -lt 50 ] || break
	done
	echo "$*: received $got"
	sent=$((sent + 50)) received=$((received + got))
	rm "$NET_DIR/flooding"
	eventually 20 grep sent "$log"
	cat "$log"
}

# floods THREADS: every kind of flood against a daemon with so many data threads.
floods() {
	start_on a 1
	start_on b 2 WG_THREADS="$1"
	ka=$(on a wg show wg0 public-key) kb=$(on b wg show wg0 public-key)
	on b wg set wg0 peer "$ka" allowed-ips 10.9.0.1/32
	on a wg set wg0 peer "$kb" allowed-ips 10.9.0.2/32 endpoint 10.0.0.2:5000
	pings a 10.9.0.2
	"${CC:-cc}" -O1 -o "$NET_DIR/flood" "$BATS_TEST_DIRNAME/flood.c"
	sent=0 received=0
	for word in 01000000 02000000 03000000 04000000 00000000 05000000 01000001 ffffffff; do
		under_flood $word $(wrong_lengths $word)
	done
	under_flood 01000000 148
	under_flood 02000000 92
	under_flood 03000000 64
	[ $(((sent - received) * 100)) -le "$sent" ]
}

@test "malformed and forged handshake messages: no data threads" { floods 0; }

@test "malformed and forged handshake messages: one data thread" { on_day 0 2; floods 1; }

@test "malformed and forged handshake messages: two data threads" { on_day 1 2; floods 2; }
