# wg-quick up and down: the state while the tunnel is up, and that down restores the previous state.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	before=$(quick_state)
}
teardown() { net_end; }

FULL="Address = 10.7.0.1/24, fd07::1/64"

@test "a split tunnel: addresses, MTU, routes, and the command trace" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "10.7.0.2/32, 10.8.0.0/16, fd08::/64"
	before=$(quick_state)
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[ "$(grep -v -e '^\[!\]' -e wireguardd <<< "$output")" = "[#] ip link add dev wg0 type wireguard
[#] wg addconf wg0 /dev/fd/63
[#] ip -4 address add 10.7.0.1/24 dev wg0
[#] ip -6 address add fd07::1/64 dev wg0
[#] ip link set mtu 1420 up dev wg0
[#] ip -6 route add fd08::/64 dev wg0
[#] ip -4 route add 10.8.0.0/16 dev wg0" ]
	[ "$(on a ip -4 route show dev wg0 proto boot)" = "10.8.0.0/16 scope link " ]
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[ "$output" = "wg-quick: \`wg0' already exists" ]
	run on a wg-quick down wg0
	[ "$status" -eq 0 ]
	[ "$output" = "[#] ip link delete dev wg0" ]
	quick_settled "$before"
	run on a wg-quick down wg0
	[ "$status" -eq 1 ]
	[ "$output" = "wg-quick: \`wg0' is not a WireGuard interface" ]
}

@test "a full tunnel: all traffic except the encrypted packets and the local network" {
	quick_file wg0 "$FULL" "0.0.0.0/0, ::/0"
	before=$(quick_state)
	on a wg-quick up wg0
	[ "$(on a wg show wg0 fwmark)" = 0xca6c ]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0 table 51820"* ]]
	[[ $(on a ip route get 8.8.8.8 mark 51820) == *"via 192.168.5.254 dev eth0"* ]]
	[[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
	[[ $(on a ip -6 route get 2001:db8:77::1) == *"dev wg0 table 51820"* ]]
	[[ $(on a ip -6 route get 2001:db8:77::1 mark 51820) == *"dev eth0"* ]]
	[ "$(on a ip -4 rule)" = "$(printf '%s\n' $'0:\tfrom all lookup local' \
		$'32764:\tfrom all lookup main suppress_prefixlength 0' \
		$'32765:\tnot from all fwmark 0xca6c lookup 51820' $'32766:\tfrom all lookup main' \
		$'32767:\tfrom all lookup default')" ]
	[ "$(on a cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" -eq 1 ]
	on a nft list table ip wg-quick-wg0 | grep -q 'iifname != "wg0" ip daddr 10.7.0.1 fib saddr type != local drop'
	on a nft list table ip6 wg-quick-wg0 | grep -q 'ip6 daddr fd07::1'
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "down restores the state: IPv4 only, IPv6 only, Table = 777, main and off, FwMark" {
	for case in "Address = 10.7.0.1/24|0.0.0.0/0" "Address = fd07::1/64|::/0" "Table = 777|10.8.0.0/16, 0.0.0.0/0" \
		"Table = main|10.8.0.0/16" "Table = off|0.0.0.0/0" "FwMark = 0x123|0.0.0.0/0"; do
		quick_file wg0 "${case%|*}" "${case#*|}"
		state=$(quick_state)
		on a wg-quick up wg0
		on a wg-quick down wg0
		quick_settled "$state"
	done
}

@test "three full tunnels: down in any order removes only its own rules and tables" {
	for i in 0 1 2; do quick_file wg$i "Address = 10.7.$i.1/24, fd07:$i::1/64" "0.0.0.0/0, ::/0"; done
	none=$(quick_state)
	for order in "0 1 2" "2 1 0" "1 0 2" "1 2 0"; do
		for i in 0 1 2; do on a wg-quick up wg$i; done
		[[ $(on a ip route get 8.8.8.8) == *"dev wg2"* ]]
		# Encrypted packets do not enter another tunnel.
		for mark in 51820 51821 51822; do
			[[ $(on a ip route get 8.8.8.8 mark $mark) == *"dev eth0"* ]]
			[[ $(on a ip -6 route get 2001:db8:9::1 mark $mark) == *"dev eth0"* ]]
		done
		left="0 1 2"
		for i in $order; do
			on a wg-quick down wg$i
			left=${left/$i/}
			for k in $left; do
				[[ $(on a ip -4 rule) == *"lookup $((51820 + k))"* ]]
				on a nft list table ip wg-quick-wg$k > /dev/null
				[ "$(on a cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" -eq 1 ]
			done
			[[ $(on a ip -4 rule) != *"lookup $((51820 + i))"* ]]
			[ -z "${left// /}" ] || [[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
		done
		quick_settled "$none"
	done
}

@test "a second full tunnel with the same fwmark is an error" {
	for i in 0 1; do
		quick_file wg$i "Address = 10.7.$i.1/24, fd07:$i::1/64
FwMark = 77" "0.0.0.0/0, ::/0"
	done
	none=$(quick_state)
	on a wg-quick up wg0
	one=$(quick_state)
	run -2 on a wg-quick up wg1
	[[ $output == *"cannot add route "*": another interface already has this route"* ]]
	quick_settled "$one"
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "six full tunnels start in parallel, as at boot, and stop in parallel" {
	for i in 0 1 2 3 4 5; do quick_file wg$i "Address = 10.7.$i.1/24, fd07:$i::1/64" "0.0.0.0/0, ::/0"; done
	none=$(quick_state)
	in_parallel() {
		on a bash -c 'for i in 0 1 2 3 4 5; do wg-quick $1 wg$i & p[i]=$!; done
			for i in 0 1 2 3 4 5; do wait ${p[i]} || exit; done' - "$1"
	}
	for round in 1 2 3; do
		in_parallel up
		for mark in 51820 51821 51822 51823 51824 51825; do
			[[ $(on a ip route get 8.8.8.8 mark $mark) == *"dev eth0"* ]]
			[[ $(on a ip -6 route get 2001:db8:9::1 mark $mark) == *"dev eth0"* ]]
		done
		[[ $(on a ip route get 8.8.8.8) == *"dev wg"* && $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
		in_parallel down
		quick_settled "$none"
	done
}

@test "an up that waits for DNS blocks no other tunnel, and can be interrupted" {
	quick_file wg1 "$FULL" "0.0.0.0/0, ::/0"
	quick_file wg0 "" "0.0.0.0/0
[Peer]
PublicKey = KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=
Endpoint = far.example:1"
	on a sh -c 'grep -v "192.168.5.254:5801" /etc/wireguard/wg0.conf > /run/x; cat /run/x > /etc/wireguard/wg0.conf; rm /run/x'
	none=$(quick_state)
	on_bg a env WG_ENDPOINT_RESOLUTION_RETRIES=infinity wg-quick up wg0
	resolving=$BG
	eventually 20 grep -q 'Trying again' "$BG_LOG"
	ON_LIMIT=60 on a wg-quick up wg1
	on a wg-quick down wg1
	# A down that waits for the lock can be interrupted as well.
	on_bg a wg-quick down wg0
	eventually 5 on a pgrep -f '^wg-quick down wg0'
	on a pkill -TERM -f '^wg-quick down wg0'
	has_ended() { ! kill -0 "$1" 2> /dev/null; }
	eventually 5 has_ended "$BG"
	on a pkill -TERM -f '^wg-quick up wg0'
	eventually 20 has_ended $resolving
	quick_settled "$none"
}

@test "down without the tunnel file, with a changed file, and without the journal" {
	quick_file wg0 "$FULL
PostUp = touch /run/was-up
PostDown = rm /run/was-up" "0.0.0.0/0, ::/0"
	before=$(quick_state)
	on a wg-quick up wg0
	on a cp -p /etc/wireguard/wg0.conf "$NET_DIR/saved.conf"
	on a rm /etc/wireguard/wg0.conf
	on a wg-quick down wg0
	on a cp -p "$NET_DIR/saved.conf" /etc/wireguard/wg0.conf
	quick_settled "$before"

	on a wg-quick up wg0
	quick_file wg0 "Table = off
PostDown = touch /run/of-another-file" "10.0.0.0/8"
	on a wg-quick down wg0
	on a cp -p "$NET_DIR/saved.conf" /etc/wireguard/wg0.conf
	quick_settled "$before"

	on a wg-quick up wg0
	on a sh -c 'rm -r /run/wgsuite; echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark'
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "down and up clean up after a killed daemon" {
	quick_file wg0 "$FULL" "0.0.0.0/0, ::/0"
	before=$(quick_state)
	for then in down up; do
		on a wg-quick up wg0
		on a pkill -KILL -x wireguardd
		link_removed() { ! in_net a ip link show wg0; }
		eventually 5 link_removed
		eventually 5 no_daemons a # its sockets are closed after the link is gone
		on a wg-quick $then wg0
		[ $then = down ] || on a wg-quick down wg0
		quick_settled "$before"
	done
}

@test "down works for tunnels of Debian's wg-quick, and the reverse" {
	[ -x "$WGSUITE_PEERS/wg-quick" ] || skip "Debian's wg-quick is not available"
	theirs() {
		on a env WG_QUICK_USERSPACE_IMPLEMENTATION="$WGSUITE_BUILD/wireguardd" \
			bash "$WGSUITE_PEERS/wg-quick" "$@"
	}
	state() { quick_state | sed '/wgsuite/d; /^# sysctl/,+1d'; } # Debian's leaves the sysctl and the journal
	for i in 0 1; do quick_file wg$i "Address = 10.7.$i.1/24, fd07:$i::1/64" "0.0.0.0/0, ::/0"; done
	expected=$(state)
	theirs up wg0
	on a wg-quick down wg0
	quick_settled "$expected" state
	on a wg-quick up wg0
	theirs down wg0
	# Debian's does not know the unreachable routes of the tunnel's table, which no rule uses any more.
	used_state() { state | sed '/^unreachable default .*51820/d'; }
	quick_settled "$expected" used_state
	on a ip route del unreachable default table 51820 metric 32767
	on a ip -6 route del unreachable default table 51820 metric 32767
	# Of two tunnels of Debian's wg-quick, down removes only the given one.
	theirs up wg0
	theirs up wg1
	on a wg-quick down wg0
	[[ $(on a ip -4 rule) == *$'32762:\tfrom all lookup main suppress_prefixlength 0'*$'32763:\tnot from all fwmark 0xca6d'* ]]
	[[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
	on a wg-quick down wg1
	quick_settled "$expected" state
}

@test "the commands that --dry-run prints give the same state as up" {
	host b bgw
	wire b eth0 "192.168.5.1/24 2001:db8:5::1/64" bgw eth0 "192.168.5.254/24 2001:db8:5::fe/64"
	route b default via 192.168.5.254
	in_net b ip -6 route add default via 2001:db8:5::fe
	echo "nameserver 192.168.5.254" | on b tee /etc/resolv.conf > /dev/null
	state() {
		on "$1" bash -c 'ip -o link show wg0 | sed "s/^[0-9]*: //"; ip -o address show dev wg0 | sed "s/^[0-9]*: //"
			ip -4 route show table all | sort; ip -6 route show table all | grep -v fe80 | sort; ip rule; ip -6 rule
			nft list ruleset; cat /proc/sys/net/ipv4/conf/all/src_valid_mark; grep -v "^#" /etc/resolv.conf
			wg showconf wg0 | grep -v ListenPort; cat /run/hook'
	}
	for allowed in "0.0.0.0/0, ::/0, 10.9.0.0/16" "10.8.0.0/16, fd08::/64"; do
		quick_file wg0 "$FULL
DNS = 10.7.0.53, corp.example
PostUp = echo '%i'; echo done > /run/hook" "$allowed"
		on a cat /etc/wireguard/wg0.conf | on b install -m 600 /dev/stdin /etc/wireguard/wg0.conf
		on b wg-quick up --dry-run wg0 | sed 's/^\[#\] //' > "$NET_DIR/commands"
		on a wg-quick up wg0
		on b bash -e -s < "$NET_DIR/commands"
		diff <(state a) <(state b)
		on a wg-quick down wg0
		on b wg-quick down wg0 || on b ip link delete wg0
		on b sh -c 'echo "nameserver 192.168.5.254" > /etc/resolv.conf
			echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark'
	done
}

@test "down waits for a running up of the same tunnel" {
	quick_file wg0 "PostUp = echo up >> /run/order; read -t 0.3 < /run/fifo || true; echo done >> /run/order
PostDown = echo down >> /run/order" "10.8.0.0/16"
	on a mkfifo /run/fifo
	on_bg a wg-quick up wg0
	first=$BG
	eventually 5 on a grep -q up /run/order
	on a sh -c 'exec 3<>/run/fifo; wg-quick down wg0'
	[ "$(on a cat /run/order | xargs)" = "up done down" ]
	run ! in_net a ip link show wg0
}

@test "hooks can call wg-quick for their own tunnel" {
	quick_file wg0 "PostUp = wg-quick save %i" "10.8.0.0/16"
	ON_LIMIT=60 on a wg-quick up wg0
	on a wg-quick down wg0
	# From a hook of another tunnel.
	quick_file wg1 "PostUp = wg-quick save wg0" "10.9.0.0/16"
	quick_file wg0 "PostUp = wg-quick up wg1
PreDown = wg-quick down wg1" "10.8.0.0/16"
	before=$(quick_state)
	ON_LIMIT=60 on a wg-quick up wg0
	ON_LIMIT=60 on a wg-quick down wg0
	quick_settled "$before"
	# A PostUp hook calls down; a PostDown hook calls up; a background process of a hook calls down.
	quick_file wg0 "PostUp = wg-quick down %i" "0.0.0.0/0"
	before=$(quick_state)
	ON_LIMIT=60 on a wg-quick up wg0
	quick_settled "$before"
	quick_file wg0 "PostDown = [ -e /run/once ] || { touch /run/once; wg-quick up %i; }" "0.0.0.0/0"
	before=$(quick_state)
	ON_LIMIT=60 on a wg-quick up wg0
	ON_LIMIT=60 on a wg-quick down wg0
	on a wg show wg0 > /dev/null
	ON_LIMIT=60 on a wg-quick down wg0
	on a rm /run/once
	quick_settled "$before"
	on a mkfifo /etc/fifo
	quick_file wg0 "PostUp = { read -r go < /etc/fifo; wg-quick down %i; } > /dev/null 2>&1 &" "10.8.0.0/16"
	before=$(quick_state)
	ON_LIMIT=60 on a wg-quick up wg0
	on a sh -c 'echo go > /etc/fifo'
	quick_settled "$before"
}

@test "a failed up removes its interface if a hook renamed it, and leaves one that another program created" {
	quick_file wg0 "PreUp = ip link set %i name other
PostUp = false" "0.0.0.0/0"
	before=$(quick_state)
	run on a wg-quick up wg0
	[ "$status" -ne 0 ]
	quick_settled "$before"
	# Created by another program after wg-quick found no such interface.
	on a install -D -m 755 /dev/stdin /etc/impl <<-'END'
	#!/bin/sh
	ip link add "$1" type veth peer name other; exit 1
	END
	run on a env WG_QUICK_USERSPACE_IMPLEMENTATION=/etc/impl wg-quick up wg0
	[ "$status" -eq 1 ]
	in_net a ip link show wg0
}

@test "down removes the state of a deleted interface if another program created one of the same name" {
	quick_file wg0 "$FULL
DNS = 10.7.0.53" "0.0.0.0/0, ::/0"
	before=$(quick_state)
	on a wg-quick up wg0
	on a ip link delete dev wg0
	eventually 5 no_daemons a
	on a wireguardd wg0
	on a wg-quick down wg0
	quick_settled "$before"
	run ! on a wg-quick down wg0
}

@test "down does not wait for a stopped daemon" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0"
	before=$(quick_state)
	on a wg-quick up wg0
	on a pkill -STOP -x wireguardd
	ON_LIMIT=60 on a wg-quick down wg0
	on a pkill -CONT -x wireguardd
	quick_settled "$before"
}

@test "up after down, although the daemon notices late that its interface is gone" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0"
	before=$(quick_state)
	on a wg-quick up wg0
	daemon=$(on a pgrep -x wireguardd) || skip "the kernel has WireGuard"
	on_bg a strace -f -q -o /dev/null -e inject=epoll_pwait,epoll_wait:delay_exit=700000 -p "$daemon"
	eventually 5 on a grep -q "^TracerPid:.[1-9]" "/proc/$daemon/status"
	on a wg-quick down wg0
	on a wg-quick up wg0
	[ "$(on a pgrep -x wireguardd)" != "$daemon" ]
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "up and down with only CAP_NET_ADMIN" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
	on a sh -c 'install -d -o nobody /home/nobody && install -o nobody -m 600 /etc/wireguard/wg0.conf /home/nobody/wg0.conf
		mkdir -p /run/wireguard && chown nobody /run/wireguard && chmod 666 /dev/net/tun' || skip "cannot open /dev/net/tun"
	as_nobody() {
		on a setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +net_admin --ambient-caps +net_admin "$@"
	}
	as_nobody wg-quick up /home/nobody/wg0.conf
	[[ $(on a ip route) == *"10.8.0.0/16 dev wg0"* ]]
	as_nobody wg-quick down /home/nobody/wg0.conf
	run ! in_net a ip link show wg0
}
