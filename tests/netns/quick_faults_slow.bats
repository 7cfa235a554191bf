# Fault injection in `wg-quick up`: each step fails, is interrupted by a signal, or is where wg-quick is killed, with nine
# kinds of tunnels, each of them on some days only. Each time the state of the host is restored: at once, or after a kill by `down`, or `up` and `down`.
# Steps are netlink messages, programs and files, in a build with -DWG_FAULTS.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

setup_file() { faults_build; }
setup() { faults_setup; }
teardown() { net_end; }

# write_tunnel KIND: writes one of the nine tunnel files.
write_tunnel() {
	case $1 in
	full) quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53, corp.example
PreUp = touch /run/pre-%i
PostUp = touch /run/post-%i
PreDown = rm -f /run/post-%i
PostDown = rm -f /run/pre-%i /run/post-%i" "0.0.0.0/0, ::/0" ;;
	split) quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "10.8.0.0/16, 10.9.0.0/16, fd08::/48
Routes = 10.8.0.0/16, 10.9.0.0/24, fd08::/48" ;;
	v4) quick_file wg0 "Address = 10.7.0.1/24
ExcludeIPs = 203.0.113.0/24" "0.0.0.0/0" ;;
	v6) quick_file wg0 "Address = fd07::1/64" "::/0" ;;
	off) quick_file wg0 "Address = 10.7.0.1/24
Table = off
PostUp = ip route add 10.44.0.0/24 dev %i" "0.0.0.0/0" ;;
	netns) quick_file wg0 "Address = 10.7.0.1/24
DNS = 10.7.0.53
Netns = private
PreUp = touch /run/pre-%n
PostDown = rm -f /run/pre-%n" "0.0.0.0/0" ;;
	bind) quick_file wg0 "Address = 10.7.0.1/24
BindDevice = eth0
SourceAddress = 192.168.5.1" "10.8.0.0/16" ;;
	table) quick_file wg0 "Address = 10.7.0.1/24
Table = 777
RouteMetric = 50
ExcludeIPs = 192.0.0.0/2" "10.8.0.0/16, 0.0.0.0/0, fd08::/48" ;;
	keys) KILL_SWITCH=off keys_file ;;
	keys_on) keys_file ;;
	esac
}

