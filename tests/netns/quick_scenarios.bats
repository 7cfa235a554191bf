# Published setups with wg-quick and wireguardd: two servers and a roaming client with a default route, and a mesh of
# three sites with SaveConfig.
load ../lib/netns

setup() { net_begin; }
teardown() { net_end; }

# keys HOST…: creates private keys in K[HOST] and public keys in P[HOST].
keys() {
	declare -gA K P
	local name
	for name in "$@"; do
		K[$name]=$(on "$name" wg genkey)
		P[$name]=$(on "$name" wg pubkey <<< "${K[$name]}")
	done
}

HOOKS='PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE; iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE; iptables -D FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'

@test "two servers and a roaming client with DNS and a default route" {
	host net s1 s2 client
	router net
	wire net e1 "10.1.0.254/24" s1 eth0 "10.1.0.1/24"
	wire net e2 "10.2.0.254/24" s2 eth0 "10.2.0.1/24"
	wire net e3 "10.77.1.254/24" client wifi "10.77.1.2/24"
	wire net e4 "10.77.2.254/24" client mobile "10.77.2.2/24"
	in_net net ip address add 198.51.100.1/32 dev lo
	route s1 default via 10.1.0.254
	route s2 default via 10.2.0.254
	route client default via 10.77.1.254
	router s1 s2
	for h in s1 s2 client; do
		add_hosts_entry $h 10.1.0.1 wgserver1.example.com
		add_hosts_entry $h 10.2.0.1 wgserver2.example.com
	done
	echo "nameserver 10.77.1.254" | on client tee /etc/resolv.conf > /dev/null
	keys s1 s2 client
	tunnel s1 wg0 <<-END
	[Interface]
	Address = 192.168.42.1/24
	$HOOKS
	ListenPort = 1194
	PrivateKey = ${K[s1]}

	[Peer]
	PublicKey = ${P[s2]}
	AllowedIPs = 192.168.42.2/32, 192.168.42.0/24
	Endpoint = wgserver2.example.com:1194
	PersistentKeepalive = 25

	[Peer]
	PublicKey = ${P[client]}
	AllowedIPs = 192.168.42.100/32
	END
	tunnel s2 wg0 <<-END
	[Interface]
	Address = 192.168.42.2/24
	$HOOKS
	ListenPort = 1194
	PrivateKey = ${K[s2]}

	[Peer]
	PublicKey = ${P[s1]}
	AllowedIPs = 192.168.42.1/32, 192.168.42.0/24
	Endpoint = wgserver1.example.com:1194

	[Peer]
	PublicKey = ${P[client]}
	AllowedIPs = 192.168.42.100/32
	END
	tunnel client wg0 <<-END
	[Interface]
	Address = 192.168.42.100/24
	DNS = 1.1.1.1
	PrivateKey = ${K[client]}

	[Peer]
	PublicKey = ${P[s1]}
	AllowedIPs = 0.0.0.0/0
	Endpoint = wgserver1.example.com:1194

	[Peer]
	PublicKey = ${P[s2]}
	AllowedIPs = 192.168.42.2/32, 192.168.42.0/24
	Endpoint = wgserver2.example.com:1194
	END
	for h in s1 s2 client; do on $h wg-quick up wg0; done
	on client grep -qx 'nameserver 1.1.1.1' /etc/resolv.conf
	pings client 192.168.42.2
	pings client 198.51.100.1 # through server 1
	[[ $(on client ip route get 198.51.100.1) == *"dev wg0"* ]]
	# The client changes from the wifi to the mobile network while it sends.
	on_bg client ping -n -i 0.1 -c 40 -w 20 198.51.100.1
	eventually 10 grep -q icmp_seq=10 "$BG_LOG"
	on client ip route replace default via 10.77.2.254
	is_mobile() { [[ $(on s1 wg show wg0 endpoints) == *"${P[client]}	10.77.2.2:"* ]]; }
	eventually 10 is_mobile # replies to before may still be on their way
	on client ip link set wifi down
	ping_ended() { ! kill -0 "$BG"; }
	eventually 25 ping_ended
	replies_in_order 40 < "$BG_LOG"
	is_mobile
	for h in s1 s2 client; do on $h wg-quick down wg0; done
	[ "$(on s1 iptables -S FORWARD)" = "-P FORWARD ACCEPT" ]
	on client grep -qx 'nameserver 10.77.1.254' /etc/resolv.conf
}

@test "a mesh of three sites; SaveConfig keeps comments and adds no link-local address" {
	lan sw
	host giant moly raspi
	plug sw giant eth0 192.168.1.10/24
	plug sw moly eth0 192.168.1.162/24
	plug sw raspi eth0 192.168.1.200/24
	keys giant moly raspi
	declare -A outer=([giant]=192.168.1.10 [moly]=192.168.1.162 [raspi]=192.168.1.200)
	declare -A inner=([giant]=172.16.1.1 [moly]=172.16.1.2 [raspi]=172.16.1.3)
	for h in giant moly raspi; do
		{
			printf '#%s\n[Interface]\nAddress = %s/24\nSaveConfig = true\nListenPort = 5555\nPrivateKey = %s\n' \
				$h ${inner[$h]} ${K[$h]}
			for other in giant moly raspi; do
				[ $other = $h ] || printf '\n#%s\n[Peer]\nPublicKey = %s \nAllowedIPs = %s/32\nEndpoint = %s:5555\n' \
					$other ${P[$other]} ${inner[$other]} ${outer[$other]}
			done
		} | tunnel $h wg0
		on $h cp /etc/wireguard/wg0.conf /run/original
		on $h wg-quick up wg0
	done
	for h in giant moly raspi; do
		for other in giant moly raspi; do
			[ $other = $h ] || COUNT=2 pings $h ${inner[$other]}
		done
	done
	for h in giant moly raspi; do
		on $h wg-quick down wg0
		on $h cmp /run/original /etc/wireguard/wg0.conf
	done
}
