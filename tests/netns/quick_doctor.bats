# wg-quick doctor: planted faults are named with their fix, and nothing fails where all is well.
load ../lib/netns
load ../lib/quick

KEY_B=Kixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=
KEY_C=4OVGXLCmkRAKpZ7qN5vLXG5N0m2gqzM8xC6j1f0Yd2Y=

wg() { "$WGSUITE_BUILD/wg" "$@"; }

# Host a, behind the router r, and host b, all with IPv4 and IPv6; a has a name server and a default route.
setup() {
	net_begin
	host a r b
	wire a eth0 "192.168.5.2/24 2001:db8:5::2/64" r eth0 "192.168.5.1/24 2001:db8:5::1/64"
	wire r eth1 "203.0.113.1/24 2001:db8:6::1/64" b eth0 "203.0.113.2/24 2001:db8:6::2/64"
	router r
	route a default via 192.168.5.1
	in_net a ip -6 route add default via 2001:db8:5::1
	route b default via 203.0.113.1
	in_net b ip -6 route add default via 2001:db8:6::1
	echo "nameserver 192.168.5.1" | on a tee /etc/resolv.conf > /dev/null
	on_bg b socat UDP4-RECVFROM:53,fork SYSTEM:cat # answers with the query, which is enough for an answer
	PUBLIC_A=$(wg pubkey <<< $QUICK_KEY) PUBLIC_B=$(wg pubkey <<< $KEY_B) PUBLIC_C=$(wg pubkey <<< $KEY_C)
}
teardown() { net_end; }

# client [INTERFACE-LINES [PEER-LINES [ALLOWED-IPS [ENDPOINT]]]]: the tunnel file of a.
client() {
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 51820
	Address = 10.8.0.2/24
	${1-}
	[Peer]
	# Name = server
	PublicKey = $PUBLIC_B
	AllowedIPs = ${3-10.8.0.0/24}
	Endpoint = ${4-203.0.113.2:51820}
	${2-}
	END
}

# server [INTERFACE-LINES [PEER-LINES]]: that of b.
server() {
	tunnel b wg0 <<-END
	[Interface]
	PrivateKey = $KEY_B
	ListenPort = 51820
	Address = 10.8.0.1/24
	${1-}
	[Peer]
	# Name = client
	PublicKey = $PUBLIC_A
	AllowedIPs = 10.8.0.2/32
	${2-}
	END
}

# both VERB: runs wg-quick for wg0 on both hosts.
both() {
	on a wg-quick "$1" wg0 2> /dev/null &
	on b wg-quick "$1" wg0 2> /dev/null
	wait $!
}

# doctor HOST: its findings in $output, one a line: LEVEL CHECK | SEEN | FIX.
doctor() {
	asked=$1
	run on "$1" wg-quick doctor wg0
	findings=$(awk '/^(ok|warn|FAIL) / { if (line) print line; level = $1; check = substr($0, 7, 13); sub(/ +$/, "", check)
			if (check == "") check = last; last = check; line = level " " check " | " substr($0, 22); next }
		/^ +fix: / { sub(/^ +fix: /, ""); line = line " | " $0 }
		END { print line }' <<< "$output")
}

# finds LEVEL CHECK SEEN FIX: a finding has these words. On a slow host, an answer may have come too late: then it is asked again.
finds() {
	local try
	for try in 1 2 3; do
		! has_finding "$@" || return 0
		doctor "$asked"
	done
	fail "not found: $*" "$output"
}
has_finding() {
	awk -F ' [|] ' -v head="$1 $2" -v seen="$3" -v fix="$4" '$1 == head && index($2, seen) && index($3, fix) { found = 1 }
		END { exit !found }' <<< "$findings"
}

# healthy HOST: no check fails.
healthy() {
	local try
	for try in 1 2 3; do
		doctor "$1"
		[ "$status" -ne 0 ] || grep -q ^FAIL <<< "$output" || return 0
	done
	fail "$output"
}

