# The TUN device of wireguardd as a link: it has the properties of a link of the kernel module, and can be renamed and
# moved to other namespaces.
load ../lib/netns

setup() {
	net_begin
	host a
}
teardown() { net_end; }

port_open() { on a ss -Huln "sport = :$1" | grep -q .; }
port_closed() { ! port_open "$1"; }
sysctl_value() { on a cat "/proc/sys/net/$1"; }

@test "flags, MTU, queue, address generation and redirects are those of a kernel link" {
	on a wireguardd wg0
	link=$(on a ip -d link show wg0)
	[[ $link == *"wg0: <POINTOPOINT,NOARP> mtu 1420 "*" qlen 1000"* ]]
	[[ $link == *"link/none"*"addrgenmode none"* ]]
	[ "$(sysctl_value ipv4/conf/wg0/send_redirects)" -eq 0 ]
	[ "$(sysctl_value ipv4/conf/all/send_redirects)" -eq 0 ]
	on a ip link set wg0 up
	on a ip address add 10.9.0.1/24 dev wg0
	shown=$(on a ip address show wg0)
	[[ $shown == *"wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN"* ]]
	[[ $shown != *inet6* ]]
}

@test "a point-to-point address" {
	on a wireguardd wg0
	on a ip link set wg0 up
	on a ip address add dev wg0 192.168.2.1 peer 192.168.2.2
	[[ $(on a ip route) == *"192.168.2.2 dev wg0"* ]]
}

@test "sockets are open while the link is up, and a down link keeps its port" {
	on a wireguardd wg0
	on a wg set wg0 listen-port 5000
	port_closed 5000
	on a ip link set wg0 up
	eventually 5 port_open 5000
	on a wg show wg0 > /dev/null # replies after it has opened both sockets
	[ "$(on a ss -Huln 'sport = :5000' | awk '$4 !~ /%/ { print $4 }' | sort -u | wc -l)" -eq 2 ] # both families
	on a ip link set wg0 down
	eventually 5 port_closed 5000
	[ "$(on a wg show wg0 listen-port)" -eq 5000 ]
	on a ip link set wg0 up
	eventually 5 port_open 5000
	on a wg set wg0 listen-port 5001
	port_open 5001
	port_closed 5000
}

@test "an automatic port is the same in both families, and stays after down and up" {
	on a wireguardd wg0
	on a ip link set wg0 up
	port=$(on a wg show wg0 listen-port)
	[ "$port" -gt 0 ]
	[ "$(on a ss -Huln "sport = :$port" | awk '$4 !~ /%/ { print $4 }' | sort -u | wc -l)" -eq 2 ]
	on a ip link set wg0 down
	on a ip link set wg0 up
	[ "$(on a wg show wg0 listen-port)" -eq "$port" ]
}

@test "a port in use when the link is set up is bound once it is free" {
	on a wireguardd wg0
	on a wg set wg0 listen-port 5000
	on_bg a perl -MSocket=:all -e 'socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(5000, INADDR_ANY)) or die;
		sleep 60'
	eventually 5 port_open 5000
	on a ip link set wg0 up
	on a sh -c '! ss -Hulnp "sport = :5000" | grep -q wireguardd'
	on a pkill -x perl
	eventually 5 on a sh -c 'ss -Hulnp "sport = :5000" | grep -q wireguardd'
}

@test "a port that stays in use is reported once, and another port is bound immediately" {
	on_bg a wireguardd -f wg0
	log=$BG_LOG
	eventually 5 on a test -S /run/wireguard/wg0.sock
	on a wg set wg0 listen-port 5000
	on_bg a perl -MSocket=:all -e 'socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(5000, INADDR_ANY)) or die;
		sleep 60'
	eventually 5 port_open 5000
	on a ip link set wg0 up
	eventually 5 grep -q 'UDP port 5000: Address already in use' "$log"
	sleep 2.5 # two more attempts
	[ "$(wc -l < "$log")" -eq 1 ]
	on a wg set wg0 listen-port 5001
	on a sh -c 'ss -Hulnp "sport = :5001" | grep -q wireguardd'
}

@test "works on a host with IPv6 disabled" {
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	on a wireguardd wg0
	on a ip link set wg0 up
	[ "$(on a wg show wg0 listen-port)" -gt 0 ]
}

@test "a renamed link has its UAPI socket under the new name, and its port works" {
	on a wireguardd wg0
	on a ip link set wg0 name office
	eventually 5 on a test -S /run/wireguard/office.sock
	eventually 5 not on a test -e /run/wireguard/wg0.sock
	on a wg set office listen-port 5000
	on a ip link set office up
	eventually 5 port_open 5000
	on a ip link del office
	eventually 5 on a sh -c '! pgrep -x wireguardd'
	! on a test -e /run/wireguard/office.sock
}

# private COMMAND…: runs a command in the namespace "private" of host a.
private() { on a ip netns exec private "$@"; }

@test "a link moved to another namespace keeps working, with its UDP sockets in the original one" {
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
	port_closed 5000
	private ip address add 2001:db8::/127 dev wg0
	private ip address add 10.9.0.1/24 dev wg0
	private ip link set lo up
	private ip link set wg0 up
	eventually 5 port_open 5000
	[ -z "$(private ss -Huln)" ]
	private ping -n -c 3 -i 0.05 -W 30 2001:db8::1
	private ping -n -c 3 -i 0.05 -W 30 10.9.0.2
	on b ping -n -c 3 -i 0.05 -W 30 2001:db8::
	# The properties are the same there, and ICMP errors have a source of that namespace.
	[[ $(private ip address show wg0) != *fe80* ]]
	[ "$(private cat /proc/sys/net/ipv4/conf/all/send_redirects)" -eq 0 ]
	[ "$(private cat /proc/sys/net/ipv4/conf/wg0/send_redirects)" -eq 0 ]
	run private ping -n -c 1 -W 30 10.9.0.77
	[[ $output == *"From 10.9.0.1 icmp_seq=1 Destination Host Unreachable"* ]]
	private ip link set wg0 mtu 1300
	private ip link set wg0 down
	eventually 5 port_closed 5000
	private ip link set wg0 up
	eventually 5 port_open 5000
	# Move to a third namespace, and back to the original one.
	on a ip netns add other
	on a ip -n private link set wg0 netns other
	eventually 5 port_closed 5000
	on a ip -n other address add 10.9.0.1/24 dev wg0
	on a ip -n other link set wg0 up
	eventually 5 port_open 5000
	on a ip netns exec other ping -n -c 3 -i 0.05 -W 30 10.9.0.2
	on a ip -n other link set wg0 netns 1
	on a ip address add 10.9.0.1/24 dev wg0
	on a ip link set wg0 up
	eventually 5 port_open 5000
	on a ping -n -c 3 -i 0.05 -W 30 10.9.0.2
	on a wg show wg0
	on a ip link del wg0
	eventually 5 on a sh -c '! pgrep -x wireguardd'
}

@test "the daemon ends with the namespace that its link was moved to" {
	on a wireguardd wg0
	on a ip netns add private
	on a ip link set wg0 netns private
	on a ip netns del private
	eventually 10 on a sh -c '! pgrep -x wireguardd'
	! on a test -e /run/wireguard/wg0.sock
}
