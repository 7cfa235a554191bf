# What contrib/doc/other-software.md says of programs that need systemd: a comment [tag] is before the test of
# each statement. Each test boots a Debian container with the programs of get-root.sh.
#
#   box eth0 192.0.2.2, 2001:db8::2 ---- 192.0.2.1, 2001:db8::1 server
#   box wg0  10.9.0.2, fd09::2      ==== 10.9.0.1, fd09::1 server (a name server)
load ../lib/netns
load ../lib/hosts
load ../lib/page

setup() {
	case $BATS_TEST_DESCRIPTION in
	firewalld*) on_day 0 3 ;;
	NetworkManager*) on_day 1 3 ;;
	Avahi*) on_day 2 3 ;;
	esac
	needs_root
	[ -e "$NET_SYSTEM/usr/sbin/NetworkManager" ] || skip "tests/lib/get-root.sh must be run again"
	net_begin
	host server
	boot_machine box
	wire server eth0 "192.0.2.1/24 2001:db8::1/64" box eth0 "192.0.2.2/24 2001:db8::2/64"
	route box default via 192.0.2.1
	SERVER=$(on server wg genkey) BOX=$(on box wg genkey)
	BOX_KEY=$(on box wg pubkey <<< "$BOX")
	tunnel server wg0 <<-END
	[Interface]
	Address = 10.9.0.1/24, fd09::1/64
	ListenPort = 51820
	PrivateKey = $SERVER
	[Peer]
	PublicKey = $BOX_KEY
	AllowedIPs = 10.9.0.2/32, fd09::2/128
	END
	on server wg-quick up wg0
	printf '[backend]\nimplementation = userspace\n' | on box install -D -m 644 /dev/stdin /etc/wireguard/wgsuite.ini
}

teardown() {
	stop_machine box
	net_end
}

# box_tunnel ALLOWED-IPS [LINE…]: writes the tunnel file of box, with these lines in [Interface].
box_tunnel() {
	local allowed=$1
	shift
	tunnel box wg0 <<-END
	[Interface]
	Address = 10.9.0.2/24, fd09::2/64
	PrivateKey = $BOX
	$(printf '%s\n' "$@")
	[Peer]
	PublicKey = $(on server wg pubkey <<< "$SERVER")
	AllowedIPs = $allowed
	Endpoint = ${ENDPOINT-192.0.2.1:51820}
	END
}

# tunnel_state: its addresses, routes and rules.
tunnel_state() {
	in_net box ip -o address show dev wg0 | sed 's/^[0-9]*: //'
	in_net box ip route show table all dev wg0
	in_net box ip -6 route show table all dev wg0
	in_net box sh -c 'ip -4 rule; ip -6 rule; ip -4 route show table 51820; ip -6 route show table 51820' 2> /dev/null
}
is_complete() { [ "$(tunnel_state)" = "$complete" ]; }
is_incomplete() { ! is_complete; }
nothing_differs() {
	run -0 on box wg-quick diff wg0
	[ -z "$output" ] || fail "$output"
}
tables() { on box nft list tables | sort | xargs; }
# name_servers: of wg0, in systemd-resolved; of /etc/resolv.conf.
name_servers() { on box resolvectl dns wg0 | sed 's/^[^:]*: *//'; }
resolv_conf() { on box sed -n 's/^nameserver //p' /etc/resolv.conf | xargs; }
# The file of the package, for a host without systemd-resolved, whose resolvconf is one of its programs.
no_resolved() {
	on box systemctl --quiet mask --now systemd-resolved
	on box sh -c 'rm -f /etc/resolv.conf /usr/sbin/resolvconf; echo "nameserver 192.0.2.1" > /etc/resolv.conf'
}
# fetch [SECONDS]: what a TCP server on box answers to the peer.
serve() {
	on_bg box python3 -c '
import socket
server = socket.create_server(("10.9.0.2", 8080))
while True:
	server.accept()[0].sendall(b"served")'
	eventually 5 on box sh -c "ss -Hltn 'sport = :8080' | grep -q ."
}
fetch() {
	on server python3 -c 'import socket; import sys; print(socket.create_connection(("10.9.0.2", 8080), int(sys.argv[1])).recv(10))' "${1-60}"
}

