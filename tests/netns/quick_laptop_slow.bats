# A week of a laptop: 40 changes of its network under a full tunnel that wg-quick monitor keeps. After each, the tunnel works
# again, at no time does a packet leave outside of it, and in the end `diff` has nothing to say.
#
#   laptop eth0 (an address of another network each time) ---- router ---- 198.18.1.x, 2001:db8:1::x first
#          wg0  10.9.0.2, fd09::2                                    \---- 198.18.2.10, 2001:db8:2::10 second
#
# The first and the second server have the same key and the inner addresses 10.9.0.1, fd09::1.
load ../lib/netns

SERVER_KEY=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
LAPTOP_KEY=oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=

setup() {
	net_begin
	host laptop router first second
	wire laptop eth0 "" router net0 ""
	wire first eth0 "198.18.1.10/24 2001:db8:1::10/64" router net1 "198.18.1.1/24 2001:db8:1::1/64"
	wire second eth0 "198.18.2.10/24 2001:db8:2::10/64" router net2 "198.18.2.1/24 2001:db8:2::1/64"
	router router
	local n s
	for n in 1 2 3 4 5 6 7; do
		net_up router net0 "10.$n.0.1/24 2001:db8:10$n::1/64"
	done
	for s in 1 2; do
		[ $s = 1 ] && set -- first || set -- second
		route "$1" default via 198.18.$s.1
		in_net "$1" ip -6 route add default via 2001:db8:$s::1
		tunnel "$1" wg0 <<-END
		[Interface]
		PrivateKey = $SERVER_KEY
		ListenPort = 51820
		Address = 10.9.0.1/24, fd09::1/64
		[Peer]
		PublicKey = $(on "$1" wg pubkey <<< "$LAPTOP_KEY")
		AllowedIPs = 10.9.0.2/32, fd09::2/128
		END
		on "$1" wg-quick up wg0
	done
	echo 'hosts: files' | on laptop sh -c 'cat > /etc/nsswitch.conf'
	FIRST=10
	names_right
	tunnel laptop wg0 <<-END
	[Interface]
	PrivateKey = $LAPTOP_KEY
	Address = 10.9.0.2/24, fd09::2/64
	[Peer]
	PublicKey = $(on first wg pubkey <<< "$SERVER_KEY")
	AllowedIPs = 0.0.0.0/0, ::/0
	Endpoint = first.test:51820, second.test:51820
	PersistentKeepalive = 5
	END
}

teardown() {
	[ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG"
	net_end
}

# ---- what happens ----

names() { printf '%s\n' "127.0.0.1 localhost" "$@" | on laptop sh -c 'cat > /etc/hosts'; }
# Of the family of the network; in one with both, of both.
names_right() {
	names "198.18.1.$FIRST first.test" "2001:db8:1::$FIRST first.test" "198.18.2.10 second.test" "2001:db8:2::10 second.test"
}

leave() {
	on laptop sh -c 'ip address flush dev eth0 scope global; ip -6 route flush default 2> /dev/null; ip link set eth0 down'
}
# enter N FAMILIES MTU: the laptop is in network N.
enter() {
	in_net laptop ip link set eth0 mtu "$3" up
	eventually 5 link_is_up laptop eth0
	case $2 in *4*)
		in_net laptop ip address add "10.$1.0.2/24" dev eth0
		in_net laptop ip route add default via "10.$1.0.1"
		;;
	esac
	case $2 in *6*)
		in_net laptop ip address add "2001:db8:10$1::2/64" dev eth0 nodad
		in_net laptop ip -6 route add default via "2001:db8:10$1::1"
		;;
	esac
}
network() { leave; enter "$@"; }

# captive N: the names stand for the portal until its page has been seen, and the router forwards nothing.
captive() {
	on router nft add table inet portal '{ chain forward { type filter hook forward priority 0; policy drop; }; }'
	names "10.$1.0.1 first.test" "10.$1.0.1 second.test"
	network "$1" 4 1500
	sleep 2
	on router nft delete table inet portal
	names_right
}

# sleeps COMMAND…: it happens while the laptop sleeps, which then wakes up in another network.
sleeps() {
	local pids
	pids=$(on laptop pgrep -x 'wireguardd|wg-quick')
	on laptop kill -STOP $pids 2> /dev/null || true # some are children that have ended
	leave
	"$@"
	sleep 1
	on laptop kill -CONT $pids 2> /dev/null || true
}
renumber() {
	FIRST=$1
	in_net first ip address flush dev eth0 scope global
	net_up first eth0 "198.18.1.$1/24 2001:db8:1::$1/64"
	route first default via 198.18.1.1
	in_net first ip -6 route replace default via 2001:db8:1::1
	names_right
}
first_dies() { in_net first ip link set eth0 down; }
first_returns() {
	in_net first ip link set eth0 up
	in_net first ip address replace "2001:db8:1::$FIRST/64" dev eth0 nodad
	route first default via 198.18.1.1 || true
	in_net first ip -6 route replace default via 2001:db8:1::1
}

# ---- what is checked ----

works() { on laptop ping -n -c 1 -W 1 "$1"; }
# survived WHAT: replies through the tunnel. Prints how long they took to come back.
survived() {
	local from=${EPOCHREALTIME/./} now
	eventually "${WAIT-20}" works 10.9.0.1
	now=${EPOCHREALTIME/./}
	eventually 5 works fd09::1
	printf '# %-40s %5d ms\n' "$1" $(((now - from) / 1000)) >&3
}
change() {
	N=$((${N-0} + 1))
	"$@"
	survived "$N: $*"
}

@test "40 changes of the network of a laptop with a full tunnel" {
	enter 1 46 1500
	on laptop wg-quick up wg0
	on_bg laptop wg-quick monitor
	LOG=$BG_LOG
	# What the laptop sends outside the tunnel, but neighbour discovery and the like.
	on_bg laptop tcpdump -n -i eth0 -s 2000 -Q out --immediate-mode -U -w "$NET_DIR/outside.pcap" \
		'not arp and not udp port 51820 and not (icmp6 and (ip6[40] >= 130 and ip6[40] <= 143)) and not ip6 proto 0'
	eventually 10 grep -q 'listening on' "$BG_LOG"
	capture=$BG
	# Programs that talk to the Internet all the time.
	on_bg laptop ping -n -q -i 0.1 203.0.113.7
	on_bg laptop ping -n -q -i 0.1 2001:db8:ffff::7
	survived start
	local day n
	for day in 1 2 3 4 5; do
		n=$((day + 1))
		change network $n 4 1500
		change network 7 46 $((1280 + 40 * day))
		change network $n 6 1400
		change network 1 46 1500
		change captive $n
		change sleeps enter $n 46 1492
		case $day in
		1) change sleeps eval "renumber 20; enter 3 4 1500" ;;
		2) WAIT=75 change first_dies ;; # 15 s until the first handshake, 15 s of those without an answer, and up to 20 s between looks
		3) change sleeps eval "first_returns; renumber 30; enter 5 46 1280" ;;
		4) change sleeps eval "renumber 40; enter 2 6 1500" ;;
		5) change in_net laptop ip link set eth0 mtu 1300 ;;
		esac
		change network $n 46 1280
	done
	[ "$N" = 40 ]
	kill "$capture"
	[ "$(tcpdump -n -r "$NET_DIR/outside.pcap" 2> /dev/null | tee /dev/stderr | wc -l)" = 0 ]
	eventually 20 nothing_differs
}
nothing_differs() {
	local out
	out=$(on laptop wg-quick diff wg0 2>&1)
	echo "$out"
	[ -z "$out" ]
}
