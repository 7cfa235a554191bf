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

# tiny: small, with another address and allowed IP, and a kill switch.
tiny() {
	small
	on a sed -i 's/10.7.0.1/10.7.0.2/; s/10.13.0.0/10.14.0.0/; s/^DNS/KillSwitch = on\nDNS/' /etc/wireguard/wg0.conf
}

# The kernel adds the local route of an IPv6 address a moment later.
addresses_settled() {
	[ -z "$(in_net a ip -6 address show tentative)" ]
}

# full_state: quick_state, the configuration of the device, and the journal.
full_state() {
	eventually 5 addresses_settled
	{
		quick_state
		on a sh -c 'wg showconf wg0; cat /run/wgsuite/wg0@*' | sed '/^AllowedIPs/s/[=,] /\n/g'
	} | sort
}

# begin FROM TO: the tunnel is up as in FROM, with another port; the next reload changes it to TO. Sets $before.
begin() {
	"$1"
	on a wg-quick up wg0 2> /dev/null
	on a wg set wg0 listen-port 7777
	before=$(full_state)
	"$2"
}
# end: `down` leaves nothing behind.
end() {
	on a wg-quick down wg0 >> "$NET_DIR/output" 2>&1
	quick_settled "$none"
}

# fail_each_step FROM TO [SIGNAL…]: runs `reload` for each of its steps, with a fault or signal there. Of several signals
# each step gets another one, and the next one the next day (WGSUITE_DAY). A tunnel that was rolled back is as before, so
# the next step begins with it.
fail_each_step() {
	local steps step rc before signal= signals=("${@:3}") day=${WGSUITE_DAY:-$(($(date +%s) / 86400))}
	begin "$1" "$2"
	faults_count reload 15
	end || report "$1" "$2" "$signal"
	begin "$1" "$2"
	for step in $(seq "$steps"); do
		[ $# -eq 2 ] || signal=${signals[(step + day) % ${#signals[@]}]}
		faults_run reload "$step" "$signal"
		if [ "$signal" = 9 ] || [ "$rc" -eq 0 ]; then
			end || report "$1" "$2" "$signal"
			begin "$1" "$2"
		elif [ "$(full_state)" != "$before" ]; then
			diff <(echo "$before") <(full_state) >&2 || report "$1" "$2" "$signal"
		fi
	done
	end || report "$1" "$2" "$signal"
}
# interrupt_each_step FROM TO: SIGTERM, or kill -9 and then `down`.
interrupt_each_step() {
	[ "${WGSUITE_COMPLETE-}" = yes ] || { fail_each_step "$1" "$2" 15 9; return; }
	fail_each_step "$1" "$2" 15
	fail_each_step "$1" "$2" 9
}

# confirm_each_step [SIGNAL]: the same for a reload that must be confirmed. After a kill, the time runs out: the tunnel is as
# before, except that the journal may list more.
confirm_each_step() {
	local steps step rc before
	begin small tiny
	faults_count "reload --confirm 1000" 10
	end || report small tiny
	begin small tiny
	for step in $(seq "$steps"); do
		faults_run "reload --confirm 1000" "$step" "${1-}"
		if [ "$rc" -eq 0 ]; then
			on a wg-quick confirm wg0
			end || report small tiny
			begin small tiny
		else
			! on a sh -c 'ls /run/wgsuite | grep -q "confirm$"' || quick_expire || true # it may have begun to roll back
			eventually 60 rolled_back || { diff <(echo "$before") <(full_state) >&2; report small tiny; }
		fi
	done
	end || report small tiny
}
# The journal may protect more addresses, and no longer knows when the file in force was changed, and names the tool of
# the kill switch.
rest_of_state() { grep -v -e '^guard 10.7.0.2/' -e '^config-changed ' -e '^tools '; }
# The process that waits was not started, or was killed at the same step of the roll-back: the next command rolls back.
rolled_back() {
	on a pgrep -x wg-quick > /dev/null || on a wg-quick confirm wg0 2> /dev/null || true
	is_as_before
}
is_as_before() { [ "$(full_state | rest_of_state)" = "$(rest_of_state <<< "$before")" ]; }
report() { faults_report "$1 to $2: step $step of $steps, signal ${3:-none}"; }

@test "reload that adds default routes: failures" { on_day 0 2; fail_each_step small large; }
@test "reload that adds default routes: SIGTERM or kill -9" { on_day 1 2; interrupt_each_step small large; }
@test "reload that removes default routes: failures" { on_day 1 2; fail_each_step large small; }
@test "reload that removes default routes: SIGTERM or kill -9" { on_day 0 2; interrupt_each_step large small; }
# Of a tunnel with the keys that only wg-quick knows.
keys() { keys_file; }
keys_changed() { keys_file changed; }
@test "reload of keys of wg-quick: failures" { on_day 0 4; on_keys fail_each_step keys keys_changed; }
@test "reload of keys of wg-quick: SIGTERM or kill -9" { on_day 1 4; on_keys interrupt_each_step keys keys_changed; }
@test "reload back: failures" { on_day 2 4; on_keys fail_each_step keys_changed keys; }
@test "reload back: SIGTERM or kill -9" { on_day 3 4; on_keys interrupt_each_step keys_changed keys; }
# The private key exists.
on_keys() {
	keys_file
	on a sh -c "umask 077; echo $QUICK_KEY > /run/keys/wg0.key"
	none=$(quick_state)
	"$@"
}

@test "reload --confirm: failures" { on_day 0 2; confirm_each_step; }
@test "reload --confirm: kill -9, then the time runs out" { on_day 1 2; confirm_each_step 9; }