@test "faults of the file, the interface and the daemon" {
	client; server
	doctor a
	[ "$status" -eq 1 ]
	finds FAIL interface "wg0 is not up" "wg-quick up wg0"                                          # 1
	on_bg a socat UDP4-RECVFROM:51820 -
	eventually 5 on a sh -c "ss -Huln | grep -q :51820"
	doctor a
	finds FAIL port "another program has UDP port 51820" "ss -lunp sport = :51820"                  # 2
	on a pkill -x socat
	eventually 5 not on a sh -c "ss -Huln | grep -q :51820"
	both up
	healthy a

	on a ip link set down dev wg0
	doctor a
	finds FAIL interface "set down" "ip link set up dev wg0"                                        # 3
	on a wg-quick reload wg0 2> /dev/null

	# What reload repairs, all at once.
	on a sed -i "s|^PrivateKey.*|PrivateKey = $KEY_C|; s|^PublicKey.*|&\nPresharedKey = $KEY_B|; s|^Endpoint.*|Endpoint = 203.0.113.2:51821|" /etc/wireguard/wg0.conf
	printf '%s\n' '[Peer]' '# Name = third' "PublicKey = $QUICK_PEER" 'AllowedIPs = 10.8.1.0/24' | on a tee -a /etc/wireguard/wg0.conf > /dev/null
	on a sh -c 'ip address delete 10.8.0.2/24 dev wg0; ip address add 10.8.0.9/24 dev wg0'
	doctor a
	finds FAIL keys "another private key than the file" "wg-quick reload wg0"                       # 4
	finds FAIL configuration "the peer server differs" "wg-quick reload wg0"                        # 5
	finds FAIL configuration "the file has the peer third, and the tunnel does not" "wg-quick reload wg0" # 6
	finds FAIL configuration "reload would add address 10.8.0.2/24" "wg-quick reload wg0"           # 7
	finds FAIL configuration "reload would add route 10.8.1.0/24" "wg-quick reload wg0"             # 8
	run on a wg-quick doctor --fix wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] ip -4 address add 10.8.0.2/24 dev wg0"* ]]
	doctor a
	finds ok configuration "matches its file" ""

	on a touch -d "+1 hour" /etc/wireguard/wg0.conf
	doctor a
	finds FAIL clock "the clock is behind" "timedatectl set-ntp true"                               # 9
	on a sed -i 's/^Address.*/Adress = 10.8.0.2/' /etc/wireguard/wg0.conf
	doctor a
	finds FAIL file "has 1 error" "wg-quick check /etc/wireguard/wg0.conf"                                                    # 10
	if [ -n "$(daemons a)" ]; then
		on a pkill -STOP wireguardd
		doctor a
		finds FAIL interface "its daemon does not answer" "wg-quick restart wg0"                # 11
		on a pkill -KILL wireguardd
		eventually 5 not on a ip link show wg0
		doctor a
		finds FAIL interface "the interface is gone" "wg-quick restart wg0"                     # 12
	fi
}

