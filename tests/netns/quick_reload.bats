# wg-quick reload, diff and save: only differences are applied or written, everything else stays.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=

@test "diff and reload without differences print and change nothing" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1
DNS = 10.7.0.53
MTU = 1400
PostUp = ip address add 10.99.0.1/32 dev %i; ip route add 10.98.0.0/16 dev %i" "0.0.0.0/0, ::/0, 10.9.0.0/16"
	on a wg-quick up wg0
	state=$(quick_state)
	for verb in diff reload; do
		run on a wg-quick $verb wg0
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
	[ "$(quick_state)" = "$state" ]
	on a wg-quick down wg0
}

@test "diff prints and reload applies each kind of difference" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16, 10.9.0.0/16"
	none=$(quick_state)
	on a wg-quick up wg0
	port=$(on a wg show wg0 listen-port)
	quick_file wg0 "Address = 10.7.0.9/24, fd07::9/64
DNS = 10.7.0.53
MTU = 1300" "10.9.0.0/16, 10.10.0.0/16, 0.0.0.0/0"
	expected="[#] nft -f /dev/fd/63
[#] wg set wg0 fwmark 51820
[#] wg set wg0 peer $QUICK_PEER allowed-ips 0.0.0.0/0,10.10.0.0/16,-10.8.0.0/16
[#] ip -4 route delete 10.8.0.0/16 dev wg0
[#] ip -4 address add 10.7.0.9/24 dev wg0
[#] ip -6 address add fd07::9/64 dev wg0
[#] ip -4 address delete 10.7.0.1/24 dev wg0
[#] ip link set mtu 1300 dev wg0
[#] ip -4 route add 10.10.0.0/16 dev wg0
[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel
[#] ip -4 rule add not fwmark 51820 table 51820
[#] ip -4 rule add table main suppress_prefixlength 0
[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820
[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1"
	state=$(quick_state)
	lines() { grep -v -e resolv.conf -e '^\[!\]' | sed 's/ 63<<<.*//; s/allowed-ips.*/allowed-ips/'; }
	[ "$(on a wg-quick diff wg0 2> /dev/null | lines)" = "$(lines <<< "$expected")" ]
	[ "$(quick_state)" = "$state" ]
	run on a wg-quick reload wg0
	[ "$status" -eq 0 ]
	[ "$(lines <<< "$output")" = "$(lines <<< "$expected")" ]
	[ "$(on a wg show wg0 listen-port)" = "$port" ]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0 table 51820"* ]]
	[ "$(on a ip -o -4 address show dev wg0 | awk '{ print $4 }')" = 10.7.0.9/24 ]
	[ "$(on a ip -4 route show dev wg0 proto boot | awk '{ print $1 }' | sort | xargs)" = "10.10.0.0/16 10.9.0.0/16" ]
	run on a wg-quick reload wg0
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	# Back to the first file.
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16, 10.9.0.0/16"
	on a wg-quick reload wg0
	run on a wg-quick reload wg0
	[ -z "$output" ]
	[ "$(on a ip -4 rule | wc -l)" -eq 3 ]
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "reload restores rules, routes and nftables tables that others removed" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	none=$(quick_state)
	on a wg-quick up wg0
	on a sh -c 'nft flush ruleset; ip -4 rule delete table main suppress_prefixlength 0; ip -6 rule delete table 51820
		ip -4 route delete default dev wg0 table 51820'
	on a wg-quick reload wg0
	on a nft list table ip wg-quick-wg0 > /dev/null
	on a nft list table ip6 wg-quick-wg0 > /dev/null
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0 table 51820"* ]]
	[[ $(on a ip route get 192.168.5.7) == *"dev eth0"* ]]
	[[ $(on a ip -6 route get 2001:db8:9::1) == *"dev wg0"* ]]
	run on a wg-quick reload wg0
	[ -z "$output" ]
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "reload keeps the fwmark and port that the file does not set, and an endpoint that roamed" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0"
	on a wg-quick up wg0
	port=$(on a wg show wg0 listen-port)
	on a wg set wg0 peer $QUICK_PEER endpoint 192.168.5.254:9999
	run on a wg-quick reload wg0
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(on a wg show wg0 fwmark) $(on a wg show wg0 listen-port)" = "0xca6c $port" ]
	[[ $(on a wg show wg0 endpoints) == *:9999 ]]
	# An endpoint that changed in the file is applied.
	on a sed -i 's/:5801/:5802/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	[[ $(on a wg show wg0 endpoints) == *:5802 ]]
}

@test "reload adds and removes another peer without losing a packet" {
	key=$(on gw wg genkey)
	public=$(on gw wg pubkey <<< "$key")
	tunnel gw wg0 <<-END
	[Interface]
	PrivateKey = $key
	ListenPort = 5801
	Address = 10.7.0.2/24
	[Peer]
	PublicKey = $(on gw wg pubkey <<< "$QUICK_KEY")
	AllowedIPs = 10.7.0.1/32
	END
	with_lines() {
		tunnel a wg0 <<-END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.7.0.1/24
		[Peer]
		PublicKey = $public
		AllowedIPs = 10.7.0.2/32
		Endpoint = 192.168.5.254:5801
		$1
		END
	}
	with_lines ""
	on gw wg-quick up wg0
	on a wg-quick up wg0
	COUNT=1 pings a 10.7.0.2
	on_bg a ping -n -i 0.01 -c 200 -w 20 10.7.0.2
	for i in 1 2 3 4 5; do
		with_lines "[Peer]
PublicKey = $OTHER
AllowedIPs = 10.7.$i.0/24"
		on a wg-quick reload wg0
		with_lines ""
		on a wg-quick reload wg0
	done
	ping_ended() { ! kill -0 "$BG"; }
	eventually 20 ping_ended
	replies_in_order 200 < "$BG_LOG"
}

@test "save edits the file in place: comments, order, mode and group stay" {
	tunnel a wg0 <<-END
	#Giant
	[Interface]
	Address = 172.16.1.1/24
	SaveConfig = true
	ListenPort = 5555
	PrivateKey = UCQhBHQF08IKvMdUXl7IPL8+iPSx41tO4J3q0e1bwGE=
	PostUp = ip address add 10.99.0.1/32 dev %i # added by a hook

	#Moly
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 172.16.1.2/32
	Endpoint = localhost:5555 # by name

	#Raspi
	[Peer]
	PublicKey = $OTHER
	AllowedIPs = 172.16.1.3/32
	END
	on a sh -c 'chmod 640 /etc/wireguard/wg0.conf; chgrp 8 /etc/wireguard/wg0.conf; cp -p /etc/wireguard/wg0.conf /run/original'
	for i in 1 2 3; do
		on a wg-quick up wg0
		run on a wg-quick save wg0
		[ "$status" -eq 0 ]
		[ "$output" = "[#] wg showconf wg0" ]
		on a wg-quick down wg0
		on a cmp /run/original /etc/wireguard/wg0.conf
	done
	on a wg-quick up wg0
	on a wg set wg0 listen-port 5777 peer $OTHER remove peer $QUICK_PEER persistent-keepalive 7 \
		peer TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0= allowed-ips 10.5.5.0/24
	on a ip address add 172.16.9.1/24 dev wg0
	on a wg-quick down wg0
	[ "$(on a stat -c '%a %g' /etc/wireguard/wg0.conf)" = "640 8" ]
	diff <(on a cat /etc/wireguard/wg0.conf) - <<-END
	#Giant
	[Interface]
	Address = 172.16.1.1/24
	Address = 172.16.9.1/24
	SaveConfig = true
	ListenPort = 5777
	PrivateKey = UCQhBHQF08IKvMdUXl7IPL8+iPSx41tO4J3q0e1bwGE=
	PostUp = ip address add 10.99.0.1/32 dev %i # added by a hook

	#Moly
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 172.16.1.2/32
	Endpoint = localhost:5555 # by name
	PersistentKeepalive = 7

	[Peer]
	PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
	AllowedIPs = 10.5.5.0/24
	END
	on a wg-quick up wg0
	on a wg-quick down wg0
}

@test "save changes only the lines whose values differ" {
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	Address = 10.7.0.1/24 # home
	address = fd07::1/64, 10.7.1.1/24   # more
	Address = 10.7.2.1/24 # removed
	Address = 10.7.3.1 peer 10.7.3.2/32, 10.7.4.1/24
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 10.8.0.0/16 # first
	AllowedIPs = 10.9.0.0/16,10.10.0.0/16 # second
	AllowedIPs = 10.11.0.0/16 # removed
	[Peer]
	PublicKey = $OTHER
	AllowedIPs = fd08::5/64 # alone
	[Interface]
	ListenPort = 5000 # effective
	END
	on a wg-quick up wg0
	on a wg set wg0 listen-port 5001 peer $QUICK_PEER allowed-ips -10.9.0.0/16,-10.11.0.0/16,+10.12.0.0/16 peer $OTHER allowed-ips ''
	for address in 10.7.2.1/24 10.7.4.1/24; do on a ip address del $address dev wg0; done
	on a ip address add 10.7.9.1/24 dev wg0
	on a wg-quick save wg0
	expected="[Interface]
PrivateKey = $QUICK_KEY
Address = 10.7.0.1/24 # home
address = fd07::1/64, 10.7.1.1/24   # more
Address = 10.7.3.1 peer 10.7.3.2/32
Address = 10.7.9.1/24
[Peer]
PublicKey = $QUICK_PEER
AllowedIPs = 10.8.0.0/16 # first
AllowedIPs = 10.10.0.0/16, 10.12.0.0/16 # second
[Peer]
PublicKey = $OTHER
[Interface]
ListenPort = 5001 # effective"
	diff <(on a cat /etc/wireguard/wg0.conf) <(echo "$expected")
	on a wg-quick save wg0
	diff <(on a cat /etc/wireguard/wg0.conf) <(echo "$expected")
	on a wg-quick down wg0
}

@test "two peer sections with the same key: only routes of the resulting allowed IPs are added" {
	quick_file wg0 "" "10.1.0.0/16, 0.0.0.0/0
[Peer]
PublicKey = $QUICK_PEER
AllowedIPs = 10.2.0.0/16"
	on a wg-quick up wg0
	[ "$(on a wg show wg0 allowed-ips)" = "$QUICK_PEER	10.2.0.0/16" ]
	[ "$(on a ip -4 route show dev wg0 | xargs)" = "10.2.0.0/16 scope link" ]
	[[ $(on a ip rule) != *51820* ]]
	on a wg-quick down wg0
}

@test "reload moves routes when Table or FwMark changes, and leaves routes of others" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
	before=$(quick_state)
	on a wg-quick up wg0
	routes() { on a ip -4 route show table all dev wg0 | grep -v ' 10\.7\.0\.\|^10\.7\.' | xargs; }
	# expect_reload INTERFACE-LINES ALLOWED-IPS ROUTES: reloads with these lines and checks the routes.
	expect_reload() {
		quick_file wg0 "Address = 10.7.0.1/24
$1" "$2"
		on a wg-quick reload wg0
		[ "$(routes)" = "$3" ]
		run on a wg-quick reload wg0
		[ "$output" = "" ]
	}
	expect_reload "Table = 777" "10.8.0.0/16" "10.8.0.0/16 table 777 scope link"
	expect_reload "Table = off" "10.8.0.0/16" ""
	on a ip route add 10.9.0.0/16 dev wg0
	expect_reload "Table = off" "10.8.0.0/16, 10.9.0.0/16" "10.9.0.0/16 scope link"
	expect_reload "Table = off" "10.8.0.0/16" "10.9.0.0/16 scope link" # added by another program
	on a ip route del 10.9.0.0/16 dev wg0
	expect_reload "" "0.0.0.0/0" "default table 51820 scope link"
	expect_reload "FwMark = 99" "0.0.0.0/0" "default table 99 scope link"
	[ "$(on a ip -4 rule | sed 's/^[0-9]*:.//' | head -3 | tail -2)" = "from all lookup main suppress_prefixlength 0
not from all fwmark 0x63 lookup 99" ]
	[ "$(on a ip -4 rule | wc -l)" -eq 5 ]
	[[ $(on a ip route get 8.8.8.8 mark 99) == *"dev eth0"* ]]
	on a nft list table ip wg-quick-wg0 | grep -q 'mark 0x00000063'
	expect_reload "Table = 5" "0.0.0.0/0" "default table 5 scope link"
	[ "$(on a ip -4 rule | wc -l)" -eq 3 ]
	expect_reload "" "10.8.0.0/16" "10.8.0.0/16 scope link"
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "down with SaveConfig keeps changes that a PreDown hook made to the file" {
	quick_file wg0 "ListenPort = 0
SaveConfig = true
PreDown = echo '# by a hook' >> /etc/wireguard/%i.conf; wg set %i fwmark 5
FwMark = 4" "10.8.0.0/16"
	on a wg-quick up wg0
	on a wg-quick down wg0
	[ "$(on a grep -c -e '^# by a hook$' -e '^FwMark = 0x5$' -e '^ListenPort = 0$' /etc/wireguard/wg0.conf)" -eq 3 ]
	quick_file wg0 "SaveConfig = true
PreDown = rm /etc/wireguard/%i.conf" "10.8.0.0/16"
	on a wg-quick up wg0
	on a wg-quick down wg0
	on a test ! -e /etc/wireguard/wg0.conf
}

# other_program COMMAND…: a command of ours that leaves no records, like another program.
other_program() {
	on a "$@"
	on a sh -c 'rm -f /run/wgsuite/endpoints.*'
}

endpoint_is() { [ "$(on a wg show wg0 endpoints | cut -f 2)" = "$1" ]; }

@test "without a journal, the file's endpoint is set unless wg is known to have set it" {
	quick_file wg0 "Address = 10.7.0.1/24" 10.8.0.0/16
	on a wg-quick up wg0
	other_program wg set wg0 peer "$QUICK_PEER" endpoint 192.168.5.254:9
	on a sh -c 'rm /run/wgsuite/*' # as after an upgrade with the tunnel up
	run -0 on a wg-quick diff wg0
	[ "$output" = "[#] wg set wg0 peer $QUICK_PEER endpoint 192.168.5.254:5801" ]
	run -0 on a wg-quick reload wg0
	[ "$output" = "[#] wg set wg0 peer $QUICK_PEER endpoint 192.168.5.254:5801" ]
	endpoint_is 192.168.5.254:5801
	# Now the record says so, and the peer roams.
	on a sh -c 'cp /run/wgsuite/endpoints.* /run/record'
	on a wg set wg0 peer "$QUICK_PEER" endpoint 192.168.5.254:9
	on a sh -c 'cp /run/record /run/wgsuite/endpoints.*'
	run -0 on a wg-quick reload wg0
	[ -z "$output" ]
	endpoint_is 192.168.5.254:9
	on a sed -i s/5801/5802/ /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	endpoint_is 192.168.5.254:5802
}

@test "diff, reload and save disregard the journal of an earlier interface of the same name" {
	local warning="wg-quick: wg0: warning: the interface is not the one that \`up' created: the journal of that one is ignored"
	quick_file wg0 "Address = 10.7.0.1/24
ListenPort = 5000
PostUp = ip address add 10.99.0.1/32 dev %i" 10.8.0.0/16
	on a wg-quick up wg0
	gone() { ! on a pgrep -fx "wireguardd wg0" > /dev/null; }
	on a ip link delete wg0
	eventually 10 gone
	on a wireguardd wg0
	other_program sh -c "wg-quick strip wg0 > /run/wg0; wg setconf wg0 /run/wg0; wg set wg0 listen-port 5001 peer $QUICK_PEER endpoint 192.168.5.254:9"
	on a sh -c 'ip address add 10.7.0.1/24 dev wg0; ip address add 10.99.0.1/32 dev wg0; ip link set wg0 up; ip route add 10.8.0.0/16 dev wg0'
	run -0 on a wg-quick diff wg0
	[ "$output" = "$warning
[#] wg set wg0 listen-port 5000
[#] wg set wg0 peer $QUICK_PEER endpoint 192.168.5.254:5801
[#] ip -4 address delete 10.99.0.1/32 dev wg0" ]
	run -0 on a wg-quick reload wg0
	[[ $output == "$warning"* ]]
	endpoint_is 192.168.5.254:5801
	run -0 on a wg-quick save wg0
	[[ $output == "$warning"* ]]
	on a wg-quick down wg0
	[ "$(on a find /run/wgsuite -type f 2> /dev/null)" = "" ]
}

@test "diff for programs: the same commands as JSON" {
	quick_file wg0 "Address = 10.7.0.1/24" 10.8.0.0/16
	on a wg-quick up wg0
	run -0 on a wg-quick diff --format=json wg0
	[ "$(jq -c . <<< "$output")" = '{"interface":"wg0","file":"/etc/wireguard/wg0.conf","commands":[]}' ]
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "10.8.0.0/16, 10.9.0.0/16"
	commands=$(on a wg-quick diff wg0)
	[[ $commands == *"[#] ip -6 address add fd07::1/64 dev wg0"* ]]
	[ "$(on a wg-quick diff --format=text wg0)" = "$commands" ]
	[ "$(on a wg-quick diff wg0 --format=json | jq -r '.commands[] | "[#] " + .')" = "$commands" ]
	run -1 on a wg-quick diff --format=xml wg0
	[[ $output == "wg-quick: unknown option \`--format=xml'"* ]]
	run -1 on a wg-quick reload --format=json wg0
	[[ $output == "wg-quick: reload does not accept the option \`--format=json'"* ]]
}
