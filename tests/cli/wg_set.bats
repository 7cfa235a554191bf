#!/usr/bin/env bats
# `wg set` (wg-behaviour.md A5, A7): words, what is sent for them, and what is refused.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

PRIVATE=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
PRIVATE_HEX=c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669

@test "the device's settings" {
	fake wgx
	both 0 "" "" "$WG" set wgx listen-port 51820 fwmark 0x1234
	sent wgx "set=1
listen_port=51820
fwmark=4660

"
	both 0 "" "" "$WG" set wgx fwmark off listen-port 0
	sent wgx "set=1
listen_port=0
fwmark=0

"
	both 0 "" "" "$WG" set wgx fwmark 0xffffffff listen-port domain
	sent wgx "set=1
listen_port=53
fwmark=4294967295

"
}

@test "the private key comes from a file" {
	fake wgx
	echo "$PRIVATE" > key
	both 0 "" "" "$WG" set wgx private-key key
	sent wgx "set=1
private_key=$PRIVATE_HEX

"
	both 0 "" "" "$WG" set wgx private-key /dev/null
	sent wgx "set=1
private_key=0000000000000000000000000000000000000000000000000000000000000000

"
	run -0 bash -c '"$1" set wgx private-key <(echo "$2")' _ "$WG" "$PRIVATE"
	sent wgx "set=1
private_key=$PRIVATE_HEX

"
}

@test "key files that are none" {
	fake wgx
	both 1 "" "fopen: No such file or directory
" "$WG" set wgx private-key nosuch
	echo short > key
	both 1 "" "Invalid length key in key file
" "$WG" set wgx private-key key
	echo "$PRIVATE x" > key
	both 1 "" "Found trailing character in key file: \`x'
" "$WG" set wgx private-key key
	echo " $PRIVATE" > key
	run -1 "$WG" set wgx private-key key
	[[ $output != *"${PRIVATE:0:20}"* ]]
	echo "${PRIVATE%=}0" > key
	both 1 "" "Key is not the correct length or format
" "$WG" set wgx private-key key
	both 1 "" "Invalid length key in key file
" "$WG" set wgx peer "$KEY_A" preshared-key /etc
	both 1 "" "Found trailing character in key file: \`?'
" "$WG" set wgx private-key /dev/zero
	sent wgx ""
	{ echo "$PRIVATE"; head -c 100000 /dev/zero | tr '\0' ' '; } > key
	both 0 "" "" "$WG" set wgx private-key key
	sent wgx "set=1
private_key=$PRIVATE_HEX

"
}

@test "a key file of nothing is no key, a pipe of nothing is a failed command" {
	local words
	fake wgx
	: > empty
	both 0 "" "" "$WG" set wgx peer "$KEY_A" preshared-key empty
	sent wgx "set=1
public_key=$HEX_A
preshared_key=0000000000000000000000000000000000000000000000000000000000000000

"
	for words in private-key "peer $KEY_A preshared-key"; do
		run -1 bash -c '"$1" set wgx $2 <(false)' _ "$WG" "$words"
		[ "$output" = "Invalid length key in key file" ]
		run -1 bash -c 'false | "$1" set wgx $2 /dev/stdin' _ "$WG" "$words"
		[ "$output" = "Invalid length key in key file" ]
	done
	sent wgx ""
}

@test "a peer's settings, in the order they are sent" {
	fake wgx
	echo "$PRIVATE" > psk
	both 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips 10.0.0.0/8,fd00::1 persistent-keepalive 25 \
		endpoint 192.0.2.1:5 preshared-key psk
	sent wgx "set=1
public_key=$HEX_A
preshared_key=$PRIVATE_HEX
endpoint=192.0.2.1:5
persistent_keepalive_interval=25
replace_allowed_ips=true
allowed_ip=10.0.0.0/8
allowed_ip=fd00::1/128

"
	both 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint '[::1]:domain' persistent-keepalive OFF
	sent wgx "set=1
public_key=$HEX_A
endpoint=[::1]:53
persistent_keepalive_interval=0

"
	both 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint ::1:5
	sent wgx "set=1
public_key=$HEX_A
endpoint=[::1]:5

"
}

@test "a peer alone, removed, twice, only if it is there" {
	fake wgx
	both 0 "" "" "$WG" set wgx peer "$KEY_A"
	sent wgx "set=1
public_key=$HEX_A

"
	both 0 "" "" "$WG" set wgx peer "$KEY_A" remove persistent-keepalive 5 peer "$KEY_A"
	sent wgx "set=1
public_key=$HEX_A
remove=true
public_key=$HEX_A

"
	both 0 "" "" "$WG" set wgx peer "$KEY_A" update-only persistent-keepalive 5
	sent wgx "set=1
public_key=$HEX_A
update_only=true
persistent_keepalive_interval=5

"
}

