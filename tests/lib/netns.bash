# Hosts, wires, NAT routers and waiting for bats tests. `load ../lib/netns`, then
#   setup()    { net_begin; }
#   teardown() { net_end; }
# Every host is a set of namespaces of its own: network, processes, mounts (private /etc, /run,
# /etc/wireguard), ended by killing its first process. Runs only inside tests/lib/box.sh:
#   sh tests/lib/box.sh bats tests/netns/X.bats
# The programs under test come from $WGSUITE_BUILD, Debian's for comparison from $WGSUITE_PEERS.

bats_require_minimum_version 1.5.0
NET_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${WGSUITE_BUILD:=$NET_LIB/../../build}"
WGSUITE_BUILD=$(realpath -m "$WGSUITE_BUILD")
: "${WGSUITE_PEERS:=$NET_LIB/../../build/peers}"
WGSUITE_PEERS=$(realpath -m "$WGSUITE_PEERS")
export WGSUITE_BUILD WGSUITE_PEERS
# Ours first, so that a bare `wg` is the one under test.
NET_PATH=$WGSUITE_BUILD:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

declare -gA NET_PID NET_OUTER

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

net_begin() {
	[ -n "${WGSUITE_BOX-}" ] || fail "run this inside tests/lib/box.sh" || return
	NET_DIR=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-net.XXXXXX")
	NET_PID=() NET_OUTER=()
}

# Ends every host of this test; what runs in them dies with them.
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

# host NAME…: makes hosts.
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

# on HOST COMMAND…: runs it there, for at most $ON_LIMIT (120) seconds.
on() {
	local pid=${NET_PID[$1]}
	shift
	nsenter -t "$pid" -m -n -p -r -- timeout --foreground -k 5 "${ON_LIMIT:-120}" env -C / PATH="$NET_PATH" "$@" \
		3>&- 4>&-
}

# on_bg HOST COMMAND…: starts it there; its outer pid is in $BG. Output goes to $NET_DIR/bg.PID.
on_bg() {
	local pid=${NET_PID[$1]} log
	shift
	log=$(mktemp "$NET_DIR/bg.XXXXXX")
	nsenter -t "$pid" -m -n -p -r -- env -C / PATH="$NET_PATH" "$@" > "$log" 2>&1 < /dev/null 3>&- 4>&- &
	BG=$! BG_LOG=$log
	disown "$BG"
}

# host_sh HOST: runs the script on stdin there (bash -eu).
host_sh() {
	on "$1" bash -eu -s
}

# in_net HOST COMMAND…: only the network is the host's; files and processes stay outside.
in_net() {
	local pid=${NET_PID[$1]}
	shift
	nsenter -t "$pid" -n -- "$@" 3>&- 4>&-
}

# wire A IF "ADDR…" B IF "ADDR…": a cable between two hosts, up, with these addresses.
wire() {
	local a=$1 a_if=$2 a_addrs=$3 b=$4 b_if=$5 b_addrs=$6
	in_net "$a" ip link add "$a_if" type veth peer name "$b_if" netns "${NET_PID[$b]}"
	net_up "$a" "$a_if" "$a_addrs"
	net_up "$b" "$b_if" "$b_addrs"
	eventually 5 carries "$a" "$a_if"
	eventually 5 carries "$b" "$b_if"
}

# The other end is up too, and the kernel has noticed (it takes up to a second).
carries() {
	in_net "$1" ip -o link show dev "$2" | grep -q ' state UP '
}

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

# lan NAME: a switch. plug LAN HOST IF "ADDR…": a cable from it to a host.
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
	eventually 5 carries "$2" "$3"
}

# route HOST ROUTE…: ip route add.
route() {
	local name=$1
	shift
	in_net "$name" ip route add "$@"
}

# router HOST…: forwards packets, both families.
router() {
	local name
	for name in "$@"; do
		on "$name" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward
			echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
	done
}

# nat HOST IF: what leaves through IF gets its address; only answers come back in.
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

# known HOST ADDRESS NAME…: a line of /etc/hosts there.
known() {
	local name=$1
	shift
	echo "$*" | on "$name" tee -a /etc/hosts > /dev/null
}

# tunnel HOST IF < text: /etc/wireguard/IF.conf there, mode 0600.
tunnel() {
	on "$1" install -D -m 600 /dev/stdin "/etc/wireguard/$2.conf"
}

# not COMMAND…: fails when it succeeds, anywhere in a test, where "! command" is no check.
not() {
	! "$@"
}

# eventually SECONDS COMMAND…: until it succeeds; the last try's output when it never does.
eventually() {
	local end=$((SECONDS + $1)) out
	shift
	while ! out=$("$@" 2>&1 3>&-); do
		if [ "$SECONDS" -gt "$end" ]; then
			fail "never succeeded: $*" "$out"
			return 1
		fi
		sleep 0.05
	done
}

# pings HOST ADDRESS [PING OPTION…]: $COUNT (5) pings, 50 ms apart, none lost. The deadline (-w) makes
# ping wait for slow answers, which it otherwise stops doing two round trips after the last question;
# what counts is that the answers are those to the first questions, without a gap.
pings() {
	local name=$1 to=$2 n=${COUNT:-5} out
	shift 2
	out=$(on "$name" ping -n -c "$n" -i 0.05 -w 20 "$@" "$to") || true
	echo "$out"
	answered "$n" <<< "$out"
}

# answered N: the output of ping on stdin has at least N answers, in order and without a gap.
answered() {
	local seen
	seen=$(grep -o 'icmp_seq=[0-9]* ' | cut -d= -f2 | xargs)
	[ "$(wc -w <<< "$seen")" -ge "$1" ] && [ "$seen" = "$(seq 1 "${seen##* }" | xargs)" ]
}

# handshake_of HOST IF KEY: unix time of the latest one, 0 for never.
handshake_of() {
	on "$1" wg show "$2" latest-handshakes | awk -v key="$3" '$1 == key { print $2 }'
}

has_handshake() {
	[ "$(handshake_of "$@")" -gt 0 ]
}

# daemons HOST: pids (as that host counts them) of the data plane's daemons there.
daemons() {
	on "$1" pgrep -x 'wireguardd|wireguard-go' || true
}

no_daemons() {
	[ -z "$(daemons "$1")" ]
}

# net_state HOST: everything a tunnel may leave behind there, in a form to compare.
net_state() {
	host_sh "$1" <<-'END'
	echo "# links"; ip -o link show | sed 's/^[0-9]*: //; s/qdisc.*//'
	echo "# addresses"; ip -o address show | sed 's/^[0-9]*: //'
	echo "# routes"; ip -4 route show table all; ip -6 route show table all
	echo "# rules"; ip -4 rule; ip -6 rule
	echo "# nft"; nft list ruleset 2>/dev/null || true
	echo "# udp"; ss -Huan
	echo "# processes"; ps -eo comm= | grep -vxE 'bash|sleep|ps|sed|grep|sort|sh|nsenter|env' | sort || true
	# The folder of the sockets itself may stay.
	echo "# files"; find /run /etc/wireguard | grep -vx /run/wireguard | sort
	echo "# resolv.conf"; cat /etc/resolv.conf 2>/dev/null || true
	END
}