@test "faults of the path to a peer" {
	client "" "" 10.8.0.0/24,10.9.0.0/24
	server
	both up
	doctor a
	finds warn NAT "this host is behind NAT" "PersistentKeepalive = 25"                             # 13
	finds ok handshake "server answers" ""
	finds ok MTU "10.8.0.1 answers packets of 1420 bytes" ""

	# The page in contrib/doc/tour.md and wg-quick(8), of which README.md has a part.
	on a ip route delete 10.9.0.0/24 dev wg0
	doctor a
	finds ok MTU "10.8.0.1 answers packets of 1420 bytes" ""
	if [ -n "$(daemons a)" ]; then
		cd "$BATS_TEST_DIRNAME/../.."
		tour=$(sed -n '/# wg-quick doctor wg0$/,/^$/ { //d; s/^    //; s/boot .*/boot/; p }' contrib/doc/tour.md)
		for try in 1 2 3; do # on a slow host, an answer may have come too late
			page=$(sed 's/boot .*/boot/' <<< "$output")
			[ "$page" != "$tour" ] || break
			doctor a
		done
		[ "$page" = "$tour" ]
		[ "$(grep -A 1 FAIL <<< "$page")" = "$(sed -n '/# wg-quick doctor wg0 | grep/,/^    [^F ]/ { //d; s/^    //p }' README.md)" ]
		[ "$page" = "$(sed -n '/^# wg-quick doctor wg0$/,/^\.Ed/ { //d; s/boot .*/boot/; p }' man/wg-quick.8)" ]
	fi
	on a wg-quick reload wg0 2> /dev/null

	# Answers take half a second, where the kernel can delay packets.
	if in_net r tc qdisc add dev eth1 root netem delay 500ms; then
		doctor a
		finds ok MTU "10.8.0.1 answers packets of 1420 bytes" ""
		in_net r tc qdisc del dev eth1 root
	fi

	# The path loses large packets without a word.
	on r nft -f - <<< 'table ip lose { chain f { type filter hook forward priority 0; meta length > 1400 drop; }; }'
	doctor a
	finds FAIL MTU "packets of 1420 bytes to 10.8.0.1 are lost" "set MTU = 132" # 14
	on r nft flush ruleset
	on a ip link set mtu 1480 dev wg0
	doctor a
	finds FAIL MTU "too large for the path, which carries packets of 1500 bytes" "set MTU = 1420"   # 15
	on a wg-quick reload wg0 2> /dev/null

	on a ip link add dummy0 type veth peer name dummy1
	on a sh -c 'ip address add 10.9.0.1/24 dev dummy0; ip link set up dev dummy0; ip link set up dev dummy1'
	doctor a
	finds FAIL AllowedIPs "10.9.0.0/24 of dummy0 is also a network of this host" "change AllowedIPs" # 16
	on a ip link delete dummy0

	# Without a session, packets to the endpoint tell.
	both restart
	on a nft -f - <<< 'table inet filter { chain o { type filter hook output priority 0; udp dport 51820 drop; }; }'
	doctor a
	finds FAIL firewall "drops packets to 203.0.113.2:51820" "accept UDP to 203.0.113.2:51820"      # 17
	on a nft flush ruleset
	on a wg-quick restart wg0 2> /dev/null
	on a ip route delete default
	doctor a
	finds FAIL route "no route leads to 203.0.113.2:51820" "check the uplink"                       # 18
	on a ip route add default dev wg0
	doctor a
	finds FAIL route "enter the tunnel again, by the route 0.0.0.0/0" "ip route add 203.0.113.2 via GATEWAY" # 19
	on a sh -c 'ip route delete default; ip route add default via 192.168.5.1'
	on b wg-quick down wg0 2> /dev/null
	on a wg-quick restart wg0 2> /dev/null
	doctor a
	finds FAIL handshake "server reports that no program uses UDP port 51820" "correct the port in Endpoint" # 20
	on b nft -f - <<< 'table inet filter { chain i { type filter hook input priority 0; udp dport 51820 drop; }; }'
	on b wg-quick up wg0 2> /dev/null
	on a wg-quick restart wg0 2> /dev/null
	doctor a
	finds FAIL handshake "server does not answer at 203.0.113.2:51820" "check that 203.0.113.2 receives UDP at port 51820" # 21
	run on a wg-quick doctor --fix wg0
	[ "$status" -eq 1 ]
	[[ $output == *"warning: \`reload' would change nothing: apply the other fixes yourself" ]]
	doctor b
	finds FAIL firewall "drops packets to UDP port 51820" "udp dport 51820 accept"             # 22
}

