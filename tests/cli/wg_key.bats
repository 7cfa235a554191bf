#!/usr/bin/env bats
# wg genkey, genpsk and pubkey.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

@test "genkey prints 44 characters, a clamped key, and never the same twice" {
	for i in $(seq 200); do "$WG" genkey; done > keys
	[ "$(wc -lc < keys | tr -s ' ')" = " 200 9000" ]
	[ "$(sort -u keys | wc -l)" = 200 ]
	while read -r key; do
		first=$((16#$(echo "$key" | base64 -d | head -c1 | od -An -tx1 | tr -d ' ')))
		last=$((16#$(echo "$key" | base64 -d | tail -c1 | od -An -tx1 | tr -d ' ')))
		[ $((first & 7)) = 0 ]
		[ $((last & 192)) = 64 ]
	done < keys
}

@test "genpsk does not clamp the key" {
	for i in $(seq 64); do "$WG" genpsk; done > keys
	[ "$(sort -u keys | wc -l)" = 64 ]
	odd=0
	while read -r key; do
		first=$((16#$(echo "$key" | base64 -d | head -c1 | od -An -tx1 | tr -d ' ')))
		[ $((first & 7)) = 0 ] || odd=$((odd + 1))
	done < keys
	[ "$odd" -gt 30 ]
}

@test "genkey warns about a file that others can read, and writes it" {
	umask 022
	run -0 --separate-stderr bash -c '"$1" genkey > file' _ "$WG"
	[ "$stderr" = "Warning: writing to world accessible file.
Consider setting the umask to 077 and trying again." ]
	[ "$(wc -c < file)" = 45 ]
	run -0 --separate-stderr bash -c 'umask 077; "$1" genkey > private' _ "$WG"
	[ -z "$stderr" ]
	run -0 --separate-stderr bash -c '"$1" genkey > /dev/null' _ "$WG"
	[ -z "$stderr" ]
}

@test "pubkey computes known key pairs" {
	while read -r private public; do
		[ "$(echo "$private" | "$WG" pubkey)" = "$public" ]
		[ "$(printf %s "$private" | "$WG" pubkey)" = "$public" ]
		[ "$(printf '%s \r\n\t\v\f\0\0' "$private" | "$WG" pubkey)" = "$public" ]
	done <<-'E'
	6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno= wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk=
	dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo= hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
	XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os= 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=
	E
}

@test "pubkey rejects short, long and non-base64 input" {
	local wrong
	for wrong in '' x 6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno \
		6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAnp= \
		!EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno= \
		6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAnoo; do
		run -1 --separate-stderr "$WG" pubkey <<< "$wrong"
		[ -z "$output" ]
		[ "$stderr" = "$WG: Key is not the correct length or format" ]
	done
	for wrong in ' 6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=' \
		'6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno==' \
		'6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno= #'; do
		run -1 --separate-stderr "$WG" pubkey <<< "$wrong"
		[ -z "$output" ]
		[ "$stderr" = "$WG: Trailing characters found after key" ]
	done
}

@test "pubkey on a terminal needs only one ^D" {
	cat > typed.py <<-'E'
	import os, pty, subprocess, sys
	ours, theirs = pty.openpty()
	child = subprocess.Popen([sys.argv[1], "pubkey"], stdin=theirs, stdout=subprocess.PIPE)
	os.write(ours, sys.argv[2].encode() + b"\n\x04")
	sys.stdout.buffer.write(child.communicate(timeout=60)[0])
	E
	[ "$(python3 typed.py "$WG" 6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=)" = \
		wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk= ]
}

@test "pubkey stops reading endless input" {
	run -1 --separate-stderr "$WG" pubkey < /dev/zero
	[ "$stderr" = "$WG: Trailing characters found after key" ]
	run -1 --separate-stderr bash -c '{ "$1" genkey; yes; } | "$1" pubkey' _ "$WG"
	[ "$stderr" = "$WG: Trailing characters found after key" ]
}
