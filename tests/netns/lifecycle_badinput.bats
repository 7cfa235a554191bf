#!/usr/bin/env bats
# Invalid tunnel files: wg (setconf, addconf, syncconf on a running device) and wg-quick exit with 1, report file, line
# and column but no keys, and change nothing.
load ../lib/netns

setup() {
	net_begin
	host a
	KEY=$(on a wg genkey)
	PUB=$(on a wg pubkey < <(on a wg genkey))
	PSK=$(on a wg genpsk)
}

teardown() {
	net_end
}

# Valid sections for the files.
good_head() {
	printf '[Interface]\nPrivateKey = %s\n' "$KEY"
}
good_peer() {
	printf '[Peer]\nPublicKey = %s\nPresharedKey = %s\nAllowedIPs = 10.9.0.2/32\n' "$PUB" "$PSK"
}

# bad NAME LINE COLUMN: the file on stdin is invalid at this line and column (0: any).
bad() {
	local name=$1 line=$2 column=$3 file=$NET_DIR/bad.conf
	cat > "$file"
	expect_error "$name" "$file" "$line" "$column"
}

# no_secrets OUTPUT FILE: the output contains no key of the file, nor the beginning of one.
no_secrets() {
	local secret
	for secret in "$KEY" "$PSK" $(grep -aoE '(PrivateKey|PresharedKey)[[:space:]]*=[[:space:]]*[^[:space:]#]+' "$2" 2>/dev/null |
		sed 's/^[^=]*=[[:space:]]*//'); do
		[ "${#secret}" -ge 12 ] || continue
		[[ $1 != *"${secret:0:20}"* ]] || fail "key material in: $1" || return
		[[ $1 != *"${secret:4:16}"* ]] || fail "key material in: $1" || return
	done
}

# expect_error NAME FILE LINE COLUMN: wg and wg-quick report an error at this position, and change nothing.
expect_error() {
	local verb before file_before at
	before=$(on a wg show wg0 dump)
	file_before=$(cksum < "$2" 2>/dev/null || true)
	for verb in setconf addconf syncconf; do
		run on a wg "$verb" wg0 "$2"
		echo "$1: wg $verb: $status: ${output:0:600}"
		[ "$status" -eq 1 ]
		[ -n "$output" ]
		no_secrets "$output" "$2"
		if [ "$3" != 0 ]; then
			at=$2:$3:
			[ "$4" = 0 ] || at=$at$4:
			[[ $output == *"$at"* ]] || fail "no $at in the message" || return
			[[ $output =~ "$2:$3:"[0-9]+: ]] || fail "no column" || return
		else
			[[ $output == *"$2"* ]] || fail "no file name $2" || return
		fi
		[ "${#output}" -lt 4000 ] || fail "the message is too long" || return
		[ "$(on a wg show wg0 dump)" = "$before" ] || fail "the device changed" || return
	done
	expect_quick_error "$@"
	[ "$(cksum < "$2" 2>/dev/null || true)" = "$file_before" ]
}

# expect_quick_error NAME FILE LINE COLUMN: the same for wg-quick, with the file as /etc/wireguard/bad.conf.
expect_quick_error() {
	local at=/etc/wireguard/bad.conf verb
	on a rm -rf /etc/wireguard/bad.conf
	if [ -d "$2" ]; then on a mkdir /etc/wireguard/bad.conf; else tunnel a bad < "$2"; fi
	for verb in up strip; do
		run on a wg-quick "$verb" bad
		echo "$1: wg-quick $verb: $status: ${output:0:600}"
		[ "$status" -eq 1 ]
		no_secrets "$output" "$2"
		if [ "$3" != 0 ]; then
			[[ $output =~ "$at:$3:"[0-9]+: ]] || fail "no position $at:$3:COLUMN" || return
			[ "$4" = 0 ] || [[ $output == *"$at:$3:$4:"* ]] || fail "no column $4" || return
		else
			[[ $output == *"$at"* ]] || fail "no $at in the message" || return
		fi
		[ "${#output}" -lt 4000 ] || fail "the message is too long" || return
		! in_net a ip link show bad 2>/dev/null || fail "the interface exists" || return
	done
	on a rm -rf /etc/wireguard/bad.conf
}

unchanged() {
	diff <(echo "$STATE") <(net_state a)
}

# start_device: a device with every setting, which no invalid file may change.
start_device() {
	on a wireguardd wg0
	on a wg set wg0 listen-port 4321 private-key <(echo "$KEY") peer "$PUB" preshared-key <(echo "$PSK") \
		allowed-ips 10.77.0.0/16 endpoint 192.0.2.9:99
	STATE=$(net_state a)
}

