# What contrib/doc/other-software.md says of other programs, where namespaces are enough: a comment [tag] is before the
# test of each statement. Programs that need systemd: other_programs.bats.
#
#   a eth0 192.168.5.1, 2001:db8:5::1 ---- 192.168.5.254, 2001:db8:5::fe gw (the peer, 198.51.100.1)
#   a wg0  10.7.0.1, fd07::1          ==== 10.7.0.2, fd07::2 gw
load ../lib/netns
load ../lib/quick
load ../lib/hosts
load ../lib/page

setup() {
	net_begin
	quick_host
	in_net gw ip address add 198.51.100.1/32 dev lo
	GW=$(on gw wg genkey)
	tunnel gw wg0 <<-END
	[Interface]
	PrivateKey = $GW
	Address = 10.7.0.2/24, fd07::2/64
	ListenPort = 5801
	[Peer]
	PublicKey = $(on a wg pubkey <<< "$QUICK_KEY")
	AllowedIPs = 10.7.0.1/32, fd07::1/128
	END
	on gw wg-quick up wg0
	printf '[backend]\nimplementation = userspace\n' | on a install -m 644 /dev/stdin /etc/wireguard/wgsuite.ini
}
teardown() { net_end; }

# a_file INTERFACE-LINES ALLOWED-IPS [LINE…]: the tunnel file of host a, and further lines.
a_file() {
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	Address = 10.7.0.1/24, fd07::1/64
	$1
	[Peer]
	PublicKey = $(on gw wg pubkey <<< "$GW")
	AllowedIPs = $2
	Endpoint = 192.168.5.254:5801
	${3-}
	END
}

backend() {
	printf '[backend]\nimplementation = userspace\n[firewall]\nbackend = %s\n' "$1" | on a tee /etc/wireguard/wgsuite.ini > /dev/null
}
nothing_differs() {
	run -0 on a wg-quick diff wg0
	[ -z "$output" ] || fail "$output"
}
differs() {
	run -0 on a wg-quick diff wg0
	[ -n "$output" ]
}
# way DESTINATION [WORD…]: the device that packets leave by.
way() { on a ip route get "$@" | grep -o ' dev [^ ]*' | cut -d' ' -f3; }

# serve HOST ADDRESS PORT: a TCP server that answers "served". fetch HOST SOURCE ADDRESS PORT [SECONDS]: what it answers.
serve() {
	on_bg "$1" python3 -c '
import socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
	s.accept()[0].sendall(b"served")' "$2" "$3"
	eventually 5 on "$1" sh -c "ss -Hltn 'sport = :$3' | grep -q ."
}
fetch() {
	on "$1" python3 -c '
import socket, sys
print(socket.create_connection((sys.argv[2], int(sys.argv[3])), int(sys.argv[4]), (sys.argv[1], 0)).recv(10).decode())' "$2" "$3" "$4" "${5-60}"
}

@test "a restart of a firewall: diff prints what is missing, reload restores it without a handshake" {
	a_file "KillSwitch = on" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	pings a 10.7.0.2
	state() { quick_state | sed 's/counter packets.*bytes [0-9]*/counter/'; }
	before=$(state)
	handshake=$(latest_handshake a wg0 "$(on gw wg pubkey <<< "$GW")")
	nothing_differs
	# [reload-restores]
	on a nft flush ruleset
	on a ip -4 rule delete table 51820
	differs
	[[ $output == *"nft -f"*"ip -4 rule add"* ]]
	on a wg-quick reload wg0
	diff <(echo "$before") <(state)
	nothing_differs
	pings a 10.7.0.2
	[ "$(latest_handshake a wg0 "$(on gw wg pubkey <<< "$GW")")" = "$handshake" ]
	on a wg-quick down wg0
}

@test "iptables-restore" {
	a_file "" "0.0.0.0/0, ::/0"
	printf '*raw\n:PREROUTING ACCEPT\nCOMMIT\n*mangle\nCOMMIT\n*filter\n:INPUT ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n' |
		on a tee /run/rules > /dev/null
	# [iptables-restore]
	on a wg-quick up wg0
	on a iptables-restore /run/rules
	nothing_differs
	on a wg-quick down wg0
	backend iptables
	on a wg-quick up wg0
	nothing_differs
	on a iptables-restore /run/rules
	differs
	on a wg-quick reload wg0
	nothing_differs
	on a wg-quick down wg0
}