@test "nftables.service removes the rules of a tunnel, and the monitor restores them" {
	box_tunnel "0.0.0.0/0, ::/0" "KillSwitch = on"
	on box systemctl start wg-quick@wg0
	before=$(tables)
	[[ $before == *"table ip wg-quick-wg0"* && $before == *kill* ]] || fail "$before"
	# [nftables-restart]
	on box systemctl restart nftables
	[ "$(tables)" = "table inet filter" ]
	on box wg-quick reload wg0
	[ "$(on box nft list tables | grep -v 'inet filter' | sort | xargs)" = "$before" ]
	nothing_differs
	# [nftables-monitor]
	on box $(page_block nftables-monitor)
	on box systemctl restart nftables
	restored() { [[ $(tables) == *"table ip wg-quick-wg0"* ]]; }
	eventually 5 restored
	repaired() { nothing_differs; }
	eventually 5 repaired
	pings box 10.9.0.1
}

@test "firewalld: its reloads, and connections from peers" {
	# Encrypted packets of both families pass its test of the reverse path.
	for ENDPOINT in 192.0.2.1:51820 "[2001:db8::1]:51820"; do
		box_tunnel "0.0.0.0/0, ::/0"
		on box systemctl restart wg-quick@wg0
		on box systemctl start firewalld
		pings box 10.9.0.1
	done
	complete=$(tunnel_state)
	# [firewalld-reload]
	for how in "firewall-cmd --reload" "firewall-cmd --complete-reload" "systemctl restart firewalld"; do
		on box $how
		is_complete
		nothing_differs
	done
	pings box 10.9.0.1
	# [firewalld-zone]
	serve
	run ! fetch 1
	on box firewall-cmd --zone=trusted --add-interface=wg0
	fetch
	on box firewall-cmd --reload
	run ! fetch 1
	host_sh box <<< "$(page_block firewalld-zone)"
	fetch
	on box systemctl restart wg-quick@wg0
	pings box 10.9.0.1
	fetch
	# [firewalld-port]
	ENDPOINT=
	box_tunnel 10.9.0.0/24 "ListenPort = 51820"
	on box sed -i /^Endpoint/d /etc/wireguard/wg0.conf
	on box systemctl restart wg-quick@wg0
	on server wg set wg0 peer "$BOX_KEY" endpoint 192.0.2.2:51820
	run ! on server ping -n -c 1 -W 1 10.9.0.2
	host_sh box <<< "$(page_block firewalld-port)"
	# A new handshake, as the last one is retried after 5 seconds.
	on server wg set wg0 peer "$BOX_KEY" remove
	on server wg set wg0 peer "$BOX_KEY" endpoint 192.0.2.2:51820 allowed-ips 10.9.0.2/32
	pings server 10.9.0.2
}