# fail_each_step KIND [SIGNAL…]: runs `up` once for each of its steps, with a fault or signal there. Of several signals
# each step gets another one, and the next one the next day (WGSUITE_DAY).
fail_each_step() {
	local steps step rc state signal= signals=("${@:2}") day=${WGSUITE_DAY:-$(($(date +%s) / 86400))}
	write_tunnel "$1"
	on a sh -c 'ip netns add x; ip netns delete x' # makes /run/netns
	state=$(quick_state)
	faults_count up 15
	on a "$FAULTS/wg-quick" down wg0 2> /dev/null
	[ "${1%_on}" != keys ] || keys_drop
	quick_settled "$state"
	for step in $(seq "$steps"); do
		[ "${1%_on}" != keys ] || keys_drop
		[ $# -eq 1 ] || signal=${signals[(step + day) % ${#signals[@]}]}
		faults_run up "$step" "$signal"
		# After a kill the next `up` also rolls back, unless the killed one had completed.
		[ "$signal" != 9 ] || [ $((step % 2)) -eq 0 ] || on a "$FAULTS/wg-quick" up wg0 >> "$NET_DIR/output" 2>&1 ||
			on a sh -c 'grep -qxE "complete( [0-9]+)?" /run/wgsuite/wg0@*' || { cat "$NET_DIR/output" >&2; return 1; }
		# A failed optional step is only a warning, and a signal can arrive too late: then run down.
		if [ "$rc" -eq 0 ] || [ "$signal" = 9 ]; then
			on a "$FAULTS/wg-quick" down wg0 >> "$NET_DIR/output" 2>&1 || [ "$signal" = 9 ]
		fi
		[ "${1%_on}" != keys ] || keys_drop || faults_report "$1: step $step of $steps: the key"
		# A failed `up` that had changed routes leaves the kill switch on, and says so.
		[ "$1" != keys_on ] || ! grep -q "the kill switch stays on" "$NET_DIR/output" || on a wg-quick down wg0 2> /dev/null
		quick_settled "$state" || faults_report "$1: step $step of $steps, signal ${signal:-none}"
	done
}
# interrupt_each_step KIND: SIGTERM, SIGINT, or kill -9, and then `down`, or `up` and `down`. Every second step is killed.
interrupt_each_step() {
	[ "${WGSUITE_COMPLETE-}" = yes ] || { fail_each_step "$1" 15 9 2 9; return; }
	fail_each_step "$1" 15
	fail_each_step "$1" 2
	fail_each_step "$1" 9
}

@test "full tunnel: failures" { on_day 0 2; fail_each_step full; }
@test "full tunnel: SIGTERM, SIGINT or kill -9" { on_day 1 2; interrupt_each_step full; }
@test "split tunnel: failures" { on_day 0 2; fail_each_step split; }
@test "split tunnel: SIGTERM, SIGINT or kill -9" { on_day 1 2; interrupt_each_step split; }
@test "IPv4 only: failures" { on_day 0 3; fail_each_step v4; }
@test "IPv4 only: SIGTERM, SIGINT or kill -9" { on_day 1 3; interrupt_each_step v4; }
@test "IPv6 only: failures" { on_day 1 3; fail_each_step v6; }
@test "IPv6 only: SIGTERM, SIGINT or kill -9" { on_day 2 3; interrupt_each_step v6; }
@test "Table = off: failures" { on_day 2 3; fail_each_step off; }
@test "Table = off: SIGTERM, SIGINT or kill -9" { on_day 0 3; interrupt_each_step off; }
@test "Table = 777: failures" { on_day 0 3; fail_each_step table; }
@test "Table = 777: SIGTERM, SIGINT or kill -9" { on_day 1 3; interrupt_each_step table; }
@test "keys of wg-quick, one that is made: failures" { on_day 1 3; fail_each_step keys; }
@test "keys of wg-quick, one that is made: SIGTERM, SIGINT or kill -9" { on_day 2 3; interrupt_each_step keys; }
@test "keys of wg-quick with a kill switch: failures" { on_day 2 3; fail_each_step keys_on; }
@test "keys of wg-quick with a kill switch: SIGTERM, SIGINT or kill -9" { on_day 0 3; interrupt_each_step keys_on; }

# kill_switch_each_step VERB [SIGNAL]: the same with a kill switch, which is on whenever the interface exists, and off after
# `down`. A failed `up` leaves it on if it had changed routes, and says so.
kill_switch_each_step() {
	local steps step rc state
	quick_file wg0 "Address = 10.7.0.1/24
KillSwitch = on" "10.8.0.0/16"
	state=$(quick_state)
	[ "$1" = up ] || on a "$FAULTS/wg-quick" up wg0 2> /dev/null
	faults_count "$1" 3
	[ "$1" = down ] || on a "$FAULTS/wg-quick" down wg0 2> /dev/null
	for step in $(seq "$steps"); do
		[ "$1" = up ] || on a "$FAULTS/wg-quick" up wg0 2> /dev/null
		faults_run "$1" "$step" "${2-}"
		if in_net a ip link show wg0 > /dev/null 2>&1 && ! on a nft list table inet wgsuite-killswitch > /dev/null 2>&1; then
			faults_report "$1: step $step of $steps: the interface is there without a kill switch"
		fi
		if [ -z "${2-}" ] && [ "$1" = up ] && [ "$rc" -ne 0 ] && on a nft list table inet wgsuite-killswitch > /dev/null 2>&1; then
			grep -q "wg-quick down wg0' to t" "$NET_DIR/output" || faults_report "step $step of $steps: no help"
		fi
		# The switch that was left does not keep the next `up` from working, nor is there a moment without it.
		[ "$1" = down ] || [ $((step % 2)) -eq 0 ] || on a "$FAULTS/wg-quick" up wg0 >> "$NET_DIR/output" 2>&1 || true
		on a "$FAULTS/wg-quick" down wg0 >> "$NET_DIR/output" 2>&1 || true
		quick_settled "$state" || faults_report "$1: step $step of $steps, signal ${2:-none}"
	done
}
@test "kill switch: failures of up" { on_day 0 2; kill_switch_each_step up; }
@test "kill switch: kill -9 of up" { on_day 1 2; kill_switch_each_step up 9; }
@test "kill switch: failures of down" { on_day 1 2; kill_switch_each_step down; }
@test "kill switch: kill -9 of down" { on_day 0 2; kill_switch_each_step down 9; }
@test "Netns: failures" { on_day 0 3; fail_each_step netns; }
@test "Netns: SIGTERM or SIGINT" { on_day 1 3; interrupt_each_step netns; }
@test "Netns: kill -9, then down" { on_day 2 3; fail_each_step netns 9; }
@test "BindDevice and SourceAddress: failures" { on_day 1 3; fail_each_step bind; }

# monitored_state: without the processes and the lock of the monitor.
monitored_state() { quick_state | sed '/^wg-quick$/d; /\.monitor@/d'; }

# monitored KIND EDIT [STEP…]: a sample of the steps of `up`, `reload` (of what EDIT changes) and `down`, while a monitor repairs what
# a loop removes.
monitored() {
	local steps step rc state verb signal kind=$1 edit=$2
	shift 2
	[ "${WGSUITE_COMPLETE-}" != yes ] || set -- $(seq 3 4 70)
	monitored_file "$kind"
	state=$(monitored_state)
	faults_count up 15
	monitor_start
	on_bg a sh -c 'while :; do ip -4 rule del table 51820; ip -6 route del default dev wg0 table 51820; ip -4 route del 10.8.0.0/16 dev wg0
		nft flush ruleset; sleep 0.02; done'
	on a "$FAULTS/wg-quick" down wg0 2> /dev/null
	for step; do
		for signal in "" 9; do
			for verb in up reload down; do
				[ "$verb" = up ] || on a wg-quick up wg0 2> /dev/null || true
				[ "$verb" != reload ] || on a sed -i "$edit" /etc/wireguard/wg0.conf
				faults_run "$verb" "$step" "$signal"
				on a wg-quick down wg0 >> "$NET_DIR/output" 2>&1 || [ "$rc" -ne 0 ] || [ "$verb" = down ] || [ "$signal" = 9 ]
				monitored_file "$kind"
				quick_settled "$state" monitored_state || faults_report "$verb: step $step of $steps, signal ${signal:-none}"
			done
		done
	done
}
monitored_file() {
	case $1 in
	full) quick_file wg0 $'Address = 10.7.0.1/24, fd07::1/64\nDNS = 10.7.0.53' "0.0.0.0/0, ::/0" ;; # a hook that fails leaves its files
	keys) keys_file && keys_drop ;;
	netns) quick_file wg0 $'Address = 10.7.0.1/24\nNetns = private' 10.8.0.0/16 ;;
	esac
}

@test "full tunnel, with a monitor and a program that removes its rules: failures and kills of up, reload and down" {
	on_day 0 3
	monitored full 's/10.7.0.1/10.7.0.2/' 4 15 26 37 48
}
@test "keys of wg-quick, with a monitor and a program that removes its rules: failures and kills of up, reload and down" {
	on_day 1 3
	monitored keys 's/10.7.0.1/10.7.0.2/; s/^Routes.*/Routes = off/; s/= on/= lan/' 4 15 26 37 48
}
@test "Netns, with a monitor: failures and kills of up, reload and down" {
	on_day 2 3
	on a sh -c 'ip netns add x; ip netns delete x' # makes /run/netns
	monitored netns 's/10.7.0.1/10.7.0.2/' 4 11 18 25 32
}
