# `wg watch` on a terminal (tmux): the table, keys, sizes, devices that come and go, many peers.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a v1 "10.0.0.1/24" b v1 "10.0.0.2/24"
	KEYS=()
	for h in a b; do
		on_bg $h wireguardd -f wg0
		eventually 5 on $h test -S /run/wireguard/wg0.sock
		KEYS+=("$("$WGSUITE_BUILD/wg" genkey)")
		on $h bash -c "wg set wg0 listen-port 5000 private-key <(echo ${KEYS[-1]})"
	done
	PUB_A=$("$WGSUITE_BUILD/wg" pubkey <<< "${KEYS[0]}") PUB_B=$("$WGSUITE_BUILD/wg" pubkey <<< "${KEYS[1]}")
	on b wg set wg0 peer "$PUB_A" allowed-ips 10.8.0.1
	on a wg set wg0 peer "$PUB_B" allowed-ips 10.8.0.2,fd00::/64 endpoint 10.0.0.2:5000
	net_up a wg0 "10.8.0.1/24"
	net_up b wg0 "10.8.0.2/24"
}
teardown() { net_end; }

# watch COLUMNS LINES LOCALE ARGUMENT…: starts it on a's terminal.
watch() {
	local columns=$1 lines=$2 locale=$3
	shift 3
	on a env -u TMUX TERM=xterm LC_ALL=C.UTF-8 tmux -L watch -f /dev/null new-session -d -x "$columns" -y "$lines" \
		"LC_ALL=$locale wg watch $*; echo \"status \$?\"; cat"
}
screen() { on a tmux -L watch capture-pane -p; }
keys() { on a tmux -L watch send-keys "$@"; }
# end_server: the next one needs its socket.
end_server() {
	on a tmux -L watch kill-server
	eventually 5 not on a pgrep -x "tmux: server"
}
# shows TEXT…: the screen gets these.
shows() {
	local text
	for text in "$@"; do
		eventually 10 screen_has "$text"
	done
}
screen_has() { screen | grep -F -- "$1"; }

@test "the table has peers, rates and ages; keys select, sort, filter, pause, show details and quit" {
	on_bg a ping -q -i 0.1 10.8.0.2
	printf '[Peer]\n# Name = \xc3\xbcber-laptop\nPublicKey = %s\n' "$PUB_B" | tunnel a wg0
	watch 100 16 C.UTF-8 wg0 0.2
	shows "wg watch wg0: 1 of 1 peers, by device, " "PEER" "HANDSHAKE" "über-laptop      " "10.0.0.2:5000" "█"
	eventually 10 bash -c "$(declare -f screen on); NET_PATH=$NET_PATH; declare -A NET_PID=([a]=${NET_PID[a]})
		screen | grep -E '10\.0\.0\.2:5000 +(now|[0-9]+s) +[0-9]+(\.[0-9])?K? +[0-9]+(\.[0-9])?K? '"
	keys Enter
	shows "     peer: $PUB_B" "     name: über-laptop" "  10.8.0.2/32" "  fd00::/64" "allowed IPs:"
	keys Escape
	shows "PEER"
	keys s
	shows "by name"
	keys S S
	shows "by total"
	keys / n o s u c h
	shows "filter: nosuch_" "0 of 1 peers"
	keys BSpace BSpace BSpace BSpace BSpace BSpace 1 0 . 8
	shows "filter: 10.8_" "1 of 1 peers"
	keys Enter
	shows "filter: 10.8  (Esc: no filter)"
	keys Escape
	shows "q quit"
	keys p
	shows "PAUSED"
	keys ?
	shows "Up, Down, PgUp"
	keys q
	shows "status 0"
}

@test "the tables in README.md, the tour and wg(8) have the headings of the screen, and the same peers" {
	local heading document
	watch 80 10 C.UTF-8 wg0 0.2
	shows "HANDSHAKE"
	heading=$(screen | sed -n 's/ *$//; /^PEER/p')
	cd "$BATS_TEST_DIRNAME/../.."
	for document in README.md contrib/doc/tour.md; do
		grep -qxF "    $heading" $document
		[ "$(sed -n '/^    wg watch wg0: /,/^    nsT3/ s/^    //p' $document)" = "$(sed -n '/^wg watch wg0: /,/^nsT3/p' man/wg.8)" ]
	done
	screen | grep -E "^wg watch wg0: 1 of 1 peers, by device, [0-9.KM]+B/s received, [0-9.KM]+B/s sent"
	keys q
	shows "status 0"
}

