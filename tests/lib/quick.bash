# Test host with an uplink, tunnel files and state comparisons for the tests of wg-quick.
# `load ../lib/netns` first.

QUICK_KEY=oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=
QUICK_PEER=Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=

# quick_host: creates host "a", with host "gw" as its default gateway.
quick_host() {
	host a gw
	wire a eth0 "192.168.5.1/24 2001:db8:5::1/64" gw eth0 "192.168.5.254/24 2001:db8:5::fe/64"
	route a default via 192.168.5.254
	in_net a ip -6 route add default via 2001:db8:5::fe
	echo "nameserver 192.168.5.254" | on a tee /etc/resolv.conf > /dev/null
}

# quick_file NAME INTERFACE-LINES ALLOWED-IPS: writes a tunnel file with one peer on host a.
quick_file() {
	tunnel a "$1" <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	$2
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = $3
	Endpoint = 192.168.5.254:5801
	END
}

# quick_state: prints all state of host a that a tunnel could change or leave behind, for comparisons.
quick_state() {
	host_sh a <<-'END'
	echo "# links"; ip -o link show | sed 's/^[0-9]*: //'
	echo "# addresses"; ip -o address show | sed 's/^[0-9]*: //; s/ tentative//; s/valid_lft.*//'
	echo "# routes"; ip -4 route show table all | sort; ip -6 route show table all | sort
	echo "# rules"; ip -4 rule; ip -6 rule
	echo "# nft"; nft list ruleset 2>/dev/null || true
	echo "# sysctl"; cat /proc/sys/net/ipv4/conf/all/src_valid_mark
	echo "# resolv.conf"; stat -c '%a %u %g' /etc/resolv.conf; cat /etc/resolv.conf
	echo "# files"; find /run /etc/wireguard /etc/resolv.conf* ! -path /run/wireguard ! -path '/run/mount*' | sort
	echo "# processes"; ps -eo comm= | grep -E '^(wireguardd|wireguard-go|wg-quick)$' || true
	END
}

# quick_settled STATE: waits until quick_state prints STATE, as a killed daemon may exit a moment later.
quick_settled() {
	local want=$1
	quick_same() { [ "$(quick_state)" = "$want" ]; }
	eventually 5 quick_same && return
	diff <(echo "$want") <(quick_state) >&2
	return 1
}