@test "systemd-networkd: files that match a tunnel, and how to exclude it" {
	network() { on box install -D -m 644 /dev/stdin /etc/systemd/network/50-all.network; }
	manages() { [ "$(on box networkctl list --no-legend wg0 | awk '{ print $NF }')" != unmanaged ]; }
	# Of this host it matters only what happens to the tunnel.
	printf '[Match]\nName=eth0\n[Link]\nUnmanaged=yes\n' | on box install -D -m 644 /dev/stdin /etc/systemd/network/05-eth0.network
	box_tunnel "0.0.0.0/0, ::/0" "DNS = 10.9.0.1" "ExcludeIPs = 203.0.113.0/24"
	# [networkd-ether]
	network <<< $'[Match]\nType=ether\n[Network]\nDHCP=yes'
	on box systemctl start systemd-networkd
	on box systemctl start wg-quick@wg0
	[ "$(name_servers)" = 10.9.0.1 ]
	not manages
	complete=$(tunnel_state)
	# [networkd-restart]
	on box systemctl restart systemd-networkd
	not manages
	is_complete
	# [networkd-routes] A route of another program without a link is the sign that networkd has removed such routes.
	wire server eth1 198.18.0.1/24 box eth1 ""
	printf '[Match]\nName=eth1\n[Network]\nLinkLocalAddressing=ipv6\n' | on box tee /etc/systemd/network/05-eth1.network > /dev/null
	in_net box ip route add unreachable 198.51.100.0/24
	on box networkctl reload
	removed() { [ -z "$(in_net box ip route show 198.51.100.0/24)" ]; }
	eventually 5 removed
	is_complete
	for family in -4 -6; do in_net box ip $family route show table 51820 | grep ^unreachable; done
	in_net box ip route show table 51820 | grep ^throw
	# [networkd-manages]
	network <<< $'[Match]\nName=*\n[Network]\nDHCP=yes'
	on box networkctl reload
	eventually 5 manages
	no_name_servers() { [ -z "$(name_servers)" ]; }
	eventually 5 no_name_servers
	[[ $(on box wg-quick status wg0) == *"DNS: 10.9.0.1, by systemd-resolved, replaced by another program"* ]]
	on box networkctl reconfigure wg0
	incomplete() { [[ $(tunnel_state) != *10.9.0.2* && $(tunnel_state) != *"default table 51820"* ]]; }
	eventually 5 incomplete
	# The rules stay. [networkd-restart]
	on box systemctl restart systemd-networkd
	[[ $(tunnel_state) == *"lookup 51820"*"lookup 51820"* ]]
	# [networkd-unmanaged] [networkd-restore]
	page_file box networkd-unmanaged
	on box networkctl reload
	eventually 5 not manages
	on box wg-quick reload wg0
	[[ $(tunnel_state) == *10.9.0.2*fd09::2*"default table 51820"* ]]
	nothing_differs
	on box wg-quick restart wg0
	[ "$(name_servers)" = 10.9.0.1 ]
	on box systemctl restart systemd-networkd
	not manages
	[ "$(name_servers)" = 10.9.0.1 ]
	on box systemctl stop wg-quick@wg0
	# [networkd-dns] The interface is managed before the name servers are set.
	on box rm /etc/systemd/network/10-wireguard.network
	on box networkctl reload
	managed_first='PreUp = until networkctl list --no-legend wg0 | grep -q configur; do sleep 0.1; done'
	box_tunnel "0.0.0.0/0, ::/0" "DNS = 10.9.0.1" "$managed_first"
	run ! on box wg-quick up wg0
	[[ $output == *"SetLinkDNS: Link wg0 is managed"*"help: systemd-networkd manages wg0: write \`[Match] Name=wg0' and \`[Link] Unmanaged=yes'"* ]] ||
		fail "$output"
	[[ $output != *"failed to roll back"* ]] || fail "$output"
	run ! in_net box ip link show dev wg0
	box_tunnel 10.9.0.0/24 "DNS = 10.9.0.1" "$managed_first"
	run -0 on box wg-quick up wg0
	[[ $output == *"warning: cannot set the name servers: systemd-resolved: SetLinkDNS: Link wg0 is managed"* ]] || fail "$output"
	run -0 on box wg-quick down wg0
	[[ $output != *"cannot restore"* ]] || fail "$output"
	# [networkd-netdev]
	on box wireguardd wg5
	for name in wg5 wg6; do
		printf '[NetDev]\nName=%s\nKind=wireguard\n[WireGuard]\nPrivateKey=%s\n' $name "$BOX" |
			on box install -m 644 /dev/stdin /etc/systemd/network/30-$name.netdev
	done
	on box systemctl reset-failed systemd-networkd # the limit of starts
	on box systemctl restart systemd-networkd
	networkd_says() { on box journalctl -o cat -u systemd-networkd | grep -qF "$1"; }
	eventually 5 networkd_says "wg5: netdev exists, using existing without changing its parameters"
	[ "$(on box wg show wg5 public-key)" = "(none)" ]
	# [kernel-only]
	created_or_refused() {
		in_net box ip link show dev wg6 type wireguard || networkd_says "wg6: netdev could not be created: Operation not supported"
	}
	eventually 5 created_or_refused
}

# start_nm: NetworkManager, which manages eth0, and does not refrain from managing tunnels as Debian's ifupdown has it.
start_nm() {
	on box install -D -m 600 /dev/stdin /etc/NetworkManager/system-connections/eth0.nmconnection <<-END
	[connection]
	id=eth0
	type=ethernet
	interface-name=eth0
	[ipv4]
	method=manual
	addresses=192.0.2.2/24
	gateway=192.0.2.1
	dns=192.0.2.1
	[ipv6]
	method=manual
	addresses=2001:db8::2/64
	gateway=2001:db8::1
	END
	printf '[keyfile]\nunmanaged-devices=none\n' | on box install -D -m 644 /dev/stdin /etc/NetworkManager/conf.d/zz-test.conf
	in_net box ip address flush dev eth0
	on box systemctl start NetworkManager
	eventually 10 nm_has eth0 connected
}
# nm_has DEVICE STATE
nm_has() { on box nmcli -t -f DEVICE,STATE device | grep -qx "$1:$2"; }
nm_networking() {
	on box nmcli networking off
	eventually 10 nm_has eth0 unmanaged
	on box nmcli networking on
	eventually 10 nm_has eth0 connected
}

