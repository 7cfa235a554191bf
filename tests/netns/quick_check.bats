# Warnings of the checker that `up` and `reload` print.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	on a mkdir -p /etc/wireguard
}
teardown() { net_end; }

# conf [PEER-LINE…]: two peers with the same allowed IP.
conf() {
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.8.0.1/24
		PostUp = iptables -A FORWARD -i %i -j ACCEPT || true
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 10.60.0.0/16
		[Peer]
		PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
		AllowedIPs = $1
	END
}

@test "up and reload print the warnings of check about keys and allowed IPs, in its words; advice is for check alone" {
	cd "$NET_DIR"
	conf 10.60.0.0/16
	on a wg-quick check wg0 > all || true
	grep -F '[hook-without-inverse]' all
	sed -n '/allowed-ips-moved/,/help:/p' all > want
	[ "$(wc -l < want)" = 7 ]
	on a wg-quick up wg0 2> err
	grep -vE '^\[[#!]\]' err | grep -A6 -F '[allowed-ips-moved]' | diff want -
	if grep -F hook-without-inverse err; then
		return 1
	fi
	conf 10.61.0.0/16
	on a wg-quick reload wg0 2> err
	if grep -F allowed-ips-moved err; then
		return 1
	fi
	conf 10.60.0.0/16
	on a wg-quick reload wg0 2> err
	grep -vE '^\[[#!]\]' err | grep -A6 -F '[allowed-ips-moved]' | diff want -
	on a wg-quick strip wg0 > /dev/null 2> err
	[ ! -s err ]
	on a wg-quick down wg0 2> err
	if grep -F allowed-ips-moved err; then
		return 1
	fi
}
