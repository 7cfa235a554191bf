# Interfaces that hooks or people rename or move to another network namespace.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	on a ip netns add s2s
}
teardown() { net_end; }

hub() {
	tunnel a hub <<- END
		[Interface]
		${2-PrivateKey = $QUICK_KEY}
		Table = off
		$1
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 0.0.0.0/0, ::/0
	END
}

nothing_is_left() {
	[ -z "$(on a sh -c 'ip -o link; ip -n s2s -o link' | grep -E 'hub|renamed')" ]
	eventually 5 not on a pgrep wireguardd
	[ -z "$(on a find /run/wgsuite/ /run/wireguard/ -type f -o -type s 2>/dev/null | tee /dev/stderr)" ]
}

@test "down removes an interface that a hook moved to a namespace, and up works again" {
	hub "PostUp = ip link set %i netns s2s
PostUp = ip -n s2s link set %i up"
	for i in 1 2; do
		on a wg-quick up hub
		on a ip -n s2s link show hub
		run on a wg-quick down hub
		[ "$status" -eq 0 ]
		nothing_is_left
	done
}

@test "renamed, moved and renamed, moved by another program: all are found" {
	hub "PostUp = ip link set %i down; ip link set %i name renamed; ip link set renamed up"
	on a wg-quick up hub
	on a ip link show renamed
	run on a wg-quick down hub
	[ "$status" -eq 0 ]
	[[ $output == *"[#] ip link delete dev renamed"* ]]
	nothing_is_left
	hub "PostUp = ip link set %i down; ip link set %i name renamed netns s2s"
	on a wg-quick up hub
	on a ip -n s2s link show renamed
	on a wg-quick down hub
	nothing_is_left
	hub ""
	on a wg-quick up hub
	on a ip link set hub netns s2s
	on a wg-quick down hub
	nothing_is_left
}

@test "another interface of the same name in another namespace is left alone" {
	hub ""
	on a wg-quick up hub
	on a ip link del hub
	eventually 5 not on a pgrep wireguardd
	on a wireguardd hub # of another tunnel, in another namespace
	on a sh -c 'umask 077; wg genkey > /run/key; wg set hub private-key /run/key'
	on a ip link set hub netns s2s
	run on a wg-quick down hub
	[ "$status" -eq 0 ]
	on a ip -n s2s link show hub
	on a ip -n s2s link del hub
	eventually 5 not on a pgrep wireguardd
}

@test "without a key in the file down reports what it cannot recognise, and fails" {
	on a sh -c 'umask 077; wg genkey > /run/key'
	hub "PostUp = wg set %i private-key /run/key
PostUp = ip link set %i netns s2s" ""
	on a wg-quick up hub
	run on a wg-quick down hub
	[ "$status" -ne 0 ]
	[[ $output == *"wg-quick: hub: the interface was moved to another network namespace, and cannot be recognised there without PrivateKey in the tunnel file
  help: delete it where it is: ip -n NAMESPACE link delete dev hub"* ]]
	on a ip -n s2s link del hub
	eventually 5 not on a pgrep wireguardd
}

@test "another tunnel with the same key is left alone, here and in another namespace" {
	hub ""
	tunnel a other <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
	END
	for move in true "ip link set other netns s2s"; do
		on a wg-quick up hub
		on a wg-quick up other
		on a $move
		on a ip link delete hub
		on a wg-quick down hub
		on a pgrep -fx "wireguardd other"
		on a wg-quick down other
		nothing_is_left
	done
}

@test "a daemon of another namespace that has the same key, and was never moved, is left alone" {
	hub ""
	on a ip netns exec s2s wireguardd foreign
	on a sh -c 'umask 077; echo "$1" > /run/key' - "$QUICK_KEY"
	on a wg set foreign private-key /run/key
	on a wg-quick up hub
	on a ip link delete hub
	run -0 on a wg-quick down hub
	[[ $output != *foreign* ]]
	on a ip -n s2s link show foreign
	on a pgrep -fx "wireguardd foreign"
	on a ip -n s2s link delete foreign
	eventually 5 not on a pgrep wireguardd
	nothing_is_left
}
