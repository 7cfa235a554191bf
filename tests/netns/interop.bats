#!/usr/bin/env bats
# Interoperability of wireguardd with the two versions of wireguard-go in Debian 12 (both roles of the handshake, with
# and without a preshared key, over IPv4 and IPv6), of wg with wireguard-go, and of Debian's wg with wireguardd.
load ../lib/netns

setup() {
	[ -x "$WGSUITE_PEERS/wireguard-go-2023" ] && [ -x "$WGSUITE_PEERS/wg" ] ||
		skip "Debian's WireGuard packages are not available"
	net_begin
	export LOG_LEVEL=error
	host a b
	wire a eth0 "192.0.2.1/24 2001:db8::1/64" b eth0 "192.0.2.2/24 2001:db8::2/64"
	KEY_A=$(on a wg genkey)
	KEY_B=$(on b wg genkey)
	PUB_A=$(on a wg pubkey <<< "$KEY_A")
	PUB_B=$(on b wg pubkey <<< "$KEY_B")
	PSK=$(on a wg genpsk)
}

teardown() {
	net_end
}

# start_wireguard_go HOST: starts wireguard-go $GO with interface wg0.
start_wireguard_go() {
	on "$1" "$WGSUITE_PEERS/wireguard-go-$GO" wg0
}

set_addresses() {
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
}

# Small, full-size and fragmented packets, IPv4 and IPv6, and bulk data each way.
check_traffic() {
	pings a 10.9.0.2
	pings b 10.9.0.1
	pings a fd09::2
	pings b fd09::1
	pings a 10.9.0.2 -s 0
	pings a 10.9.0.2 -s 1392 -M do
	pings b fd09::1 -s 1372 -M do
	pings a 10.9.0.2 -s 20000
	pings b 10.9.0.1 -s 20000
	transfer a b 10.9.0.2
	transfer b a fd09::1
}

# transfer FROM TO ADDRESS: sends three megabytes over TCP, which must arrive intact.
transfer() {
	head -c 3000000 /dev/urandom > "$NET_DIR/sent"
	case $3 in
	*:*) at="TCP6:[$3]:9000" listen=TCP6-LISTEN:9000 ;;
	*) at=TCP4:$3:9000 listen=TCP4-LISTEN:9000 ;;
	esac
	rm -f "$NET_DIR/received"
	on_bg "$2" socat -u "$listen,reuseaddr" "OPEN:$NET_DIR/received,creat"
	listening() { in_net "$1" ss -Hltn 'sport = :9000' | grep -q .; }
	eventually 10 listening "$2"
	on "$1" timeout 60 socat -u "OPEN:$NET_DIR/sent" "$at"
	eventually 10 cmp "$NET_DIR/sent" "$NET_DIR/received"
}

# pair ours|theirs v4|v6 none|psk: wireguardd on a, wireguard-go on b. The initiator (first argument) has the endpoint of
# the other.
pair() {
	local to_a= to_b= psk=/dev/null
	case $2 in
	v4) at_a=192.0.2.1:51820 at_b=192.0.2.2:51820 ;;
	v6) at_a=[2001:db8::1]:51820 at_b=[2001:db8::2]:51820 ;;
	esac
	if [ "$1" = ours ]; then to_b="endpoint $at_b"; else to_a="endpoint $at_a"; fi
	[ "$3" = none ] || { psk=$NET_DIR/psk; echo "$PSK" > "$psk"; }
	on a wireguardd wg0
	start_wireguard_go b
	on a wg set wg0 listen-port 51820 private-key <(echo "$KEY_A") \
		peer "$PUB_B" preshared-key "$psk" $to_b allowed-ips 10.9.0.2/32,fd09::2/128
	on b wg set wg0 listen-port 51820 private-key <(echo "$KEY_B") \
		peer "$PUB_A" preshared-key "$psk" $to_a allowed-ips 10.9.0.1/32,fd09::1/128
	set_addresses
	if [ "$1" = ours ]; then pings a 10.9.0.2; else pings b 10.9.0.1; fi
	check_traffic
	has_handshake a wg0 "$PUB_B"
	has_handshake b wg0 "$PUB_A"
	[ "$(on a wg show wg0 endpoints)" = "$PUB_B	$at_b" ]
	[ "$(on b wg show wg0 endpoints)" = "$PUB_A	$at_a" ]
	# Sent bytes of one are received bytes of the other (wireguard-go 2022 counts differently).
	[ "$GO" != 2022 ] || return 0
	same_bytes() { [ "$(on a wg show wg0 transfer | cut -f2,3)" = "$(on b wg show wg0 transfer | awk -v OFS='\t' '{ print $3, $2 }')" ]; }
	eventually 10 same_bytes
}

