# Netns and --netns: the interface in a network namespace, its packets outside.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	on gw wireguardd wg0
	on gw sh -c 'umask 077; echo 0BVsDM+pBSD1GoHJTCVaRCs8VPvdbKkTwSDLBSmFEkk= > /run/key; wg set wg0 listen-port 5801 private-key /run/key
		ip address add 10.7.0.2/24 dev wg0; ip address add fd07::2/64 dev wg0; ip link set wg0 up'
	on a sh -c 'ip netns add x; ip netns delete x' # makes /run/netns
	peer=$(on gw wg show wg0 public-key)
	on gw wg set wg0 peer "$(on gw sh -c 'echo "$1" | wg pubkey' - "$QUICK_KEY")" allowed-ips 10.7.0.1/32,fd07::1/128
}
teardown() { net_end; }

# file INTERFACE-LINES ALLOWED-IPS: a tunnel to gw.
file() {
	tunnel a wg0 <<- END
	[Interface]
	PrivateKey = $QUICK_KEY
	Address = 10.7.0.1/24, fd07::1/64
	$1
	[Peer]
	PublicKey = $peer
	AllowedIPs = $2
	Endpoint = 192.168.5.254:5801
	END
}

inside() { on a ip netns exec private "$@"; }
is_up_inside() { inside ping -qc 1 -w 30 10.7.0.2; }
# no_netns NAME: there is no such namespace, nor a file of it.
no_netns() { on a test ! -e "/run/netns/$1"; }
# state: of the namespace outside, and the files of namespaces.
state() { quick_state; on a sh -c 'ls -d /run/netns/* /etc/netns /etc/netns/* 2> /dev/null' || true; }

@test "the interface, addresses, default routes and name servers are in the namespace, the packets outside" {
	file "Netns = private
DNS = 10.7.0.53, corp.example
PreUp = echo pre %i %n > /run/hooks; ip netns exec %n ip link show dev %i > /dev/null
PostUp = echo post %i %n \$(readlink /proc/self/ns/net) >> /run/hooks
PostDown = echo down %i %n >> /run/hooks" "0.0.0.0/0, ::/0"
	none=$(state)
	on a wg-quick up wg0
	not on a ip link show dev wg0
	is_up_inside
	inside ping -6 -qc 1 -w 30 fd07::2
	[[ $(inside ip -4 route show default) == "default dev wg0 "* ]]
	[[ $(inside ip -6 route show default) == "default dev wg0 "* ]]
	[ "$(inside ip -4 rule | wc -l)" -eq 3 ]
	[ "$(inside wg show wg0 fwmark)" = off ]
	[[ $(inside cat /etc/resolv.conf) == *"nameserver 10.7.0.53"* ]]
	on a grep -qx "nameserver 192.168.5.254" /etc/resolv.conf
	[[ $(on a ip route get 198.51.100.1) == *"dev eth0"* ]]
	[[ $(inside ip route get 198.51.100.1) == *"dev wg0"* ]]
	[ "$(on a cat /run/hooks)" = "pre wg0 private
post wg0 private $(on a readlink /proc/self/ns/net)" ]
	run on a wg-quick diff wg0
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $(on a wg-quick status wg0) == *"10.7.0.1/24"*"handshake"* ]]
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[[ $output == *"\`wg0' already exists"* ]]
	on a wg-quick down wg0
	no_netns private
	[ "$(on a tail -n 1 /run/hooks)" = "down wg0 private" ]
	on a rm /run/hooks
	quick_settled "$none" state
}