@test "allowed-ips: whole lists, none, single ones more and less" {
	fake wgx
	both 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips ""
	sent wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true

"
	both 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips +10.0.0.0/8,-fd00::/64
	sent wgx "set=1
public_key=$HEX_A
allowed_ip=10.0.0.0/8
allowed_ip=-fd00::/64

"
	# One sign makes the list of that word incremental; the last word decides.
	both 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips 10.0.0.0/8,+11.0.0.0/8
	sent wgx "set=1
public_key=$HEX_A
allowed_ip=10.0.0.0/8
allowed_ip=11.0.0.0/8

"
	both 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips +10.0.0.0/8 allowed-ips 11.0.0.0/8
	sent wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.0/8
allowed_ip=11.0.0.0/8

"
}

@test "a long line of /etc/services hides none" {
	fake wgx
	{ echo "long 777/udp $(printf 'alias%d ' $(seq 1000))"; echo 'last 778/udp'; } > services
	mount --bind services /etc/services
	both 0 "" "" "$WG" set wgx listen-port last
	both 0 "" "" "$WG" set wgx listen-port alias1000
	umount /etc/services
	sent wgx "set=1
listen_port=778

set=1
listen_port=777

"
}

@test "a very long number is not cut" {
	fake wgx
	both 0 "" "" "$WG" set wgx peer "$KEY_A" allowed-ips "10.0.0.0/$(printf '%0300d' 8)"
	sent wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.0/8

"
}

@test "host bits are warned of" {
	fake wgx
	both 0 "" "Warning: AllowedIP has nonzero host part: 10.0.0.1/8
" "$WG" set wgx peer "$KEY_A" allowed-ips 10.0.0.1/8
	sent wgx "set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.0/8

"
}

@test "a daemon too old for '-' gets the whole list" {
	printf 'public_key=%s\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\nerrno=0\n\n' "$HEX_A" > get.wgx
	printf 'errno=-22\n\n' > refuse
	fake wgx -s refuse
	both 1 "" "Unable to modify interface: Invalid argument
" "$WG" set wgx peer "$KEY_A" allowed-ips -10.0.0.0/8
	sent wgx "set=1
public_key=$HEX_A
allowed_ip=-10.0.0.0/8

set=1
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=fd00::/64

"
}

# Every wrong word: a message, exit 1, and nothing is sent.
@test "words that are refused" {
	local words message
	fake wgx
	while IFS='|' read -r words message; do
		eval "set -- $words"
		both 1 "" "$message
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
	sent wgx ""
}

@test "a key that is wrong is not repeated" {
	fake wgx
	run -1 "$WG" set wgx peer "${KEY_A%=}0"
	[ "${lines[0]%%:*}" = "Key is not the correct length or format" ]
	[[ $output != *"${KEY_A:0:20}"* ]]
	run -1 "$WG" set wgx private-key-of "$PRIVATE"
	[[ $output != *"${PRIVATE:0:20}"* ]]
	sent wgx ""
}

@test "names: dead ones are reported with their peer" {
	fake wgx
	export WG_ENDPOINT_RESOLUTION_RETRIES=0
	run -1 --separate-stderr "$WG" set wgx peer "$KEY_A" endpoint dead.invalid:5
	[[ $stderr == *": \`dead.invalid:5' (endpoint of peer $KEY_A)" ]]
	sent wgx ""
	both 0 "" "" "$WG" set wgx peer "$KEY_A" endpoint 'localhost: +5' # as getaddrinfo(3) reads ports
	grep -qE '^endpoint=(127.0.0.1|\[::1\]):5$' log.wgx
	: > log.wgx
	export WG_ENDPOINT_RESOLUTION_RETRIES=x
	both 1 "" "Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: \`x'
" "$WG" set wgx peer "$KEY_A" endpoint dead.invalid:5
	# Of numbers too, which are never asked for.
	both 1 "" "Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: \`x'
" "$WG" set wgx peer "$KEY_A" endpoint 192.0.2.1:5
	both 0 "" "" "$WG" set wgx peer "$KEY_A" persistent-keepalive 5
}

@test "names: a key in the place of one is neither asked for nor shown" {
	fake wgx
	both 1 "" "Name or service not known
" "$WG" set wgx peer "$KEY_A" endpoint "$KEY_B:5"
	sent wgx ""
}

@test "what the device refuses" {
	printf 'errno=-98\n\n' > refuse
	fake wgx -s refuse
	both 1 "" "Unable to modify interface: Address already in use
" "$WG" set wgx listen-port 53
}

@test "a daemon that hangs up early has said why" {
	printf 'errno=-22\n\n' > refuse
	fake wgx -s refuse -x
	both 1 "" "Unable to modify interface: Invalid argument
" "$WG" set wgx peer "$KEY_A" allowed-ips "$(seq -s, -f '10.%g.0.0/16' 1 250)"
}

@test "an interface that is not there; a name that is too long is never cut" {
	fake fifteen-letters
	run -1 --separate-stderr "$WG" set nosuch listen-port 5
	[[ $stderr == "Unable to modify interface: "@("No such device"|"Protocol not supported") ]]
	both 1 "" "Unable to modify interface: File name too long
" "$WG" set fifteen-letters1 listen-port 5
	sent fifteen-letters ""
}
