#!/usr/bin/env bats
# Third-party programs that run wg and parse its output: the programs themselves if available (tests/lib/get-clients.sh),
# otherwise the rules by which they parse.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() {
	wg_setup
	mkdir bin
	ln -s "$WG" bin/wg
	PATH=$PWD/bin:$PATH
	clients=${WGSUITE_PEERS:-$root/build/peers}
	sample_state > get.wg0
	fake_device wg0
	printf 'errno=0\n\n' > get.wg1
	fake_device wg1
}
teardown() { wg_teardown; rm -rf /run/wgsuite; }

@test "wireguard-wrapper (npm) parses show" {
	[ -e "$clients/wireguard-wrapper" ] || skip "not available"
	command -v node || skip "no node"
	cat > use.js <<-'E'
	const { Wg } = require(process.argv[2]);
	const assert = require('assert');
	(async () => {
		const all = await Wg.show();
		assert.deepStrictEqual(Object.keys(all).sort(), ['wg0', 'wg1']);
		assert.strictEqual(all.wg0.publicKey, 'wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk=');
		assert.strictEqual(all.wg0.listenPort, 12912);
		assert.strictEqual(Object.keys(all.wg0.peers).length, 3);
		const peer = all.wg0.peers['WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y='];
		assert.deepStrictEqual(peer.allowedIps, ['192.168.4.6/32', 'fd00::/64']);
		assert.strictEqual(peer.endpoint, '182.122.22.19:3233');
		const one = await Wg.show('wg0');
		assert.deepStrictEqual(one.wg0.toJson(), all.wg0.toJson());
		await Wg.showconf('wg0');
		const key = await Wg.genkey();
		assert.strictEqual(key.length, 44);
		assert.strictEqual((await Wg.genpsk()).length, 44);
		assert.strictEqual((await Wg.pubkey(key)).length, 44);
		console.log('ok');
	})().catch(e => { console.error(e); process.exit(1); });
	E
	run -0 node use.js "$clients/wireguard-wrapper"
	[ "$output" = ok ]
}

@test "FreedomBox parses the dump" {
	[ -e "$clients/freedombox.py" ] || skip "not available"
	mkdir plinth
	touch plinth/__init__.py
	echo 'def privileged(f): return f' > plinth/actions.py
	cp "$clients/freedombox.py" .
	run -0 python3 - <<-'E'
	import subprocess
	import freedombox
	info = freedombox.get_info()
	assert sorted(info) == ['wg0', 'wg1'], info
	assert info['wg0']['listen_port'] == '12912' and info['wg0']['fwmark'] == '0xca6c'
	assert info['wg1']['public_key'] is None and info['wg1']['peers'] == []
	peers = info['wg0']['peers']
	assert [p['latest_handshake'] for p in peers] == [100, None, None]
	assert peers[1]['allowed_ips'] == '192.168.4.6/32,fd00::/64'
	assert peers[2]['endpoint'] is None and peers[2]['persistent_keepalive'] == 'off'
	# It passes a key without a newline.
	key = subprocess.run(['wg', 'genkey'], check=True, capture_output=True).stdout.decode().strip()
	public = subprocess.run(['wg', 'pubkey'], check=True, capture_output=True, input=key.encode()).stdout
	assert len(public.decode().strip()) == 44
	assert sorted(subprocess.check_output(['wg', 'show', 'interfaces']).decode().split()) == ['wg0', 'wg1']
	E
}

@test "wg-json parses the dump" {
	[ -e "$clients/wg-json" ] || skip "not available"
	bash "$clients/wg-json" > out.json
	python3 - <<-'E'
	import json
	data = json.load(open('out.json'))
	assert sorted(data) == ['wg0', 'wg1'], data
	assert data['wg0']['listenPort'] == 12912
	peer = data['wg0']['peers']['WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=']
	assert peer['allowedIps'] == ['192.168.4.6/32', 'fd00::/64'] and peer['transferTx'] == 38333
	E
}

@test "reresolve-dns.sh sets the endpoint of a peer without recent handshake" {
	[ -e "$clients/reresolve-dns.sh" ] || skip "not available"
	printf '[Interface]\nPrivateKey = x\n[Peer]\nPublicKey = %s\nEndpoint = localhost:77\n' \
		WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y= > wg0.conf
	sed -i "s/last_handshake_time_sec=100/last_handshake_time_sec=$(($(date +%s) - 500))/" get.wg0
	sed -i 's/^tx_bytes=38333/last_handshake_time_sec=1\n&/' get.wg0
	bash "$clients/reresolve-dns.sh" "$PWD/wg0.conf"
	grep -qx 'public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376' log.wg0
	grep -qxE 'endpoint=(127.0.0.1|\[::1\]):77' log.wg0
}

