# wireguardd under a flood of initiations with a valid mac1: it sends cookie replies, established sessions keep working,
# new peers can connect, and memory use does not grow.
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

# start_on HOST N: starts a daemon on a host, with the address 10.9.0.N.
start_on() {
	on "$1" wireguardd wg0
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
	on_bg c python3 "$NET_DIR/flood.py" "$kb"
	flood=$BG_LOG
	on a ping -n -q -i 0.05 -c 60 -W 5 10.9.0.2 | tee "$NET_DIR/pings"
	lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$NET_DIR/pings")
	on c ping -n -c 1 -W 30 10.9.0.2 # a new peer, which needs a cookie
	all_done() { [ "$(grep -c ^sent "$flood")" -eq 8 ]; }
	eventually 60 all_done || { cat "$flood"; false; }
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
