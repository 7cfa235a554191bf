#!/usr/bin/env bats
# Rekeying in real time: sessions are replaced after 120 seconds without packet loss.
load ../lib/netns

setup() {
	net_begin
	export LOG_LEVEL=error
}

teardown() {
	net_end
}

# start_pair NAME INITIATOR RESPONDER: hosts iNAME and rNAME that run these daemons, with a tunnel and a running ping.
start_pair() {
	local i=i$1 r=r$1 key_i key_r
	host "$i" "$r"
	wire "$i" eth0 192.0.2.1/24 "$r" eth0 192.0.2.2/24
	key_i=$(on "$i" wg genkey) key_r=$(on "$r" wg genkey)
	PUB_I[$1]=$(on "$i" wg pubkey <<< "$key_i") PUB_R[$1]=$(on "$r" wg pubkey <<< "$key_r")
	on "$i" "$2" wg0
	on "$r" "$3" wg0
	on "$i" wg set wg0 private-key <(echo "$key_i") peer "${PUB_R[$1]}" \
		endpoint 192.0.2.2:51820 allowed-ips 10.9.0.2/32
	on "$r" wg set wg0 listen-port 51820 private-key <(echo "$key_r") peer "${PUB_I[$1]}" \
		allowed-ips 10.9.0.1/32
	net_up "$i" wg0 10.9.0.1/24
	net_up "$r" wg0 10.9.0.2/24
	on_bg "$r" tcpdump -n -i eth0 -s 2000 --immediate-mode -U -w "$NET_DIR/$1.pcap" udp port 51820
	eventually 10 grep -q 'listening on' "$BG_LOG"
	pings "$i" 10.9.0.2
	on_bg "$i" ping -n -c 270 -i 0.5 -w 190 10.9.0.2
	PING_LOG[$1]=$BG_LOG
}

# check_rekeyed NAME INITIATOR: no packet lost, and a second handshake 120 seconds later.
check_rekeyed() {
	cat "${PING_LOG[$1]}" | tail -3
	replies_in_order 270 < "${PING_LOG[$1]}"
	# Initiations are the only datagrams of 148 bytes.
	local times
	times=$(tcpdump -n -tt -r "$NET_DIR/$1.pcap" 'udp and length = 190' 2>/dev/null | cut -d. -f1)
	echo "initiations at: $times"
	first=${times%%[[:space:]]*} last=${times##*[[:space:]]}
	# There are no unnecessary initiations, except from wireguard-go: a response that arrives before it has
	# started its timer does not stop the timer, so it retries after five seconds.
	if [ "$2" = wireguardd ]; then
		[ "$(wc -w <<< "$times")" -le 4 ]
		[ $((last - first)) -ge 119 ]
	else
		[ "$(wc -w <<< "$times")" -ge 2 ]
	fi
	[ "$(latest_handshake "i$1" wg0 "${PUB_R[$1]}")" -ge "$last" ]
	[ "$(latest_handshake "r$1" wg0 "${PUB_I[$1]}")" -ge "$last" ]
}

@test "rekey after 120 seconds without packet loss: two wireguardd, and wireguardd with wireguard-go in both roles" {
	declare -A PUB_I PUB_R PING_LOG
	start_pair ours wireguardd wireguardd
	others=
	if [ -x "$WGSUITE_PEERS/wireguard-go-2023" ]; then
		others="first second"
		start_pair first wireguardd "$WGSUITE_PEERS/wireguard-go-2023"
		start_pair second "$WGSUITE_PEERS/wireguard-go-2023" wireguardd
	fi
	finished() { grep -q 'packets transmitted' "${PING_LOG[$1]}"; }
	for name in ours $others; do
		eventually 200 finished "$name"
		initiator=wireguardd
		[ "$name" != second ] || initiator=wireguard-go
		check_rekeyed "$name" "$initiator"
	done
}
