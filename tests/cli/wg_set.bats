#!/usr/bin/env bats
# wg set: arguments, the requests sent for them, and errors.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

PRIVATE=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
PRIVATE_HEX=c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669

@test "settings of the device" {
	fake_device wgx
	expect_output 0 "" "" "$WG" set wgx listen-port 51820 fwmark 0x1234
	expect_requests wgx "set=1
listen_port=51820
fwmark=4660

"
	expect_output 0 "" "" "$WG" set wgx fwmark off listen-port 0
	expect_requests wgx "set=1
listen_port=0
fwmark=0

"
	expect_output 0 "" "" "$WG" set wgx fwmark 0xffffffff listen-port domain
	expect_requests wgx "set=1
listen_port=53
fwmark=4294967295

"
}

@test "the private key is read from a file" {
	fake_device wgx
	echo "$PRIVATE" > key
	expect_output 0 "" "" "$WG" set wgx private-key key
	expect_requests wgx "set=1
private_key=$PRIVATE_HEX

"
	expect_output 0 "" "" "$WG" set wgx private-key /dev/null
	expect_requests wgx "set=1
private_key=0000000000000000000000000000000000000000000000000000000000000000

"
	run -0 bash -c '"$1" set wgx private-key <(echo "$2")' _ "$WG" "$PRIVATE"
	expect_requests wgx "set=1
private_key=$PRIVATE_HEX

"
}

@test "invalid key files" {
	fake_device wgx
	expect_output 1 "" "fopen: No such file or directory
" "$WG" set wgx private-key nosuch
	echo short > key
	expect_output 1 "" "Invalid length key in key file
" "$WG" set wgx private-key key
	echo "$PRIVATE x" > key
	expect_output 1 "" "Found trailing character in key file: \`x'
" "$WG" set wgx private-key key
	echo " $PRIVATE" > key
	run -1 "$WG" set wgx private-key key
	[[ $output != *"${PRIVATE:0:20}"* ]]
	echo "${PRIVATE%=}0" > key
	expect_output 1 "" "Key is not the correct length or format
" "$WG" set wgx private-key key
	expect_output 1 "" "Invalid length key in key file
" "$WG" set wgx peer "$KEY_A" preshared-key /etc
	expect_output 1 "" "Found trailing character in key file: \`?'
" "$WG" set wgx private-key /dev/zero
	expect_requests wgx ""
	{ echo "$PRIVATE"; head -c 100000 /dev/zero | tr '\0' ' '; } > key
	expect_output 0 "" "" "$WG" set wgx private-key key
	expect_requests wgx "set=1
private_key=$PRIVATE_HEX

"
}

@test "an empty key file removes the key, an empty pipe is an error" {
	local words
	fake_device wgx
	: > empty
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" preshared-key empty
	expect_requests wgx "set=1
public_key=$HEX_A
preshared_key=0000000000000000000000000000000000000000000000000000000000000000

"
	for words in private-key "peer $KEY_A preshared-key"; do
		run -1 bash -c '"$1" set wgx $2 <(false)' _ "$WG" "$words"
		[ "$output" = "Invalid length key in key file" ]
		run -1 bash -c 'false | "$1" set wgx $2 /dev/stdin' _ "$WG" "$words"
		[ "$output" = "Invalid length key in key file" ]
	done
	expect_requests wgx ""
}

@test "settings of a peer are sent in a fixed order" {
	fake_device wgx
	echo "$PRIVATE" > psk
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips 10.0.0.0/8,fd00::1 persistent-keepalive 25 \
		endpoint 192.0.2.1:5 preshared-key psk
	expect_requests wgx "set=1
public_key=$HEX_A
preshared_key=$PRIVATE_HEX
endpoint=192.0.2.1:5
persistent_keepalive_interval=25
replace_allowed_ips=true
allowed_ip=10.0.0.0/8
allowed_ip=fd00::1/128

"
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint '[::1]:domain' persistent-keepalive OFF
	expect_requests wgx "set=1
public_key=$HEX_A
endpoint=[::1]:53
persistent_keepalive_interval=0

"
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint ::1:5
	expect_requests wgx "set=1
public_key=$HEX_A
endpoint=[::1]:5

"
}