@test "wireguardd to wireguard-go 2023 over IPv4" { GO=2023; pair ours v4 none; }
@test "wireguardd to wireguard-go 2023 over IPv4 with a psk" { GO=2023; pair ours v4 psk; }
@test "wireguardd to wireguard-go 2023 over IPv6" { GO=2023; pair ours v6 none; }
@test "wireguardd to wireguard-go 2023 over IPv6 with a psk" { GO=2023; pair ours v6 psk; }
@test "wireguard-go 2023 to wireguardd over IPv4" { GO=2023; pair theirs v4 none; }
@test "wireguard-go 2023 to wireguardd over IPv4 with a psk" { GO=2023; pair theirs v4 psk; }
@test "wireguard-go 2023 to wireguardd over IPv6" { GO=2023; pair theirs v6 none; }
@test "wireguard-go 2023 to wireguardd over IPv6 with a psk" { GO=2023; pair theirs v6 psk; }
@test "wireguardd to wireguard-go 2022 over IPv4 with a psk" { GO=2022; pair ours v4 psk; }
@test "wireguardd to wireguard-go 2022 over IPv6" { GO=2022; pair ours v6 none; }
@test "wireguard-go 2022 to wireguardd over IPv4" { GO=2022; pair theirs v4 none; }
@test "wireguard-go 2022 to wireguardd over IPv6 with a psk" { GO=2022; pair theirs v6 psk; }

@test "a session needs the same psk on both sides, or none" {
	GO=2023
	on a wireguardd wg0
	start_wireguard_go b
	echo "$PSK" > "$NET_DIR/psk"
	on a wg set wg0 listen-port 51820 private-key <(echo "$KEY_A") \
		peer "$PUB_B" preshared-key "$NET_DIR/psk" endpoint 192.0.2.2:51820 allowed-ips 10.9.0.2/32
	on b wg set wg0 listen-port 51820 private-key <(echo "$KEY_B") peer "$PUB_A" allowed-ips 10.9.0.1/32
	set_addresses
	run on a ping -n -c 2 -i 0.2 -W 1 10.9.0.2
	[ "$status" -ne 0 ]
	[ "$(latest_handshake a wg0 "$PUB_B")" = 0 ]
	on b wg set wg0 peer "$PUB_A" preshared-key "$NET_DIR/psk"
	eventually 15 on a ping -n -c 1 -W 1 10.9.0.2
	# A changed psk is used from the next handshake on; the established session keeps working.
	on a wg set wg0 peer "$PUB_B" preshared-key /dev/null
	pings a 10.9.0.2
	[ "$(on a wg show wg0 preshared-keys)" = "$PUB_B	(none)" ]
	# A new private key on a requires a new handshake immediately, now without psk.
	on b wg set wg0 peer "$PUB_A" preshared-key /dev/null
	key=$(on a wg genkey)
	pub=$(on a wg pubkey <<< "$key")
	on b wg set wg0 peer "$PUB_A" remove peer "$pub" allowed-ips 10.9.0.1/32
	on a wg set wg0 private-key <(echo "$key")
	eventually 15 on a ping -n -c 1 -W 1 10.9.0.2
}

# configure WG HOST: sets every field of the device with this wg.
configure() {
	on "$2" "$1" set wg0 listen-port 51821 fwmark 0x1234 private-key <(echo "$KEY_A") \
		peer "$PUB_B" preshared-key <(echo "$PSK") endpoint 192.0.2.77:7777 persistent-keepalive 21 \
		allowed-ips 10.9.0.2/32,10.10.0.0/16,fd09::2/128,::/0
	on "$2" "$1" set wg0 peer "$PUB_A" allowed-ips 10.99.0.0/16
	cat > "$NET_DIR/add.conf" <<-END
	[Peer]
	PublicKey = $(on a wg pubkey <<< "$PSK")
	AllowedIPs = 10.11.0.0/16, 2001:db8:5::/48
	Endpoint = [2001:db8::77]:9
	END
	on "$2" "$1" addconf wg0 "$NET_DIR/add.conf"
}

# show_all WG HOST: the output of this wg for every field, and of showconf.
show_all() {
	local field
	for field in "" public-key private-key listen-port fwmark peers preshared-keys endpoints \
		allowed-ips latest-handshakes transfer persistent-keepalive dump; do
		echo "== show wg0 $field"
		on "$2" "$1" show wg0 $field 2>&1
	done
	for field in dump peers transfer; do
		echo "== show all $field"
		on "$2" "$1" show all $field 2>&1
	done
	echo "== show interfaces"
	on "$2" "$1" show interfaces 2>&1
	echo "== showconf"
	on "$2" "$1" showconf wg0 2>&1
}

# same_output HOST: wg and Debian's wg print the same.
same_output() {
	diff <(show_all "$WGSUITE_PEERS/wg" "$1") <(show_all "$WGSUITE_BUILD/wg" "$1")
}

