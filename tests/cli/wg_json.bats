#!/usr/bin/env bats
# wg show … json: the schema, the kernel's attributes, wg-json, and hostile contents.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() {
	wg_setup
	sample_state > get.wgx
	fake_device wgx
}
teardown() {
	find /etc/wireguard -mindepth 1 -delete
	wg_teardown
}

schema=$BATS_TEST_DIRNAME/../../contrib/wg-show.schema.json
P1=uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=
P2=WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=

# valid: standard input follows the schema.
valid() { PYTHONDONTWRITEBYTECODE=1 python3 "$root/tests/lib/json_schema.py" "$schema"; }

name_peers() { printf '[Peer]\n# Name = laptop\nPublicKey = %s\n' "$P1" > /etc/wireguard/wgx.conf; }

@test "one device: keys, order, values that are not set" {
	name_peers
	expect_output 0 '{
	"wgx": {
		"backend": "userspace",
		"publicKey": "wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk=",
		"listenPort": 12912,
		"fwmark": 51820,
		"peers": {
			"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=": {
				"name": "laptop",
				"endpoint": "[abcd:23::33]:51820",
				"latestHandshake": 100,
				"transferRx": 1048575,
				"transferTx": 18446744073709551615,
				"allowedIps": [
					"192.168.4.4/32"
				]
			},
			"WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=": {
				"endpoint": "182.122.22.19:3233",
				"transferRx": 2224,
				"transferTx": 38333,
				"persistentKeepalive": 111,
				"allowedIps": [
					"192.168.4.6/32",
					"fd00::/64"
				]
			},
			"Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=": {
				"allowedIps": []
			}
		}
	}
}
' "" "$WG" show wgx json
	"$WG" show wgx json | valid
	[ "$("$WG" show all json)" = "$("$WG" show wgx json)" ]
	WG_SHOW_NAMES=never "$WG" show wgx json > json
	run -1 grep '"name"' json
	[ "$("$WG" show wgx json @laptop)" = "$("$WG" show wgx json | jq --tab -M "del(.wgx.peers[\"$P2\"], .wgx.peers[\"Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=\"])" | sed 's/18446744073709552000/18446744073709551615/')" ]
	printf 'errno=0\n\n' > get.wgx
	expect_output 0 '{
	"wgx": {
		"backend": "userspace",
		"peers": {}
	}
}
' "" "$WG" show wgx json
	"$WG" show wgx json | valid
}

@test "secrets only with WG_HIDE_KEYS=never" {
	"$WG" show wgx json > hidden
	run -1 grep -iE 'private|preshared|6EtabScXwQA|GIUVCT6VL18' hidden
	printf '[show]\nhide-keys = never\n' > /etc/wireguard/wgsuite.ini # of the format for people
	"$WG" show wgx json | diff hidden -
	WG_HIDE_KEYS=never "$WG" show wgx json > json
	valid < json
	[ "$(jq -r .wgx.privateKey json)" = 6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno= ]
	[ "$(jq -r '[.wgx.peers[].presharedKey | select(.)] | join(" ")' json)" = GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I= ]
}

@test "the keys and values are those of wg-json" {
	theirs=${WGSUITE_PEERS:-$root/build/peers}/wg-json
	[ -e "$theirs" ] || skip "wg-json is not available"
	printf 'private_key=%s\npublic_key=%s\nendpoint=1.2.3.4:5\nerrno=0\n\n' "$HEX_A" "$HEX_A" > get.wgy
	fake_device wgy
	mkdir bin
	ln -s "$WG" bin/wg
	PATH=$PWD/bin:$PATH bash "$theirs" > theirs
	PATH=$PWD/bin:$PATH "$BATS_TEST_DIRNAME/../../contrib/wg-json" > ours
	valid < ours
	diff <(jq -S . theirs) <(jq -S 'del(.[].backend, .[].peers[].name)' ours)
}

@test "every attribute of the kernel's netlink family has its key" {
	name_peers
	WG_HIDE_KEYS=never "$WG" show all json | PYTHONDONTWRITEBYTECODE=1 python3 "$BATS_TEST_DIRNAME/json_netlink.py" "$schema"
}

@test "the validator refuses what the schema forbids" {
	"$WG" show wgx json > json
	for change in '.wgx.backend = "other"' 'del(.wgx.peers)' '.wgx.extra = 1' '.wgx.listenPort = 65536' '.wgx.listenPort = "1"' \
		'.wgx.peers.short = {"allowedIps":[]}' '.wgx.publicKey = "x"' ".wgx.peers[\"$P1\"].allowedIps = [1]" \
		'.wgx.peers[].latestHandshake = 0' 'del(.wgx.peers[].allowedIps)'; do
		jq "$change" json > changed
		run -1 valid < changed
		[ -n "$output" ]
	done
	run -1 valid <<< '{"a": {"backend": "kernel", "peers": {}}, "a": {"backend": "kernel", "peers": {}}}'
}

@test "all devices: those that cannot be read are left out" {
	printf 'public_key=%s\nerrno=0\n\n' "$HEX_A" > get.wgy
	fake_device wgy
	printf 'nonsense\n\n' > get.wgz
	fake_device wgz
	run -0 --separate-stderr "$WG" show all json
	[ "$stderr" = "Unable to access interface wgz: Protocol error" ]
	printf '%s\n' "$output" | valid
	[ "$(printf '%s\n' "$output" | jq -c 'keys')" = '["wgx","wgy"]' ]
	expect_output 1 "" "Unable to access interface: Protocol error
" "$WG" show wgz json
	run -1 "$WG" show nodevice json
	[[ $output == "Unable to access interface: "* ]]
	run -1 "$WG" show all json x
	[[ $output == "Usage: "* ]]
}

@test "no devices: an empty object" {
	wg_teardown
	fake_pids=
	expect_output 0 '{}
' "" "$WG" show all json
}

@test "hostile names and repeated peers: the document stays valid" {
	printf 'public_key=%s\npublic_key=%s\nrx_bytes=7\nerrno=0\n\n' "$HEX_A" "$HEX_A" > get.wgx
	"$WG" show wgx json > json
	valid < json
	[ "$(jq -c '.wgx.peers | map(.transferRx)' json)" = '[7]' ]
	for name in '"},{"x":"\\' '\\u0000' "ä€😀" '</script>' "$(head -c 64 /dev/zero | tr '\0' '"')"; do
		printf '[Peer]\n# Name = %s\nPublicKey = %s\n' "$name" "$KEY_A" > /etc/wireguard/wgx.conf
		"$WG" show wgx json > json
		valid < json
		[ "$(jq -r '.wgx.peers[].name' json)" = "$name" ]
	done
}