@test "exporters: columns of the dump and of single fields" {
	# MindFlavor and PiVPN: split at tabs, empty ones dropped; 5 is an interface, 9 is a peer.
	wg show all dump | awk -F'\t' '
		{ for (i = 1; i <= NF; i++) if ($i == "") { print "empty column: " $0; exit 1 } }
		/ / { print "a blank: " $0; exit 1 }
		NF == 5 { devices++; if ($4 !~ /^[0-9]+$/ || $4 > 65535 || $5 !~ /^(off|0x[0-9a-f]+)$/) exit 1 }
		NF == 9 { peers++
			if ($2 !~ /^[A-Za-z0-9+\/]{43}=$/ && length($2) != 44) exit 1
			if ($4 !~ /^(\(none\)|[0-9.]+:[0-9]+|\[[0-9a-f:%a-z0-9]+\]:[0-9]+)$/) { print; exit 1 }
			if ($6 !~ /^[0-9]+$/ || $7 !~ /^[0-9]+$/ || $8 !~ /^[0-9]+$/ || $9 !~ /^(off|[0-9]+)$/) exit 1 }
		NF != 5 && NF != 9 { print NF " columns: " $0; exit 1 }
		END { if (devices != 2 || peers != 3) { print devices " " peers; exit 1 } }'
	# wg-easy and PiVPN skip the first line.
	[ "$(wg show wg0 dump | tail -n +2 | awk -F'\t' '{ print NF }' | sort -u)" = 8 ]
	# reresolve and WGDashboard: key, tab, one value.
	for field in latest-handshakes endpoints persistent-keepalive; do
		[ "$(wg show wg0 $field | awk -F'\t' '{ print NF }' | sort -u)" = 2 ]
	done
	[ "$(wg show wg0 transfer | awk -F'\t' '{ print NF }' | sort -u)" = 3 ]
}

@test "grep patterns used on the human-readable output" {
	key=WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=
	[ "$(wg show wg0 | grep -c 'latest handshake')" = 1 ]
	[[ $(wg show wg0 | grep -A5 "peer: $key") == *"endpoint: 182.122.22.19:3233"* ]]
	wg --help | grep -q 'syncconf:'
	wg -v | grep -oqE 'v[0-9]+\.[0-9]+'
}

@test "WGDashboard: a successful set prints nothing" {
	expect_output 0 "" "" "$WG" set wg0 peer "$KEY_A" allowed-ips 10.0.0.1/32 preshared-key /dev/null
}

@test "these programs with a device of wireguardd" {
	daemon=${WGSUITE_BUILD:-$root/build}/wireguardd
	[ -x "$daemon" ] && [ -e /dev/net/tun ] || skip "no wireguardd, or no TUN"
	run -0 "$daemon" wgd0
	"$WG" genkey > key
	"$WG" set wgd0 private-key key listen-port 0 fwmark 0x10 peer "$KEY_A" allowed-ips 10.0.0.0/8,fd00::/64 \
		endpoint 127.0.0.1:9 persistent-keepalive 25
	[ "$("$WG" show wgd0 dump | tail -n +2)" = \
		"$KEY_A	(none)	127.0.0.1:9	10.0.0.0/8,fd00::/64	0	0	0	25" ]
	[ "$("$WG" show wgd0 public-key)" = "$("$WG" pubkey < key)" ]
	"$WG" showconf wgd0 > wgd0.conf
	expect_output 0 "" "" "$WG" syncconf wgd0 wgd0.conf
	if [ -e "$clients/wireguard-wrapper" ] && command -v node > /dev/null; then
		node -e 'require(process.argv[1]).Wg.show("wgd0").then(d => console.log(
			Object.keys(d.wgd0.peers)[0], d.wgd0.listenPort))' "$clients/wireguard-wrapper" > output
		[ "$(cat output)" = "$KEY_A $("$WG" show wgd0 listen-port)" ]
	fi
	if [ -e "$clients/wg-json" ]; then
		bash "$clients/wg-json" > out.json
		[ "$(python3 -c 'import json, sys; print(json.load(open("out.json"))["wgd0"]["peers"][sys.argv[1]])' \
			"$KEY_A" | grep -c "'persistentKeepalive': 25")" = 1 ]
	fi
	if [ -e "$clients/freedombox.py" ]; then
		mkdir plinth
		touch plinth/__init__.py
		echo 'def privileged(f): return f' > plinth/actions.py
		cp "$clients/freedombox.py" .
		python3 -c 'import freedombox; print(freedombox.get_info()["wgd0"]["peers"])' > output
		grep -qF "'peer': '$KEY_A'" output && grep -qF "'10.0.0.0/8,fd00::/64'" output
	fi
	if [ -e "$clients/wg.completion" ]; then
		run -0 bash -c 'complete() { :; }; . "$1"; COMP_WORDS=(wg set wgd0 peer ""); COMP_CWORD=4; _wg_completion
			echo "${COMPREPLY[@]}"' _ "$clients/wg.completion"
		[ "$output" = "$KEY_A" ]
	fi
	ip link del wgd0
	for i in $(seq 1200); do [ ! -e /run/wireguard/wgd0.sock ] || sleep 0.05; done
	[ ! -e /run/wireguard/wgd0.sock ]
}
