# A server with ufw, and a client behind a NAT router that redirects the tunnel's port to it.
#
#   client .2 ---- 192.168.5.1 nat 203.0.113.5 ---- 203.0.113.254 net 207.180.207.254 ---- .206 server
load ../lib/netns
load ../lib/hosts

setup() { net_begin; }
teardown() { net_end; }

PRIVATE=2IHAoIOz+tWxRZ4oRlI1xHiD5FADVBTKOePnLSZNSkw= # the client's key in the published setup
PUBLIC=jrmb57ih/aiW/a3/eLWP4Aq4av2UkcQyDpTkVaHq0ks=

ufw_rules() { on "$1" sh -c 'iptables -S; ip6tables -S; ufw status verbose; ufw status numbered'; }

@test "a server with ufw and a client behind NAT: up and down twice leave the firewall rules unchanged" {
	needs_hosts
	host net nat server client
	router net
	wire net e0 207.180.207.254/24 server ens3 207.180.207.206/24
	wire net e1 203.0.113.254/24 nat wan0 203.0.113.5/24
	wire nat lan0 192.168.5.1/24 client eth0 192.168.5.2/24
	route server default via 207.180.207.254
	route nat default via 203.0.113.254
	route client default via 192.168.5.1
	in_net net ip address add 198.51.100.1/32 dev lo
	router nat server
	on nat nft -f - <<-END
	table ip nat {
		chain in { type nat hook prerouting priority dstnat; iifname "wan0" udp dport 51820 dnat to 192.168.5.2; }
		chain out { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
	}
	END
	# Key files as in the published setup.
	host_sh server <<-'END'
	cd /etc/wireguard
	umask 077
	wg genkey | tee /etc/wireguard/privatekey | wg pubkey | tee /etc/wireguard/publickey > /dev/null
	END
	[ "$(on server stat -c '%a %s' /etc/wireguard/privatekey)" = "600 45" ]
	[ "$(on server stat -c '%a %s' /etc/wireguard/publickey)" = "600 45" ]
	hooks='PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o ens3 -j MASQUERADE
PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o ens3 -j MASQUERADE'
	tunnel server wg0 <<-END
	[Interface]
	Address = 10.0.0.1/24
	SaveConfig = true
	ListenPort = 51820
	PrivateKey = $(on server cat /etc/wireguard/privatekey)
	$hooks

	[Peer]
	PublicKey = $PUBLIC
	AllowedIPs = 10.0.0.2/32
	END
	tunnel client wg0 <<-END
	[Interface]
	Address = 10.0.0.2/24
	ListenPort = 51820
	PrivateKey = $PRIVATE


	[Peer]
	PublicKey = $(on server cat /etc/wireguard/publickey)
	AllowedIPs = 0.0.0.0/0
	Endpoint = 207.180.207.206:51820
	PersistentKeepalive = 20
	END
	install_ufw server
	on server ufw allow ssh
	on server ufw allow 51820/udp
	on server ufw --force enable
	[[ $(on server ufw status verbose) == *"Status: active"*"Default: deny (incoming), allow (outgoing)"*51820/udp* ]]
	before=$(ufw_rules server)
	for round in 1 2; do
		on server wg-quick up wg0
		on client wg-quick up wg0
		[ "$(on client wg show wg0 persistent-keepalive | cut -f2)" = 20 ]
		pings client 10.0.0.1
		pings client 198.51.100.1
		# The server initiates through the redirected port.
		on server wg set wg0 peer $PUBLIC endpoint 203.0.113.5:51820
		pings server 10.0.0.2
		[[ $(on server iptables -S FORWARD) == *"-A FORWARD -i wg0 -j ACCEPT"* ]]
		on client wg-quick down wg0
		on server wg-quick down wg0
		diff <(echo "$before") <(echo "$(ufw_rules server)")
	done
	# With the port closed by the firewall there is no handshake.
	on server ufw delete allow 51820/udp
	on nat conntrack -F
	on server wg-quick up wg0
	on server wg set wg0 peer $PUBLIC remove
	on server wg set wg0 peer $PUBLIC allowed-ips 10.0.0.2/32
	on server conntrack -F
	on client wg-quick up wg0
	run ! on client ping -n -c 3 -i 0.2 -W 1 10.0.0.1
	[ "$(latest_handshake server wg0 $PUBLIC)" = 0 ]
}

@test "warnings about files that others can read, and about host bits in AllowedIPs" {
	host server
	run -0 --separate-stderr on server sh -c 'umask 022; cd /run; wg genkey > key'
	[ "$stderr" = "Warning: writing to world accessible file.
Consider setting the umask to 077 and trying again." ]
	run -0 --separate-stderr on server sh -c 'umask 077; cd /run; wg genkey > key077'
	[ -z "$stderr" ]
	tunnel server wg0 <<-END
	[Interface]
	Address = 10.0.0.1/24
	PrivateKey = $PRIVATE
	[Peer]
	PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
	AllowedIPs = 10.192.122.3/32, 10.192.124.1/24
	END
	run -0 --separate-stderr on server wg-quick up wg0
	echo "$stderr"
	[[ $stderr == *"Warning: AllowedIP has nonzero host part: 10.192.124.1/24"* ]]
	[[ $stderr != *"world accessible"* ]]
	[[ $(on server wg show wg0 allowed-ips) == *"10.192.122.3/32 10.192.124.0/24" ]]
	on server sh -c 'wg-quick strip wg0 > /run/stripped' 2>/dev/null
	run -0 --separate-stderr on server wg setconf wg0 /run/stripped
	echo "$stderr"
	[[ $stderr == *"Warning: AllowedIP has nonzero host part: 10.192.124.1/24"* ]]
	on server wg-quick down wg0
	# Only if both the file and the folder are accessible.
	on server chmod 644 /etc/wireguard/wg0.conf
	run -0 --separate-stderr on server wg-quick strip wg0
	[[ $stderr != *"world accessible"* ]]
	on server chmod 755 /etc/wireguard
	run -0 --separate-stderr on server wg-quick strip wg0
	[[ $stderr == *"Warning: \`/etc/wireguard/wg0.conf' is world accessible"* ]]
}
