# The records of endpoints that were configured last, in /run/wgsuite: that of a device which another program removed is
# not used for a later one, and is removed. Kernel devices: tests/vm/guest.sh.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	on a sh -c 'umask 077; wg genkey > /run/key'
	start
}
teardown() { net_end; }

# start: a daemon for wg0, with an endpoint that wg sets.
start() {
	on a wireguardd wg0
	on a wg set wg0 private-key /run/key peer "$QUICK_PEER" endpoint 192.0.2.1:5
	[ "$(records)" = endpoints.wg0@0 ]
}

records() { on a sh -c 'ls /run/wgsuite 2> /dev/null | grep ^endpoints' || true; }

# removed: the next command that lists the devices removes the record.
removed() {
	[ "$(records)" = endpoints.wg0@0 ]
	on a wg show interfaces
	[ -z "$(records)" ]
}

# bring_up: the same endpoint, set by wg-quick.
bring_up() {
	on a ip link delete wg0
	eventually 10 daemon_ended
	removed
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	[Peer]
	PublicKey = $QUICK_PEER
	Endpoint = 192.0.2.1:5
	END
	on a wg-quick up wg0
	[ "$(records)" = endpoints.wg0@0 ]
}

# daemon_ended: the process has ended and the kernel has removed its TUN device, which can take longer.
daemon_ended() { ! on a pgrep -x wireguardd > /dev/null && ! on a ip link show wg0 2> /dev/null; }

@test "endpoint record: ip link delete" {
	on a ip link delete wg0
	eventually 10 daemon_ended
	removed
}

@test "endpoint record: a daemon that was killed, and the next one" {
	on a kill -KILL "$(on a pgrep -fx "wireguardd wg0")"
	eventually 10 daemon_ended
	removed
	start
	on a kill -KILL "$(on a pgrep -fx "wireguardd wg0")"
	eventually 10 daemon_ended
	on a wireguardd wg0
	removed # by its time, although the name is in use
}

@test "endpoint record: ip netns delete" {
	on a kill -KILL "$(on a pgrep -fx "wireguardd wg0")"
	eventually 10 daemon_ended
	on a wg show interfaces
	on a ip netns add blue
	on a ip netns exec blue wireguardd wg0
	on a ip netns exec blue wg set wg0 peer "$QUICK_PEER" endpoint 192.0.2.1:5
	on a wg show interfaces # the socket is that of all namespaces
	[ "$(records)" = endpoints.wg0@0 ]
	on a sh -c 'kill -KILL $(ip netns pids blue)'
	eventually 10 daemon_ended
	on a ip netns delete blue
	removed
}

@test "endpoint record: wg-quick of Debian brings the tunnel down" {
	[ -e "$WGSUITE_PEERS/wg-quick" ] || skip "tests/lib/get-peers.sh $WGSUITE_PEERS has not been run"
	bring_up
	on a bash "$WGSUITE_PEERS/wg-quick" down wg0
	eventually 10 daemon_ended
	removed
}

@test "endpoint record: up and down leave none" {
	bring_up
	on a wg-quick down wg0
	[ -z "$(records)" ]
}
