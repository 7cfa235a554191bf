# Test hosts in namespaces, links and NAT routers between them, and waiting, for bats tests. `load ../lib/netns`, then
#   setup()    { net_begin; }
#   teardown() { net_end; }
# Every host has its own network, PID and mount namespaces (with private /etc, /run and /etc/wireguard), which end when
# its first process is killed. Runs only in tests/lib/box.sh:
#   sh tests/lib/box.sh bats tests/netns/X.bats
# The programs under test are in $WGSUITE_BUILD, Debian's programs for comparison in $WGSUITE_PEERS.

bats_require_minimum_version 1.5.0
NET_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${WGSUITE_BUILD:=$NET_LIB/../../build}"
WGSUITE_BUILD=$(realpath -m "$WGSUITE_BUILD")
: "${WGSUITE_PEERS:=$NET_LIB/../../build/peers}"
WGSUITE_PEERS=$(realpath -m "$WGSUITE_PEERS")
export WGSUITE_BUILD WGSUITE_PEERS
# The build first, so that `wg` is the program under test.
NET_PATH=$WGSUITE_BUILD:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

. "$NET_LIB/days.bash"

declare -gA NET_PID NET_OUTER

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

net_begin() {
	[ -n "${WGSUITE_BOX-}" ] || fail "must run in tests/lib/box.sh" || return
	NET_DIR=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-net.XXXXXX")
	NET_PID=() NET_OUTER=()
	trace_test_file_only
}

# trace_test_file_only: bats records where each command is, for the message of a failure, which takes longer than the
# command. From now on it does so in functions of the test's file, and no longer in those of tests/lib.
trace_test_file_only() {
	local name file
	shopt -s extdebug
	while read -r name _ file; do
		[ "$file" != "$BATS_TEST_SOURCE" ] || declare -ft "$name"
	done < <(declare -F $(compgen -A function))
	shopt -u extdebug
	set -E +T # extdebug has set and reset both
}

# Ends every host of this test, with all processes in it.
net_end() {
	local name
	for name in "${!NET_OUTER[@]}"; do
		kill -KILL "${NET_OUTER[$name]}" 2>/dev/null || true
	done
	for name in "${!NET_OUTER[@]}"; do
		wait "${NET_OUTER[$name]}" 2>/dev/null || true
	done
	NET_PID=() NET_OUTER=()
	[ -z "${NET_DIR-}" ] || rm -rf "$NET_DIR"
}

# host NAME…: creates hosts.
host() {
	local name
	for name in "$@"; do
		unshare --mount --net --pid --fork --kill-child --mount-proc --propagation unchanged -- \
			bash "$NET_LIB/host.sh" "$NET_DIR/$name.ready" 3>&- 4>&- &
		NET_OUTER[$name]=$!
		disown $!
	done
	for name in "$@"; do
		eventually 10 test -e "$NET_DIR/$name.ready"
		NET_PID[$name]=$(pgrep -o -P "${NET_OUTER[$name]}")
	done
}

# on HOST COMMAND…: runs a command on a host, for at most $ON_LIMIT (120) seconds.
on() {
	local pid=${NET_PID[$1]}
	shift
	PATH=$NET_PATH nsenter -t "$pid" -m -n -p -r -w -- timeout --foreground -k 5 "${ON_LIMIT:-120}" "$@" 3>&- 4>&-
}

# on_bg HOST COMMAND…: starts a command on a host in the background. $BG is its PID outside, $BG_LOG the file with its
# output.
on_bg() {
	local pid=${NET_PID[$1]} log
	shift
	log=$(mktemp "$NET_DIR/bg.XXXXXX")
	PATH=$NET_PATH nsenter -t "$pid" -m -n -p -r -w -- "$@" > "$log" 2>&1 < /dev/null 3>&- 4>&- &
	BG=$! BG_LOG=$log
	disown "$BG"
}

