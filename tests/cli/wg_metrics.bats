#!/usr/bin/env bats
# wg show … prometheus and openmetrics: contents, validity with hostile names and daemons, and the file.

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
	rm -rf /run/wgsuite
	wg_teardown
}

P1=uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=
P2=WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=
P3=Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
one="interface=\"wgx\",public_key=\"$P1\",allowed_ips=\"192.168.4.4/32\",friendly_name=\"laptop\""
two="interface=\"wgx\",public_key=\"$P2\",allowed_ips=\"192.168.4.6/32,fd00::/64\""
three="interface=\"wgx\",public_key=\"$P3\",allowed_ips=\"\""

# valid FORMAT: prints standard input if it is valid, according to our parser, and to promtool if there is one.
valid() {
	local promtool=${WGSUITE_PEERS:-$root/build/peers}/promtool
	[ -x "$promtool" ] || promtool=$(command -v promtool || true)
	cat > text
	PYTHONDONTWRITEBYTECODE=1 python3 "$root/tests/lib/openmetrics.py" "$1" < text
	[ "$1" != prometheus ] || [ -z "$promtool" ] || "$promtool" check metrics < text >&2
}

# statistics NAME FILE [hang]: a daemon that answers connections to the statistics socket with the file, or never.
statistics() {
	mkdir -p /run/wgsuite
	exec 8< <(exec python3 - "/run/wgsuite/$1.stats" "${@:2}" 3>&- <<-'E'
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.bind(sys.argv[1])
	s.listen()
	print("listening", flush=True)
	while True:
	    client, _ = s.accept()
	    if len(sys.argv) > 3:
	        held = client # and never closed
	        continue
	    try:
	        with open(sys.argv[2], "rb") as file:
	            client.sendall(file.read())
	    except OSError:
	        pass
	    client.close()
	E
	)
	fake_pids="$fake_pids $!"
	read -r line <&8
	exec 8<&-
	[ "$line" = listening ]
}

@test "promtool accepts the metrics" {
	[ -x "${WGSUITE_PEERS:-$root/build/peers}/promtool" ] || skip "tests/lib/get-peers.sh has not fetched promtool"
	printf 'private_key=%s\nlisten_port=5\npublic_key=%s\nrx_bytes=7\ntx_bytes=8\nallowed_ip=10.0.0.1/32\nerrno=0\n\n' "$HEX_A" "$HEX_A" > get.wgx
	fake_device wgx
	"$WG" show all prometheus > text
	grep -q '^wireguard_sent_bytes_total{' text
	"${WGSUITE_PEERS:-$root/build/peers}/promtool" check metrics < text
	echo "wireguard_sent_bytes_total{" > text # and not everything
	run ! "${WGSUITE_PEERS:-$root/build/peers}/promtool" check metrics < text
}

