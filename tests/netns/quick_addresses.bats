# Addresses, prefix lengths and routing tables in the forms that ip(8) accepts, and empty tunnel files.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	on a mkdir -p /etc/wireguard
}
teardown() { net_end; }

# conf [LINE…]: writes the tunnel file, with a peer for 10.60.0.0/16.
conf() {
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		$(printf '%s\n' "$@")
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 10.60.0.0/16
	END
}

# addresses: prints the addresses of wg0, one per line.
addresses() { on a ip -o address show dev wg0 scope global | awk '{ print $4 == "peer" ? $2 : $4 }'; }

@test "Address: netmasks, leading zeros, hexadecimal and missing numbers are read as by ip(8)" {
	for word in 10.9.0.2/255.255.255.0 10.8.0.02/24 10.8.0.010/24 0x0a.8.0.2/0x18 10.8.0.2/030 10.8/16 10.8.0.2/255.255 \
		fd00:8::1/255.255.255.0 10.8.0.2/0 fd00:8::1/0; do
		on a ip link add ref type bridge
		on a ip address add "$word" dev ref
		conf "Address = $word"
		run on a wg-quick up wg0
		echo "$word: $output"
		[ "$status" -eq 0 ]
		[ "$(addresses)" = "$(on a ip -o address show dev ref scope global | awk '{ print $4 }')" ]
		[[ $(on a ip -4 route show dev wg0) == *"10.60.0.0/16 "* ]]
		run on a wg-quick diff wg0
		[ "$status" -eq 0 ]
		[[ $output != *"[#]"* ]]
		on a wg-quick down wg0
		on a ip link delete ref
	done
}

@test "Address: a warning for octal numbers, and errors for all forms that ip(8) rejects" {
	conf "Address = 10.8.0.010/24, 10.7.0.07/24"
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"wg0.conf:3:11: warning: address \`10.8.0.010/24' is read as 10.8.0.8/24"* ]]
	[[ $output != *"10.7.0.07"* ]]
	on a wg-quick down wg0
	for word in 10.8.0.09/24 10.8.0.2/255.0.255.0 10.8.0.2/ 10.8.0.256/24 10.8.0.1.2/24 10.8.0.2/33 fd00::1/129; do
		on a ip link add ref type bridge
		run on a ip address add "$word" dev ref
		[ "$status" -ne 0 ]
		conf "Address = $word"
		run on a wg-quick up wg0
		[ "$status" -eq 1 ]
		[[ $output == *"Address: expected an IP address, found \`$word'"* ]]
		on a ip link delete ref
	done
}

@test "Table: names of rt_tables.d, hexadecimal, octal, and names beyond the first 8 KiB" {
	host_sh a <<- 'END'
		mkdir -p /etc/iproute2/rt_tables.d
		echo '200 vpn' > /etc/iproute2/rt_tables.d/vpn.conf
		echo '0xc9 vpnhex' >> /etc/iproute2/rt_tables
		for i in $(seq 2000); do echo "$((i + 3000)) table$i"; done >> /etc/iproute2/rt_tables
		echo '6000 a-name-of-more-than-sixty-four-characters-which-is-no-reason-to-refuse-it' >> /etc/iproute2/rt_tables
		echo '6001 6002' >> /etc/iproute2/rt_tables
	END
	for case in "vpn 200" "vpnhex 201" "table2000 5000" "0X384 900" "0x384 900" "0310 200" "6002 6001" \
		"a-name-of-more-than-sixty-four-characters-which-is-no-reason-to-refuse-it 6000"; do
		conf "Table = ${case% *}"
		run on a wg-quick up wg0
		echo "$output"
		[ "$status" -eq 0 ]
		[[ $output == *"[#] ip -4 route add 10.60.0.0/16 dev wg0 table ${case% *}" ]]
		# ip(8) finds the table by name and by number.
		[ "$(on a ip -4 route show table "${case% *}")" = "10.60.0.0/16 dev wg0 scope link " ]
		[ "$(on a ip -4 route show table "${case#* }")" = "10.60.0.0/16 dev wg0 scope link " ]
		run on a wg-quick diff wg0
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		on a wg-quick down wg0
	done
	conf "Table = nonesuch"
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[[ $output == *"Table: expected off, auto, a number or a name from rt_tables, found \`nonesuch'"* ]]
}

@test "an empty file is a tunnel without keys and peers" {
	before=$(on a ip -o link)
	for text in "" " "$'\n'; do
		printf '%s' "$text" | tunnel a wg0
		run on a wg-quick up wg0
		[ "$status" -eq 0 ]
		[[ $output == *"wg0.conf:1:1: warning: the file is empty"* ]]
		on a ip link show wg0 up
		[ "$(on a wg show wg0 peers)" = "" ]
		on a wg-quick diff wg0
		on a wg-quick reload wg0
		on a wg-quick down wg0
		[ "$(on a ip -o link)" = "$before" ]
		run on a wg-quick strip wg0
		[ "$status" -eq 0 ]
	done
}

@test "reload does not remove all peers because the file became empty" {
	conf
	on a wg-quick up wg0
	for text in "" "# nothing"; do
		echo "$text" | tunnel a wg0
		run on a wg-quick reload wg0
		[ "$status" -eq 1 ]
		[[ $output == *"wg-quick: wg0: cannot reload: /etc/wireguard/wg0.conf is empty"* ]]
		[ "$(on a wg show wg0 peers)" = "$QUICK_PEER" ]
	done
	echo "[Interface]" | tunnel a wg0
	on a wg-quick reload wg0
	[ "$(on a wg show wg0 peers)" = "" ]
	on a wg-quick down wg0
}
