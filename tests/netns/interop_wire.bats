#!/usr/bin/env bats
# Messages of wireguardd as decoded by tshark with the private key of one side, including the encrypted static key and
# timestamp.
load ../lib/netns

setup() {
	command -v tshark > /dev/null || skip "tshark is not installed"
	net_begin
	export LOG_LEVEL=error
	host a b
	wire a eth0 "192.0.2.1/24 2001:db8::1/64" b eth0 "192.0.2.2/24 2001:db8::2/64"
	KEY_A=$(on a wg genkey) KEY_B=$(on b wg genkey)
	PUB_A=$(on a wg pubkey <<< "$KEY_A") PUB_B=$(on b wg pubkey <<< "$KEY_B")
	# Otherwise what waited while the machine was busy leaves as one large datagram, as tshark sees it.
	on a env WG_NO_OFFLOAD=segment wireguardd wg0
	on b env WG_NO_OFFLOAD=segment wireguardd wg0
	printf %s "$PSK" > "$NET_DIR/psk" # without PSK: an empty file
	on b wg set wg0 listen-port 51820 private-key <(echo "$KEY_B") peer "$PUB_A" \
		preshared-key "$NET_DIR/psk" allowed-ips 10.9.0.1/32,fd09::1/128
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	on_bg a tcpdump -n -i eth0 -s 2000 --immediate-mode -U -w "$NET_DIR/wire.pcap" udp port 51820
	eventually 10 grep -q 'listening on' "$BG_LOG"
	on a wg set wg0 private-key <(echo "$KEY_A") peer "$PUB_B" allowed-ips 10.9.0.2/32,fd09::2/128 \
		endpoint "${AT:-192.0.2.2:51820}"
}

teardown() {
	net_end
}

# fields FILTER FIELD…: prints the fields of matching datagrams, tab-separated, one line per datagram.
fields() {
	local filter=$1 list=() field
	shift
	for field; do list+=(-e "$field"); done
	printf 'LOCAL_STATIC_PRIVATE_KEY=%s\n' "$KEY_B" > "$NET_DIR/keys"
	HOME=$NET_DIR tshark -r "$NET_DIR/wire.pcap" -o "wg.keylog_file:$NET_DIR/keys" -d udp.port==51820,wg \
		-Y "$filter" -T fields "${list[@]}" 2>/dev/null
}

# captured FILTER N: at least N matching datagrams were captured.
captured() {
	[ "$(fields "$1" frame.number | wc -l)" -ge "$2" ]
}

@test "tshark decodes a handshake and data: keys, timestamp, indices, padding, counters" {
	pings a 10.9.0.2
	pings a 10.9.0.2 -s 57
	pings b fd09::1
	# A passive keepalive would take ten seconds; a persistent one is faster.
	on a wg set wg0 peer "$PUB_B" persistent-keepalive 1
	eventually 15 captured 'wg.type == 4 && wg.keepalive' 1
	[ -z "$(fields '_ws.malformed || wg.reserved != 00:00:00' frame.number)" ]

	# One initiation: 148 bytes, with a's static key, which only b's private key decrypts, and a timestamp whose
	# low bits are zero.
	run -0 fields 'wg.type == 1' udp.length wg.sender wg.static wg.timestamp.value wg.mac2 \
		wg.static.known_pubkey wg.timestamp.nanoseconds
	echo "$output"
	[ "${#lines[@]}" = 1 ]
	IFS=$'\t' read -r length sender static _ mac2 _ nanoseconds <<< "${lines[0]}"
	[ "$length" = 156 ]
	[ "$static" = "$PUB_A" ]
	[ "$mac2" = 00000000000000000000000000000000 ] || [ "$mac2" = 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00 ]
	[ $((nanoseconds % 16777216)) = 0 ]

	# One response: 92 bytes, with the sender index of the initiation.
	run -0 fields 'wg.type == 2' udp.length wg.receiver wg.sender
	echo "$output"
	[ "${#lines[@]}" = 1 ]
	IFS=$'\t' read -r length receiver other <<< "${lines[0]}"
	[ "$length" = 100 ]
	[ "$receiver" = "$sender" ]

	# Data: lengths are multiples of 16 plus 32, counters start at 0 and increase by one, and each direction has
	# the receiver index that the other side chose.
	run -0 fields 'wg.type == 4 && ip.src == 192.0.2.1' wg.receiver wg.counter udp.length
	echo "$output"
	expected=0
	for line in "${lines[@]}"; do
		IFS=$'\t' read -r receiver counter length <<< "$line"
		[ "$receiver" = "$other" ]
		[ "$counter" = "$expected" ]
		[ $(((length - 8) % 16)) = 0 ]
		expected=$((expected + 1))
	done
	[ "$expected" -ge 15 ]
	run -0 fields 'wg.type == 4 && ip.src == 192.0.2.2' wg.receiver wg.counter udp.length
	expected=0
	for line in "${lines[@]}"; do
		IFS=$'\t' read -r receiver counter length <<< "$line"
		[ "$receiver" = "$sender" ]
		[ "$counter" = "$expected" ]
		[ $(((length - 8) % 16)) = 0 ]
		expected=$((expected + 1))
	done
	[ "$expected" -ge 15 ]
	# A keepalive consists of the header and the tag.
	[ "$(fields 'wg.keepalive' udp.length | sort -u)" = 40 ]
}
