#!/usr/bin/env bats
# wg setconf, addconf and syncconf: the requests sent for a file, errors in files, and roaming endpoints.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

PRIVATE=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
PRIVATE_HEX=c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669
ZEROS=0000000000000000000000000000000000000000000000000000000000000000

one_peer() {
	cat <<-E
	[Interface]
	PrivateKey = $PRIVATE

	# Laptop
	[Peer]
	PublicKey = $KEY_A
	AllowedIPs = 10.0.0.0/8, fd00::/64
	Endpoint = 192.0.2.1:51820
	E
}

peer_request="public_key=$HEX_A
endpoint=192.0.2.1:51820
replace_allowed_ips=true
allowed_ip=10.0.0.0/8
allowed_ip=fd00::/64
"

@test "setconf resets settings that the file does not have" {
	fake_device wgx
	one_peer > wgx.conf
	expect_output 0 "" "" "$WG" setconf wgx wgx.conf
	expect_requests wgx "set=1
private_key=$PRIVATE_HEX
listen_port=0
fwmark=0
replace_peers=true
$peer_request
"
}

@test "addconf sends only the settings of the file" {
	fake_device wgx
	one_peer > wgx.conf
	expect_output 0 "" "" "$WG" addconf wgx wgx.conf
	expect_requests wgx "set=1
private_key=$PRIVATE_HEX
$peer_request
"
	echo > empty
	expect_output 0 "" "" "$WG" addconf wgx empty
}

@test "addconf reads from a pipe and from /dev/stdin" {
	fake_device wgx
	one_peer > wgx.conf
	run -0 bash -c '"$1" addconf wgx <(cat wgx.conf)' _ "$WG"
	run -0 bash -c 'cat wgx.conf | "$1" addconf wgx /dev/stdin' _ "$WG"
	expect_requests wgx "set=1
private_key=$PRIVATE_HEX
$peer_request
set=1
private_key=$PRIVATE_HEX
$peer_request
"
}

@test "syncconf sends only the differences" {
	printf '%s\n' "private_key=$PRIVATE_HEX" listen_port=51820 fwmark=51820 \
		"public_key=$HEX_A" allowed_ip=10.0.0.0/8 allowed_ip=fd00::/64 endpoint=192.0.2.1:51820 \
		persistent_keepalive_interval=0 errno=0 '' > get.wgx
	fake_device wgx
	one_peer > wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx ""
	# A port, fwmark and private key that the file does not have stay.
	sed -i '/PrivateKey/d; s/fd00::/fd01::/' wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	grep -qx "allowed_ip=fd01::/64" log.wgx
	run ! grep -qE 'private_key|listen_port|fwmark|endpoint|preshared' log.wgx
	: > log.wgx
	sed -i '/PublicKey/s/=.*/= '"${KEY_B//\//\\/}"'/' wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	[ "$(grep -c ^public_key= log.wgx)" = 2 ]
	[ "$(grep -A1 "^public_key=$HEX_A" log.wgx | tail -1)" = remove=true ]
}

@test "syncconf clears a preshared key and a keepalive that the file no longer has" {
	printf '%s\n' "private_key=$PRIVATE_HEX" "public_key=$HEX_A" preshared_key=${PRIVATE_HEX} \
		persistent_keepalive_interval=25 allowed_ip=10.0.0.0/8 allowed_ip=fd00::/64 \
		endpoint=192.0.2.1:51820 errno=0 '' > get.wgx
	fake_device wgx
	one_peer > wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	grep -qx "preshared_key=$ZEROS" log.wgx
	grep -qx persistent_keepalive_interval=0 log.wgx
	run ! grep -qE 'endpoint|allowed_ip' log.wgx
}

@test "syncconf sends only the one changed peer of 5,000" {
	awk 'BEGIN { for (i = 1; i <= 5000; i++) printf "public_key=%064x\nallowed_ip=10.%d.%d.0/24\n", i,
		i / 256, i % 256; print "errno=0\n" }' > get.wgx
	fake_device wgx
	"$WG" showconf wgx > wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx ""
	sed -i 's|10.9.196.0/24|10.99.0.0/16|' wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	[ "$(grep -c ^public_key= log.wgx)" = 1 ]
	grep -qx 'allowed_ip=10.99.0.0/16' log.wgx
	[ "$(wc -l < log.wgx)" -le 6 ]
}