@test "invalid keys" {
	start_device
	{ printf '[Interface]\nPrivateKey = %s\n' "${KEY:0:43}"; good_peer; } | bad "short private key" 2 14
	{ printf '[Interface]\nPrivateKey = %sA\n' "$KEY"; good_peer; } | bad "long private key" 2 14
	{ printf '[Interface]\nPrivateKey = %s\n' "${KEY:0:10}!${KEY:11}"; good_peer; } | bad "not base64" 2 14
	{ printf '[Interface]\n  privatekey=%s\n' "${KEY:0:42}B="; good_peer; } | bad "not canonical" 2 14
	{ good_head; printf '[Peer]\nPublicKey = %s=\n' "${PUB:0:40}"; } | bad "short public key" 4 13
	{ good_head; printf '[Peer]\nPublicKey = %s\nPresharedKey = %s\n' "$PUB" "${PSK:0:30}"; } |
		bad "short preshared key" 5 16
	{ good_head; printf '[Peer]\nPublicKey =\n'; } | bad "empty public key" 4 0
	unchanged
}

@test "invalid prefixes" {
	start_device
	for value in 10.0.0.0/33 fd00::/129 10.0.0/8 10.0.0.256/32 10.0.0.0/-1 10.0.0.0/ 10.0.0.0/8x \
		10.0.0.0/8/8 fd00:::1/64 fd00::g/64 example.com/32 /8; do
		{ good_head; printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$PUB" "$value"; } |
			bad "AllowedIPs = $value" 5 0
	done
	{ good_head; printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.1.0.0/16, 10.0.0.0/33\n' "$PUB"; } |
		bad "the second one" 5 27
	unchanged
}

@test "invalid ports, fwmarks, intervals and endpoints" {
	start_device
	for value in 65536 -1 99999 4294967297 0x50 51820x 1.5; do
		{ good_head; printf 'ListenPort = %s\n' "$value"; good_peer; } | bad "ListenPort = $value" 3 14
	done
	for value in 4294967296 -1 0x 0x1ffffffff 12monkeys; do
		{ good_head; printf 'FwMark = %s\n' "$value"; good_peer; } | bad "FwMark = $value" 3 10
	done
	for value in 65536 -1 soon; do
		{ good_head; printf '[Peer]\nPublicKey = %s\nPersistentKeepalive = %s\n' "$PUB" "$value"; } |
			bad "PersistentKeepalive = $value" 5 23
	done
	for value in 192.0.2.1 192.0.2.1: 192.0.2.1:65536 192.0.2.1:99999 '[2001:db8::1]' '[2001:db8::1:51820' \
		':51820' '192.0.2.1:-1'; do
		{ good_head; printf '[Peer]\nPublicKey = %s\nEndpoint = %s\n' "$PUB" "$value"; } |
			bad "Endpoint = $value" 5 0
	done
	unchanged
}

@test "unknown keys and sections, and keys in the wrong section" {
	start_device
	{ good_head; echo 'PrivatKey = oops'; good_peer; } | bad "unknown key" 3 1
	{ good_head; good_peer; echo '  Color = blue'; } | bad "unknown key of a peer" 7 3
	{ good_head; good_peer; echo 'ListenPort = 1'; } | bad "an interface's key in a peer" 7 1
	{ good_head; printf 'AllowedIPs = 10.0.0.0/8\n'; } | bad "a peer's key in the interface" 3 1
	{ printf 'ListenPort = 1\n'; good_head; } | bad "a key before any section" 1 1
	{ good_head; printf '[Pear]\nPublicKey = %s\n' "$PUB"; } | bad "unknown section" 3 1
	{ good_head; printf '[Peer\nPublicKey = %s\n' "$PUB"; } | bad "unfinished section" 3 1
	{ good_head; printf 'ListenPort\n'; } | bad "no equals sign" 3 1
	{ good_head; printf 'ListenPort =\n'; } | bad "no value" 3 0
	{ good_head; printf '%s\n' "$KEY"; } | bad "a key value alone on a line" 3 1
	{ good_head; printf 'PrivateKey: %s\n' "$KEY"; } | bad "a colon instead of an equals sign" 3 1
	unchanged
}

@test "a peer without a public key" {
	start_device
	{ good_head; good_peer; printf '[Peer]\nAllowedIPs = 10.9.0.3/32\n'; } | bad "the last peer" 7 0
	{ good_head; printf '[Peer]\n'; good_peer; } | bad "the first peer" 3 0
	unchanged
}

@test "a byte order mark and NUL bytes" {
	start_device
	{ printf '\xef\xbb\xbf'; good_head; good_peer; } | bad "byte order mark" 1 1
	{ good_head; printf 'ListenPort = 12\x0034\n'; good_peer; } | bad "NUL in a value" 3 0
	{ good_head; printf '\x00\n'; good_peer; } | bad "NUL on a line" 3 0
	{ printf '\xff\xfe['; good_head; } | bad "UTF-16 byte order mark" 1 0
	unchanged
}

@test "a line of one MiB" {
	start_device
	{ good_head; head -c 1048576 /dev/zero | tr '\0' a; echo; good_peer; } | bad "a word" 3 1
	{ good_head; printf 'ListenPort = '; head -c 1048576 /dev/zero | tr '\0' 1; echo; } | bad "a number" 3 14
	{ printf '[Interface]\nPrivateKey = '; head -c 1048576 /dev/zero | tr '\0' A; echo; } | bad "a key" 2 14
	{ good_head; printf '[Peer]\nPublicKey = %s\nEndpoint = ' "$PUB"; head -c 1048576 /dev/zero | tr '\0' a; echo ':1'; } |
		bad "a host name" 5 0
	unchanged
}

@test "a folder, a missing file and an empty file" {
	start_device
	mkdir "$NET_DIR/folder"
	expect_error "a folder" "$NET_DIR/folder" 0 0
	: > "$NET_DIR/empty"
	before=$(on a wg show wg0 dump)
	for verb in setconf syncconf; do
		run -1 on a wg "$verb" wg0 "$NET_DIR/empty"
		[[ $output == *"$NET_DIR/empty"* ]]
		run -1 on a wg "$verb" wg0 "$NET_DIR/nowhere"
		[ -n "$output" ]
		run -1 on a bash -c "wg $verb wg0 <(:)"
		[ -n "$output" ]
	done
	[ "$(on a wg show wg0 dump)" = "$before" ]
	run -1 on a wg-quick up nowhere
	[ "$output" = "wg-quick: \`/etc/wireguard/nowhere.conf' does not exist" ]
	unchanged
}

@test "invalid interface names" {
	before=$(net_state a)
	for name in 'a b' '../wg0' 'sixteen-letters0' '$(reboot)' 'wg0;reboot' '' . .. 'a/b.conf' 'ü'; do
		run on a wg-quick up "$name"
		echo "'$name': $status: $output"
		[ "$status" -eq 1 ]
		run on a wireguardd "$name"
		echo "'$name': $status: $output"
		[ "$status" -ne 0 ]
		[ -n "$output" ]
	done
	diff <(echo "$before") <(net_state a)
}

@test "wg set changes nothing if a later argument is invalid" {
	start_device
	before=$(on a wg show wg0 dump)
	bad_set() {
		run -1 on a wg set wg0 "$@"
		echo "$*: $output"
		[ -n "$output" ]
		no_secrets "$output" /dev/null
		[ "$(on a wg show wg0 dump)" = "$before" ] || fail "the device changed" || return
	}
	bad_set listen-port 1 fwmark 1 colour blue
	bad_set listen-port 65536
	bad_set listen-port 1 fwmark 0x100000000
	bad_set listen-port 1 peer "${PUB:0:40}"
	bad_set listen-port 1 peer "$PUB" allowed-ips 10.0.0.0/8,10.0.0.0/99
	bad_set listen-port 1 peer "$PUB" endpoint 192.0.2.1
	bad_set listen-port 1 peer "$PUB" persistent-keepalive 65536
	bad_set listen-port 1 peer "$PUB" listen-port 2
	bad_set listen-port 1 peer "$PUB" preshared-key
	bad_set listen-port 1 private-key /nowhere
	echo "${KEY:0:40}" > "$NET_DIR/short"
	bad_set listen-port 1 private-key "$NET_DIR/short"
	echo "$KEY$KEY" > "$NET_DIR/long"
	bad_set listen-port 1 private-key "$NET_DIR/long"
	unchanged
}

@test "wg-quick has no keys in its arguments, environment and command trace" {
	tunnel a wg1 <<-END
	[Interface]
	PrivateKey = $KEY
	Address = 10.1.0.1/24
	PostUp = env > $NET_DIR/env; ps -eo args > $NET_DIR/ps
	[Peer]
	PublicKey = $PUB
	PresharedKey = $PSK
	AllowedIPs = 10.2.0.0/16
	END
	on a env LOG_LEVEL=debug WG_LOG_FILE="$NET_DIR/log" wg-quick up wg1 > "$NET_DIR/trace" 2>&1
	trace=$(cat "$NET_DIR/trace" "$NET_DIR/log")
	[ -s "$NET_DIR/env" ]
	for text in "$trace" "$(cat "$NET_DIR/env" "$NET_DIR/ps")"; do
		[[ $text != *"$KEY"* ]]
		[[ $text != *"$PSK"* ]]
	done
	[[ $(on a wg show wg1) != *"$KEY"* ]]
	[[ $(on a wg show wg1) != *"$PSK"* ]]
	on a wg-quick down wg1
}