@test "faults of keys, which the counters of wireguardd distinguish" {
	client "" "PresharedKey = $KEY_C"
	server "" "PresharedKey = $KEY_B"
	both up
	[ -n "$(daemons a)" ] || skip "the kernel has WireGuard"
	doctor a
	finds FAIL handshake "the preshared keys differ" "set the same PresharedKey"                    # 23

	# Each end has a wrong key of the other.
	client
	server "" "Endpoint = 192.168.5.2:51820"
	on b sed -i "s|^PublicKey.*|PublicKey = $PUBLIC_C|" /etc/wireguard/wg0.conf
	both restart
	on b ping -c 1 -W 1 10.8.0.2 || true
	doctor a
	finds FAIL handshake "handshakes arrive for another public key" "set PublicKey = $PUBLIC_A"     # 24
	client
	on a sed -i "s|^PublicKey.*|PublicKey = $PUBLIC_C|" /etc/wireguard/wg0.conf
	server "" "Endpoint = 192.168.5.2:51820"
	both restart
	on b ping -c 1 -W 1 10.8.0.2 || true
	doctor a
	finds FAIL handshake "handshakes from an unknown public key arrive" "compare PublicKey"           # 25
}

@test "faults of names, allowed IPs, forwarding and DNS" {
	client "PostUp = true # iptables -t nat -A POSTROUTING -j MASQUERADE
		DNS = 10.8.0.1" "" 10.8.0.0/24 vpn.example:51820
	server
	add_hosts_entry a 203.0.113.2 vpn.example
	both up
	doctor a
	finds FAIL forwarding "IPv4 forwarding is off" "sysctl -w net.ipv4.ip_forward=1"                # 27
	finds ok DNS "10.8.0.1 answers through the tunnel" ""
	on a sysctl -qw net.ipv4.ip_forward=1
	on a nft -f - <<< 'table inet filter { chain f { type filter hook forward priority 0; policy drop; }; }'
	doctor a
	finds FAIL forwarding "drops packets that peers send through it" "iifname wg0 accept"           # 28
	on b pkill -x socat
	echo "nameserver 192.168.5.1" | on a tee /etc/resolv.conf > /dev/null
	doctor a
	finds FAIL DNS "another program has replaced the name servers" "wg-quick reload wg0"            # 29
	finds FAIL DNS "10.8.0.1 does not answer" "check that the name server runs"                     # 30

	client "" "" 10.8.0.0/24 vpn.example:51820
	on a sh -c 'echo "203.0.113.77 vpn.example" > /etc/hosts'
	on a wg-quick restart wg0 2> /dev/null
	on a sh -c 'echo "203.0.113.2 vpn.example" > /etc/hosts'
	doctor a
	finds FAIL endpoint "vpn.example:51820 is 203.0.113.2 now, and packets are sent to 203.0.113.77" "wg set wg0 peer $PUBLIC_B endpoint vpn.example:51820" # 31
	on a sh -c 'echo 127.0.0.1 localhost > /etc/hosts'
	doctor a
	finds FAIL endpoint "vpn.example:51820 cannot be resolved" "check the name in Endpoint"         # 32
	client "" "
		[Peer]
		# Name = second
		PublicKey = $PUBLIC_C
		AllowedIPs = 10.8.0.0/24"
	on a wg-quick restart wg0 2> /dev/null
	doctor a
	finds FAIL AllowedIPs "10.8.0.0/24 is in AllowedIPs of two peers: server does not get" "give each prefix to one peer only" # 33
	on a wg set wg0 peer "$PUBLIC_B" allowed-ips ""
	on a sh -c 'printf "[Interface]\nPrivateKey = '$QUICK_KEY'\nAddress = 10.8.0.2/24\n[Peer]\nPublicKey = '$PUBLIC_B'\n" > /etc/wireguard/wg0.conf'
	on a wg-quick restart wg0 2> /dev/null
	doctor a
	finds FAIL AllowedIPs "has no AllowedIPs" "give it AllowedIPs"                                  # 34
	finds warn endpoint "no peer has an endpoint" "set Endpoint at one end"                         # 35
}

