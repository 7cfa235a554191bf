# Datagrams that leave as one message (UDP_SEGMENT): what one path refuses does not change how others are sent.
load ../lib/netns

setup() {
	net_begin
	host s g e
}
teardown() { net_end; }

# tunnels S-FOR-G S-FOR-E G E: a daemon on each host; s is the peer of g and e. The endpoints are those that g and e use
# for s, and s for g and e.
tunnels() {
	local h n=0
	for h in s g e; do
		on $h wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KS=$(on s wg show wg0 public-key) KG=$(on g wg show wg0 public-key) KE=$(on e wg show wg0 public-key)
	on s wg set wg0 peer "$KG" allowed-ips 10.9.0.2/32 endpoint "$3:5000" \
		peer "$KE" allowed-ips 10.9.0.3/32 endpoint "$4:5000"
	on g wg set wg0 peer "$KS" allowed-ips 10.9.0.0/24 endpoint "$1:5000"
	on e wg set wg0 peer "$KS" allowed-ips 10.9.0.0/24 endpoint "$2:5000"
	for h in s g e; do net_up $h wg0 10.9.0.$((n += 1))/24; done
	for h in s g e; do on $h sh -c 'wg show wg0 > /dev/null'; done # replies after it has processed the link event
	on s nft -f - <<- END
	table inet t {
		counter g { }
		counter e { }
		chain out {
			type filter hook output priority 0;
			oifname wg0 accept
			meta length > 2000 ip daddr $V4_G counter name g
			meta length > 2000 ip daddr $V4_E counter name e
			meta length > 2000 ip6 daddr $V6_G counter name g
			meta length > 2000 ip6 daddr $V6_E counter name e
		}
	}
	END
	pings s 10.9.0.2
	pings s 10.9.0.3
}

# joined HOST: how many messages of more than one datagram s has sent to this host.
joined() { on s nft list counter inet t "$1" | grep -o 'packets [0-9]*' | cut -d' ' -f2; }

# transfer HOST: sends three megabytes over TCP from s through the tunnel.
transfer() {
	local to=10.9.0.$([ "$1" = g ] && echo 2 || echo 3)
	on_bg "$1" socat -u TCP4-LISTEN:7000,reuseaddr OPEN:/run/got,creat,trunc
	eventually 5 on "$1" sh -c 'ss -Htln "sport = :7000" | grep -q .'
	on s sh -c "head -c 3000000 /dev/zero | socat -u - TCP4:$to:7000"
	eventually 5 on "$1" sh -c '[ "$(stat -c %s /run/got)" = 3000000 ] && ! ss -Htln "sport = :7000" | grep -q .'
}

# leaves_joined HOST: s sends data to this host in messages of many datagrams.
leaves_joined() {
	local before
	before=$(joined "$1")
	transfer "$1"
	[ "$(joined "$1")" -gt "$before" ]
}

# send_super_packet: sends 40 datagrams of 80 bytes to e in one system call.
send_super_packet() {
	on s perl -MSocket=:all -e '
		socket(S, AF_INET, SOCK_DGRAM, 0);
		setsockopt(S, 17, 103, 80); # UDP_SEGMENT
		send(S, "x" x 3200, 0, sockaddr_in(7001, inet_aton("10.9.0.3"))) or die "$!"'
}

# two_links: s has a link to g and one to e.
two_links() {
	V4_G=10.0.1.2 V4_E=10.0.2.2 V6_G=fd01::2 V6_E=fd02::2
	wire s v1 "10.0.1.1/24 fd01::1/64" g v1 "$V4_G/24 $V6_G/64"
	wire s v2 "10.0.2.1/24 fd02::1/64" e v2 "$V4_E/24 $V6_E/64"
}

@test "a peer to which nothing can be sent does not stop joining for another" {
	two_links
	tunnels 10.0.1.1 10.0.2.1 "$V4_G" "$V4_E"
	leaves_joined g
	on s wg set wg0 peer "$KE" endpoint "$V4_E:0"
	for i in 1 2 3; do send_super_packet; done
	eventually 5 pings s 10.9.0.2
	leaves_joined g
	on s wg set wg0 peer "$KE" endpoint "$V4_E:5000"
	leaves_joined e
}

@test "port 0 is not learned as the endpoint of a peer" {
	two_links
	tunnels 10.0.1.1 10.0.2.1 "$V4_G" "$V4_E"
	on e nft -f - <<- 'END'
	table ip t {
		chain post { type filter hook postrouting priority 0; udp dport 5000 udp sport set 0; }
	}
	END
	pings e 10.9.0.1
	[ "$(on s wg show wg0 endpoints | grep -F "$KE" | cut -f2)" = "$V4_E:5000" ]
	on e wg set wg0 peer "$KS" remove # and by a handshake
	on e wg set wg0 peer "$KS" allowed-ips 10.9.0.0/24 endpoint 10.0.2.1:5000
	pings e 10.9.0.1
	[ "$(on s wg show wg0 endpoints | grep -F "$KE" | cut -f2)" = "$V4_E:5000" ]
	leaves_joined g
}

@test "a narrow IPv6 path does not stop joining for others, and joins again when it is wider" {
	host r
	V4_G=10.0.0.2 V4_E=10.0.0.3 V6_G=fd02::2 V6_E=fd03::2
	wire s v0 fd01::1/64 r v0 fd01::2/64
	wire r v1 fd02::1/64 g v0 fd02::2/64
	wire r v2 fd03::1/64 e v0 fd03::2/64
	router r
	route s default via fd01::2
	route g default via fd02::1
	route e default via fd03::1
	tunnels '[fd01::1]' '[fd01::1]' "[$V6_G]" "[$V6_E]"
	leaves_joined g
	leaves_joined e
	in_net r ip link set v2 mtu 1452
	in_net e ip link set v0 mtu 1452
	transfer e
	[[ $(in_net s ip -6 route get fd03::2) == *"mtu 1452"* ]]
	leaves_joined g
	in_net r ip link set v2 mtu 1500
	in_net e ip link set v0 mtu 1500
	in_net s ip -6 route flush cache
	route s fd77::/64 via fd01::2 # an event that makes the daemon try again
	eventually 10 leaves_joined e
}
