# Three sites on a LAN: Debian's ifupdown with wg and wireguardd, manual commands, and a default route through another
# host on the same LAN.
load ../lib/netns
load ../lib/hosts

setup() {
	net_begin
	lan sw
	host giant moly raspi
	plug sw giant eth0 192.168.1.10/24
	plug sw moly eth0 192.168.1.162/24
	plug sw raspi eth0 192.168.1.200/24
	GIANT=UCQhBHQF08IKvMdUXl7IPL8+iPSx41tO4J3q0e1bwGE= # published key
	MOLY=$(on moly wg genkey) RASPI=$(on raspi wg genkey)
	[ "$(public "$GIANT")" = LEBtQwDX5AKxM9l6PvUHMQtATHLT3r33jcmrt+cxOzs= ]
}

teardown() { net_end; }

public() { on sw wg pubkey <<< "$1"; }

# giant_up ALLOWED-IPS-OF-MOLY: starts the tunnel of giant with wg-quick. The public key has a trailing space.
giant_up() {
	tunnel giant wg0 <<-END
	#Giant
	[Interface]
	Address = 172.16.1.1/24
	ListenPort = 5555
	PrivateKey = $GIANT

	#Moly
	[Peer]
	PublicKey = $(public "$MOLY") 
	AllowedIPs = $1
	Endpoint = 192.168.1.162:5555
	END
	on giant wg-quick up wg0
}

# moly_interfaces COMMAND: writes the interfaces file of moly, which creates the link with this command.
moly_interfaces() {
	on moly mkdir -p /run/network
	on moly cp -a "$WGSUITE_PEERS/hosts/etc/network" /etc/
	on moly tee /etc/network/interfaces > /dev/null <<-END
	auto wg0
	iface wg0 inet static
	        address 172.16.1.2
	        netmask 255.255.255.0
	        pre-up $1
	        pre-up wg setconf \$IFACE /etc/wireguard/\$IFACE.conf
	        post-down ip link del \$IFACE
	        post-up ip route add 77.66.55.0/24 dev wg0
	END
	tunnel moly wg0 <<-END
	[Interface]
	ListenPort = 5555
	PrivateKey = $MOLY

	[Peer]
	PublicKey = $(public "$GIANT")
	AllowedIPs = 172.16.1.1/32, 77.66.55.0/24
	Endpoint = 192.168.1.10:5555
	END
}

@test "ifupdown with wireguardd as fallback; a ping of 84 bytes is a UDP datagram of 128 bytes" {
	needs_hosts
	overlay_packages moly
	giant_up 172.16.1.2/32
	in_net giant ip address add 77.66.55.1/24 dev lo
	moly_interfaces 'ip link add $IFACE type wireguard || wireguardd $IFACE'
	before=$(net_state moly)
	on moly ifup wg0
	[[ $(in_net moly ip -4 address show dev wg0) == *"inet 172.16.1.2/24 "* ]]
	[[ $(in_net moly ip route show dev wg0) == *77.66.55.0/24* ]]
	on_bg giant tcpdump -n -i eth0 --immediate-mode -l udp port 5555
	eventually 10 grep -q 'listening on' "$BG_LOG"
	capture=$BG_LOG
	pings giant 172.16.1.2
	pings moly 77.66.55.1
	both_ways() {
		grep -q '192.168.1.10.5555 > 192.168.1.162.5555: UDP, length 128' "$capture" &&
			grep -q '192.168.1.162.5555 > 192.168.1.10.5555: UDP, length 128' "$capture"
	}
	eventually 10 both_ways
	on moly ifdown wg0
	eventually 10 no_daemons moly
	on moly test ! -e /run/wireguard/wg0.sock
	# ifupdown keeps state in /run/network. The endpoint record of wg is removed when wg finds no device.
	run -1 on moly wg show wg0
	state() { net_state moly | grep -vE '/run/network(/|$)'; }
	restored() { diff <(grep -vE '/run/network(/|$)' <<< "$before") <(state); }
	eventually 10 restored
}

