#!/usr/bin/env bats
# What wg says about itself: usage, version, words it does not know (wg-behaviour.md A1).

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
	for word in show showconf set setconf addconf syncconf genkey genpsk pubkey; do
		echo "  $word: "
	done
	echo "You may pass \`--help' to any of these subcommands to view usage."
}

@test "help goes to stdout, one line per subcommand" {
	for word in -h --help help; do
		run -0 --separate-stderr "$WG" "$word"
		[ "$(echo "$output" | sed 's/^\(  [a-z]*: \).*/\1/')" = "$(usage)" ]
		[ -z "$stderr" ]
	done
}

@test "version: two words that programs know, and who we are" {
	for word in -v --version version; do
		run -0 "$WG" "$word"
		[[ $output =~ ^wireguard-tools\ v1\.[0-9.]+\ -\ wgsuite\ [0-9.]+$ ]]
	done
}

@test "a word that is no subcommand" {
	run -1 --separate-stderr "$WG" frobnicate
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "Invalid subcommand: \`frobnicate'" ]
	[ "${stderr_lines[1]}" = "Usage: $WG <cmd> [<args>]" ]
	run -1 --separate-stderr "$WG" --version x
	[ "${stderr_lines[0]}" = "Invalid subcommand: \`--version'" ]
}

@test "show: help and too many words" {
	for word in -h --help help; do
		both 0 "" "$show_usage" "$WG" show "$word"
	done
	both 1 "" "$show_usage" "$WG" show wg0 dump x
	both 1 "" "$show_usage" "$WG" show interfaces x
}

@test "the others: usage when the number of words is wrong" {
	both 1 "" "Usage: $WG showconf <interface>
" "$WG" showconf
	both 1 "" "$set_usage" "$WG" set
	both 1 "" "$set_usage" "$WG" set wg0
	both 1 "" "$set_usage" "$WG" set --help
	for word in setconf addconf syncconf; do
		both 1 "" "Usage: $WG $word <interface> <configuration filename>
" "$WG" "$word" wg0
		both 1 "" "Usage: $WG $word <interface> <configuration filename>
" "$WG" "$word" wg0 a b
	done
	for word in genkey genpsk pubkey; do
		both 1 "" "Usage: $WG $word
" "$WG" "$word" --help
	done
}

@test "no interface: silence" {
	both 0 "" "" "$WG"
	both 0 "" "" "$WG" show
	both 0 "" "" "$WG" show interfaces
	both 0 "" "" "$WG" show all dump
	both 0 "" "" "$WG" show all bogus
}

@test "an output that cannot be written is an error" {
	run -1 sh -c '"$1" --help > /dev/full' sh "$WG"
	[ "$output" = "wg: cannot write to standard output: No space left on device" ]
	fake wgx
	run -1 sh -c '"$1" show interfaces >&-' sh "$WG" # the socket to the kernel is not stdout
	[ "$output" = "wg: cannot write to standard output: Bad file descriptor" ]
	run -1 bash -c 'umask 077; ulimit -f 0; "$1" genkey > file' _ "$WG"
	[ "$output" = "wg: cannot write to standard output: File too large" ]
	run -0 bash -c 'ulimit -f 0; "$1" set wgx peer "$2" endpoint 192.0.2.1:5' _ "$WG" "$KEY_A"
}

@test "a privileged wg takes no hints from the environment" {
	command -v setpriv || skip "no setpriv"
	mkdir -m 755 /run/set-uid
	cp "$WG" /run/set-uid/wg
	chmod 4755 /run/set-uid/wg
	run -1 setpriv --reuid=65534 --clear-groups env WG_HIDE_KEYS=never /run/set-uid/wg show
	[ "$output" = "wg: WG_HIDE_KEYS must not be set when wg has elevated privileges" ]
	run -0 setpriv --reuid=65534 --clear-groups /run/set-uid/wg --version
}