@test "a peer without settings, remove, the same peer twice, update-only" {
	fake_device wgx
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A"
	expect_requests wgx "set=1
public_key=$HEX_A

"
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" remove persistent-keepalive 5 peer "$KEY_A"
	expect_requests wgx "set=1
public_key=$HEX_A
remove=true
public_key=$HEX_A

"
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" update-only persistent-keepalive 5
	expect_requests wgx "set=1
public_key=$HEX_A
update_only=true
persistent_keepalive_interval=5

"
}

@test "allowed-ips: lists, an empty list, + and -" {
	fake_device wgx
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips ""
	expect_requests wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true

"
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips +10.0.0.0/8,-fd00::/64
	expect_requests wgx "set=1
public_key=$HEX_A
allowed_ip=10.0.0.0/8
allowed_ip=-fd00::/64

"
	# One sign makes the list incremental; with several lists the last one decides.
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips 10.0.0.0/8,+11.0.0.0/8
	expect_requests wgx "set=1
public_key=$HEX_A
allowed_ip=10.0.0.0/8
allowed_ip=11.0.0.0/8

"
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips +10.0.0.0/8 allowed-ips 11.0.0.0/8
	expect_requests wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.0/8
allowed_ip=11.0.0.0/8

"
}

@test "a long line in /etc/services does not hide other services" {
	fake_device wgx
	{ echo "long 777/udp $(printf 'alias%d ' $(seq 1000))"; echo 'last 778/udp'; } > services
	mount --bind services /etc/services
	expect_output 0 "" "" "$WG" set wgx listen-port last
	expect_output 0 "" "" "$WG" set wgx listen-port alias1000
	umount /etc/services
	expect_requests wgx "set=1
listen_port=778

set=1
listen_port=777

"
}

@test "a very long number is not truncated" {
	fake_device wgx
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips "10.0.0.0/$(printf '%0300d' 8)"
	expect_requests wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.0/8

"
}

@test "host bits in allowed IPs are a warning" {
	fake_device wgx
	expect_output 0 "" "Warning: AllowedIP has nonzero host part: 10.0.0.1/8
" "$WG" set wgx peer "$KEY_A" allowed-ips 10.0.0.1/8
	expect_requests wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.0/8

"
}

@test "a daemon that does not support - gets the whole list" {
	printf 'public_key=%s\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\nerrno=0\n\n' "$HEX_A" > get.wgx
	printf 'errno=-22\n\n' > reply
	fake_device wgx -s reply
	expect_output 1 "" "Unable to modify interface: Invalid argument
" "$WG" set wgx peer "$KEY_A" allowed-ips -10.0.0.0/8
	expect_requests wgx "set=1
public_key=$HEX_A
allowed_ip=-10.0.0.0/8

set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=fd00::/64

"
}

