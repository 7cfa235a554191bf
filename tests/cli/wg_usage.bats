#!/usr/bin/env bats
# wg: help, version, usage errors, and output errors.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

show_usage="Usage: $WG show { <interface> | all | interfaces } [public-key | private-key | listen-port | fwmark | peers | preshared-keys | endpoints | allowed-ips | latest-handshakes | transfer | persistent-keepalive | dump]
"
set_usage="Usage: $WG set <interface> [listen-port <port>] [fwmark <mark>] [private-key <file path>] [peer <base64 public key> [remove] [preshared-key <file path>] [endpoint <ip>:<port>] [persistent-keepalive <interval seconds>] [allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...] ]...
"

usage() {
	echo "Usage: $WG <cmd> [<args>]"
	echo
	echo "Available subcommands:"
	local word
	for word in show showconf set setconf addconf syncconf genkey genpsk pubkey watch ping check; do
		echo "  $word: "
	done
	echo "You may pass \`--help' to any of these subcommands to view usage."
}

@test "help is printed on standard output, one line per subcommand" {
	for word in -h --help help; do
		run -0 --separate-stderr "$WG" "$word"
		[ "$(echo "$output" | sed 's/^\(  [a-z]*: \).*/\1/')" = "$(usage)" ]
		[ -z "$stderr" ]
	done
}

@test "version has the format of wireguard-tools and names wgsuite" {
	for word in -v --version version; do
		run -0 "$WG" "$word"
		[[ $output =~ ^wireguard-tools\ v1\.[0-9.]+\ -\ wgsuite\ [0-9.]+$ ]]
	done
}

@test "an unknown subcommand" {
	run -1 --separate-stderr "$WG" frobnicate
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "Invalid subcommand: \`frobnicate'" ]
	[ "${stderr_lines[1]}" = "Usage: $WG <cmd> [<args>]" ]
	run -1 --separate-stderr "$WG" --version x
	[ "${stderr_lines[0]}" = "Invalid subcommand: \`--version'" ]
}

@test "show: help and too many arguments" {
	for word in -h --help help; do
		expect_output 0 "" "$show_usage" "$WG" show "$word"
	done
	expect_output 1 "" "$show_usage" "$WG" show wg0 dump x
	expect_output 1 "" "$show_usage" "$WG" show interfaces x
}

@test "other subcommands: usage on a wrong number of arguments" {
	expect_output 1 "" "Usage: $WG showconf <interface>
" "$WG" showconf
	expect_output 1 "" "$set_usage" "$WG" set
	expect_output 1 "" "$set_usage" "$WG" set wg0
	expect_output 1 "" "$set_usage" "$WG" set --help
	for word in setconf addconf syncconf; do
		expect_output 1 "" "Usage: $WG $word <interface> <configuration filename>
" "$WG" "$word" wg0
		expect_output 1 "" "Usage: $WG $word <interface> <configuration filename>
" "$WG" "$word" wg0 a b
	done
	for word in genkey genpsk pubkey; do
		expect_output 1 "" "Usage: $WG $word
" "$WG" "$word" --help
	done
}

@test "without interfaces nothing is printed" {
	expect_output 0 "" "" "$WG"
	expect_output 0 "" "" "$WG" show
	expect_output 0 "" "" "$WG" show interfaces
	expect_output 0 "" "" "$WG" show all dump
	expect_output 0 "" "" "$WG" show all bogus
}

@test "an output that cannot be written is an error" {
	run -1 sh -c '"$1" --help > /dev/full' sh "$WG"
	[ "$output" = "wg: cannot write to standard output: No space left on device" ]
	fake_device wgx
	run -1 sh -c '"$1" show interfaces >&-' sh "$WG" # the socket to the kernel is not stdout
	[ "$output" = "wg: cannot write to standard output: Bad file descriptor" ]
	run -1 bash -c 'umask 077; ulimit -f 0; "$1" genkey > file' _ "$WG"
	[ "$output" = "wg: cannot write to standard output: File too large" ]
	run -0 bash -c 'ulimit -f 0; "$1" set wgx peer "$2" endpoint 192.0.2.1:5' _ "$WG" "$KEY_A"
}

@test "a set-user-ID wg rejects WG_HIDE_KEYS" {
	[ "${WGSUITE_BOX-}" = root ] || skip "only root can become another user"
	mkdir -m 755 /run/set-uid
	cp "$WG" /run/set-uid/wg
	chmod 4755 /run/set-uid/wg
	run -1 setpriv --reuid=65534 --clear-groups env WG_HIDE_KEYS=never /run/set-uid/wg show
	[ "$output" = "wg: WG_HIDE_KEYS must not be set when wg has elevated privileges" ]
	run -0 setpriv --reuid=65534 --clear-groups /run/set-uid/wg --version
}
