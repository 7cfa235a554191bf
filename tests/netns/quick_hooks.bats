# Hooks: owners of their files, errors, and that reload and diff keep their effects.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# messages STATUS LINES: runs `up` with these hooks, which fails with STATUS; $output gets the messages without the trace.
messages() {
	quick_file wg0 "$2" "10.8.0.0/16"
	run "-$1" on a wg-quick up wg0
	output=$(grep -v -e '^\[' <<< "$output")
}

@test "20: a failed hook is reported with line and status, after its own messages" {
	messages 1 'PostUp = false; echo x'
	[ "$output" = "wg-quick: wg0: PostUp on line 3 failed with status 1: false; echo x" ]
	messages 1 'PreUp = true
PreUp = f() { local x=1; false | cat; }; f'
	[ "$output" = "wg-quick: wg0: PreUp on line 4 failed with status 1: f() { local x=1; false | cat; }; f" ]
	messages 7 'PostUp = echo said >&2; ( exit 7 )'
	[ "$output" = "said
wg-quick: wg0: PostUp on line 3 failed with status 7: echo said >&2; ( exit 7 )" ]
	messages 127 'PostUp = nosuchcommand a'
	[ "$output" = "wg-quick: nosuchcommand: command not found
wg-quick: wg0: PostUp on line 3 failed with status 127: nosuchcommand a" ]
	messages 143 'PostUp = trap "echo bye >&2" EXIT; kill $BASHPID; true'
	[ "$output" = "bye
wg-quick: wg0: PostUp on line 3 failed with status 143: trap \"echo bye >&2\" EXIT; kill \$BASHPID; true" ]
	quick_file wg0 'PostDown = cat /nonexistent' "10.8.0.0/16"
	on a wg-quick up wg0
	run -1 on a wg-quick down wg0
	[ "$(grep -v -e '^\[' <<< "$output")" = "cat: /nonexistent: No such file or directory
wg-quick: wg0: PostDown command 1 failed with status 1: cat /nonexistent" ]
}

@test "01: hooks in files of other users are run or refused as [hooks] owner says" {
	quick_file wg0 'PostUp = echo up %i; test "$(id -u)" = 0' "10.8.0.0/16"
	none=$(quick_state)
	on a sh -c 'mkdir /etc/wireguard/config; cp /etc/wireguard/wg0.conf /etc/wireguard/config/wg0.conf'
	conf=/etc/wireguard/config/wg0.conf
	# runs WARNING [VARIABLE=VALUE]: the hooks run, with this warning or none.
	runs() {
		run on a env "${2-X=}" wg-quick up "$conf"
		[ "$status" -eq 0 ]
		[[ $output == *"[#] echo up wg0;"* ]]
		warnings=$(grep 'can change' <<< "$output" || true)
		[ "$warnings" = "${1:+wg-quick: wg0: warning: user $1 can change the hooks in $conf}" ]
		on a wg-quick down "$conf"
	}
	# refused REASON HELP: the hooks are refused with this error and help.
	refused() {
		run -1 on a wg-quick up "$conf"
		[ "$output" = "wg-quick: wg0: hooks are not run: $1
  help: $2 in /etc/wireguard/wgsuite.ini" ]
		run ! in_net a ip link show wg0
	}
	# linuxserver's image: chown -R abc:abc /config
	on a chown -R 911:911 /etc/wireguard/config
	runs 911
	runs "" PKEXEC_UID=911
	runs "" SUDO_UID=911
	runs 911 SUDO_UID=1000
	on a chown -R 65534:65534 /etc/wireguard/config # unmapped users in a user namespace
	runs 65534
	on a sh -c "chown -R 0:0 /etc/wireguard/config; chmod 660 $conf"
	runs ""
	on a sh -c "chown 2:2 $conf"
	runs "" DOAS_USER=bin
	refused "group 2 can write to $conf" "chmod g-w $conf, or set [hooks] owner = unchecked"
	on a sh -c "chown 0:0 $conf; chmod 777 /etc/wireguard/config"
	refused "all users can write to /etc/wireguard/config" "chmod o-w /etc/wireguard/config, or set [hooks] owner = unchecked"
	on a sh -c "printf '[hooks]\nowner = unchecked\n' > /etc/wireguard/wgsuite.ini"
	runs ""
	on a sh -c "printf '[hooks]\nowner = caller\n' > /etc/wireguard/wgsuite.ini; chmod 755 /etc/wireguard/config"
	runs ""
	on a chown 911 "$conf"
	runs "" SUDO_UID=911
	refused "user 911 owns $conf" "chown root $conf, or set [hooks] owner = any"
	run -1 on a env SUDO_UID=1000 wg-quick restart "$conf"
	[[ $output == *"hooks are not run: user 911 owns"* ]]
	on a sh -c "printf '[hooks]\nowner = root\n' > /etc/wireguard/wgsuite.ini"
	run -1 on a env SUDO_UID=911 wg-quick up "$conf"
	[[ $output == *"hooks are not run: user 911 owns"* ]]
	on a chown 0 "$conf"
	runs ""
	on a sh -c "rm -r /etc/wireguard/config /etc/wireguard/wgsuite.ini"
	quick_settled "$none"
}

@test "01: a user namespace shows the owner of the file as nobody" {
	quick_file wg0 'PostUp = true' "10.8.0.0/16"
	on a chown 1000:1000 /etc/wireguard/wg0.conf
	on a chmod 644 /etc/wireguard/wg0.conf
	run on a unshare --user --map-root-user --mount --net sh -c \
		'mount -t tmpfs none /run; stat -c %u /etc/wireguard/wg0.conf && wg-quick up wg0 && wg-quick down wg0'
	[ "$status" -eq 0 ]
	[[ $output == "65534"*"warning: user 65534 can change the hooks in"*"[#] true"* ]]
}

OTHER=fE/wdxzl0klVp/IR8UcaoGUMjqaWi3jAd7KzHKFS6Ds=

# All that reload and diff compare.
tunnel_state() {
	host_sh a <<-END
	wg showconf $1
	wg show $1 fwmark
	ip -o address show dev $1 | sed 's/valid_lft.*//'
	ip link show dev $1
	ip -4 route show table all dev $1 | sort; ip -6 route show table all dev $1 | sort
	ip -4 rule; ip -6 rule
	nft list ruleset
	END
}

# left_alone NAME: diff and reload do nothing.
left_alone() {
	local state verb
	state=$(tunnel_state "$1")
	for verb in diff reload diff; do
		run on a wg-quick $verb "$1"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
	[ "$(tunnel_state "$1")" = "$state" ]
}

@test "22: addresses, MTU and keepalive that hooks changed are left alone" {
	tunnel a dn42 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	Address = 172.22.114.97/32,fe80::21b:42ff:42bb:2db0/64
	PostUp = ip addr del dev dn42 172.22.114.97/32 && ip addr add dev dn42 172.22.114.97/32 peer 172.20.129.185/32
	PostUp = ip addr del dev dn42 fe80::21b:42ff:42bb:2db0/64 && ip addr add dev dn42 fe80::21b:42ff:42bb:2db0/128 peer fe80::42:2601:39:1/64
	PostUp = ip link set %i mtu 1380; wg set %i peer $QUICK_PEER persistent-keepalive 25
	Table = off
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 172.16.0.0/12
	END
	on a wg-quick up dn42
	left_alone dn42
	[[ $(on a ip -o address show dev dn42) == *"172.22.114.97 peer 172.20.129.185/32"*"fe80::21b:42ff:42bb:2db0 peer fe80::42:2601:39:1/64"* ]]
	[ "$(on a ip -o address show dev dn42 | wc -l)" -eq 2 ]
	# The file takes precedence where it was edited.
	on a sed -i -e 's/^Table/MTU = 1300\n&/' -e '/^AllowedIPs/a PersistentKeepalive = 15' \
		-e 's/^Address.*/&, 172.22.114.98\/32/' /etc/wireguard/dn42.conf
	run on a wg-quick reload dn42
	[ "$output" = "[#] wg set dn42 peer $QUICK_PEER persistent-keepalive 15
[#] ip -4 address add 172.22.114.98/32 dev dn42
[#] ip link set mtu 1300 dev dn42" ]
	left_alone dn42
	on a wg-quick down dn42
}

@test "23: keys and peers that hooks loaded are left alone" {
	on a sh -c "umask 077; wg genkey > /etc/wireguard/wg0.key; wg genpsk > /etc/wireguard/wg0.psk
		printf '[Peer]\nPublicKey = $OTHER\nAllowedIPs = 10.20.0.0/16\nPresharedKey = %s\n' \$(wg genpsk) > /etc/wireguard/peers.conf"
	tunnel a wg0 <<-END
	[Interface]
	Address = 10.9.0.2/24
	PostUp = wg set %i private-key <(cat /etc/wireguard/wg0.key)
	PostUp = wg set %i peer $QUICK_PEER preshared-key <(cat /etc/wireguard/wg0.psk)
	PostUp = wg addconf %i /etc/wireguard/peers.conf
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 10.9.0.0/24
	Endpoint = 192.168.5.254:5801
	END
	on a wg-quick up wg0
	left_alone wg0
	[ "$(on a wg show wg0 private-key)" = "$(on a cat /etc/wireguard/wg0.key)" ]
	[[ $(on a wg show wg0 preshared-keys) == *"$(on a cat /etc/wireguard/wg0.psk)"* ]]
	# The journal says that there are secrets, and not which.
	journal=$(on a sh -c 'cat /run/wgsuite/wg0@*')
	[[ $journal == *"hook-change preshared-key - $QUICK_PEER"* ]]
	for secret in wg0.key wg0.psk peers.conf; do
		for word in $(on a sed 's/.* //' /etc/wireguard/$secret | grep '^.\{43\}=$' | grep -v -F "$OTHER"); do
			[[ $journal != *"$word"* ]]
		done
	done
	# The peers are the file's from now on, and so is their removal.
	on a cp /etc/wireguard/wg0.conf /etc/wireguard/alone.conf
	on a sh -c 'cat /etc/wireguard/peers.conf >> /etc/wireguard/wg0.conf'
	run on a wg-quick reload wg0
	[ "$output" = "[#] ip -4 route add 10.20.0.0/16 dev wg0" ]
	on a cp /etc/wireguard/alone.conf /etc/wireguard/wg0.conf
	run on a wg-quick reload wg0
	[ "$output" = "[#] wg set wg0 peer $OTHER remove
[#] ip -4 route delete 10.20.0.0/16 dev wg0" ]
	[[ $(on a wg show wg0 preshared-keys) == *"$(on a cat /etc/wireguard/wg0.psk)"* ]]
	left_alone wg0
	on a wg-quick down wg0
}

@test "after up, diff is empty whatever hooks did" {
	none=$(quick_state)
	on a sh -c "umask 077; wg genpsk > /run/psk; wg genkey > /run/key"
	shape() { # shape ALLOWED-IPS INTERFACE-LINE…
		quick_file wg0 "$(printf '%s\n' "${@:2}")" "$1"
		on a wg-quick up wg0
		left_alone wg0
		on a wg-quick down wg0
	}
	full="0.0.0.0/0, ::/0"
	address="Address = 10.7.0.1/24, fd07::1/64"
	shape 10.8.0.0/16 "$address" "PostUp = ip address del 10.7.0.1/24 dev %i; ip address add 10.7.9.1/24 dev %i"
	shape 10.8.0.0/16 "$address" "PreUp = ip address add 10.7.0.1/24 dev %i; ip address add fd07::7/64 dev %i"
	shape 10.8.0.0/16 "$address" "PostUp = ip route del 10.8.0.0/16 dev %i; ip route add 10.8.1.0/24 dev %i; ip -6 route add fd09::/64 dev %i"
	shape 10.8.0.0/16 "$address" "PostUp = ip route replace 10.8.0.0/16 dev %i metric 5; ip route add 10.7.0.9/32 dev %i"
	shape 10.8.0.0/16 "$address" "PostUp = wg set %i peer $OTHER preshared-key /run/psk allowed-ips 10.20.0.0/16,10.8.1.0/24; ip route add 10.20.0.0/16 dev %i"
	shape 10.8.0.0/16 "$address" "PreUp = wg set %i peer $OTHER allowed-ips 10.20.0.0/16"
	shape 10.8.0.0/16 "$address" "PreUp = wg set %i peer $OTHER allowed-ips 0.0.0.0/0,::/0"
	shape 10.8.0.0/16 "$address" "PostUp = wg set %i peer $QUICK_PEER remove"
	shape 10.8.0.0/16 "$address" "PostUp = wg set %i peer $QUICK_PEER remove peer $QUICK_PEER allowed-ips 10.8.0.0/16"
	shape 10.8.0.0/16 "$address" "PostUp = wg set %i peer $OTHER allowed-ips 10.8.0.0/16" # from the other peer
	shape 10.8.0.0/16 "$address" "PostUp = wg set %i peer $QUICK_PEER endpoint 192.168.5.254:9 persistent-keepalive 25 preshared-key /run/psk allowed-ips 10.8.0.0/17"
	shape 10.8.0.0/16 "$address" "ListenPort = 5000" "FwMark = 5" "PostUp = wg set %i listen-port 5001 fwmark 6 private-key /run/key"
	shape 10.8.0.0/16 "$address" "MTU = 1400" "PostUp = ip link set %i mtu 1300"
	shape 10.8.0.0/16 "$address" "PostUp = ip link set %i mtu 1300; ip route add 192.168.5.254/32 dev eth0 mtu lock 1400" \
		"PostDown = ip route del 192.168.5.254/32 dev eth0"
	shape 10.8.0.0/16 "$address" "PostUp = ip link set %i down"
	shape "$full" "$address" "PostUp = wg set %i fwmark 0x99"
	shape "$full" "$address" "PostUp = wg set %i fwmark 0"
	shape "$full" "$address" "FwMark = off"
	shape "$full" "$address" "FwMark = 7" "PostUp = wg set %i fwmark 8"
	shape "$full" "$address" "PreUp = wg set %i fwmark 8"
	shape "$full" "$address" "PostUp = ip rule del table main suppress_prefixlength 0; ip -6 rule del table 51820"
	shape "$full" "$address" "PostUp = ip route del default dev %i table 51820; ip route add 1.0.0.0/8 dev %i table 51820"
	shape "$full" "$address" "PostUp = nft delete table ip wg-quick-%i"
	shape "$full" "$address" "PostUp = ip address del 10.7.0.1/24 dev %i"
	shape "$full" "$address" "Table = off" "FwMark = 9" "PostUp = ip route add default dev %i table 9; ip rule add not fwmark 9 table 9" \
		"PostDown = ip rule del not fwmark 9 table 9"
	shape "$full" "$address" "Table = 9" "FwMark = 9" "PostUp = ip rule add not fwmark 9 table 9" "PostDown = ip rule del not fwmark 9 table 9"
	on a rm /run/psk /run/key
	on a rm /etc/wireguard/wg0.conf
	quick_settled "$none"
}

@test "a hook that removes the firewall rules is a warning, and new addresses are protected nevertheless" {
	quick_file wg0 "Address = 10.7.0.1/24
PostUp = nft delete table ip wg-quick-%i" "0.0.0.0/0"
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"warning: a hook removed the firewall rules of the tunnel:"* ]]
	left_alone wg0
	on a sed -i 's/^Address.*/&, 10.7.9.1\/24/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	on a nft list table ip wg-quick-wg0 | grep -q 10.7.9.1
	on a nft delete table ip wg-quick-wg0
	on a wg-quick reload wg0
	on a nft list table ip wg-quick-wg0 | grep -q 10.7.9.1
	on a wg-quick down wg0
}

@test "hook lines that changed are named by diff and reload, which run none" {
	quick_file wg0 "PostUp = true
PreDown = true" "10.8.0.0/16"
	on a wg-quick up wg0
	left_alone wg0
	quick_file wg0 "PreUp = touch /run/ran
PostUp = touch /run/ran
PreDown = true" "10.8.0.0/16"
	for verb in diff reload diff; do
		run on a wg-quick $verb wg0
		[ "$status" -eq 0 ]
		[ "$output" = "wg-quick: wg0: warning: PreUp, PostUp changed since the last \`up'; reload does not run hooks
  help: run \`wg-quick restart wg0' to apply the change" ]
	done
	on a test ! -e /run/ran
	on a wg-quick restart wg0
	on a rm /run/ran
	left_alone wg0
	on a wg-quick down wg0
}

@test "without hooks, nothing is noted at the end of up" {
	quick_file wg0 "PreDown = true" "10.8.0.0/16"
	on a wg-quick up wg0
	[[ $(on a sh -c 'cat /run/wgsuite/wg0@*') != *hook-change* ]]
	on a wg-quick down wg0
}
