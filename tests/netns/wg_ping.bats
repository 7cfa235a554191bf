# `wg ping`: replies, and its messages without a reply. The waiting cases run side by side.
load ../lib/netns

KEY_A=6DPl2Lb0XlHP4dYrAQ8xLmzMVLLbmMpNrfDBcnJnLXg= # secret
KEY_B=OCiAVRVaYTSMdyTOTXlTN3wSp1gDpoBMJ9MRLOckKWE= # secret

setup() {
	net_begin
	host a b
	wire a v1 "10.0.0.1/24" b v1 "10.0.0.2/24"
	PUB_A=$(wg_pub $KEY_A) PUB_B=$(wg_pub $KEY_B)
	PUB_C=$(wg_pub "$("$WGSUITE_BUILD/wg" genkey)") # nobody's
	start a $KEY_A 5001 10.8.0.1
	start b $KEY_B 5002 10.8.0.2
	on b wg set wg0 peer "$PUB_A" allowed-ips 10.8.0.1,fd00::1
	on a wg set wg0 peer "$PUB_B" allowed-ips 10.8.0.0/24,fd00::2 endpoint 10.0.0.2:5002
}
teardown() { net_end; }

wg_pub() { "$WGSUITE_BUILD/wg" pubkey <<< "$1"; }

# start HOST KEY PORT ADDRESS
start() {
	on_bg "$1" wireguardd -f wg0
	eventually 5 on "$1" test -S /run/wireguard/wg0.sock
	on "$1" bash -c "wg set wg0 listen-port $3 private-key <(echo $2)"
	net_up "$1" wg0 "$4/24 fd00::${4##*.}/64"
}

# pinged ARGUMENT…: runs `wg ping` on a until no reply takes longer than the second that it waits for.
pinged() {
	local try
	for try in 1 2 3 4 5; do
		run on a wg ping "$@"
		[[ $output == *"no reply"* ]] || break
	done
	[ "$status" -eq 0 ]
}

# forget_session: the next packet to b needs a handshake.
forget_session() {
	on a wg set wg0 peer "$PUB_B" remove
	on a wg set wg0 peer "$PUB_B" allowed-ips 10.8.0.0/24,fd00::2 endpoint 10.0.0.2:5002
}

@test "replies: the handshake that the first probe provokes, times, the summary, IPv6" {
	for try in 1 2 3 4 5; do
		run on a wg ping wg0 "$PUB_B" -c 2
		[[ $output == *"no reply"* ]] || break
		forget_session
	done
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "PING $PUB_B through wg0, endpoint 10.0.0.2:5002, inner address fd00::2" ]
	[[ ${lines[1]} =~ ^"handshake: time="[0-9]+\.[0-9]{2}" ms"$ ]]
	[[ ${lines[2]} =~ ^"seq=1 fd00::2: time="[0-9]+\.[0-9]{2}" ms"$ ]]
	[[ ${lines[3]} =~ ^"seq=2 fd00::2: time="[0-9]+\.[0-9]{2}" ms"$ ]]
	[[ ${lines[4]} =~ ^"2 sent, 2 replies, min/avg/max = "([0-9]+\.[0-9]{2}/?){3}" ms"$ ]]
	[ "${#lines[@]}" -eq 5 ]
	pinged wg0 "$PUB_B" -c 1 -a 10.8.0.2 # from the session that there is: no handshake
	[[ ${lines[1]} == "seq=1 10.8.0.2: time="* ]]
	printf '[Peer]\n# Name = far\nPublicKey = %s\n' "$PUB_B" | on a tee /etc/wireguard/wg0.conf > /dev/null
	pinged wg0 @far -c 1 -a 10.8.0.2
	[ "${lines[0]}" = "PING @far through wg0, endpoint 10.0.0.2:5002, inner address 10.8.0.2" ]
	# The hub does not know the endpoint of a; its own network has the address.
	on a wg set wg0 peer "$PUB_B" allowed-ips 10.8.0.0/24
	pinged wg0 "$PUB_B" -c 1
	[[ ${lines[1]} == "seq=1 10.8.0.2: time="* ]]
}