@test "reload, save and restart work in the namespace; a change of Netns needs restart" {
	file "Netns = private" "10.7.0.0/24"
	none=$(state)
	on a wg-quick up wg0
	on a sed -i 's/^AllowedIPs.*/AllowedIPs = 10.7.0.0\/24, 10.9.0.0\/16/; s/^Address.*/Address = 10.7.0.1\/24, 10.7.9.1\/32/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	[[ $(inside ip -4 route show 10.9.0.0/16) == *"dev wg0"* ]]
	[[ $(inside ip -o -4 address show dev wg0) == *10.7.9.1/32* ]]
	run on a wg-quick diff wg0
	[ -z "$output" ]
	is_up_inside
	on a wg set wg0 peer "$peer" persistent-keepalive 25
	on a wg-quick save wg0
	on a grep -qx "PersistentKeepalive = 25" /etc/wireguard/wg0.conf
	on a grep -qx "Netns = private" /etc/wireguard/wg0.conf
	[[ $(on a wg-quick strip wg0) != *Netns* ]]
	on a sed -i 's/^Netns.*/Netns = other/' /etc/wireguard/wg0.conf
	for verb in diff reload; do
		run on a wg-quick "$verb" wg0
		[ "$status" -eq 1 ]
		[[ $output == *"wg-quick: wg0: the tunnel is in network namespace private, but the file specifies network namespace other"*"help: run "* ]]
	done
	on a wg-quick restart wg0
	on a ip netns exec other ping -qc 1 -w 30 10.7.0.2
	no_netns private
	on a wg-quick down wg0
	quick_settled "$none" state
}

@test "a namespace that exists stays; one of ours stays while others use it" {
	on a ip netns add private
	file "Netns = private
DNS = 10.7.0.53" "10.7.0.0/24"
	on a sh -c 'mkdir -p /etc/netns/private; echo "nameserver 192.0.2.1" > /etc/netns/private/resolv.conf'
	none=$(state)
	on a wg-quick up wg0
	is_up_inside
	[[ $(inside cat /etc/resolv.conf) == *"nameserver 10.7.0.53"* ]]
	on a wg-quick down wg0
	[ "$(on a cat /etc/netns/private/resolv.conf)" = "nameserver 192.0.2.1" ]
	quick_settled "$none" state
	on a ip netns delete private
	on a rm -r /etc/netns
	none=$(state)
	for other in "ip -n private link add dummy0 type bridge" "exec ip netns exec private sleep 100 3>&-"; do
		on a wg-quick up wg0
		on a sh -c "$other" & # the link, or a process
		pid=$!
		in_use() { [ -n "$(on a ip -n private -o link show dev dummy0 2> /dev/null)" ] || on a pgrep -fx "sleep 100"; }
		eventually 5 in_use
		on a wg-quick down wg0
		inside true
		on a sh -c 'ip -n private link delete dummy0 2> /dev/null; pkill -x sleep; true'
		wait "$pid" || true
		on a wg-quick up wg0
		on a wg-quick down wg0
		no_netns private
	done
	# Whether a process uses it is not known: the next down deletes it.
	on a wg-quick up wg0
	run -1 on a strace -f -o /dev/null -P /proc -e trace=openat -e inject=openat:error=EMFILE wg-quick down wg0
	[[ $output == *"Too many open files"* ]]
	inside true
	on a wg-quick down wg0
	no_netns private
	quick_settled "$none" state
}

@test "--netns, which reload, status and restart know; nonsense is refused" {
	file "" "10.7.0.0/24"
	none=$(state)
	on a wg-quick --netns private up wg0
	is_up_inside
	run on a wg-quick diff wg0
	[ -z "$output" ]
	on a wg-quick reload wg0
	on a wg-quick restart wg0
	is_up_inside
	[[ $(on a wg-quick status wg0) == *"10.7.0.1/24"* ]]
	on a wg-quick down wg0
	on a wg-quick up --netns=private wg0
	is_up_inside
	on a wg-quick down wg0
	quick_settled "$none" state
	for value in ../x a/b "a b" . -x; do
		run on a wg-quick up "--netns=$value" wg0
		[ "$status" -eq 1 ]
		[[ $output == *"option \`--netns' needs the name of a network namespace"* ]]
		file "Netns = $value" "10.7.0.0/24"
		run on a wg-quick up wg0
		[ "$status" -eq 1 ]
		[[ $output == *"/etc/wireguard/wg0.conf:4:"*"error: Netns: expected the name of a network namespace"* ]]
	done
	file "Netns = private
KillSwitch = on" "10.7.0.0/24"
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[[ $output == *"KillSwitch and a network namespace cannot be combined"* ]]
	run on a wg-quick down --netns private wg0
	[[ $output == *"down does not accept the option \`--netns'"* ]]
	quick_settled "$none" state
}

