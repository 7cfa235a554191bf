# wg-quick monitor and endpoints: names that change, that cannot be resolved at first, or have one family only; lists; name
# servers that do not answer. What depends on minutes is tested with simulated time (tests/unit/quick/monitor).
load ../lib/netns
load ../lib/quick

SERVER_KEY=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=

# The server has several addresses on the uplink; 192.168.5.99 and 192.168.5.98 are nobody's.
setup() {
	net_begin
	quick_host
	SERVER=$(on a wg pubkey <<< "$SERVER_KEY") CLIENT=$(on a wg pubkey <<< "$QUICK_KEY")
	in_net gw ip address add 192.168.5.253/24 dev eth0
	tunnel gw wg0 <<- END
		[Interface]
		PrivateKey = $SERVER_KEY
		ListenPort = 51820
		Address = 10.7.0.1/24
		[Peer]
		PublicKey = $CLIENT
		AllowedIPs = 10.7.0.2/32
	END
	on gw wg-quick up wg0
	echo 'hosts: files' | on a sh -c 'cat > /etc/nsswitch.conf'
}
teardown() { [ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG" >&2; net_end; }

hosts() { printf '%s\n' "127.0.0.1 localhost" "$@" | on a sh -c 'cat > /etc/hosts'; }

# client ENDPOINT [LINE]: brings up the tunnel on host a.
client() {
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.7.0.2/24
		[Peer]
		PublicKey = $SERVER
		AllowedIPs = 10.7.0.0/24
		Endpoint = $1
		${2-}
	END
	on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
}

monitor_start() {
	on_bg a wg-quick monitor
	MONITOR=$BG LOG=$BG_LOG
	eventually 5 monitor_waits
}
monitor_waits() { on a grep -q "^Seccomp:[[:space:]]*2" "/proc/$(on a pgrep -o -fx "wg-quick monitor")/status"; }
says() { grep -qF -- "$1" "$LOG"; }
endpoint() { on a wg show wg0 endpoints | cut -f2; }
is_at() { [ "$(endpoint)" = "$1" ]; }
replies() { on a ping -c 1 -W 1 10.7.0.1 > /dev/null; }
# The host gets an address, as in another network.
network_changes() { in_net a ip address add "192.168.5.$((100 + ++changes))/24" dev eth0; }
changes=0

@test "a name that could not be resolved at up is retried" {
	hosts
	client vpn.test:51820
	is_at "(none)"
	monitor_start
	hosts "192.168.5.254 vpn.test"
	eventually 15 is_at 192.168.5.254:51820
	eventually 5 replies
	eventually 5 says "wg0: peer $(cut -c1-8 <<< "$SERVER")...: endpoint 192.168.5.254:51820 (vpn.test:51820)"
}

@test "a name that stands for another address is followed when the network changes, and a roaming peer is left alone" {
	hosts "192.168.5.99 vpn.test"
	client vpn.test:51820
	is_at 192.168.5.99:51820
	monitor_start
	hosts "192.168.5.254 vpn.test"
	network_changes
	eventually 10 is_at 192.168.5.254:51820
	eventually 5 replies
	# A handshake is younger than 135 s: whatever the name says now, the peer is where its packets come from.
	hosts "192.168.5.98 vpn.test"
	network_changes
	on a wg set wg0 peer "$SERVER" endpoint 192.168.5.253:51820
	eventually 5 replies
	hosts "192.168.5.254 vpn.test"
	network_changes
	eventually 5 looks_up
	is_at 192.168.5.253:51820
}
# A child of the helper has looked up a name since the names were written.
looks_up() { on a sh -c 'stat -c "%.X %.Y" /etc/hosts | awk "{ exit !(\$1 >= \$2) }"'; }

@test "of a name with both families, the address with a route is used" {
	hosts "2001:db8:5::fe vpn.test" "192.168.5.254 vpn.test"
	client vpn.test:51820
	is_at '[2001:db8:5::fe]:51820'
	monitor_start
	eventually 5 replies
	in_net a ip -6 address flush dev eth0 scope global # a network without IPv6
	in_net a ip -6 route flush default
	eventually 10 is_at 192.168.5.254:51820
	eventually 5 replies
	hosts "2001:db8:5::fe vpn.test"
	in_net a ip -6 address add 2001:db8:5::1/64 dev eth0 nodad
	in_net a ip -4 address flush dev eth0
	eventually 10 is_at '[2001:db8:5::fe]:51820'
	eventually 5 replies
}

@test "the next endpoint of a list is used when the first does not answer" {
	hosts "192.168.5.254 b.test"
	client "192.168.5.99:51820, b.test:51820"
	is_at 192.168.5.99:51820
	monitor_start
	on_bg a ping -q -i 0.2 10.7.0.1
	eventually 45 is_at 192.168.5.254:51820
	eventually 10 replies
	eventually 5 says "endpoint 192.168.5.254:51820 (b.test:51820)"
	[ -z "$(on a wg-quick diff wg0)" ] # the file has it
}

@test "a name server that does not answer delays neither repairs nor other tunnels" {
	in_net gw nft -f - <<< 'table inet x { chain c { type filter hook input priority 0; udp dport 53 drop; }; }'
	echo 'hosts: files dns' | on a sh -c 'cat > /etc/nsswitch.conf'
	hosts
	for i in $(seq 20); do
		tunnel a "t$i" <<- END
			[Interface]
			PrivateKey = $(on a wg genkey)
			[Peer]
			PublicKey = $SERVER
			Endpoint = vpn$i.test:51820
			AllowedIPs = 10.100.$i.0/24
		END
	done
	echo 'hosts: files' | on a sh -c 'cat > /etc/nsswitch.conf'
	for i in $(seq 20); do on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up "t$i" 2> /dev/null; done
	echo 'hosts: files dns' | on a sh -c 'cat > /etc/nsswitch.conf'
	monitor_start
	waits_for_dns() { [ "$(on a pgrep -c -f "wg-quick monitor")" -ge 10 ]; } # the monitor, its helper, 8 look-ups
	eventually 5 waits_for_dns
	on a ip route delete 10.100.7.0/24 dev t7
	has_route() { on a ip route show 10.100.7.0/24 | grep -q t7; }
	eventually 3 has_route
	few() { [ "$(on a pgrep -c -f "wg-quick monitor")" -le 12 ]; }
	within 5 few # besides those that look at tunnels, for a moment
}

@test "endpoints of a reload are followed" {
	hosts "192.168.5.99 a.test" "192.168.5.254 b.test"
	client a.test:51820
	monitor_start
	on a sed -i 's/^Endpoint.*/Endpoint = b.test:51820/' /etc/wireguard/wg0.conf
	hosts "192.168.5.99 a.test" "192.168.5.98 b.test"
	on a wg-quick reload wg0
	is_at 192.168.5.98:51820
	hosts "192.168.5.254 b.test"
	network_changes
	eventually 10 is_at 192.168.5.254:51820
	eventually 5 replies
}

@test "a daemon that is started again has the endpoint that was found last" {
	hosts
	client vpn.test:51820
	monitor_start
	hosts "192.168.5.254 vpn.test"
	eventually 15 is_at 192.168.5.254:51820
	hosts # the name is gone, as behind a full tunnel
	old=$(on a pgrep -x wireguardd)
	on a kill -9 "$old"
	on a wg show wg0 > /dev/null || true # removes the socket, by which the endpoint was recorded
	is_new() { local now; now=$(on a pgrep -x wireguardd) && [[ $now =~ ^[0-9]+$ && $now != "$old" ]]; }
	eventually 5 is_new
	eventually 5 replies
	eventually 5 is_at 192.168.5.254:51820
}