@test "an empty or unreadable file is an error and changes nothing" {
	local word
	fake_device wgx
	: > empty
	printf '\n# only a comment\n  \n' > comment
	for word in setconf syncconf; do
		for file in empty comment; do
			run -1 --separate-stderr "$WG" "$word" wgx "$file"
			[[ $stderr == "$file:1:1: error: "* ]]
			[[ $stderr == *--allow-empty* ]]
		done
		expect_output 1 "" "wg: wgx: cannot read /etc: Is a directory
" "$WG" "$word" wgx /etc
		expect_output 1 "" "fopen: No such file or directory
" "$WG" "$word" wgx nosuch
		run -1 bash -c '"$1" "$2" wgx <(false)' _ "$WG" "$word"
	done
	expect_requests wgx ""
}

@test "--allow-empty and /dev/null clear the device" {
	fake_device wgx
	: > empty
	cleared="set=1
private_key=$ZEROS
listen_port=0
fwmark=0
replace_peers=true

"
	expect_output 0 "" "" "$WG" setconf wgx empty --allow-empty
	expect_requests wgx "$cleared"
	expect_output 0 "" "" "$WG" setconf --allow-empty wgx empty
	expect_requests wgx "$cleared"
	expect_output 0 "" "" "$WG" setconf wgx /dev/null
	expect_requests wgx "$cleared"
}

@test "syncconf with /dev/null removes the peers" {
	printf 'public_key=%s\nerrno=0\n\n' "$HEX_A" > get.wgx
	fake_device wgx
	expect_output 0 "" "" "$WG" syncconf wgx /dev/null
	expect_requests wgx "set=1
public_key=$HEX_A
remove=true

"
}

# expect_error LINE:COLUMN MESSAGE [LAST LINE]: setconf reports this error for wgx.conf, and sends nothing.
expect_error() {
	local at=$1 message=$2
	run -1 --separate-stderr "$WG" setconf wgx wgx.conf
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "wgx.conf:$at: error: "*"$message"* ]]
	[ "${stderr_lines[-1]}" = "${3-Configuration parsing error}" ]
	[[ $stderr != *"${PRIVATE:0:20}"* ]]
	expect_requests wgx ""
}

@test "errors are reported with file, line and column, but no secrets" {
	fake_device wgx
	printf '[Interface]\nPrivateKey = %s\nAddress = 10.0.0.1/24\n' "$PRIVATE" > wgx.conf
	expect_error 3:1 "Line unrecognized"
	[[ $stderr == *"Address is a wg-quick(8) key; use: wg setconf wg0 <(wg-quick strip wg0)"* ]]
	printf '[Interface]\nPrivateKey = %s\n' "${PRIVATE%=}0" > wgx.conf
	expect_error 2:14 "Key is not the correct length or format"
	printf '[Interface]\n  PrivateKey %s\n' "$PRIVATE" > wgx.conf
	expect_error 2:3 "Line unrecognized"
	printf '[Interface]\nListenPort = 70000\n' > wgx.conf
	expect_error 2:14 "70000"
	printf '[Interface]\n\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.0/8, 10.0.0.0/33\n' "$KEY_A" > wgx.conf
	expect_error 5:26 "10.0.0.0/33"
	printf '[Interface]\n\n[Peer]\nAllowedIPs = 10.0.0.0/8\n' > wgx.conf
	expect_error 3:1 "A peer is missing a public key" "Invalid configuration"
	printf 'ListenPort = 5\n' > wgx.conf
	expect_error 1:1 "Line unrecognized"
	printf '\xef\xbb\xbf[Interface]\n' > wgx.conf
	expect_error 1:1 "byte order mark"
	printf '[Interface]\nListenPort = 5\0\n' > wgx.conf
	expect_error 2:15 "NUL"
	printf '[Interface]\nPrivateKey=\n' > wgx.conf
	expect_error 2:1 "Line unrecognized"
	{ printf '[Interface]\nListenPort = '; head -c 1048576 /dev/zero | tr '\0' 5; } > wgx.conf
	expect_error 2:14 ""
}

@test "errors print the line with carets under the value" {
	fake_device wgx
	printf '[Interface]\nListenPort = 51820\nFwMark = 0X1\n' > wgx.conf
	expect_output 1 "" "wgx.conf:3:10: error: Fwmark is neither 0/off nor 0-0xffffffff: \`0X1'
  FwMark = 0X1
           ^~~
Configuration parsing error
" "$WG" setconf wgx wgx.conf
}

@test "errors in a file with a path of maximum length" {
	local long
	fake_device wgx
	long=$(for i in $(seq 15); do printf '%0250d/' "$i"; done)
	mkdir -p "$long"
	printf '[Interface]\nFwMark = y\n' > "$long/wgx.conf"
	expect_output 1 "" "$long/wgx.conf:2:10: error: Fwmark is neither 0/off nor 0-0xffffffff: \`y'
  FwMark = y
           ^
Configuration parsing error
" "$WG" setconf wgx "$long/wgx.conf"
}