@test "Debian's wg configures every field of wireguardd, and both wgs print the same" {
	on a wireguardd wg0
	same_output a
	configure "$WGSUITE_PEERS/wg" a
	same_output a
	run -0 on a wg show wg0 dump
	echo "$output"
	[ "${lines[0]}" = "$KEY_A	$PUB_A	51821	0x1234" ]
	[ "${lines[1]}" = "$PUB_B	$PSK	192.0.2.77:7777	10.9.0.2/32,10.10.0.0/16,fd09::2/128,::/0	0	0	0	21" ]
	# A peer with the device's own key is ignored; the second peer is that of the file.
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[2]} == *"	(none)	[2001:db8::77]:9	10.11.0.0/16,2001:db8:5::/48	0	0	0	off" ]]
	# The output of showconf, read by setconf and syncconf, changes nothing.
	before=$(show_all "$WGSUITE_PEERS/wg" a)
	on a "$WGSUITE_PEERS/wg" showconf wg0 > "$NET_DIR/wg0.conf"
	on a "$WGSUITE_PEERS/wg" setconf wg0 "$NET_DIR/wg0.conf"
	[ "$(show_all "$WGSUITE_PEERS/wg" a)" = "$before" ]
	on a "$WGSUITE_PEERS/wg" syncconf wg0 "$NET_DIR/wg0.conf"
	[ "$(show_all "$WGSUITE_PEERS/wg" a)" = "$before" ]
	# Remove fields, a peer, everything.
	on a "$WGSUITE_PEERS/wg" set wg0 fwmark off peer "$PUB_B" preshared-key /dev/null persistent-keepalive off \
		allowed-ips ""
	run -0 on a wg show wg0 dump
	[ "${lines[0]}" = "$KEY_A	$PUB_A	51821	off" ]
	[ "${lines[1]}" = "$PUB_B	(none)	192.0.2.77:7777	(none)	0	0	0	off" ]
	on a "$WGSUITE_PEERS/wg" set wg0 peer "$PUB_B" remove
	[ "$(on a wg show wg0 peers | wc -l)" = 1 ]
	on a "$WGSUITE_PEERS/wg" setconf wg0 /dev/null
	[ -z "$(on a wg show wg0 peers)" ]
	same_output a
}

@test "wg configures every field of wireguard-go, and both wgs print the same" {
	GO=2023
	start_wireguard_go b
	same_output b
	configure "$WGSUITE_BUILD/wg" b
	# wireguard-go lists its peers in random order, and sends before its link is up.
	sorted() { on b "$1" show wg0 dump | cut -f1-4,8 | sort; }
	[ "$(sorted "$WGSUITE_BUILD/wg")" = "$(sorted "$WGSUITE_PEERS/wg")" ]
	# wireguard-go has its own order of allowed IPs.
	ips() { on b wg show wg0 dump | awk -v k="$1" '$1 == k { print $4 }' | tr , '\n' | sort | xargs; }
	[ "$(ips "$PUB_B")" = "10.10.0.0/16 10.9.0.2/32 ::/0 fd09::2/128" ]
	run -0 on b wg show wg0 dump
	echo "$output"
	[ "${lines[0]}" = "$KEY_A	$PUB_A	51821	0x1234" ]
	[ "${#lines[@]}" = 3 ]
	on b wg showconf wg0 > "$NET_DIR/wg0.conf"
	before=$(sorted "$WGSUITE_BUILD/wg" | tr , '\n' | sort)
	on b wg setconf wg0 "$NET_DIR/wg0.conf"
	[ "$(sorted "$WGSUITE_BUILD/wg" | tr , '\n' | sort)" = "$before" ]
	on b wg syncconf wg0 "$NET_DIR/wg0.conf"
	[ "$(sorted "$WGSUITE_BUILD/wg" | tr , '\n' | sort)" = "$before" ]
	on b wg set wg0 peer "$PUB_B" remove
	on b wg set wg0 fwmark 0
	[ "$(on b wg show wg0 fwmark)" = off ]
	[ "$(on b wg show wg0 peers | wc -l)" = 1 ]
	echo "[Interface]" > "$NET_DIR/empty.conf"
	on b wg syncconf wg0 "$NET_DIR/empty.conf"
	[ -z "$(on b wg show wg0 peers)" ]
}

@test "Debian's wg reports errors of wireguardd" {
	on a wireguardd wg0
	# A port in use.
	on_bg a socat -u UDP4-RECV:4444 OPEN:/dev/null
	port_in_use() { in_net a ss -Hlun 'sport = :4444' | grep -q .; }
	eventually 10 port_in_use
	in_net a ip link set wg0 up
	run -1 on a "$WGSUITE_PEERS/wg" set wg0 listen-port 4444
	echo "$output"
	[ "$output" = "Unable to modify interface: Address already in use" ]
	run -1 on a "$WGSUITE_PEERS/wg" show wg1
	[ "$output" = "Unable to access interface: Protocol not supported" ] ||
		[ "$output" = "Unable to access interface: No such device" ]
}