@test "the metrics of peers have the names and labels of the exporters" {
	printf '[Peer]\n# Name = laptop\nPublicKey = %s\n' "$P1" > /etc/wireguard/wgx.conf
	expect_output 0 "# HELP wireguard_sent_bytes_total Bytes sent to the peer.
# TYPE wireguard_sent_bytes_total counter
wireguard_sent_bytes_total{$one} 18446744073709551615
wireguard_sent_bytes_total{$two} 38333
wireguard_sent_bytes_total{$three} 0
# HELP wireguard_received_bytes_total Bytes received from the peer.
# TYPE wireguard_received_bytes_total counter
wireguard_received_bytes_total{$one} 1048575
wireguard_received_bytes_total{$two} 2224
wireguard_received_bytes_total{$three} 0
# HELP wireguard_latest_handshake_seconds Time of the latest handshake in seconds since the Epoch, or 0.
# TYPE wireguard_latest_handshake_seconds gauge
wireguard_latest_handshake_seconds{$one} 100
wireguard_latest_handshake_seconds{$two} 0
wireguard_latest_handshake_seconds{$three} 0
" "" "$WG" show all prometheus
	"$WG" show wgx prometheus | valid prometheus
	expect_output 0 "$("$WG" show all prometheus)
" "" "$WG" show wgx prometheus
	[ "$("$WG" show wgx prometheus @laptop | grep -c "{$one}")" = 3 ]
	[ "$("$WG" show wgx prometheus @laptop | wc -l)" = 9 ]
	run -1 grep -q friendly_name <(WG_SHOW_NAMES=never "$WG" show wgx prometheus)
	"$WG" show all openmetrics | valid openmetrics > om
	[ "$(head -3 om)" = "# TYPE wireguard_sent_bytes counter
# UNIT wireguard_sent_bytes bytes
# HELP wireguard_sent_bytes Bytes sent to the peer." ]
	[ "$(tail -1 om)" = "# EOF" ]
	diff <(grep -v '^#' om) <("$WG" show all prometheus | grep -v '^#')
}

@test "samples of several devices follow each other, and devices that cannot be read are left out" {
	printf 'public_key=%s\nerrno=0\n\n' "$HEX_A" > get.wgy
	fake_device wgy
	printf 'nonsense\n\n' > get.wgz
	fake_device wgz
	run -0 --separate-stderr "$WG" show all prometheus
	[ "$stderr" = "Unable to access interface wgz: Protocol error" ]
	printf '%s\n' "$output" | valid prometheus > text2
	[ "$(grep -c '^wireguard_sent' text2)" = 4 ]
	expect_output 1 "" "Unable to access interface: Protocol error
" "$WG" show wgz prometheus
}

@test "without devices there are no metrics" {
	wg_teardown
	fake_pids=
	expect_output 0 "" "" "$WG" show all prometheus
	expect_output 0 "# EOF
" "" "$WG" show all openmetrics
}

@test "hostile names and repeated peers: the text stays valid" {
	printf 'public_key=%s\npublic_key=%s\nrx_bytes=7\nerrno=0\n\n' "$HEX_A" "$HEX_A" > get.wgx
	for name in 'a"} 1' 'a\' 'a\n' "ä€😀" "$(head -c 64 /dev/zero | tr '\0' '"')"; do
		printf '[Peer]\n# Name = %s\nPublicKey = %s\n' "$name" "$KEY_A" > /etc/wireguard/wgx.conf
		"$WG" show wgx prometheus | valid prometheus > ours
		"$WG" show wgx openmetrics | valid openmetrics > /dev/null
		label=${name//\\/\\\\}
		grep -qxF "wireguard_received_bytes_total{interface=\"wgx\",public_key=\"$KEY_A\",allowed_ips=\"\",friendly_name=\"${label//\"/\\\"}\"} 7" ours
	done
}

@test "a file is replaced atomically, readable by all, through a symbolic link, and only if it is one" {
	umask 077
	expect_output 0 "" "" "$WG" show all prometheus metrics.prom
	"$WG" show all prometheus | diff - metrics.prom
	[ "$(stat -c %a metrics.prom)" = 644 ]
	mkdir folder
	mv metrics.prom folder/target.prom
	ln -s folder/target.prom metrics.prom
	echo old > folder/target.prom
	exec 7< folder/target.prom # a reader keeps the old file
	expect_output 0 "" "" "$WG" show wgx openmetrics metrics.prom
	[ "$(tail -1 folder/target.prom)" = "# EOF" ]
	[ "$(cat <&7)" = old ]
	exec 7<&-
	[ -L metrics.prom ]
	[ "$(echo folder/*)" = folder/target.prom ]
	# Errors leave the old file.
	cp folder/target.prom before
	run -1 "$WG" show nodevice prometheus metrics.prom
	diff before metrics.prom
	expect_output 1 "" "wg: cannot write folder: it is not a regular file
" "$WG" show all prometheus folder
	expect_output 1 "" "wg: cannot write /dev/null: it is not a regular file
" "$WG" show all prometheus /dev/null
	[ -c /dev/null ]
	expect_output 1 "" "wg: cannot write nofolder/x: No such file or directory
" "$WG" show all prometheus nofolder/x
	run -1 "$WG" show all prometheus a b
	[[ $output == "Usage: "* ]]
	run -1 "$WG" show interfaces prometheus
	[[ $output == "Usage: "* ]]
}

@test "a full disk leaves the old file and nothing else" {
	mkdir full
	mount -t tmpfs -o size=8k tmpfs full
	echo old > full/metrics.prom
	awk 'BEGIN { for (i = 1; i <= 500; i++) printf "public_key=%064x\n", i; print "errno=0\n" }' > get.wgx
	run -1 "$WG" show wgx prometheus full/metrics.prom
	[ "$output" = "wg: wgx: cannot write full/metrics.prom: No space left on device" ]
	[ "$(cat full/metrics.prom) $(ls -A full)" = "old metrics.prom" ]
	umount full
}

statistics_text='# TYPE wireguardd_build info
# HELP wireguardd_build The version.
wireguardd_build_info{interface="wgx",version="1"} 1
# TYPE wireguardd_load_seconds counter
# UNIT wireguardd_load_seconds seconds
# HELP wireguardd_load_seconds Time.
wireguardd_load_seconds_total{interface="wgx",thread="1"} 1.500000000
wireguardd_load_seconds_total{interface="wgx",thread="0"} 2
# TYPE wireguardd_state gauge
# HELP wireguardd_state State.
wireguardd_state{interface="wgx",part="a"} 0
wireguardd_state{interface="wgx",part="b",reason="x\\y\"z\n"} 1
# EOF'

@test "the counters of a daemon are included" {
	statistics wgx text.stats
	printf '%s\n' "$statistics_text" > text.stats
	"$WG" show all prometheus | valid prometheus | grep wireguardd > ours
	diff - ours <<-'E'
	# HELP wireguardd_build_info The version.
	# TYPE wireguardd_build_info gauge
	wireguardd_build_info{interface="wgx",version="1"} 1
	# HELP wireguardd_load_seconds_total Time.
	# TYPE wireguardd_load_seconds_total counter
	wireguardd_load_seconds_total{interface="wgx",thread="0"} 2
	wireguardd_load_seconds_total{interface="wgx",thread="1"} 1.500000000
	# HELP wireguardd_state State.
	# TYPE wireguardd_state gauge
	wireguardd_state{interface="wgx",part="a"} 0
	wireguardd_state{interface="wgx",part="b",reason="x\\y\"z\n"} 1
	E
	"$WG" show all openmetrics | valid openmetrics | grep -q '^# UNIT wireguardd_load_seconds seconds$'
}

@test "a daemon that answers nonsense costs its statistics only" {
	statistics wgx text.stats
	plain=$(WG_SHOW_NAMES=never "$WG" show wgx prometheus 2> /dev/null)
	while IFS= read -r change; do
		printf '%s\n' "$statistics_text" | sed "$change" > text.stats
		expect_output 0 "$plain
" "wg: wgx: warning: without the statistics of the daemon: they are not valid
" "$WG" show wgx prometheus
	done <<-'E'
	s/interface="wgx",thread="1"/interface="other",thread="1"/
	s/,thread="1"/,thread="0"/
	s/"} 2/"} 2 3/
	s/"} 2/"} NaN/
	s/"} 2/"} -1/
	s/"} 2$/"} 2\r/
	s/wireguardd/wireguard/
	s/info$/histogram/
	s/wireguardd_state/wireguardd_load_seconds_total/
	s/part="b"/part="\x1b[2J"/
	s/part="b",reason/reason/
	s/part="b"/part=""/
	s/# HELP wireguardd_state.*/# HELP wireguardd_state a\\b/
	s/^# HELP wireguardd_state.*//
	s/# EOF/# eof/
	$d
	1d
	s/{.*}/{}/
	E
	head -c 300000 /dev/zero | tr '\0' '#' > text.stats
	run -0 --separate-stderr "$WG" show wgx prometheus
	[ "$output" = "$plain" ]
	[ "$stderr" = "wg: wgx: warning: without the statistics of the daemon: Message too long" ]
}

@test "a daemon that does not answer, or has died, delays the metrics at most for five seconds" {
	plain=$("$WG" show wgx prometheus)
	statistics wgx text.stats hang
	expect_output 0 "$plain
" "wg: wgx: warning: without the statistics of the daemon: Connection timed out
" timeout 60 "$WG" show wgx prometheus
	kill "${fake_pids##* }"
	wait "${fake_pids##* }" || true
	fake_pids=${fake_pids% *}
	expect_output 0 "$plain
" "" "$WG" show wgx prometheus
	rm /run/wgsuite/wgx.stats
	echo text > /run/wgsuite/wgx.stats
	expect_output 0 "$plain
" "" "$WG" show wgx prometheus
}