@test "ifupdown without fallback is an error on a kernel without WireGuard, and leaves nothing behind" {
	needs_hosts
	overlay_packages moly
	! on moly ip link add wgprobe type wireguard 2>/dev/null || skip "this kernel has WireGuard"
	moly_interfaces 'ip link add $IFACE type wireguard'
	run -1 on moly ifup wg0
	run ! in_net moly ip link show dev wg0
	[ -z "$(daemons moly)" ]
}

@test "manual setup with wg and ip; an abbreviated key is an error" {
	giant_up 172.16.1.2/32
	on giant wg set wg0 peer "$(public "$RASPI")" allowed-ips 172.16.1.3/32 endpoint 192.168.1.200:5555
	on raspi sh -c 'cd /etc/wireguard && umask 077 && cat > private.key' <<< "$RASPI"
	on raspi sh -c 'ip link add wg0 type wireguard 2> /dev/null || wireguardd wg0'
	in_net raspi ip address add dev wg0 172.16.1.3/24
	run -1 on raspi wg set wg0 listen-port 5555 private-key /etc/wireguard/private.key \
		peer p65NV.. allowed-ips 172.16.1.2/32 endpoint 192.168.1.162:5555
	[[ $output == *"Key is not the correct length or format: \`p65NV..'"* ]]
	[ -z "$(on raspi wg show wg0 peers)" ]
	on raspi wg set wg0 listen-port 5555 private-key /etc/wireguard/private.key \
		peer "$(public "$GIANT")" allowed-ips 172.16.1.1/32 endpoint 192.168.1.10:5555
	in_net raspi ip link set wg0 up
	pings raspi 172.16.1.1
	pings giant 172.16.1.3
	in_net raspi ip link del wg0
	eventually 10 no_daemons raspi
}

@test "a default route through a host on the LAN: inner packets use the tunnel, outer packets eth0" {
	router moly
	in_net moly ip address add 198.51.100.1/32 dev lo
	# Networks behind the site, as additional addresses; packets from there are masqueraded.
	in_net moly ip address add 10.0.2.1/24 dev lo
	on moly iptables -t nat -A POSTROUTING -s 77.66.55.0/24 -j MASQUERADE
	tunnel moly wg0 <<-END
	[Interface]
	Address = 172.16.1.2/24
	ListenPort = 5555
	PrivateKey = $MOLY
	[Peer]
	PublicKey = $(public "$GIANT")
	AllowedIPs = 172.16.1.1/32
	END
	on moly wg-quick up wg0
	before=$(net_state giant)
	giant_up 0.0.0.0/0
	on_bg giant tcpdump -n -i eth0 --immediate-mode -l ip
	eventually 10 grep -q 'listening on' "$BG_LOG"
	pings giant 198.51.100.1
	pings giant 10.0.2.1
	[[ $(in_net giant ip route get 198.51.100.1) == *"dev wg0"* ]]
	# The LAN and the endpoint are reached directly.
	[[ $(in_net giant ip route get 192.168.1.200) == *"dev eth0"* ]]
	pings giant 192.168.1.200
	captured() { [ "$(grep -c '192.168.1.200.*ICMP' "$BG_LOG")" -ge 10 ]; }
	eventually 10 captured
	grep -q '192.168.1.10.5555 > 192.168.1.162.5555: UDP, length 128' "$BG_LOG"
	grep -q '192.168.1.162.5555 > 192.168.1.10.5555: UDP, length 128' "$BG_LOG"
	not grep -E '198\.51\.100\.1|10\.0\.2\.1' "$BG_LOG"
	on giant wg-quick down wg0
	eventually 10 no_daemons giant
	on giant rm /etc/wireguard/wg0.conf
	in_net giant ip neigh flush all
	kill "$BG"
	on giant pkill tcpdump || true
	restored() { diff <(echo "$before") <(net_state giant); }
	eventually 10 restored
}