@test "ufw: reload, disable and enable, and connections from peers" {
	needs_hosts
	install_ufw a
	on a ufw --force enable
	tools=(nft iptables)
	[ "${WGSUITE_COMPLETE-}" = yes ] || tools=("${tools[${WGSUITE_DAY:-0} % 2]}") # another one each day
	for tool in "${tools[@]}"; do
		backend $tool
		a_file "" "0.0.0.0/0, ::/0"
		on a wg-quick up wg0
		nothing_differs
		# [ufw-reload]
		on a ufw reload
		nothing_differs
		on a ufw disable
		nothing_differs
		on a ufw --force enable
		nothing_differs
		pings a 10.7.0.2
		on a wg-quick down wg0
	done
	# [ufw-allow]
	on a wg-quick up wg0
	pings a 10.7.0.2 # from now on the peer knows where host a is
	serve a 10.7.0.1 80
	run ! fetch gw 10.7.0.2 10.7.0.1 80 1
	on a $(page_block ufw-allow)
	[ "$(fetch gw 10.7.0.2 10.7.0.1 80)" = served ]
}

@test "kind and counters of the TUN device" {
	a_file "" "10.7.0.2/32"
	on a wg-quick up wg0
	# [tun-kind]
	[ "$(on a ip -d -j link show wg0 | jq -r '.[].linkinfo.info_kind')" = tun ]
	[[ $(on a ip -o link show type wireguard 2>&1) != *wg0* ]]
	[ "$(on a wg show interfaces)" = wg0 ]
	# [tun-counters]
	on a ping -n -q -c 5 -i 0.05 -W 60 10.7.0.2 # with a deadline (pings), it would send more while replies are late
	sent() { on a ip -s -j link show wg0 | jq '.[].stats64.tx.bytes'; }
	received() { on a ip -s -j link show wg0 | jq '.[].stats64.rx.bytes'; }
	[ "$(sent)" = $((5 * 84)) ]
	[ "$(received)" = $((5 * 84)) ]
	# 32 bytes more for each packet, and padding to 16; 92 and 148 for the handshake.
	read -r _ wg_received wg_sent <<< "$(on a wg show wg0 transfer)"
	[ "$wg_received" -ge $((92 + 5 * (96 + 32))) ]
	[ "$wg_sent" -ge $((148 + 5 * (96 + 32))) ]
	# [tun-drops]
	run ! on a ping -n -c 3 -i 0.05 -W 1 10.7.0.77
	[ "$(on a ip -s -j link show wg0 | jq '.[].stats64.tx | .errors + .dropped')" = 0 ]
	counted() { on a wg show wg0 openmetrics | grep '^wireguardd_dropped_packets_total.*reason="no_peer"} 3$'; }
	eventually 5 counted
	on a python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/wgsuite/wg0.stats"); print(s.makefile().read())' |
		grep '^wireguardd_dropped_packets_total.*reason="no_peer"} 3$'
}

@test "a multicast group is an allowed IP of one peer" {
	other=$(on a wg genkey | on a wg pubkey)
	a_file "" "10.7.0.2/32, 224.0.0.251/32" "[Peer]
	PublicKey = $other
	AllowedIPs = 10.7.0.3/32, 224.0.0.251/32"
	on a wg-quick up wg0
	# [multicast-one-peer]
	[ "$(on a wg show wg0 allowed-ips | sort)" = "$(printf '%s\n' "$(on gw wg pubkey <<< "$GW")	10.7.0.2/32" "$other	10.7.0.3/32 224.0.0.251/32" | sort)" ]
}

@test "clients that create the interface by netlink need the kernel module" {
	# [kernel-only]
	if in_net a ip link add flannel-wg type wireguard 2> "$NET_DIR/error"; then
		[ "$(on a wg show interfaces)" = flannel-wg ]
	else
		grep -E "Unknown device type|not supported" "$NET_DIR/error"
		# Also where wireguardd serves an interface.
		on a wireguardd wg1
		run ! in_net a ip link add cilium_wg0 type wireguard
	fi
}

@test "Docker: forwarding, a full tunnel, published ports" {
	host c inner
	wire a docker0 172.17.0.1/16 c eth0 172.17.0.2/16
	wire a lan0 10.20.0.1/24 inner eth0 10.20.0.2/24
	route c default via 172.17.0.1
	route inner default via 10.20.0.1
	router a
	on gw wg set wg0 peer "$(on a wg pubkey <<< "$QUICK_KEY")" allowed-ips +10.20.0.0/24
	route gw 10.20.0.0/24 dev wg0
	serve c 172.17.0.2 80
	docker_rules
	# [docker-forward]
	a_file "" "10.7.0.2/32"
	on a wg-quick up wg0
	pings a 10.7.0.2
	run ! on gw ping -n -c 2 -i 0.05 -W 1 10.20.0.2
	on a wg-quick down wg0
	a_file "$(page_block docker-forward)" "10.7.0.2/32"
	on a wg-quick up wg0
	pings a 10.7.0.2
	pings gw 10.20.0.2
	pings inner 10.7.0.2
	on a wg-quick down wg0
	[[ $(on a iptables -S DOCKER-USER) != *wg0* ]]
	# [docker-full-tunnel]
	[ "$(fetch gw 198.51.100.1 192.168.5.1 8080)" = served ]
	a_file "" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	pings c 198.51.100.1
	[ "$(on a ip -s -j link show wg0 | jq '.[].stats64.rx.packets')" -ge 5 ]
	# [docker-published]
	[ "$(fetch gw 192.168.5.254 192.168.5.1 8080)" = served ]
	run ! fetch gw 198.51.100.1 192.168.5.1 8080 1
	on a wg-quick down wg0
	a_file "$(page_block docker-published)" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	[ "$(fetch gw 198.51.100.1 192.168.5.1 8080)" = served ]
	on c ping -n -q -c 5 -i 0.05 -W 60 198.51.100.1
	[ "$(on a ip -s -j link show wg0 | jq '.[].stats64.rx.packets')" = 5 ]
	on a wg-quick down wg0
	[[ $(on a iptables -t mangle -S) != *CONNMARK* ]]
}

