#!/usr/bin/env bats
# What wg leaves in its memory of the keys that it has seen (trust.md 61): nothing.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

PRIVATE=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
PSK=YEocP0e2o1WT5GlvBvQzVF7EeR6z9aCk+ZdZ5NKEuXA=

hex() { base64 -d <<< "$1" | od -An -v -tx1 | tr -d ' \n'; }

# kept EXIT WORD…: of wg.
kept() {
	local code=$1
	shift
	run "-$code" --separate-stderr python3 "$root/tests/lib/kept.py" "$PRIVATE" "$PSK" -- "$WG" "$@"
	[ -z "$output" ] || { echo "wg $*: $output"; false; }
}

@test "a program that keeps a key is found" {
	echo "$PRIVATE" > key
	run -0 python3 "$root/tests/lib/kept.py" "$PRIVATE" -- /bin/bash -c 'read -r key < key; :'
	[ -n "$output" ]
}

@test "keys that are made, read from files and from devices" {
	local word
	for word in genkey genpsk; do
		run -0 python3 "$root/tests/lib/kept.py" -- "$WG" "$word"
		[ -z "$output" ]
	done
	kept 0 pubkey <<< "$PRIVATE"
	kept 1 pubkey <<< "${PRIVATE}x"
	printf 'private_key=%s\npublic_key=%s\npreshared_key=%s\nerrno=0\n\n' "$(hex "$PRIVATE")" "$HEX_A" "$(hex "$PSK")" > get.wgx
	fake wgx
	echo "$PRIVATE" > key
	echo "${PSK}x" > wrong
	kept 0 set wgx private-key key peer "$KEY_A" preshared-key key
	kept 1 set wgx private-key key peer "$KEY_A" preshared-key wrong
	kept 1 set nosuch private-key key
	kept 0 show wgx
	for word in private-key preshared-keys dump; do
		kept 0 show wgx "$word"
		kept 0 show all "$word"
	done
	kept 0 showconf wgx
	export WG_HIDE_KEYS=never
	kept 0 show wgx
}

@test "keys in tunnel files, right and wrong ones" {
	local word
	printf 'private_key=%s\npublic_key=%s\npreshared_key=%s\nerrno=0\n\n' "$(hex "$PRIVATE")" "$HEX_A" "$(hex "$PSK")" > get.wgx
	fake wgx
	printf '[Interface]\nPrivateKey = %s %s\n[Peer]\nPublicKey = %s\nPresharedKey = %s\n' "${PRIVATE:0:9}" "${PRIVATE:9}" \
		"$KEY_A" "$PSK" > wgx.conf
	{ cat wgx.conf; printf 'PresharedKey = %sx\nPrivateKye = %s\n' "$PSK" "$PRIVATE"; } > wrong.conf
	for word in setconf addconf syncconf; do
		kept 0 "$word" wgx wgx.conf
		kept 1 "$word" wgx wrong.conf
		kept 1 "$word" nosuch wgx.conf
	done
}
