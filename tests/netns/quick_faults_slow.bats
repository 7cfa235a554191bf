# Every fallible step of `up` fails once, is met by a signal, or is where wg-quick is killed; each time
# the host is as it was before (after `wg-quick down`, or `up` and `down`, where it was killed). Six tunnels. The steps are
# counted by a build with -DWG_FAULTS, in which every netlink message, program and file is one.
load ../lib/netns
load ../lib/quick

setup_file() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	local build=${WGSUITE_BUILD:-$root/build}
	export FAULTS=$build/faults
	sh "$root/tests/lib/faults.sh" "$build"
}

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# tunnel_of KIND: the file of one of the six.
tunnel_of() {
	case $1 in
	full) quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53, corp.example
PreUp = touch /run/pre-%i
PostUp = touch /run/post-%i
PreDown = rm -f /run/post-%i
PostDown = rm -f /run/pre-%i /run/post-%i" "0.0.0.0/0, ::/0" ;;
	split) quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "10.8.0.0/16, 10.9.0.0/24, fd08::/48" ;;
	v4) quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0" ;;
	v6) quick_file wg0 "Address = fd07::1/64" "::/0" ;;
	off) quick_file wg0 "Address = 10.7.0.1/24
Table = off
PostUp = ip route add 10.44.0.0/24 dev %i" "0.0.0.0/0" ;;
	table) quick_file wg0 "Address = 10.7.0.1/24
Table = 777" "10.8.0.0/16, 0.0.0.0/0, fd08::/48" ;;
	esac
}

# try KIND [SIGNAL]: `up` once for each of its steps, with a fault there.
try() {
	local steps step rc state
	tunnel_of "$1"
	state=$(quick_state)
	on a env WG_QUICK_FAULT_LOG=/run/steps "$FAULTS/wg-quick" up wg0 2> /dev/null
	steps=$(on a wc -l < <(on a cat /run/steps))
	on a "$FAULTS/wg-quick" down wg0 2> /dev/null
	on a rm /run/steps
	quick_settled "$state"
	[ "$steps" -ge 15 ] # else faults were not built in
	for step in $(seq "$steps"); do
		rc=0
		on a env WG_QUICK_FAULT="$step" WG_QUICK_FAULT_SIGNAL="${2-}" "$FAULTS/wg-quick" up wg0 \
			> "$NET_DIR/said" 2>&1 || rc=$?
		# Where it was killed, the next `up` takes that back as well, unless it had come to its end.
		[ "${2-}" != 9 ] || [ $((step % 2)) -eq 0 ] || on a "$FAULTS/wg-quick" up wg0 >> "$NET_DIR/said" 2>&1 ||
			on a sh -c 'grep -qx complete /run/wgsuite/wg0@*' || { cat "$NET_DIR/said" >&2; return 1; }
		[ "$rc" -eq 0 ] || [ -n "${2-}" ] || grep -q '^wg-quick: ' "$NET_DIR/said" # it says why
		# A step that can be done without ends in success and a warning; a signal may come too late.
		if [ "$rc" -eq 0 ] || [ "${2-}" = 9 ]; then
			on a "$FAULTS/wg-quick" down wg0 >> "$NET_DIR/said" 2>&1 || [ "${2-}" = 9 ]
		fi
		quick_settled "$state" || {
			echo "$1: step $step of $steps, signal ${2:-none}, exit $rc" >&2
			cat "$NET_DIR/said" >&2
			return 1
		}
	done
}

@test "full tunnel: failures" { try full; }
@test "full tunnel: SIGTERM" { try full 15; }
@test "full tunnel: SIGINT" { try full 2; }
@test "full tunnel: kill -9, then down" { try full 9; }
@test "split tunnel: failures" { try split; }
@test "split tunnel: SIGTERM" { try split 15; }
@test "split tunnel: SIGINT" { try split 2; }
@test "split tunnel: kill -9, then down" { try split 9; }
@test "IPv4 only: failures" { try v4; }
@test "IPv4 only: SIGTERM" { try v4 15; }
@test "IPv4 only: SIGINT" { try v4 2; }
@test "IPv4 only: kill -9, then down" { try v4 9; }
@test "IPv6 only: failures" { try v6; }
@test "IPv6 only: SIGTERM" { try v6 15; }
@test "IPv6 only: SIGINT" { try v6 2; }
@test "IPv6 only: kill -9, then down" { try v6 9; }
@test "no table: failures" { try off; }
@test "no table: SIGTERM" { try off 15; }
@test "no table: SIGINT" { try off 2; }
@test "no table: kill -9, then down" { try off 9; }
@test "a table of its own: failures" { try table; }
@test "a table of its own: SIGTERM" { try table 15; }
@test "a table of its own: SIGINT" { try table 2; }
@test "a table of its own: kill -9, then down" { try table 9; }