@test "sizes: 80 columns, fewer, resized; ASCII locales" {
	on_bg a ping -q -i 0.1 10.8.0.2
	watch 80 10 C all 0.2
	shows "PEER" "${PUB_B:0:8}...      10.0.0.2:5000" "@"
	not screen_has █
	printf '[Peer]\n# Name = \xc3\xbcber \xe4\xb8\xad\nPublicKey = %s\n' "$PUB_B" | tunnel a wg0
	keys q
	shows "status 0"
	end_server
	watch 80 10 C all 0.2
	shows "?ber ??          10.0.0.2:5000"
	[ "$(screen | awk '{ print length }' | sort -n | tail -1)" -le 80 ]
	on a tmux -L watch resize-window -x 40 -y 8
	shows "wg watch all: 1 of 1 peers"
	eventually 5 bash -c "[ \$($(declare -f screen on); NET_PATH=$NET_PATH; declare -A NET_PID=([a]=${NET_PID[a]})
		screen | awk '{ print length }' | sort -n | tail -1) -le 40 ]"
	on a tmux -L watch resize-window -x 10 -y 2
	on a tmux -L watch resize-window -x 120 -y 20
	shows "HANDSHAKE" "10.0.0.2:5000"
	keys q
	shows "status 0"
}

@test "devices come and go; a device that cannot be read is shown" {
	watch 100 12 C.UTF-8 all 0.2
	shows "1 of 1 peers"
	on_bg a wireguardd -f wg1
	eventually 5 on a test -S /run/wireguard/wg1.sock
	on a wg set wg1 peer "$PUB_A"
	shows "2 of 2 peers" "DEVICE" "wg1 "
	on a ip link del wg1
	shows "1 of 1 peers"
	keys q
	shows "status 0"
	end_server
	watch 100 12 C.UTF-8 wg1 0.2
	shows "cannot read wg1: " "0 of 0 peers"
	keys Down PgDn Enter Enter q
	shows "status 0"
}