# Each invalid argument: a message, exit status 1, and nothing is sent.
@test "invalid arguments" {
	local words message
	fake_device wgx
	while IFS='|' read -r words message; do
		eval "set -- $words"
		expect_output 1 "" "$message
" "$WG" set wgx "$@"
	done <<-E
	listen-port|Invalid argument: listen-port
	frobnicate 5|Invalid argument: frobnicate
	Listen-Port 5|Invalid argument: Listen-Port
	remove|Invalid argument: remove
	peer $KEY_A listen-port 5|Invalid argument: listen-port
	peer $KEY_A fwmark 5|Invalid argument: fwmark
	peer $KEY_A endpoint|Invalid argument: endpoint
	peer $KEY_A allowed-ips|Invalid argument: allowed-ips
	peer|Invalid argument: peer
	listen-port ''|Unable to parse empty port
	listen-port -1|Servname not supported for ai_socktype: \`-1'
	listen-port nosuchport|Servname not supported for ai_socktype: \`nosuchport'
	listen-port 65536|Port is not 0-65535: \`65536'
	fwmark 0X10|Fwmark is neither 0/off nor 0-0xffffffff: \`0X10'
	fwmark 0x|Fwmark is neither 0/off nor 0-0xffffffff: \`0x'
	fwmark 4294967296|Fwmark is neither 0/off nor 0-0xffffffff: \`4294967296'
	peer $KEY_A persistent-keepalive 65536|Persistent keepalive interval is neither 0/off nor 1-65535: \`65536'
	peer $KEY_A persistent-keepalive x|Persistent keepalive interval is neither 0/off nor 1-65535: \`x'
	peer $KEY_A endpoint ''|Unable to parse empty endpoint
	peer $KEY_A endpoint '[::1'|Unable to find matching brace of endpoint: \`[::1'
	peer $KEY_A endpoint 192.0.2.1|Unable to find port of endpoint: \`192.0.2.1'
	peer $KEY_A allowed-ips 10.0.0.0/33|AllowedIP is not in the correct format: \`10.0.0.0/33'
	peer $KEY_A allowed-ips 10.0|Unable to parse IP address: \`10.0'
	peer $KEY_A allowed-ips 10.0.0.0/8,|Unable to parse IP address: \`'
	E
	expect_requests wgx ""
}

@test "an invalid key is not printed" {
	fake_device wgx
	run -1 "$WG" set wgx peer "${KEY_A%=}0"
	[ "${lines[0]%%:*}" = "Key is not the correct length or format" ]
	[[ $output != *"${KEY_A:0:20}"* ]]
	run -1 "$WG" set wgx private-key-of "$PRIVATE"
	[[ $output != *"${PRIVATE:0:20}"* ]]
	expect_requests wgx ""
}

@test "a name that does not resolve is reported with its peer" {
	fake_device wgx
	export WG_ENDPOINT_RESOLUTION_RETRIES=0
	run -1 --separate-stderr "$WG" set wgx peer "$KEY_A" endpoint dead.invalid:5
	[[ $stderr == *": \`dead.invalid:5' (endpoint of peer $KEY_A)" ]]
	expect_requests wgx ""
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint 'localhost: +5' # as getaddrinfo(3) reads ports
	grep -qE '^endpoint=(127.0.0.1|\[::1\]):5$' log.wgx
	: > log.wgx
	export WG_ENDPOINT_RESOLUTION_RETRIES=x
	expect_output 1 "" "Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: \`x'
" "$WG" set wgx peer "$KEY_A" endpoint dead.invalid:5
	# Also for numeric addresses, which are not resolved.
	expect_output 1 "" "Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: \`x'
" "$WG" set wgx peer "$KEY_A" endpoint 192.0.2.1:5
	expect_output 0 "" "" "$WG" set wgx peer "$KEY_A" persistent-keepalive 5
}

@test "a key in place of a host name is neither resolved nor printed" {
	fake_device wgx
	expect_output 1 "" "Name or service not known
" "$WG" set wgx peer "$KEY_A" endpoint "$KEY_B:5"
	expect_requests wgx ""
}

@test "an error of the device is reported" {
	printf 'errno=-98\n\n' > reply
	fake_device wgx -s reply
	expect_output 1 "" "Unable to modify interface: Address already in use
  help: choose another port, or stop the program that uses UDP port 53
" "$WG" set wgx listen-port 53
	expect_output 1 "" "Unable to modify interface: Address already in use
" "$WG" set wgx listen-port 0
}

@test "the error of a daemon that closes the connection early is reported" {
	printf 'errno=-22\n\n' > reply
	fake_device wgx -s reply -x
	expect_output 1 "" "Unable to modify interface: Invalid argument
" "$WG" set wgx peer "$KEY_A" allowed-ips "$(seq -s, -f '10.%g.0.0/16' 1 250)"
}

@test "a missing interface; an interface name that is too long is not truncated" {
	fake_device fifteen-letters
	run -1 --separate-stderr "$WG" set nosuch listen-port 5
	[[ $stderr == "Unable to modify interface: "@("No such device"|"Protocol not supported") ]]
	expect_output 1 "" "Unable to modify interface: File name too long
" "$WG" set fifteen-letters1 listen-port 5
	expect_requests fifteen-letters ""
}