@test "NetworkManager: restarts, networking off and on, the exclusion, an imported file" {
	start_nm
	box_tunnel "0.0.0.0/0, ::/0" "DNS = 10.9.0.1"
	on box systemctl start wg-quick@wg0
	complete=$(tunnel_state)
	[ "$(name_servers)" = 10.9.0.1 ]
	# [nm-restart] [nm-resolved]
	external() { on box nmcli -t -f DEVICE,TYPE,STATE device | grep -qx "wg0:tun:connected (externally)"; }
	eventually 5 external
	on box systemctl restart NetworkManager
	eventually 10 nm_has eth0 connected
	eventually 5 external
	on box nmcli connection down eth0
	on box nmcli connection up eth0
	is_complete
	[ "$(name_servers)" = 10.9.0.1 ]
	on box systemctl restart systemd-resolved
	[ "$(name_servers)" = 10.9.0.1 ]
	nothing_differs
	# [nm-networking]
	nm_networking
	[[ $(tunnel_state) != *10.9.0.2* && $(tunnel_state) != *"default table 51820"* ]]
	# [nm-ipv6]
	in_net server ip address add 2001:db8:77::1/128 dev lo
	outside() { on box ping -6 -n -c 1 -W 1 2001:db8:77::1; }
	in_net box ip -4 route show table 51820 | grep ^unreachable
	run ! in_net box ip route get 8.8.8.8
	eventually 5 outside
	on box wg-quick reload wg0
	nothing_differs
	in_net box ip -6 route show table 51820 | grep ^unreachable
	[[ $(tunnel_state) == *10.9.0.2*"default table 51820"* ]]
	on box systemctl start wg-quick-monitor
	nm_networking
	eventually 5 nothing_differs
	[[ $(tunnel_state) == *10.9.0.2*"default table 51820"* ]]
	on box systemctl stop wg-quick-monitor
	box_tunnel "0.0.0.0/0, ::/0" "DNS = 10.9.0.1" "KillSwitch = on"
	on box systemctl restart wg-quick@wg0
	nm_networking
	run ! outside
	# [nm-unmanaged]
	box_tunnel "0.0.0.0/0, ::/0" "DNS = 10.9.0.1"
	on box systemctl restart wg-quick@wg0
	on box rm /etc/NetworkManager/conf.d/zz-test.conf
	page_file box nm-unmanaged
	on box systemctl restart NetworkManager
	eventually 10 nm_has wg0 unmanaged
	eventually 10 nm_has eth0 connected
	complete=$(tunnel_state)
	nm_networking
	is_complete
	nothing_differs
	on box systemctl stop wg-quick@wg0
	# [nm-import]
	on box rm /etc/NetworkManager/conf.d/wireguard.conf
	on box systemctl restart NetworkManager
	on box nmcli connection import type wireguard file /etc/wireguard/wg0.conf
	if in_net box ip link add test0 type wireguard 2> /dev/null; then
		on box nmcli connection up wg0
	else
		run ! on box nmcli connection up wg0
		[[ $output == *"Failed to create WireGuard interface"* ]]
	fi
}

@test "NetworkManager writes resolv.conf when it starts and when a connection changes" {
	no_resolved
	start_nm
	resolv_conf_is() { [ "$(resolv_conf)" = "$1" ]; }
	eventually 5 resolv_conf_is 192.0.2.1
	box_tunnel "0.0.0.0/0, ::/0" "DNS = 10.9.0.1"
	on box systemctl start wg-quick@wg0
	[ "$(resolv_conf)" = 10.9.0.1 ]
	# [nm-resolv-conf]
	on box systemctl restart NetworkManager
	eventually 10 nm_has eth0 connected
	eventually 5 resolv_conf_is 192.0.2.1
	on box wg-quick reload wg0
	[ "$(resolv_conf)" = 10.9.0.1 ]
	on box systemctl start wg-quick-monitor
	on box nmcli connection modify eth0 ipv4.dns 192.0.2.53
	on box nmcli device reapply eth0
	again() { [ "$(resolv_conf)" = 10.9.0.1 ] && on box journalctl -o cat -u wg-quick-monitor | grep -q "restored name servers"; }
	eventually 5 again
	on box systemctl stop wg-quick@wg0
	[ "$(resolv_conf)" = 192.0.2.53 ]
}

# mdns: the address of printer.local, which the peer asks for by multicast DNS through the tunnel.
mdns() {
	on server python3 -c '
import socket
query = bytes.fromhex("000700000001000000000000077072696e746572056c6f63616c0000010001")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.1", 0)); s.settimeout(1)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.9.0.1"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
s.sendto(query, ("224.0.0.251", 5353))
print(socket.inet_ntoa(s.recv(1500)[-4:]))'
}
is_found() { [ "$(mdns)" = 10.9.0.2 ]; }