# host_sh HOST: runs the script on stdin on a host (bash -eu).
host_sh() {
	on "$1" bash -eu -s
}

# in_net HOST COMMAND…: runs a command in the host's network namespace only, with the files and processes outside.
in_net() {
	local pid=${NET_PID[$1]}
	shift
	nsenter -t "$pid" -n -- "$@" 3>&- 4>&-
}

# wire A IF "ADDR…" B IF "ADDR…": connects two hosts by a veth pair, up and with these addresses.
wire() {
	local a=$1 a_if=$2 a_addrs=$3 b=$4 b_if=$5 b_addrs=$6
	in_net "$a" ip link add "$a_if" type veth peer name "$b_if" netns "${NET_PID[$b]}"
	net_up "$a" "$a_if" "$a_addrs"
	net_up "$b" "$b_if" "$b_addrs"
	eventually 5 link_is_up "$a" "$a_if"
	eventually 5 link_is_up "$b" "$b_if"
}

# link_is_up HOST IF: both ends are up. The kernel updates the state up to a second later.
link_is_up() {
	in_net "$1" ip -o link show dev "$2" | grep -q ' state UP '
}

# net_up HOST IF "ADDR…": adds the addresses and sets the link up.
net_up() {
	local addr
	for addr in $3; do
		case $addr in
		*:*) in_net "$1" ip address add "$addr" dev "$2" nodad ;;
		*) in_net "$1" ip address add "$addr" dev "$2" ;;
		esac
	done
	in_net "$1" ip link set "$2" up
}

# lan NAME…: creates switches. plug LAN HOST IF "ADDR…": connects a host to a switch.
lan() {
	local name
	for name in "$@"; do
		host "$name"
		in_net "$name" ip link add br0 type bridge
		in_net "$name" ip link set br0 up
	done
}

plug() {
	local port=p$((NET_PORT = ${NET_PORT:-0} + 1))
	in_net "$1" ip link add "$port" type veth peer name "$3" netns "${NET_PID[$2]}"
	in_net "$1" ip link set "$port" master br0 up
	net_up "$2" "$3" "$4"
	eventually 5 link_is_up "$2" "$3"
}

# route HOST ROUTE…: ip route add.
route() {
	local name=$1
	shift
	in_net "$name" ip route add "$@"
}

# router HOST…: enables IPv4 and IPv6 forwarding.
router() {
	local name
	for name in "$@"; do
		on "$name" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward
			echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
	done
}

# nat HOST IF: masquerades what leaves through IF; only replies are forwarded back.
nat() {
	router "$1"
	on "$1" nft -f - <<-END
	table ip nat {
		chain out { type nat hook postrouting priority srcnat; oifname "$2" masquerade; }
		chain guard {
			type filter hook forward priority filter;
			iifname "$2" ct state established,related accept
			iifname "$2" drop
		}
	}
	END
}

# add_hosts_entry HOST ADDRESS NAME…: adds a line to /etc/hosts of a host.
add_hosts_entry() {
	local name=$1
	shift
	echo "$*" | on "$name" tee -a /etc/hosts > /dev/null
}

# tunnel HOST IF < TEXT: writes /etc/wireguard/IF.conf on a host, mode 0600.
tunnel() {
	on "$1" install -D -m 600 /dev/stdin "/etc/wireguard/$2.conf"
}

# not COMMAND…: fails if the command succeeds. Unlike "! command" this works anywhere in a test.
not() {
	! "$@"
}

# eventually SECONDS COMMAND…: repeats a command until it succeeds, which takes at most SECONDS on an idle machine: on one
# whose time others take it waits a minute. On a timeout prints the output of the last attempt.
eventually() {
	within $(($1 > 60 ? $1 : 60)) "${@:2}"
}