@test "an interface of this name in the namespace, and a lost namespace, journal or file" {
	on a ip netns add private
	on a ip -n private link add wg0 type bridge
	file "Netns = private
DNS = 10.7.0.53" "10.7.0.0/24"
	none=$(state)
	run on a wg-quick up wg0
	[ "$status" -ne 0 ]
	[[ $output == *"wg-quick: wg0: cannot move the interface to network namespace private: "* ]]
	quick_settled "$none" state
	on a ip -n private link show dev wg0
	on a ip -n private link delete wg0
	none=$(state)
	on a wg-quick up wg0
	on a sh -c 'rm /run/wgsuite/wg0@*'
	on a wg-quick down wg0
	quick_settled "$none" state
	on a wg-quick up wg0
	on a mv /etc/wireguard/wg0.conf /etc/saved.conf
	on a wg-quick down wg0
	on a mv /etc/saved.conf /etc/wireguard/wg0.conf
	quick_settled "$none" state
	on a wg-quick up wg0
	on a ip netns delete private
	on a wg-quick down wg0
	eventually 20 not on a pgrep -x wireguardd # the kernel takes its time
	on a ip netns add private
	# While the kernel destroyed the namespace, `down` may have seen the interface: then its record of endpoints is removed by
	# the next command that lists the interfaces.
	on a wg show interfaces
	quick_settled "$none" state
}

# another_namespace INODE: namespace "private" is another one, with the inode number that ours had.
another_namespace() {
	on a ip netns add private
	[ "$(on a stat -Lc %i /run/netns/private)" != "$1" ] || return 0
	on a ip netns delete private
	return 1
}

@test "a namespace that has the name and the inode number of ours is not deleted, nor is a file there followed" {
	file "Netns = private" "10.7.0.0/24"
	none=$(state)
	on a wg-quick up wg0
	inode=$(on a stat -Lc %i /run/netns/private)
	on a ip netns delete private
	eventually 20 another_namespace "$inode"
	on a wg-quick down wg0
	[ "$(on a stat -Lc %i /run/netns/private)" = "$inode" ]
	on a ip netns delete private
	eventually 20 not on a pgrep -x wireguardd
	on a wg show interfaces
	quick_settled "$none" state
	on a ln -s /run/elsewhere /run/netns/private
	run on a wg-quick up wg0
	[ "$status" -ne 0 ]
	on a test ! -e /run/elsewhere
	on a rm /run/netns/private
	quick_settled "$none" state
}

@test "the printed commands do the same" {
	file "Netns = private
ExcludeIPs = 10.9.1.0/24
RouteMetric = 9" "0.0.0.0/0"
	on a wg-quick up --dry-run wg0 > "$NET_DIR/dry"
	diff "$NET_DIR/dry" - <<- END
	[#] ip netns add private
	[#] ip -n private link set dev lo up
	[#] ip link add dev wg0 type wireguard || wireguardd wg0
	[#] ip link set dev wg0 netns private
	[#] ip netns exec private wg addconf wg0 /dev/fd/63 63< <(wg-quick strip /etc/wireguard/wg0.conf)
	[#] ip -n private -4 address add 10.7.0.1/24 dev wg0
	[#] ip -n private -6 address add fd07::1/64 dev wg0
	[#] ip -n private link set mtu 1420 up dev wg0
	$(on a wg-quick up --dry-run wg0 | grep " route ")
	END
	[ "$(grep -c "ip -n private -4 route add .* metric 9" "$NET_DIR/dry")" -eq 24 ]
	sed 's/^\[#\] //' "$NET_DIR/dry" > "$NET_DIR/commands"
	on a bash -e < "$NET_DIR/commands"
	is_up_inside
	by_hand=$(inside ip -4 route)
	on a ip netns delete private
	eventually 5 not on a pgrep -x wireguardd
	on a wg-quick up wg0
	[ "$(inside ip -4 route)" = "$by_hand" ]
	on a wg-quick down wg0
}
