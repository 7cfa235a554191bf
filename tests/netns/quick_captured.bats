# Endpoints that are inside the tunnel's own routes: up and reload warn of them, with the allowed IPs that would not
# capture them, and only where the kernel really routes the encrypted packets into the tunnel.
load ../lib/netns
load ../lib/quick

setup() { net_begin; quick_host; }
teardown() { net_end; }

KEY_2=TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=

# file INTERFACE-LINES ALLOWED-IPS ENDPOINT [ALLOWED-IPS ENDPOINT]: a tunnel file wg0 with one or two peers.
file() {
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	$1
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = $2
	Endpoint = $3
	$([ $# -lt 5 ] || printf '%s\n' '[Peer]' "PublicKey = $KEY_2" "AllowedIPs = $4" "Endpoint = $5")
	END
}

# messages: the warnings and help lines of the last command.
messages() { grep -E '^(wg-quick: |  help: )' <<< "$output" || true; }

warning() {
	echo "wg-quick: wg0: warning: the endpoint $1 of peer $2 is inside $3 of $4: its encrypted packets enter the tunnel again, and never reach the peer"
}

# silent FILE-ARGUMENTS…: neither up nor reload says anything about this file.
silent() {
	file "$@"
	run -0 on a wg-quick up wg0
	[ -z "$(messages)" ] || fail "up: $(messages)" || return
	run -0 on a wg-quick reload wg0
	[ -z "$output" ] || fail "reload: $output" || return
	run -0 on a wg-quick down wg0
}

@test "an endpoint inside an allowed IP: a warning, and allowed IPs without the endpoint" {
	local list
	file "Address = 10.99.0.1/32" 10.0.0.0/8 10.1.2.3:51820
	run -0 on a wg-quick up wg0
	list="10.0.0.0/16, 10.1.0.0/23, 10.1.2.0/31, 10.1.2.2/32, 10.1.2.4/30, 10.1.2.8/29, 10.1.2.16/28, 10.1.2.32/27, 10.1.2.64/26, 10.1.2.128/25, 10.1.3.0/24, 10.1.4.0/22, 10.1.8.0/21, 10.1.16.0/20, 10.1.32.0/19, 10.1.64.0/18, 10.1.128.0/17, 10.2.0.0/15, 10.4.0.0/14, 10.8.0.0/13, 10.16.0.0/12, 10.32.0.0/11, 10.64.0.0/10, 10.128.0.0/9"
	diff <(messages) <(warning 10.1.2.3:51820 "$QUICK_PEER" 10.0.0.0/8 AllowedIPs
		echo "  help: replace 10.0.0.0/8, without the endpoint: AllowedIPs = $list"
		echo "  help: or keep a route to the endpoint outside the tunnel: ip -4 route add 10.1.2.3 via GATEWAY")
	# It is true.
	in_net a ip route get 10.1.2.3 | grep ' dev wg0 '
	run -0 on a wg-quick reload wg0
	[ "$(messages | grep -c warning)" = 1 ]
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	# So is the remedy, as it is printed, also by reload.
	on a sed -i "s|^AllowedIPs = .*|AllowedIPs = $list|" /etc/wireguard/wg0.conf
	run -0 on a wg-quick reload wg0
	[ -z "$(messages)" ]
	in_net a ip route get 10.1.2.3 | grep ' dev eth0 '
	for address in 10.0.0.0 10.1.2.2 10.1.2.4 10.255.255.255; do
		in_net a ip route get "$address" | grep ' dev wg0 '
	done
	on a wg-quick down wg0
	# And so is the alternative.
	in_net a ip route add 10.1.2.3 via 192.168.5.254
	silent "" 10.0.0.0/8 10.1.2.3:51820
}

@test "captured endpoints: IPv6" {
	file "Address = fd99::1/128" 2001:db8:9::/126 "[2001:db8:9::1]:5"
	run -0 on a wg-quick up wg0
	diff <(messages) <(warning "[2001:db8:9::1]:5" "$QUICK_PEER" 2001:db8:9::/126 AllowedIPs
		echo "  help: replace 2001:db8:9::/126, without the endpoint: AllowedIPs = 2001:db8:9::/128, 2001:db8:9::2/127"
		echo "  help: or keep a route to the endpoint outside the tunnel: ip -6 route add 2001:db8:9::1 via GATEWAY")
	on a wg-quick down wg0
	# The longest list that one endpoint needs.
	file "Address = fd99::1/128" "::/1, 8000::/1" "[2001:db8:9::1]:5"
	run -0 on a wg-quick up wg0
	[ "$(messages | grep -c .)" = 3 ]
	[ "$(messages | sed -n 's/.*endpoint: AllowedIPs = //p' | tr , '\n' | grep -c .)" = 127 ]
	[ "$(messages | tail -n 1)" = "  help: or use ::/0 instead of its two halves: then policy rules keep the encrypted packets out of the tunnel" ]
	on a sed -i "s|^AllowedIPs = .*|$(messages | sed -n 's/.*endpoint: //p'), 8000::/1|" /etc/wireguard/wg0.conf
	run -0 on a wg-quick reload wg0
	[ -z "$(messages)" ]
	in_net a ip route get 2001:db8:9::1 | grep ' dev eth0 '
	in_net a ip route get 2001:db8:9::2 | grep ' dev wg0 '
	on a wg-quick down wg0
	silent "Address = fd99::1/128" ::/0 "[2001:db8:9::1]:5"
}

@test "captured endpoints: the halves of a default route, a default route in the main table, and a single address" {
	file "" "0.0.0.0/1, 128.0.0.0/1" 203.0.113.1:5
	run -0 on a wg-quick up wg0
	[ "$(messages | head -n 1)" = "$(warning 203.0.113.1:5 "$QUICK_PEER" 128.0.0.0/1 AllowedIPs)" ]
	[ "$(messages | tail -n 1)" = "  help: or use 0.0.0.0/0 instead of its two halves: then policy rules keep the encrypted packets out of the tunnel" ]
	on a wg-quick down wg0
	silent "" 0.0.0.0/0 203.0.113.1:5
	in_net a ip route delete default
	in_net a ip route add default via 192.168.5.254 metric 100
	file "Table = main" 0.0.0.0/0 203.0.113.1:5
	run -0 on a wg-quick up wg0
	[ "$(messages | head -n 1)" = "$(warning 203.0.113.1:5 "$QUICK_PEER" 0.0.0.0/0 AllowedIPs)" ]
	on a wg-quick down wg0
	# Everything for the endpoint is to be encrypted, the encrypted packets included.
	file "" 203.0.113.1/32 203.0.113.1:5
	run -0 on a wg-quick up wg0
	[ "$(messages | head -n 2)" = "$(warning 203.0.113.1:5 "$QUICK_PEER" 203.0.113.1/32 AllowedIPs)
  help: remove 203.0.113.1/32 from AllowedIPs" ]
}

@test "captured endpoints: a full tunnel with a longer allowed IP around the endpoint" {
	file "" "0.0.0.0/0, 203.0.113.0/30" 203.0.113.1:5
	run -0 on a wg-quick up wg0
	[ "$(messages | head -n 2)" = "$(warning 203.0.113.1:5 "$QUICK_PEER" 203.0.113.0/30 AllowedIPs)
  help: replace 203.0.113.0/30, without the endpoint: AllowedIPs = 203.0.113.0/32, 203.0.113.2/31" ]
	in_net a ip route get 203.0.113.1 mark 51820 | grep ' dev wg0 '
}

@test "captured endpoints: several peers" {
	local n
	# One list without both endpoints; the allowed IPs are those of another peer.
	file "" 10.9.0.0/24 10.1.2.0:5 10.1.2.0/30 10.1.2.3:6
	run -0 on a wg-quick up wg0
	diff <(messages) <(warning 10.1.2.0:5 "$QUICK_PEER" 10.1.2.0/30 AllowedIPs
		warning 10.1.2.3:6 "$KEY_2" 10.1.2.0/30 AllowedIPs
		echo "  help: replace 10.1.2.0/30, without the endpoints: AllowedIPs = 10.1.2.1/32, 10.1.2.2/32"
		echo "  help: or keep a route to the endpoint outside the tunnel: ip -4 route add 10.1.2.0 via GATEWAY")
	on a wg-quick down wg0
	# Only the one that is captured.
	file "" 10.9.0.0/24 192.168.5.254:5 10.1.2.0/30 10.1.2.3:6
	run -0 on a wg-quick up wg0
	[ "$(messages | grep -c warning)" = 1 ]
	on a wg-quick down wg0
	# Many of them: neither the number of messages nor their length is without bound.
	{
		printf '[Interface]\nPrivateKey = %s\n' "$QUICK_KEY"
		for n in $(seq 1 200); do
			printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.%s.0.0/16\nEndpoint = 10.%s.7.7:5\n' \
				"$(head -c 32 /dev/urandom | base64)" "$n" "$n"
		done
	} | tunnel a wg0
	run -0 on a wg-quick up wg0
	[ "$(messages | grep -c "warning: the endpoint")" = 8 ]
	messages | grep -qx "wg-quick: wg0: warning: so are the endpoints of 192 other peers"
	[ "$(messages | grep -c .)" -lt 16 ]
	on a wg-quick down wg0
}

@test "no warning where the kernel routes the encrypted packets elsewhere" {
	in_net a ip route add default via 192.168.5.254 table 100
	in_net a ip rule add fwmark 77 table 100
	silent "" 192.168.0.0/16 192.168.5.254:5 # a connected network with a longer prefix
	silent "" 192.168.0.0/16 192.168.5.1:5   # an address of the host itself
	silent "" 10.0.0.0/8 192.0.2.1:5
	silent "Table = off" 10.0.0.0/8 10.1.2.3:5
	silent "Table = 1234" 10.0.0.0/8 10.1.2.3:5
	silent "FwMark = 77" 10.0.0.0/8 10.1.2.3:5
	# By the source port of the encrypted packets, and by what hooks do.
	in_net a ip rule add ipproto udp sport 7777 table 100
	silent "ListenPort = 7777" 10.0.0.0/8 10.1.2.3:5
	silent "PostUp = ip route add 10.1.2.3 via 192.168.5.254
PostDown = ip route del 10.1.2.3 via 192.168.5.254" 10.0.0.0/8 10.1.2.3:5
	silent "PostUp = wg set %i fwmark 77" 10.0.0.0/8 10.1.2.3:5
	# But not with another port.
	file "ListenPort = 7778" 10.0.0.0/8 10.1.2.3:5
	run -0 on a wg-quick up wg0
	messages | grep -q warning
}

@test "no warning in a namespace to which the interface was moved" {
	file "" 10.0.0.0/8 10.1.2.3:5
	on a ip netns add x
	on a wireguardd wg0
	on a ip link set wg0 netns x
	run -0 on a ip netns exec x wg-quick reload wg0
	on a ip -n x route get 10.1.2.3 | grep ' dev wg0 '
	[ -z "$(messages | grep warning:)" ]
}

@test "captured endpoints: by the route of an address, by peers of hooks, and before a hook that fails for it" {
	file "Address = 10.0.0.1/8" 10.0.0.2/32 10.1.2.3:5
	run -0 on a wg-quick up wg0
	diff <(messages) <(warning 10.1.2.3:5 "$QUICK_PEER" 10.0.0.0/8 Address
		echo "  help: use a longer prefix in Address, for example /32")
	on a wg-quick down wg0
	file "PostUp = wg set %i peer $KEY_2 endpoint 10.1.2.3:5 allowed-ips 10.1.2.0/24; ip route add 10.1.2.0/24 dev %i" 10.9.0.0/24 192.0.2.1:5
	run -0 on a wg-quick up wg0
	[ "$(messages | head -n 1)" = "$(warning 10.1.2.3:5 "$KEY_2" 10.1.2.0/24 AllowedIPs)" ]
	on a wg-quick down wg0
	file "PostUp = ping -c 1 -W 1 10.1.2.3" 10.0.0.0/8 10.1.2.3:5
	run -1 on a wg-quick up wg0
	messages | grep -qF "$(warning 10.1.2.3:5 "$QUICK_PEER" 10.0.0.0/8 AllowedIPs)"
	! in_net a ip link show wg0
}