@test "all errors of a file are reported, in order" {
	fake_device wgx
	printf '[Interface]\nListenPort = x\nFwMark = y\n[Peer]\n' > wgx.conf
	run -1 --separate-stderr "$WG" setconf wgx wgx.conf
	[ "$(grep -c ': error: ' <<< "$stderr")" = 3 ]
	{ printf '[Interface]\n'; yes 'FwMark = y' | head -n 300; } > wgx.conf
	run -1 --separate-stderr "$WG" setconf wgx wgx.conf
	[ "$(grep -c ': error: ' <<< "$stderr")" = 300 ]
	# In the order of lines, also errors that are found at the end of a peer; every element of a list.
	printf '[Peer]\nAllowedIPs = x, 10.0.0.1/8, y\n[Interface]\nFwMark = z\n' > wgx.conf
	run -1 --separate-stderr "$WG" setconf wgx wgx.conf
	[ "$(grep -oE '^(wgx.conf:[0-9:]*|Warning|[A-Z].*error$)' <<< "$stderr")" = "wgx.conf:1:1:
wgx.conf:2:14:
Warning
wgx.conf:2:29:
wgx.conf:4:10:
Configuration parsing error" ]
	# And once: a peer with an invalid key has no error for a missing key.
	printf '[Peer]\nPublicKey = short\nAllowedIPs = 10.0.0.0/33\n' > wgx.conf
	run -1 --separate-stderr "$WG" setconf wgx wgx.conf
	[ "$(grep -o '^wgx.conf:[0-9]*:[0-9]*: error: [A-Za-z]*' <<< "$stderr")" = "wgx.conf:2:13: error: Key
wgx.conf:3:14: error: AllowedIP" ]
}

@test "syncconf: error messages for a missing device" {
	printf '[Interface]\nFwMark = 1\n' > wgx.conf
	expect_output 1 "" "Unable to modify interface: File name too long
" "$WG" syncconf sixteen-letters- wgx.conf
	one_peer > wgx.conf
	expect_output 1 "" "Unable to retrieve current interface configuration: File name too long
" "$WG" syncconf sixteen-letters- wgx.conf
}

@test "a name that does not resolve is reported with its peer and line" {
	fake_device wgx
	export WG_ENDPOINT_RESOLUTION_RETRIES=0
	one_peer | sed 's/192.0.2.1/dead.invalid/' > wgx.conf
	run -1 --separate-stderr "$WG" addconf wgx wgx.conf
	[[ $stderr == "wgx.conf:5: error: "*": \`dead.invalid:51820' (endpoint of peer $KEY_A)
Configuration parsing error" ]]
	expect_requests wgx ""
	WG_ENDPOINT_RESOLUTION_RETRIES=x expect_output 1 "" "Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: \`x'
Configuration parsing error
" "$WG" addconf wgx wgx.conf
	expect_requests wgx ""
}

@test "keys in any case, blanks anywhere, and no newline at the end of the file" {
	fake_device wgx
	printf '[ P e e r ]\r\nPUBLIC KEY=%s\r\nallowedips =\t10 .0.0.0 / 8\r\nPersistentKeepalive = oFF' \
		"$KEY_A" > wgx.conf
	expect_output 0 "" "" "$WG" addconf wgx wgx.conf
	expect_requests wgx "set=1
public_key=$HEX_A
persistent_keepalive_interval=0
replace_allowed_ips=true
allowed_ip=10.0.0.0/8

"
}

# set_peer_state ENDPOINT HANDSHAKE: sets the peer's endpoint and latest handshake in the device state.
set_peer_state() {
	printf '%s\n' "private_key=$PRIVATE_HEX" "public_key=$HEX_A" allowed_ip=10.0.0.0/8 allowed_ip=fd00::/64 \
		"endpoint=$1" "last_handshake_time_sec=$2" last_handshake_time_nsec=1 errno=0 '' > get.wgx
}

@test "syncconf keeps the endpoint of a peer that roamed, and sets an edited one" {
	one_peer > wgx.conf
	fake_device wgx
	"$WG" setconf wgx wgx.conf
	: > log.wgx
	set_peer_state 198.51.100.7:9 1700000000
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx ""
	sed -i 's/192.0.2.1:51820/192.0.2.2:51820/' wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx "set=1
public_key=$HEX_A
endpoint=192.0.2.2:51820

"
	# After that the peer may roam again.
	set_peer_state 198.51.100.8:9 1700000001
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx ""
	rm -rf /run/wgsuite
}

@test "syncconf without endpoint record: the file's endpoint is set" {
	local handshake
	one_peer > wgx.conf
	fake_device wgx
	for handshake in 0 1700000000; do
		rm -rf /run/wgsuite # another program configured the device, or it is older than this one
		set_peer_state 198.51.100.7:9 "$handshake"
		expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
		expect_requests wgx "set=1
public_key=$HEX_A
endpoint=192.0.2.1:51820

"
	done
	# Now it is known, and the peer may roam.
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx ""
	# The record is of another peer only.
	rm -rf /run/wgsuite
	"$WG" set wgx peer "$KEY_B" endpoint 192.0.2.9:1
	: > log.wgx
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx "set=1
public_key=$HEX_A
endpoint=192.0.2.1:51820

"
	rm -rf /run/wgsuite
}

@test "syncconf with endpoint record: a peer without a handshake has not roamed" {
	one_peer > wgx.conf
	fake_device wgx
	"$WG" setconf wgx wgx.conf
	: > log.wgx
	set_peer_state 198.51.100.7:9 0 # set by another program
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx "set=1
public_key=$HEX_A
endpoint=192.0.2.1:51820

"
	rm -rf /run/wgsuite
}

@test "syncconf with endpoint record: it is not that of an earlier device of the same name" {
	one_peer > wgx.conf
	fake_device wgx
	"$WG" setconf wgx wgx.conf
	set_peer_state 198.51.100.7:9 1700000000
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	: > log.wgx
	# Its daemon dies, and another one has the name before any of our commands runs.
	kill "$fake_pids" && wait "$fake_pids" || true
	fake_pids=
	rm /run/wireguard/wgx.sock
	fake_device wgx
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx "set=1
public_key=$HEX_A
endpoint=192.0.2.1:51820

"
	rm -rf /run/wgsuite
}

@test "the endpoint record of a device that is gone is removed by show and by the next device" {
	fake_device wgx
	"$WG" set wgx peer "$KEY_A" endpoint 192.0.2.1:5
	fake_device wgy
	"$WG" set wgy peer "$KEY_A" endpoint 192.0.2.1:5
	expect_output 0 "wgx wgy
" "" bash -c "'$WG' show interfaces | tr ' ' '\n' | sort | xargs"
	[ "$(cd /run/wgsuite && echo *)" = "endpoints.wgx@0 endpoints.wgy@0" ]
	for pid in $fake_pids; do kill "$pid" && wait "$pid" || true; done
	fake_pids=
	fake_device wgz
	"$WG" set wgz fwmark 1 # stores no endpoint
	[ "$(cd /run/wgsuite && echo *)" = "endpoints.wgx@0 endpoints.wgy@0" ]
	rm /run/wireguard/wgx.sock
	"$WG" set wgz peer "$KEY_A" endpoint 192.0.2.1:5
	[ "$(cd /run/wgsuite && echo *)" = "endpoints.wgy@0 endpoints.wgz@0" ]
	[ "$("$WG" show interfaces)" = wgz ] # finds that nothing serves the socket of wgy
	[ "$(cd /run/wgsuite && echo *)" = endpoints.wgz@0 ]
	for pid in $fake_pids; do kill "$pid" && wait "$pid" || true; done
	fake_pids=
	"$WG" show interfaces
	[ ! -e /run/wgsuite ]
}

@test "the endpoint record follows set and remove, has mode 600, and is deleted when unused" {
	fake_device wgx
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint 192.0.2.1:5 peer "$KEY_B" endpoint '[::1]:6'
	[ "$(stat -c '%a %s' /run/wgsuite/endpoints.wgx@0)" = "600 256" ]
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint 192.0.2.2:5
	[ "$(stat -c %s /run/wgsuite/endpoints.wgx@0)" = 256 ]
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" remove
	[ "$(stat -c %s /run/wgsuite/endpoints.wgx@0)" = 200 ]
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_B" remove
	[ ! -e /run/wgsuite ] # no file without endpoints
	mkdir /run/wgsuite    # files of a killed wg are removed
	touch "/run/wgsuite/endpoints.nosuch@$(stat -Lc %i /proc/self/ns/net)"{,.new} /run/wgsuite/endpoints.nosuch@0{,.new}
	run -1 "$WG" show nosuch
	[ ! -e /run/wgsuite ]
	mkdir /run/wgsuite
	# An invalid file is ignored.
	echo rubbish > /run/wgsuite/endpoints.wgx@0
	one_peer > wgx.conf
	set_peer_state 198.51.100.7:9 1700000000
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	rm -rf /run/wgsuite
}