@test "Avahi answers through a tunnel with multicast, and not without one of the lines" {
	multicast=$(page_block avahi | sed 1d)
	options=$(page_block avahi 2 | sed 1d)
	[[ $options == *allow-interfaces=*allow-point-to-point=yes* ]]
	allow_group() { on server wg set wg0 peer "$BOX_KEY" allowed-ips "10.9.0.2/32${1-}"; }
	# avahi WITHOUT: with the lines of the page, without those that match.
	avahi() {
		printf '%s\n' "[server]" host-name=printer use-ipv6=no "$(grep -v "$1" <<< "$options")" |
			on box install -m 644 /dev/stdin /etc/avahi/avahi-daemon.conf
		on box systemctl --quiet restart avahi-daemon.socket avahi-daemon
	}
	# [avahi]
	box_tunnel 10.9.0.0/24 "$multicast"
	on box systemctl start wg-quick@wg0
	pings box 10.9.0.1
	allow_group ,224.0.0.251/32
	avahi nothing
	eventually 10 is_found
	allow_group
	run ! mdns
	allow_group ,224.0.0.251/32
	# [avahi-reload]
	in_net box ip address delete 10.9.0.2/24 dev wg0
	on box wg-quick reload wg0
	in_net box ip link show dev wg0 | grep -w MULTICAST
	eventually 10 is_found
	in_net box ip link set dev wg0 multicast off
	eventually 10 not is_found
	in_net box ip link set dev wg0 multicast on
	avahi allow-point-to-point
	run ! mdns
	run ! mdns
}

# hardened PROPERTY COMMAND…: runs it in a unit with this property.
hardened() {
	local property=$1
	shift
	run on box systemd-run --quiet --pipe --wait -p "$property" "$@"
}

@test "hardened units: wg without Unix sockets, without /run, as another user" {
	box_tunnel 10.9.0.0/24
	on box systemctl start wg-quick@wg0
	# [hardened-af-unix]
	hardened "RestrictAddressFamilies=AF_NETLINK AF_INET" wg show
	[ "$status" = 0 ]
	[ -z "$output" ]
	hardened "RestrictAddressFamilies=AF_NETLINK AF_INET" wg show wg0
	[ "$status" = 1 ]
	[[ $output == "Unable to access interface: "*"help: "*"add AF_UNIX to RestrictAddressFamilies= of its unit" ]] || fail "$output"
	families=$(page_block hardened-af-unix | sed 1d)
	hardened "$families" wg show interfaces
	[ "$output" = wg0 ]
	# [hardened-run]
	hardened TemporaryFileSystem=/run wg show
	[ "$status-$output" = 0- ]
	hardened InaccessiblePaths=/run/wireguard wg show wg0
	[ "$status" = 1 ]
	hardened PrivateNetwork=yes wg show interfaces
	[ "$output" = wg0 ]
	# [hardened-user]
	for capabilities in "" CAP_NET_ADMIN "CAP_NET_ADMIN CAP_DAC_OVERRIDE"; do
		run on box systemd-run --quiet --pipe --wait -p DynamicUser=yes -p "AmbientCapabilities=$capabilities" wg show wg0
		[ "$status" = 1 ]
		[[ $output == "Unable to access interface: "* ]]
	done
	on box mkdir -p /var/lib/prometheus/node-exporter
	on box systemctl start wg-prometheus
	hardened DynamicUser=yes cat /var/lib/prometheus/node-exporter/wireguard.prom
	[ "$status" = 0 ]
	[[ $output == *'interface="wg0"'* ]]
}

@test "ifupdown-ng uses the interface of wireguardd@.service" {
	printf '%s\n' "iface wg0" "  use wireguard" "  address 10.9.0.2/24" | on box tee /etc/network/interfaces > /dev/null
	# [kernel-only]
	if ! in_net box ip link add test0 type wireguard 2> /dev/null; then
		on box install -D -m 600 /dev/null /etc/wireguard/wg0.conf
		run on box ifup wg0
		[[ $output == *"Unknown device type"* ]]
		on box ifdown wg0
	fi
	# [ifupdown-ng]
	host_sh box <<< "$(page_block ifupdown-ng)"
	printf '%s\n' "[Interface]" "PrivateKey = $BOX" "[Peer]" "PublicKey = $(on server wg pubkey <<< "$SERVER")" \
		"AllowedIPs = 10.9.0.0/24" "Endpoint = 192.0.2.1:51820" | on box install -D -m 600 /dev/stdin /etc/wireguard/wg0.conf
	run -0 on box ifup wg0
	[[ $output == *"File exists"* ]]
	pings box 10.9.0.1
	on box ifdown wg0
	ended() { [ -z "$(daemons box)" ]; }
	eventually 5 ended
}