# docker_rules: as Docker sets them for a container at 172.17.0.2 whose port 80 is published as 8080.
docker_rules() {
	on a iptables-restore <<-'END'
	*nat
	:DOCKER -
	-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
	-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
	-A DOCKER -i docker0 -j RETURN
	-A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
	COMMIT
	*filter
	:FORWARD DROP
	:DOCKER -
	:DOCKER-USER -
	-A FORWARD -j DOCKER-USER
	-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	-A FORWARD -o docker0 -j DOCKER
	-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
	-A FORWARD -i docker0 -o docker0 -j ACCEPT
	-A DOCKER -d 172.17.0.2 ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT
	-A DOCKER-USER -j RETURN
	COMMIT
	END
}

@test "Kubernetes: ports, policy rules, pods and services" {
	in_net a ip link add cni0 type bridge
	in_net a ip link set cni0 up
	in_net a ip route add 10.244.1.0/24 dev cni0
	# [cni-port]
	on_bg a python3 -c 'import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 51820)); time.sleep(100)'
	eventually 5 on a sh -c "ss -Hlun 'sport = :51820' | grep -q ."
	a_file "ListenPort = 51820" "0.0.0.0/0, ::/0"
	run ! on a wg-quick up wg0
	[[ $output == *"Address already in use"*"UDP port 51820"* ]] || fail "$output"
	# [cni-rules]
	in_net a ip rule add pref 99 not from all fwmark 0x200000/0x200000 lookup 99
	in_net a ip route add 10.245.0.0/16 dev cni0 table 99
	a_file "" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	[ "$(way 10.245.0.7)" = cni0 ]
	[ "$(way 8.8.8.8)" = wg0 ]
	# [cni-services]
	[ "$(way 10.244.1.7)" = cni0 ]
	[[ $(on a ip route get 10.96.0.10) == *"dev wg0"*"src 10.7.0.1"* ]]
	on a wg-quick down wg0
	a_file "$(page_block cni-services)" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	[[ $(on a ip route get 10.96.0.10) == *"dev eth0"*"src 192.168.5.1"* ]]
	[ "$(way 8.8.8.8)" = wg0 ]
}

@test "Tailscale: rules, addresses, an exit node, marks, a kill switch" {
	a_file "" "0.0.0.0/0, ::/0"
	# [tailscale-rules]
	for first in tailscale wg; do
		[ $first = wg ] || tailscale_rules
		on a wg-quick up wg0
		[ $first = tailscale ] || tailscale_rules
		[ "$(way 100.100.100.100)" = ts0 ]
		[ "$(way fd7a:115c:a1e0::5)" = ts0 ]
		[ "$(way 8.8.8.8)" = wg0 ]
		[ "$(way 8.8.8.8 mark 0x80000)" = eth0 ]
		[ "$(way 2001:db8:77::1 mark 0x80000)" = eth0 ]
		on a wg-quick down wg0
		on a sh -c 'for f in -4 -6; do for p in 5210 5230 5250 5270; do ip $f rule delete pref $p; done; done; ip link delete ts0'
	done
	tailscale_rules
	# [tailscale-kill-switch]
	a_file "" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	pings a 198.51.100.1 -m $((0x80000))
	on a wg-quick down wg0
	a_file "KillSwitch = on" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	run ! on a ping -n -c 2 -i 0.05 -W 1 -m $((0x80000)) 198.51.100.1
	pings a 198.51.100.1
	on a wg-quick down wg0
	# [tailscale-range]
	a_file "" "100.64.5.0/24"
	on a wg-quick up wg0
	[ "$(way 100.64.5.7)" = ts0 ]
	on a wg-quick down wg0
	# [tailscale-exit]
	on a ip route add default dev ts0 table 52
	a_file "" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	[ "$(way 8.8.8.8)" = ts0 ]
	[ "$(way 8.8.8.8 mark 51820)" = ts0 ]
	on a wg-quick down wg0
	# [tailscale-mark]
	a_file "FwMark = 0x80000" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	[ "$(on a wg show wg0 fwmark)" = 0x80000 ]
	[ "$(way 8.8.8.8 mark 0x80000)" = eth0 ]
}
