# The TUN device as a link: it looks and behaves like one of the kernel's WireGuard, wherever it goes.
load ../lib/netns

setup() {
	net_begin
	host a
}
teardown() { net_end; }

listens() { on a ss -Huln "sport = :$1" | grep -q .; }
silent() { ! listens "$1"; }
knob() { on a cat "/proc/sys/net/$1"; }

@test "flags, MTU, queue, address generation and redirects are those of the kernel's" {
	on a wireguardd wg0
	link=$(on a ip -d link show wg0)
	[[ $link == *"wg0: <POINTOPOINT,NOARP> mtu 1420 "*" qlen 1000"* ]]
	[[ $link == *"link/none"*"addrgenmode none"* ]]
	[ "$(knob ipv4/conf/wg0/send_redirects)" -eq 0 ]
	[ "$(knob ipv4/conf/all/send_redirects)" -eq 0 ]
	on a ip link set wg0 up
	on a ip address add 10.9.0.1/24 dev wg0
	shown=$(on a ip address show wg0)
	[[ $shown == *"wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN"* ]]
	[[ $shown != *inet6* ]]
}

@test "plain and point-to-point addresses" {
	on a wireguardd wg0
	on a ip link set wg0 up
	on a ip address add dev wg0 192.168.2.1 peer 192.168.2.2
	[[ $(on a ip route) == *"192.168.2.2 dev wg0"* ]]
}

@test "sockets are open while the link is up, and the port stays" {
	on a wireguardd wg0
	on a wg set wg0 listen-port 5000
	silent 5000
	on a ip link set wg0 up
	eventually 5 listens 5000
	[ "$(on a ss -Huln 'sport = :5000' | awk '{ print $4 }' | sort -u | wc -l)" -eq 2 ] # both families
	on a ip link set wg0 down
	eventually 5 silent 5000
	[ "$(on a wg show wg0 listen-port)" -eq 5000 ]
	on a ip link set wg0 up
	eventually 5 listens 5000
	on a wg set wg0 listen-port 5001
	listens 5001
	silent 5000
}

@test "a chosen port is the same in both families, and is kept" {
	on a wireguardd wg0
	on a ip link set wg0 up
	port=$(on a wg show wg0 listen-port)
	[ "$port" -gt 0 ]
	[ "$(on a ss -Huln "sport = :$port" | awk '{ print $4 }' | sort -u | wc -l)" -eq 2 ]
	on a ip link set wg0 down
	on a ip link set wg0 up
	[ "$(on a wg show wg0 listen-port)" -eq "$port" ]
}

@test "a port that is taken when the link comes up is had when it is free" {
	on_bg a perl -MSocket=:all -e 'socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(5000, INADDR_ANY)) or die;
		sleep 60'
	eventually 5 listens 5000
	on a wireguardd wg0
	on a wg set wg0 listen-port 5000
	on a ip link set wg0 up
	on a sh -c '! ss -Hulnp "sport = :5000" | grep -q wireguardd'
	on a pkill -x perl
	eventually 5 on a sh -c 'ss -Hulnp "sport = :5000" | grep -q wireguardd'
}

@test "a port that stays taken is told once, and another one is had at once" {
	on_bg a perl -MSocket=:all -e 'socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(5000, INADDR_ANY)) or die;
		sleep 60'
	eventually 5 listens 5000
	on_bg a wireguardd -f wg0
	eventually 5 on a test -S /run/wireguard/wg0.sock
	on a wg set wg0 listen-port 5000
	on a ip link set wg0 up
	eventually 5 grep -q 'UDP port 5000: Address already in use' "$BG_LOG"
	sleep 2.5 # two more tries
	[ "$(wc -l < "$BG_LOG")" -eq 1 ]
	on a wg set wg0 listen-port 5001
	on a sh -c 'ss -Hulnp "sport = :5001" | grep -q wireguardd'
}

@test "a host without IPv6 has a tunnel all the same" {
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	on a wireguardd wg0
	on a ip link set wg0 up
	[ "$(on a wg show wg0 listen-port)" -gt 0 ]
}

@test "the port of a link that was renamed, and its socket, go by the new name" {
	on a wireguardd wg0
	on a ip link set wg0 name office
	eventually 5 on a test -S /run/wireguard/office.sock
	not on a test -e /run/wireguard/wg0.sock
	on a wg set office listen-port 5000
	on a ip link set office up
	eventually 5 listens 5000
	on a ip link del office
	eventually 5 on a sh -c '! pgrep -x wireguardd'
	! on a test -e /run/wireguard/office.sock
}

# private COMMAND…: in the namespace "private" of host a.
private() { on a ip netns exec private "$@"; }

@test "moved to another namespace, it works on; its sockets stay where it was born" {
	host b
	wire a v0 10.0.0.1/24 b v0 10.0.0.2/24
	for h in a b; do
		on $h wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	ka=$(on a wg show wg0 public-key) kb=$(on b wg show wg0 public-key)
	on b wg set wg0 peer "$ka" allowed-ips 2001:db8::/127,10.9.0.1
	on a ip netns add private
	on a ip link set wg0 netns private
	on a wg set wg0 peer "$kb" allowed-ips 2001:db8::1,10.9.0.2 endpoint 10.0.0.2:5000
	on b ip address add 2001:db8::1/127 dev wg0
	on b ip address add 10.9.0.2/24 dev wg0
	on b ip link set wg0 up
	silent 5000
	private ip address add 2001:db8::/127 dev wg0
	private ip address add 10.9.0.1/24 dev wg0
	private ip link set lo up
	private ip link set wg0 up
	eventually 5 listens 5000
	[ -z "$(private ss -Huln)" ]
	private ping -n -c 3 -i 0.05 -W 5 2001:db8::1
	private ping -n -c 3 -i 0.05 -W 5 10.9.0.2
	on b ping -n -c 3 -i 0.05 -W 5 2001:db8::
	# The looks are the same there, and ICMP errors come from there.
	[[ $(private ip address show wg0) != *fe80* ]]
	[ "$(private cat /proc/sys/net/ipv4/conf/all/send_redirects)" -eq 0 ]
	[ "$(private cat /proc/sys/net/ipv4/conf/wg0/send_redirects)" -eq 0 ]
	run private ping -n -c 1 -W 2 10.9.0.77
	[[ $output == *"From 10.9.0.1 icmp_seq=1 Destination Host Unreachable"* ]]
	private ip link set wg0 mtu 1300
	private ip link set wg0 down
	eventually 5 silent 5000
	private ip link set wg0 up
	eventually 5 listens 5000
	# And on to a third, and home again.
	on a ip netns add other
	on a ip -n private link set wg0 netns other
	eventually 5 silent 5000
	on a ip -n other address add 10.9.0.1/24 dev wg0
	on a ip -n other link set wg0 up
	on a ip netns exec other ping -n -c 3 -i 0.05 -W 5 10.9.0.2
	on a ip -n other link set wg0 netns 1
	on a ip address add 10.9.0.1/24 dev wg0
	on a ip link set wg0 up
	on a ping -n -c 3 -i 0.05 -W 5 10.9.0.2
	on a wg show wg0
	on a ip link del wg0
	eventually 5 on a sh -c '! pgrep -x wireguardd'
}

@test "when the namespace it moved to ends, the daemon ends, too" {
	on a wireguardd wg0
	on a ip netns add private
	on a ip link set wg0 netns private
	on a ip netns del private
	eventually 10 on a sh -c '! pgrep -x wireguardd'
	! on a test -e /run/wireguard/wg0.sock
}
