#!/usr/bin/env bats
# Names of peers: display, selection with @NAME, errors, and hostile names and files.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() {
	wg_setup
	sample_state > get.wgx
	fake_device wgx
}
teardown() {
	find /etc/wireguard -mindepth 1 -delete
	wg_teardown
}

P1=uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=
P2=WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=
P3=Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
HEX_1=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
PRIVATE=6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=

# names FILE NAME…: writes a tunnel file in which the peers P1, P2, P3 and KEY_A have these names.
names() {
	local file=/etc/wireguard/$1.conf key
	shift
	printf '[Interface]\nPrivateKey = %s\n' "$PRIVATE" > "$file"
	for key in $P1 $P2 $P3 "$KEY_A"; do
		[ $# -gt 0 ] || break
		printf '[Peer]\n# Name = %s\nPublicKey = %s\n' "$1" "$key" >> "$file"
		shift
	done
}

# on_terminal COMMAND…: the output of the command on a terminal, without carriage returns.
on_terminal() { python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) != 0)' "$@" | tr -d '\r'; }

peer_lines() { grep '^peer: '; }

@test "names are shown on a terminal, or where WG_SHOW_NAMES or wgsuite.ini says so" {
	names wgx laptop phone
	with="peer: $P1 (laptop)
peer: $P2 (phone)
peer: $P3"
	without="peer: $P1
peer: $P2
peer: $P3"
	export WG_COLOR_MODE=never
	[ "$("$WG" show wgx | peer_lines)" = "$without" ]
	[ "$(on_terminal "$WG" show wgx | peer_lines)" = "$with" ]
	[ "$(on_terminal "$WG" | peer_lines)" = "$with" ]
	[ "$(WG_SHOW_NAMES=always "$WG" show | peer_lines)" = "$with" ]
	[ "$(WG_SHOW_NAMES=never on_terminal "$WG" show | peer_lines)" = "$without" ]
	[ "$(WG_SHOW_NAMES=auto "$WG" show | peer_lines)" = "$without" ]
	printf '[show]\nnames = always\n' > /etc/wireguard/wgsuite.ini
	[ "$("$WG" show | peer_lines)" = "$with" ]
	[ "$(WG_SHOW_NAMES=never "$WG" show | peer_lines)" = "$without" ]
	printf '[show]\nnames = never\n' > /etc/wireguard/wgsuite.ini
	[ "$(on_terminal "$WG" show | peer_lines)" = "$without" ]
	# Fields never have names, except this one.
	[ "$(WG_SHOW_NAMES=always "$WG" show wgx peers)" = "$P1
$P2
$P3" ]
	expect_output 0 "$P1	laptop
$P2	phone
$P3	(none)
" "" "$WG" show wgx names
	[ "$("$WG" show all names | head -1)" = "wgx	$P1	laptop" ]
}

@test "@NAME selects a peer in show" {
	names wgx laptop phone "John's tablet"
	[ "$("$WG" show wgx @phone | peer_lines)" = "peer: $P2" ]
	[ "$("$WG" show wgx @phone | head -1)" = "interface: wgx" ]
	expect_output 0 "$P2	182.122.22.19:3233
" "" "$WG" show wgx endpoints @phone
	expect_output 0 "$P3	0	0
" "" "$WG" show wgx transfer "@John's tablet"
	expect_output 0 "$("$WG" show wgx dump | grep "^$P1")
" "" "$WG" show wgx dump @laptop
	expect_output 0 "wgx	$P1	100
" "" "$WG" show all latest-handshakes @laptop
	[ "$("$WG" show all @laptop)" = "$("$WG" show wgx @laptop)" ]
	expect_output 1 "" "wg: fwmark is a setting of the interface, not of a peer
" "$WG" show wgx fwmark @phone
	run -1 "$WG" show interfaces @phone
	[[ $output == "Usage: "* ]]
	run -1 "$WG" show wgx bogus @phone
	[ "${lines[0]}" = "Invalid parameter: \`bogus'" ]
}

@test "@NAME with all: devices without the peer are left out" {
	names wgx laptop
	printf 'public_key=%s\nerrno=0\n\n' "$HEX_A" > get.wgy
	fake_device wgy
	printf '[Peer]\n# Name = phone\nPublicKey = %s\n[Peer]\n# Name = gone\nPublicKey = %s\n' "$KEY_A" "$P2" > /etc/wireguard/wgy.conf
	expect_output 0 "wgy	$KEY_A
" "" "$WG" show all peers @phone
	[ "$("$WG" show all @phone | head -1)" = "interface: wgy" ]
	expect_output 1 "" "wg: no peer is named @phony
  help: did you mean @phone?
" "$WG" show all @phony
	expect_output 1 "" "wg: @gone is not a peer of any interface
" "$WG" show all peers @gone
}

@test "@NAME selects a peer in set" {
	names wgx laptop phone phone new
	expect_output 0 "" "" "$WG" set wgx peer @laptop persistent-keepalive 25 peer @new allowed-ips 10.0.0.1/32
	expect_requests wgx "set=1
public_key=$HEX_1
persistent_keepalive_interval=25
public_key=$HEX_A
replace_allowed_ips=true
allowed_ip=10.0.0.1/32

"
	expect_output 1 "" "wg: wgx: @phone is the name of several peers: $P2 and $P3
  help: use the key instead of the name, or give the peers different names
" "$WG" set wgx peer @phone remove
	expect_output 1 "" "wg: wgx: no peer is named @laptpo
  help: did you mean @laptop?
" "$WG" set wgx peer @laptop remove peer @laptpo remove
	run -1 --separate-stderr "$WG" set nodevice peer @laptop remove
	[[ $stderr == "Unable to access interface: "* ]]
	expect_requests wgx ""
	rm -rf /run/wgsuite
}

@test "ambiguous and unknown names are errors that say what is known" {
	names wgx laptop phone phone gone
	expect_output 1 "" "wg: wgx: @phone is the name of several peers: $P2 and $P3
  help: use the key instead of the name, or give the peers different names
" "$WG" show wgx @phone
	expect_output 1 "" "wg: wgx: @phone is the name of several peers: $P2 and $P3
  help: use the key instead of the name, or give the peers different names
" "$WG" show all peers @phone
	expect_output 1 "" "wg: wgx: no peer is named @Lapotp
  help: did you mean @laptop?
" "$WG" show wgx @Lapotp
	expect_output 1 "" "wg: wgx: no peer is named @other
  help: /etc/wireguard/wgx.conf has the names @laptop, @phone, @gone
" "$WG" show wgx @other
	expect_output 1 "" "wg: wgx: @gone is not a peer of this interface
  help: in /etc/wireguard/wgx.conf it is the name of $KEY_A
" "$WG" show wgx @gone
	rm /etc/wireguard/wgx.conf
	expect_output 1 "" "wg: wgx: no peer is named @laptop
  help: names are read from /etc/wireguard/wgx.conf: No such file or directory
" "$WG" show wgx @laptop
	expect_output 1 "" "wg: no peer is named @laptop
  help: names are read from /etc/wireguard/wgx.conf: No such file or directory
" "$WG" show all @laptop
	names wgx
	expect_output 1 "" "wg: no peer is named @laptop
  help: /etc/wireguard/wgx.conf names no peer; to name one, write \`# Name = NAME' below its [Peer] line
" "$WG" show all @laptop
	run -1 "$WG" show @laptop
	[[ $output == "Unable to access interface: "*"
  help: the name of a peer follows the interface or \`all'" ]]
	run -1 "$WG" show json
	[[ $output == "Unable to access interface: "*"
  help: the format follows the interface or \`all': $WG show all json" ]]
}

@test "files that cannot be read cost the names only" {
	sed -i /handshake/d get.wgx
	plain=$("$WG" show wgx)
	mkfifo pipe
	for file in /nonexistent /dev/zero "$PWD/pipe" "$PWD"; do
		ln -sf "$file" /etc/wireguard/wgx.conf
		WG_SHOW_NAMES=always expect_output 0 "$plain
" "" "$WG" show wgx
		rm /etc/wireguard/wgx.conf
	done
	mkdir /etc/wireguard/wgx.conf
	WG_SHOW_NAMES=always expect_output 0 "$plain
" "" "$WG" show wgx
	rmdir /etc/wireguard/wgx.conf
	mkdir -p /run/wgsuite
	head -c 100000 /dev/urandom > /run/wgsuite/wgx@1
	ln -s wgx@2 /run/wgsuite/wgx@2
	WG_SHOW_NAMES=always expect_output 0 "$plain
" "" "$WG" show wgx
	rm -r /run/wgsuite
}

@test "a file with errors still has names" {
	names wgx laptop phone
	printf 'nonsense\nAllowedIPs = 1.2.3.4/99\n' >> /etc/wireguard/wgx.conf
	[ "$("$WG" show wgx names | head -1)" = "$P1	laptop" ]
}

@test "a device with another name has the names of the file with its private key" {
	names other laptop
	[ "$("$WG" show wgx names | head -1)" = "$P1	laptop" ]
	sed -i 's/^PrivateKey = ./PrivateKey = A/' /etc/wireguard/other.conf
	[ "$("$WG" show wgx names | head -1)" = "$P1	(none)" ]
	mv /etc/wireguard/other.conf /etc/wireguard/wgx.conf
	expect_output 1 "" "wg: wgx: no peer is named @laptop
  help: /etc/wireguard/wgx.conf is not the file of this interface: it has another private key
" "$WG" show wgx @laptop
}

@test "no character of a name controls the terminal" {
	export WG_SHOW_NAMES=always
	for bad in '\033[2Jx' 'a\302\233b' 'a\233b' 'a\342\200\256b' 'a\342\201\246b' 'a\007b' 'a\tb' 'a\303'; do
		names wgx laptop "$(printf "$bad")" phone
		[ "$("$WG" show wgx | peer_lines)" = "peer: $P1 (laptop)
peer: $P2
peer: $P3 (phone)" ]
	done
	# A name of 64 bytes, in which no character is cut, and one of 65.
	long=$(printf 'ä%.0s' {1..32})
	names wgx "$long" "x$long"
	[ "$("$WG" show wgx | peer_lines | head -2)" = "peer: $P1 ($long)
peer: $P2" ]
	expect_output 0 "$P1
" "" "$WG" show wgx peers "@$long"
	# A line of 1 MiB.
	names wgx laptop "$(head -c 1048576 /dev/zero | tr '\0' x)" phone
	[ "$("$WG" show wgx names | cut -f2 | tr '\n' ' ')" = "laptop (none) phone " ]
	# What the user typed is printed without its control characters.
	expect_output 1 "" "wg: wgx: no peer is named @?[2J?
  help: /etc/wireguard/wgx.conf has the names @laptop, @phone
" "$WG" show wgx "$(printf '@\033[2J\342\200\256')"
}

@test "10,000 peers have names" {
	awk 'BEGIN { for (i = 1; i <= 10000; i++) printf "public_key=%064x\n", i; print "errno=0\n" }' > get.wgx
	"$WG" show wgx peers | awk '{ printf "[Peer]\n# Name = peer %d\nPublicKey = %s\nAllowedIPs = 10.%d.%d.1/32\n", NR, $1, NR / 256, NR % 256 }' \
		> /etc/wireguard/wgx.conf
	"$WG" show wgx names > names
	[ "$(wc -l < names)" = 10000 ]
	[ "$(awk -F'\t' '$2 != "peer " NR' names | wc -l)" = 0 ]
	[ "$("$WG" show wgx peers "@peer 9999")" = "$(sed -n 9999p names | cut -f1)" ]
}

@test "the output in the tour and wg(8) is that of the programs" {
	key=br12tg26oPE2BSj8D0duj2Zm0WiklxNKXj9vVfJrVi0=
	printf 'public_key=%s\nendpoint=203.0.113.1:51820\nallowed_ip=10.8.0.0/24\nrx_bytes=220\ntx_bytes=308\nerrno=0\n\n' \
		"$(printf %s "$key" | base64 -d | od -An -tx1 | tr -d ' \n')" > get.wg0
	fake_device wg0
	wg_only() { "$WG" "$@" 2>&1; }
	for name in server office laptop; do
		printf '[Peer]\n# Name = %s\nPublicKey = %s\n' "$name" "$key" > /etc/wireguard/wg0.conf
		case $name in
		server)
			run -1 wg_only show wg0 allowed-ips @serevr
			echo "$output"
			wg_only show all json | jq -c '.wg0.peers[] | [.name, .endpoint, .transferRx]'
			wg_only show wg0 prometheus | grep sent
			;;
		office) wg_only show wg0 prometheus | grep sent ;;
		laptop)
			wg_only show wg0 endpoints @laptop
			run -1 wg_only show wg0 endpoints @laptpo
			echo "$output"
			;;
		esac > "out.$name"
	done
	cd "$root"
	while IFS= read -r line; do grep -qxF "    $line" contrib/doc/tour.md; done < "$BATS_TEST_TMPDIR/out.server"
	cat "$BATS_TEST_TMPDIR/out.office" "$BATS_TEST_TMPDIR/out.laptop" |
		while IFS= read -r line; do grep -qxF "$line" man/wg.8; done
}