@test "faults of a full tunnel" {
	client "" "" 0.0.0.0/0
	server
	both up
	doctor a
	finds warn IPv6 "IPv6 traffic bypasses the tunnel" "add ::/0 to AllowedIPs"                     # 36
	on a sysctl -qw net.ipv4.conf.eth0.rp_filter=1 net.ipv4.conf.all.src_valid_mark=0
	doctor a
	finds FAIL rp_filter "src_valid_mark is off" "net.ipv4.conf.all.src_valid_mark=1"               # 37
	on a sysctl -qw net.ipv4.conf.all.src_valid_mark=1
	on a nft flush ruleset
	on a ip -4 rule delete not fwmark 51820 table 51820
	doctor a
	finds FAIL configuration "reload would add IPv4 rule" "wg-quick reload wg0"                     # 38
	finds FAIL configuration "reload would add firewall rules" "wg-quick reload wg0"                # 39
	on a wg-quick reload wg0 2> /dev/null

	# Another VPN.
	on a sh -c 'ip link add tun9 type veth peer name tun8; ip link set up dev tun8; ip link set up dev tun9; ip route add default dev tun9 table 900; ip rule add pref 100 not fwmark 51820 table 900'
	doctor a
	finds FAIL "other VPNs" "leaves through tun9, not through the tunnel" "stop the other program"  # 40
	on a sh -c 'ip rule delete pref 100; ip rule add pref 100 to 198.18.0.0/15 table 900'
	doctor a
	finds warn "other VPNs" "preference 100, comes before those of the tunnel" "ip route show table" # 41

	client "Address = fd00::2/64" "PersistentKeepalive = 25" "0.0.0.0/0, ::/0"
	on a wg-quick restart wg0 2> /dev/null
	on a sysctl -qw net.ipv6.conf.wg0.disable_ipv6=1
	doctor a
	finds FAIL IPv6 "IPv6 is disabled on wg0" "sysctl -w net.ipv6.conf.wg0.disable_ipv6=0"          # 42
}

@test "healthy set-ups" {
	# 1, 2: a client with a split tunnel, and its server. 3: the client without a session.
	client; server
	both up
	healthy a
	healthy b
	on b wg-quick restart wg0 2> /dev/null
	healthy a
	# 4: full tunnel of both families with a name server in it. 5: by IPv6.
	client "Address = fd00::2/64
		DNS = 10.8.0.1" "PersistentKeepalive = 25" "0.0.0.0/0, ::/0"
	on a wg-quick restart wg0 2> /dev/null
	healthy a
	client "" "" 10.8.0.0/24 "[2001:db8:6::2]:51820"
	on a wg-quick restart wg0 2> /dev/null
	healthy a
	# 6: a firewall that lets only answers in; 7: one of a server; 8: no routes, and an MTU in the file.
	on a nft -f - <<-'END'
	table inet filter { chain input { type filter hook input priority 0; policy drop;
		ct state established,related accept; iifname "lo" accept; meta l4proto icmpv6 accept; }; }
	END
	on b nft -f - <<-'END'
	table inet filter { chain input { type filter hook input priority 0; policy drop; ct state vmap { established : accept, related : accept, invalid : drop };
		tcp dport 22 accept; udp dport { 53, 51820-51830 } accept; iifname "wg0" accept; meta l4proto icmpv6 accept; }; }
	END
	client $'Table = off\nMTU = 1380'
	both restart
	healthy a
	healthy b
	# 9: a router with two peers, whose rules forward. 10: with preshared keys.
	on a nft flush ruleset
	server "PostUp = sysctl -qw net.ipv4.ip_forward=1; true masquerade
		PreDown = true" "PresharedKey = $KEY_C
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 10.8.0.3/32"
	client "" "PresharedKey = $KEY_C"
	both restart
	healthy a
	healthy b
	# 11: an interface that wg-quick did not bring up, without a file.
	both down
	on b rm /etc/wireguard/wg0.conf
	on b sh -c 'wireguardd wg0 2> /dev/null || ip link add wg0 type wireguard; echo '$KEY_B' | wg set wg0 private-key /dev/stdin listen-port 51820
		ip address add 10.8.0.1/24 dev wg0; ip link set up dev wg0'
	on b wg set wg0 peer "$PUBLIC_A" allowed-ips 10.8.0.2/32
	healthy b
}