@test "the output in contrib/doc/tour.md has the form of the program's" {
	local form='s/[0-9]+\.[0-9]{2}/N/g; s/endpoint [^,]*/endpoint E/; s/10\.8\.0\.2/A/g'
	printf '[Peer]\n# Name = laptop\nPublicKey = %s\n' "$PUB_B" | tunnel a wg0
	for try in 1 2 3 4 5; do
		run on a wg ping wg0 @laptop -c 2 -a 10.8.0.2
		[[ $output == *"no reply"* ]] || break
		forget_session
	done
	[ "$status" -eq 0 ]
	cd "$BATS_TEST_DIRNAME/../.."
	[ "$(sed -E "$form" <<< "$output")" = "$(sed -n '/# wg ping wg0 @laptop -c 2$/,/^$/ { //d; s/^    //p }' contrib/doc/tour.md |
		sed -E "$form")" ]
}

@test "a peer that answers although nothing inside the tunnel does; one that does not answer" {
	local filtered silent
	on b sysctl -q net.ipv4.icmp_echo_ignore_all=1
	for try in 1 2 3 4 5; do # it may come after the second that the probe waits for
		run -0 on a wg ping wg0 "$PUB_B" -c 1 -a 10.8.0.2 # the handshake is the answer
		[[ ${lines[1]} != "handshake: time="* ]] || break
		forget_session
	done
	[[ ${lines[1]} == "handshake: time="* ]]
	[ "${lines[2]}" = "seq=1 no reply" ]
	[ "${lines[3]}" = "1 sent, 0 replies" ]
	[ "${lines[4]}" = "wg: wg0: warning: the peer answered, but nothing inside the tunnel did: the far end filters or does not have this address" ]
	# Now the peer's keepalive, ten seconds later, is the only answer.
	ping_filtered() {
		on_bg a sh -c "wg ping wg0 $PUB_B -c 1 -a 10.8.0.2; echo \$?"
		filtered=$BG_LOG
	}
	ping_filtered
	on a wg set wg0 peer "$PUB_C" allowed-ips 10.8.0.9 endpoint 10.0.0.2:9
	on_bg a sh -c "wg ping wg0 $PUB_C -c 1; echo \$?"
	silent=$BG_LOG
	eventually 30 grep -qx '[01]' "$filtered"
	for try in 1 2; do # after twelve seconds it would be too late
		grep -q "no answer" "$filtered" || break
		ping_filtered
		eventually 30 grep -qx '[01]' "$filtered"
	done
	[ "$(tail -n 3 "$filtered")" = "1 sent, 0 replies
wg: wg0: warning: the peer answered, but nothing inside the tunnel did: the far end filters or does not have this address
0" ]
	eventually 30 grep -qx '[01]' "$silent"
	[ "$(tail -n 4 "$silent")" = "1 sent, 0 replies
wg: wg0: no answer: the peer answered neither handshakes nor data
  help: its endpoint or port may be wrong, it may not know this public key, or a firewall drops UDP
1" ]
}

@test "no route: no endpoint, no route to it, an interface that is down" {
	on a wg set wg0 peer "$PUB_C" allowed-ips 10.8.0.9
	run -1 on a wg ping wg0 "$PUB_C" -c 1
	[ "${lines[0]}" = "PING $PUB_C through wg0, endpoint (none), inner address 10.8.0.9" ]
	[[ $output == *"wg: wg0: no route: the peer has no endpoint, and has not sent anything
  help: the peer must connect first, or needs an Endpoint" ]]
	on a wg set wg0 peer "$PUB_C" endpoint 198.51.100.1:5002
	run -1 on a wg ping wg0 "$PUB_C" -c 1
	[[ $output == *"wg: wg0: no route to the endpoint 198.51.100.1:5002: Network is unreachable" ]]
	on a ip link set wg0 down
	run -1 on a wg ping wg0 "$PUB_B" -c 3
	[[ $output == *"wg: wg0: "*"Network is "* ]]
}

@test "arguments: no peer, no address, an address of another peer" {
	run -1 on a wg ping wg0
	[ "$output" = "Usage: wg ping <interface> <peer> [-c <count>] [-a <address>]" ]
	run -1 on a wg ping wg0 nonsense
	[ "$output" = "wg: wg0: expected the public key of a peer or @NAME, found \`nonsense'" ]
	run -1 on a wg ping wg0 "$PUB_C"
	[ "$output" = "wg: wg0: the interface has no peer $PUB_C" ]
	run -1 on a wg ping wg0 "$PUB_B" -c 0
	[ "$output" = "wg: -c: expected a number from 1 to 1000000, found \`0'" ]
	run -1 on a wg ping wg0 "$PUB_B" -a 10.9.0.1
	[ "$output" = "wg: wg0: 10.9.0.1 is not routed to this peer: it is not in its allowed IPs" ]
	on a wg set wg0 peer "$PUB_C" allowed-ips 10.8.0.128/25
	run -1 on a wg ping wg0 "$PUB_B" -a 10.8.0.200
	[[ $output == *"10.8.0.200 is not routed to this peer"* ]]
	on a wg set wg0 peer "$PUB_C" allowed-ips ""
	run -1 on a wg ping wg0 "$PUB_C"
	[ "$output" = "wg: wg0: no address is known inside the tunnel of this peer
  help: -a ADDRESS names one that is in its allowed IPs" ]
	run -1 on a wg ping @laptop wg0
	[[ $output == "Unable to access interface @laptop: "*"
  help: the name of a peer follows the interface" ]]
	run -1 on a wg ping nosuch "$PUB_C"
	[[ $output == "Unable to access interface nosuch: "* ]]
}

@test "SIGINT ends it with the summary" {
	on b sysctl -q net.ipv4.icmp_echo_ignore_all=1
	on_bg a sh -c "exec env --default-signal=INT wg ping wg0 $PUB_B -c 1000 -a 10.8.0.2"
	eventually 5 grep -q "seq=1 no reply" "$BG_LOG"
	on a pkill -INT -x wg
	eventually 5 grep -q "warning: the peer answered, but nothing" "$BG_LOG"
	eventually 5 grep -xE "[0-9]+ sent, 0 replies" "$BG_LOG"
	on b sysctl -q net.ipv4.icmp_echo_ignore_all=0
	on_bg a sh -c "exec env --default-signal=INT wg ping wg0 $PUB_B -c 1000 -a 10.8.0.2"
	eventually 5 grep -q "seq=2 10.8.0.2: time" "$BG_LOG"
	on a pkill -INT -x wg
	eventually 5 grep -E "^[0-9]+ sent, [0-9]+ repl(y|ies), min/avg/max = " "$BG_LOG"
	# It may be too early to say that there is no answer.
	on a wg set wg0 peer "$PUB_C" allowed-ips 10.8.0.9 endpoint 10.0.0.2:9
	on_bg a sh -c "exec env --default-signal=INT wg ping wg0 $PUB_C -c 1000"
	eventually 5 grep -q "seq=1 no reply" "$BG_LOG"
	on a pkill -INT -x wg
	eventually 5 grep -xE "[0-9]+ sent, 0 replies" "$BG_LOG"
	eventually 5 not on a pgrep -x wg
	not grep "no answer" "$BG_LOG"
}

@test "a daemon that reports a handshake in the far future" {
	on a ip link add wgx type veth peer name wgy
	net_up a wgx 10.9.0.1/24
	on_bg a python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("/run/wireguard/wgx.sock")
s.listen()
print("ready", flush=True)
for seconds in (0, 2**63 - 1, 2**63 - 1):
    c = s.accept()[0]
    c.recv(100)
    c.sendall(b"public_key=%s\nallowed_ip=10.9.0.2/32\nendpoint=10.0.0.2:9\nrx_bytes=%d\ntx_bytes=1\n"
              b"last_handshake_time_sec=%d\nlast_handshake_time_nsec=1\nerrno=0\n\n" % (b"0f" * 32, seconds, seconds))
    c.close()'
	eventually 5 grep -q ready "$BG_LOG"
	run -0 on a wg ping wgx "$(printf '\017%.0s' {1..32} | base64)" -c 1
	[ "${lines[1]}" = "seq=1 no reply" ]
	[ "${lines[2]}" = "1 sent, 0 replies" ]
}