# within SECONDS COMMAND…: the same, where the time is what is tested.
within() {
	local end=$((SECONDS + $1)) out
	shift
	while ! out=$("$@" 2>&1 3>&-); do
		if [ "$SECONDS" -gt "$end" ]; then
			[ ! -s "${BG_LOG-}" ] || printf '%s\n' "the end of $BG_LOG:" "$(tail -n 20 "$BG_LOG")" >&2
			fail "timed out: $*" "$out"
			return 1
		fi
		sleep 0.05
	done
}

# pings HOST ADDRESS [PING OPTION…]: sends $COUNT (5) echo requests, 50 ms apart; none may be lost. With a deadline (-w)
# ping waits for late replies, and sends further requests until there are $COUNT replies: checked is that the replies
# are those to the first requests, without a gap. Large ones are sent one by one: the buffer of ping holds few.
pings() {
	local name=$1 to=$2 n=${COUNT:-5} out
	shift 2
	if [[ "$*" =~ -s\ [0-9]{4} ]]; then
		on "$name" bash -c 'for ((i = 0; i < $0; i++)); do ping -n -c 1 -W 60 "$@" || exit; done' "$n" "$@" "$to"
		return
	fi
	out=$(on "$name" ping -n -c "$n" -i 0.05 -w 20 "$@" "$to") || true
	echo "$out"
	replies_in_order "$n" <<< "$out"
}

# pings_end HOST LOG: ends the ping of this host when there are replies but to the last requests, which are on their way. No
# other is missing.
pings_end() {
	eventually 10 replies_have_come "$1" "$2"
	on "$1" pkill -INT -x ping
	eventually 5 grep "packet loss" "$2"
	replies_in_order 1 < "$2"
}

# replies_have_come HOST LOG: by the line that ping prints at SIGQUIT.
replies_have_come() {
	local replies requests
	on "$1" pkill -QUIT -x ping
	read -r replies requests < <(tr '\r' '\n' < "$2" | sed -n 's|^\([0-9]*\)/\([0-9]*\) packets, .*|\1 \2|p' | tail -n 1)
	echo "$replies of $requests"
	[ "$replies" -ge $((requests - 3)) ]
}

# replies_in_order N: the output of ping on stdin has at least N replies, in order and without a gap.
replies_in_order() {
	local seen
	seen=$(grep -o 'icmp_seq=[0-9]* ' | cut -d= -f2 | xargs)
	[ "$(wc -w <<< "$seen")" -ge "$1" ] && [ "$seen" = "$(seq 1 "${seen##* }" | xargs)" ]
}

# latest_handshake HOST IF KEY: Unix time of the latest handshake with a peer, 0 for none.
latest_handshake() {
	on "$1" wg show "$2" latest-handshakes | awk -v key="$3" '$1 == key { print $2 }'
}

has_handshake() {
	[ "$(latest_handshake "$@")" -gt 0 ]
}

# daemons HOST: PIDs, in the host's namespace, of wireguardd and wireguard-go.
daemons() {
	on "$1" pgrep -x 'wireguardd|wireguard-go' || true
}

no_daemons() {
	[ -z "$(daemons "$1")" ]
}

# net_state HOST: prints all state of a host that a tunnel could leave behind, for comparisons.
net_state() {
	host_sh "$1" <<-'END'
	echo "# links"; ip -o link show | sed 's/^[0-9]*: //; s/qdisc.*//'
	echo "# addresses"; ip -o address show | sed 's/^[0-9]*: //'
	echo "# routes"; ip -4 route show table all; ip -6 route show table all
	echo "# rules"; ip -4 rule; ip -6 rule
	echo "# nft"; nft list ruleset 2>/dev/null || true
	echo "# udp"; ss -Huan
	echo "# processes"; ps -eo comm= | grep -vxE 'bash|sleep|ps|sed|grep|sort|sh|nsenter|env' | sort || true
	# The folders of the sockets may stay.
	echo "# files"; find /run /etc/wireguard | grep -vxE '/run/(wireguard|wgsuite)' | sort
	echo "# resolv.conf"; cat /etc/resolv.conf 2>/dev/null || true
	END
}
