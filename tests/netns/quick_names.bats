# Names of peers of tunnels that wg-quick brought up: after a rename of the link, and with a tunnel file that is elsewhere.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

name_of_peer() { on a wg show "$1" names; }

@test "names follow a renamed interface, also if another tunnel file has the new name" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.7.0.2/32
	# Name = office"
	on a wg-quick up wg0
	[ "$(name_of_peer wg0)" = "$QUICK_PEER	office" ]
	on a ip link set wg0 down
	on a ip link set wg0 name wg1
	eventually 5 on a wg show wg1
	[ "$(name_of_peer wg1)" = "$QUICK_PEER	office" ]
	# Without a private key in the files only the journal tells which is right.
	on a sed -i '/^PrivateKey/d' /etc/wireguard/wg0.conf
	on a sh -c 'sed s/office/wrong/ /etc/wireguard/wg0.conf > /etc/wireguard/wg1.conf'
	[ "$(name_of_peer wg1)" = "$QUICK_PEER	office" ]
	[ "$(on a wg show wg1 peers @office)" = "$QUICK_PEER" ]
	on a wg set wg1 peer @office persistent-keepalive 25
	[ "$(on a wg show wg1 persistent-keepalive)" = "$QUICK_PEER	25" ]
}

@test "a tunnel file outside /etc/wireguard" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.7.0.2/32
	# Name = office"
	on a sh -c 'mkdir /run/files && mv /etc/wireguard/wg0.conf /run/files/tunnel.conf'
	on a wg-quick up /run/files/tunnel.conf
	[ "$(name_of_peer tunnel)" = "$QUICK_PEER	office" ]
	on a wg-quick down /run/files/tunnel.conf
}
