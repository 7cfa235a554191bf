#!/usr/bin/env bats
# wg has erased all keys from its memory when it exits.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

PRIVATE=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
PSK=YEocP0e2o1WT5GlvBvQzVF7EeR6z9aCk+ZdZ5NKEuXA=

hex() { base64 -d <<< "$1" | od -An -v -tx1 | tr -d ' \n'; }

# expect_no_keys STATUS ARGUMENT…: wg exits with STATUS and without keys in its memory.
expect_no_keys() {
	local code=$1
	shift
	run "-$code" --separate-stderr python3 "$root/tests/lib/keys_at_exit.py" "$PRIVATE" "$PSK" -- "$WG" "$@"
	[ -z "$output" ] || { echo "wg $*: $output"; false; }
}

@test "a key that a program does not erase is found" {
	echo "$PRIVATE" > key
	run -0 python3 "$root/tests/lib/keys_at_exit.py" "$PRIVATE" -- /bin/bash -c 'read -r key < key; :'
	[ -n "$output" ]
}

@test "generated keys, and keys from key files and devices" {
	local word
	for word in genkey genpsk; do
		run -0 python3 "$root/tests/lib/keys_at_exit.py" -- "$WG" "$word"
		[ -z "$output" ]
	done
	expect_no_keys 0 pubkey <<< "$PRIVATE"
	expect_no_keys 1 pubkey <<< "${PRIVATE}x"
	printf 'private_key=%s\npublic_key=%s\npreshared_key=%s\nerrno=0\n\n' "$(hex "$PRIVATE")" "$HEX_A" "$(hex "$PSK")" > get.wgx
	fake_device wgx
	echo "$PRIVATE" > key
	echo "${PSK}x" > wrong
	expect_no_keys 0 set wgx private-key key peer "$KEY_A" preshared-key key
	expect_no_keys 1 set wgx private-key key peer "$KEY_A" preshared-key wrong
	expect_no_keys 1 set nosuch private-key key
	expect_no_keys 0 show wgx
	for word in private-key preshared-keys dump; do
		expect_no_keys 0 show wgx "$word"
		expect_no_keys 0 show all "$word"
	done
	expect_no_keys 0 showconf wgx
	export WG_HIDE_KEYS=never
	expect_no_keys 0 show wgx
	printf '[Interface]\nPrivateKey = %s\n[Peer]\n# Name = laptop\nPublicKey = %s\nPresharedKey = %s\n' "$PRIVATE" "$KEY_A" \
		"$PSK" > /etc/wireguard/wgx.conf
	for word in names json; do
		expect_no_keys 0 show wgx "$word"
		expect_no_keys 0 show all "$word"
		expect_no_keys 0 show all "$word" @laptop
	done
	rm /etc/wireguard/wgx.conf
}

@test "keys in valid and invalid tunnel files" {
	local word
	printf 'private_key=%s\npublic_key=%s\npreshared_key=%s\nerrno=0\n\n' "$(hex "$PRIVATE")" "$HEX_A" "$(hex "$PSK")" > get.wgx
	fake_device wgx
	printf '[Interface]\nPrivateKey = %s %s\n[Peer]\nPublicKey = %s\nPresharedKey = %s\n' "${PRIVATE:0:9}" "${PRIVATE:9}" \
		"$KEY_A" "$PSK" > wgx.conf
	{ cat wgx.conf; printf 'PresharedKey = %sx\nPrivateKye = %s\n' "$PSK" "$PRIVATE"; } > wrong.conf
	for word in setconf addconf syncconf; do
		expect_no_keys 0 "$word" wgx wgx.conf
		expect_no_keys 1 "$word" wgx wrong.conf
		expect_no_keys 1 "$word" nosuch wgx.conf
	done
}

# peak_memory COMMAND…: prints the largest resident set, in kB. The peers of the test need more than Python does.
peak_memory() {
	python3 - "$@" <<-'END'
	import resource, subprocess, sys
	subprocess.run(sys.argv[1:], check=True)
	print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	END
}

@test "addconf needs no more memory than setconf" {
	local add set
	python3 - > wgx.conf <<-'END'
	import base64
	for i in range(1, 100001):
	    print("[Peer]\nPublicKey =", base64.b64encode(i.to_bytes(32, "little")).decode(),
	          "\nAllowedIPs = 10.%d.%d.%d/32\nEndpoint = 192.0.2.1:7" % (i >> 16, i >> 8 & 255, i & 255))
	END
	fake_device wgx
	set=$(peak_memory "$WG" setconf wgx wgx.conf)
	rm -rf /run/wgsuite
	add=$(peak_memory "$WG" addconf wgx wgx.conf)
	rm -rf /run/wgsuite
	[ "$set" -gt 15000 ]
	[ "$add" -lt $((set + set / 10)) ] || { echo "addconf: $add kB, setconf: $set kB"; false; }
}