@test "ten thousand peers: the end is one key away, and the selection stays on its peer" {
	on a python3 - <<-'END' > "$NET_DIR/many"
	import base64
	for i in range(10000):
	    key = (i + 1).to_bytes(4, "big") + b"k" * 28
	    print("[Peer]\nPublicKey = %s\nAllowedIPs = 10.%d.%d.%d" % (base64.b64encode(key).decode(), 64 + i // 65536, i // 256 % 256, i % 256))
	END
	on a bash -c "wg addconf wg0 <(cat)" < "$NET_DIR/many"
	watch 90 16 C.UTF-8 wg0 1
	shows "10001 of 10001 peers"
	keys End Enter
	shows "  10.64.39.15/32"
	keys Escape Home Enter
	shows "  10.8.0.2/32"
	keys q
	shows "status 0"
}

@test "for programs: a JSON document on one line for each sample" {
	local KEY_C KEY_D first='.interfaces.wg0.peers[$key]'
	printf '[Peer]\n# Name = "hub"\nPublicKey = %s\n' "$PUB_B" | tunnel a wg0
	on_bg a ping -q -i 0.1 10.8.0.2
	eventually 5 on a sh -c 'wg show wg0 latest-handshakes | grep -E "[1-9][0-9]+$"'
	has_samples() {
		on a sh -c 'wg watch wg0 0.2 | head -n 5' > "$NET_DIR/lines"
		[ "$(wc -l < "$NET_DIR/lines")" -eq 5 ] && jq -se --arg key "$PUB_B" "
		(map(.timeMs) | . == sort) and
		all(.[]; (.interfaces | keys) == [\"wg0\"]) and
		all(.[] | $first; .name == \"\\\"hub\\\"\" and .endpoint == \"10.0.0.2:5000\" and .latestHandshake > 1700000000) and
		(.[0] | $first | .rxRate == 0) and (.[-1] | $first | .rxRate > 0 and .txRate > 0 and .transferRx > 0)" "$NET_DIR/lines"
	}
	eventually 10 has_samples # pings may come late on a slow host
	run -0 on a sh -c 'wg watch all 0.1 json | head -n 1'
	jq -e '.interfaces.wg0.peers | length == 1' <<< "$output"
	# Only the peer with a name.
	KEY_C=$("$WGSUITE_BUILD/wg" genkey) KEY_D=$("$WGSUITE_BUILD/wg" genkey)
	on a wg set wg0 peer "$KEY_C" allowed-ips 10.8.0.8 peer "$KEY_D" allowed-ips 10.8.0.9
	printf '[Peer]\n# Name = %s\nPublicKey = %s\n' last "$KEY_C" twin "$PUB_B" twin "$KEY_D" | tunnel a wg0
	on a sh -c 'wg watch all 0.1 json @last | head -n 2' > "$NET_DIR/lines"
	jq -se --arg key "$KEY_C" 'length == 2 and all(.[]; .interfaces.wg0.peers | keys == [$key])' "$NET_DIR/lines"
	run -1 on a wg watch wg0 @twin
	[[ $output == "wg: wg0: @twin is the name of several peers: "* ]]
	run -1 on a wg watch @lasst
	[[ $output == "wg: no peer is named @lasst
  help: did you mean @last?" ]]
	run on a sh -c 'wg watch wg0 0.1 json > /dev/full'
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write to standard output: No space left on device" ]]
}

@test "without a terminal, without the library or with nonsense as argument: an error" {
	local argument
	run -1 on a wg watch --nonsense
	[ "$output" = "Usage: wg watch [<interface> | all] [<seconds>] [json] [@<name>]" ]
	for argument in 0.01 abc -1; do
		run -1 on a wg watch wg0 "$argument"
		[ "$output" = "wg: expected an interval from 0.1 to 3600 seconds, found \`$argument'" ]
	done
	run -1 on a wg watch a b c
	[[ $output == "Usage: "* ]]
	run -1 on a sh -c 'script -qec "wg watch wg0 < /dev/null" /dev/null'
	[[ $output == *"wg: wg0: cannot take over the terminal: standard input or output is not one"* ]]
	run -1 on a wg watch nosuch
	[[ $output == "wg: nosuch: cannot read nosuch: "* ]]
	run -1 on a env TERM=nosuch script -qec "wg watch" /dev/null
	[[ $output == *"cannot take over the terminal: its type (TERM) is unknown"* ]]
}

@test "signals that end it: the terminal is as it was before" {
	local signal
	on a env -u TMUX TERM=xterm LC_ALL=C.UTF-8 tmux -L watch -f /dev/null new-session -d -x 100 -y 12 \
		'before=$(stty -g); for i in 1 2 3 4; do wg watch wg0 0.2
			echo "status $?, terminal as before: $([ "$(stty -g)" = "$before" ]; echo $?)"; read -r _; done; cat'
	for signal in HUP:129 INT:130 QUIT:131 TERM:143; do
		shows "1 of 1 peers"
		on a pkill "-${signal%:*}" -x wg
		shows "status ${signal#*:}, terminal as before: 0"
		keys Enter
	done
}

@test "it waits while it is paused; it ends when the terminal is closed, also if SIGHUP is ignored" {
	on a env -u TMUX TERM=xterm LC_ALL=C.UTF-8 tmux -L watch -f /dev/null new-session -d -x 100 -y 12 \
		"trap '' HUP; strace -o /run/calls -e trace=poll,ppoll,pselect6,read wg watch wg0 0.2"
	shows "1 of 1 peers"
	keys p
	shows "PAUSED"
	on a cp /dev/null /run/calls
	eventually 10 on a sh -c '[ "$(grep -c "poll.*Timeout" /run/calls)" -ge 2 ]'
	on a sh -c '[ "$(grep -c . /run/calls)" -lt $((30 + 5 * $(grep -c "poll.*Timeout" /run/calls))) ]'
	on a tmux -L watch kill-server
	eventually 5 not on a pgrep -x wg
}

@test "terminals that cannot show it; descriptions of terminals are not read for a user with fewer privileges" {
	run -1 on a env TERM=dumb script -qec "wg watch" /dev/null
	[[ $output == *"cannot take over the terminal: its type (TERM) has no cursor addressing"* ]]
	chmod 755 "$NET_DIR"
	install -m 755 "$WGSUITE_BUILD/wg" "$NET_DIR/wg"
	infocmp -x xterm | sed 's/^xterm[^,]*/mine/' > "$NET_DIR/mine"
	tic -x -o "$NET_DIR/terminfo" "$NET_DIR/mine"
	export TERM=mine TERMINFO="$NET_DIR/terminfo"
	on a setpriv --reuid 65534 --clear-groups script -qec "$NET_DIR/wg watch nosuch" /dev/null <<< q > "$NET_DIR/screen"
	grep -q "cannot read nosuch" "$NET_DIR/screen"
	# cap_net_admin+ep, of revision 2 (linux/capability.h)
	python3 -c 'import os, struct, sys
os.setxattr(sys.argv[1], "security.capability", struct.pack("<5I", 0x02000001, 1 << 12, 0, 0, 0))' "$NET_DIR/wg"
	run -1 on a setpriv --reuid 65534 --clear-groups script -qec "$NET_DIR/wg watch nosuch" /dev/null
	[[ $output == *"its type (TERM) is unknown"* ]]
}
