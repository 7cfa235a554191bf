# Fault injection in `wg-quick reload`: when a step fails or is interrupted by a signal, the tunnel is as before; when
# wg-quick is killed there, `down` leaves nothing behind. Steps are those of a build with -DWG_FAULTS, as in
# quick_faults_slow.bats.
load ../lib/netns
load ../lib/quick

setup_file() { faults_build; }
setup() {
	faults_setup
	small
	none=$(quick_state)
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=
THIRD=TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=

# The tunnel files before and after the reload, in both directions.
small() {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53
MTU = 1380
[Peer]
PublicKey = $THIRD
PresharedKey = $QUICK_KEY
PersistentKeepalive = 7
AllowedIPs = 10.12.0.0/16, 10.13.0.0/16" "10.8.0.0/16, 10.9.0.0/24, fd08::/48"
}
large() {
	quick_file wg0 "Address = 10.7.0.9/24, fd07::9/64, 10.77.0.1/32
DNS = 10.7.0.54, corp.example
MTU = 1300
[Peer]
PublicKey = $OTHER
PresharedKey = $QUICK_KEY
AllowedIPs = 10.10.0.0/16
[Peer]
PublicKey = $THIRD
Endpoint = 192.168.5.254:5803
AllowedIPs = 10.12.0.0/16" "10.9.0.0/24, 0.0.0.0/0, ::/0
PersistentKeepalive = 25"
}

# The kernel adds the local route of an IPv6 address a moment later.
addresses_settled() {
	[ -z "$(in_net a ip -6 address show tentative)" ]
}

# full_state: quick_state, the configuration of the device, and the journal.
full_state() {
	eventually 5 addresses_settled
	quick_state | sort
	on a wg showconf wg0 | sed '/^AllowedIPs/s/[=,] /\n/g' | sort
	on a sh -c 'sort /run/wgsuite/wg0@*'
}

# fail_each_step FROM TO [SIGNAL]: runs `reload` once for each of its steps, with a fault or signal there.
fail_each_step() {
	local steps step rc before
	"$1"
	on a wg-quick up wg0 2> /dev/null
	"$2"
	faults_count reload 15
	for step in $(seq "$steps"); do
		on a wg-quick down wg0 2>> "$NET_DIR/output"
		quick_settled "$none" || report "$@"
		"$1"
		on a wg-quick up wg0 2> /dev/null
		on a wg set wg0 listen-port 7777
		before=$(full_state)
		"$2"
		faults_run reload "$step" "${3-}"
		if [ "${3-}" = 9 ]; then
			on a wg-quick down wg0 >> "$NET_DIR/output" 2>&1
			quick_settled "$none" || report "$@"
			on a wg-quick up wg0 2> /dev/null
		elif [ "$rc" -ne 0 ] && [ "$(full_state)" != "$before" ]; then
			diff <(echo "$before") <(full_state) >&2 || report "$@"
		fi
	done
	on a wg-quick down wg0 2> /dev/null
	quick_settled "$none"
}
report() { faults_report "$1 to $2: step $step of $steps, signal ${3:-none}"; }

@test "reload that adds default routes: failures" { fail_each_step small large; }
@test "reload that adds default routes: SIGTERM" { fail_each_step small large 15; }
@test "reload that adds default routes: kill -9, then down" { fail_each_step small large 9; }
@test "reload that removes default routes: failures" { fail_each_step large small; }
@test "reload that removes default routes: SIGTERM" { fail_each_step large small 15; }
@test "reload that removes default routes: kill -9, then down" { fail_each_step large small 9; }
