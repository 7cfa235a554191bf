# wg-quick status --health: a line for each problem, and the exit status.
load ../lib/netns
load ../lib/quick

setup() { net_begin; }
teardown() { net_end; }

# healthy [ARGUMENT…]; sick LINE [ARGUMENT…]: the whole output is this line.
healthy() { [ -z "$(on a wg-quick status --health "$@" 2>&1)" ]; }
sick() {
	local line=$1 out status=0
	shift
	out=$(on a wg-quick status --health "$@" 2>&1) || status=$?
	[ "$status" = 1 ] && [ "$out" = "$line" ] || fail "status $status:" "$out"
}

@test "what is healthy and what is not: no tunnel, down, died, set down, another file, a broken file, name servers" {
	quick_host
	sick "no tunnel is up"
	quick_file wg0 "Address = 10.8.0.2/24
		DNS = 10.8.0.1" 10.8.0.0/24
	sick "wg0: not up: wg-quick up wg0" wg0
	sick "no tunnel is up"
	on a wg-quick up wg0
	healthy
	healthy wg0
	healthy /etc/wireguard/wg0.conf
	sick "nope: not up: wg-quick up nope" nope
	sick "eth0: not a WireGuard interface" eth0

	on a ip link set wg0 down
	sick "wg0: set down: ip link set up dev wg0"
	on a ip link set wg0 up
	on a wg-quick reload wg0
	healthy

	on a sed -i 's/^Address.*/&, 10.8.1.2\/24/' /etc/wireguard/wg0.conf
	sick "wg0: the tunnel differs from its file: reload would add address 10.8.1.2/24: wg-quick reload wg0"
	on a wg-quick reload wg0
	healthy
	echo "Nonsense = 1" | on a tee -a /etc/wireguard/wg0.conf > /dev/null
	sick "wg0: /etc/wireguard/wg0.conf has 1 error: wg-quick check /etc/wireguard/wg0.conf explains"
	on a sed -i '$d' /etc/wireguard/wg0.conf
	echo "nameserver 192.0.2.9" | on a tee /etc/resolv.conf > /dev/null
	sick "wg0: another program has replaced the name servers of the tunnel: wg-quick reload wg0"
	on a wg-quick reload wg0
	healthy
	# While the kernel removes the interface as well, problems are printed and no errors.
	run on a sh -c 'kill -KILL $(pgrep -x wireguardd); for i in 1 2 3 4; do wg-quick status --health; done 2>&1'
	[[ $output == "wg0: "* && $output != *wg-quick:* ]]
	died() { sick "wg0: its daemon has died: wg-quick restart wg0" || sick "wg0: the interface is gone, though the tunnel was not taken down: wg-quick restart wg0"; }
	eventually 5 died
}

@test "a server that does not answer makes a client unhealthy, a client that does not answer no server" {
	quick_host
	quick_file wg0 "Address = 10.8.0.2/24" "10.8.0.0/24
		PersistentKeepalive = 25"
	on a wg-quick up wg0
	sick "wg0: Jixsag44... does not answer: wg-quick doctor wg0 finds out why"
	on a wg-quick down wg0
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 51820
	Address = 10.8.0.1/24
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 10.8.0.2/32
	PersistentKeepalive = 25
	END
	on a wg-quick up wg0
	healthy
}
