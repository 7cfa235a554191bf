# wg-quick: known faults of the shell script of wireguard-tools, hosts that lack a feature, and hooks.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

FULL="Address = 10.7.0.1/24, fd07::1/64"

@test "a failed strip does not clear a device through syncconf" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
	on a wg-quick up wg0
	before=$(on a wg showconf wg0)
	run on a bash -c 'wg syncconf wg0 <(wg-quick strip typo)'
	[ "$(on a wg showconf wg0)" = "$before" ]
	on a wg-quick down wg0
}

@test "down removes rules of a table that rt_tables names, and leaves unrelated rules" {
	quick_file wg0 "$FULL" "0.0.0.0/0"
	on a sh -c 'mkdir -p /etc/iproute2; echo "51820 wgtab" >> /etc/iproute2/rt_tables'
	on a ip rule add from 10.55.0.0/16 lookup 518201 pref 100
	on a ip rule add from 10.56.0.0/16 lookup 51820 pref 101
	on a ip rule add from 10.57.0.0/16 lookup main suppress_prefixlength 0 pref 102
	before=$(quick_state)
	on a wg-quick up wg0
	on a wg-quick down wg0
	quick_settled "$before"
	on a wg-quick up wg0
	on a rm -r /run/wgsuite
	on a sh -c 'wg-quick down wg0; echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark'
	quick_settled "$before"
}

@test "a host with IPv6 disabled gets the IPv4 half of a tunnel, with a warning" {
	quick_file wg0 "$FULL" "0.0.0.0/0, ::/0, fd08::/64"
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	before=$(quick_state)
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: IPv6 is disabled on this host"* ]]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0 table 51820"* ]]
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "a read-only /proc/sys is a warning" {
	quick_file wg0 "$FULL" "0.0.0.0/0"
	before=$(quick_state)
	run on a unshare -m sh -c 'mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys; wg-quick up wg0'
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: cannot write /proc/sys/net/ipv4/conf/all/src_valid_mark"* ]]
	on a wg-quick down wg0
	quick_settled "$before"
}

# without NAME… -- COMMAND…: runs a command in a mount namespace without these programs and libraries.
without() {
	local names=()
	while [ "$1" != -- ]; do names+=("$1"); shift; done
	shift
	on a unshare -m sh -c '
		names=$1; shift
		for name in $names; do
			for path in /usr/sbin/$name /usr/bin/$name /sbin/$name /usr/lib/x86_64-linux-gnu/$name; do
				[ ! -e "$path" ] || mount --bind /dev/null "$(realpath "$path")"
			done
		done
		exec "$@"' sh "${names[*]}" "$@"
}

@test "a host with neither nft nor iptables is a warning" {
	quick_file wg0 "$FULL" "0.0.0.0/0"
	before=$(quick_state)
	run without nft libnftables.so.1 iptables-restore ip6tables-restore -- wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: neither nft nor iptables is available"* ]]
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "without nftables iptables rules have the comment that other programs look for" {
	quick_file wg0 "$FULL" "0.0.0.0/0, ::/0"
	on a sh -c 'for t in iptables ip6tables; do for n in raw mangle; do $t -t $n -S; done; done' > /dev/null || skip "no iptables"
	before=$(quick_state)
	run without nft libnftables.so.1 -- wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] iptables-restore -n"* ]]
	on a iptables -t raw -S PREROUTING | grep -q 'wg-quick(8) rule for wg0'
	on a ip6tables -t mangle -S POSTROUTING | grep -q 'wg-quick(8) rule for wg0'
	run without nft libnftables.so.1 -- wg-quick down wg0
	[ "$status" -eq 0 ]
	[[ $(on a iptables-save) != *wg-quick* && $(on a ip6tables-save) != *wg-quick* ]]
	# Also without a journal.
	without nft libnftables.so.1 -- wg-quick up wg0
	on a rm -r /run/wgsuite
	without nft libnftables.so.1 -- wg-quick down wg0
	[[ $(on a iptables-save) != *wg-quick* && $(on a ip6tables-save) != *wg-quick* ]]
}

@test "an endpoint name that does not resolve leaves the other peers working" {
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 10.8.0.0/16
	Endpoint = no-such-host.invalid:51820
	[Peer]
	PublicKey = KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=
	AllowedIPs = 10.9.0.0/16
	Endpoint = 192.168.5.254:51820
	[Peer]
	PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
	Endpoint = hub.example:51820
	END
	add_hosts_entry a 192.168.5.254 hub.example
	run on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"no-such-host.invalid"*"1 peer has no endpoint"* ]]
	[[ $(on a wg show wg0 endpoints) == *"$QUICK_PEER	(none)"* ]]
	[[ $(on a wg show wg0 endpoints) == *"TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=	192.168.5.254:51820"* ]]
	[[ $(on a ip route) == *"10.8.0.0/16 dev wg0"*"10.9.0.0/16 dev wg0"* ]]
	on a wg-quick down wg0
}

@test "a duplicate address and an existing route are warnings" {
	quick_file wg0 "Address = 10.7.0.1/24, 10.7.0.1/24
Address = 10.7.0.1/24" "192.168.5.0/24, 10.8.0.0/16"
	on a ip route add 10.8.0.0/16 via 192.168.5.254
	before=$(quick_state)
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: a route to 10.8.0.0/16 already exists"* ]]
	[[ $(on a ip route get 10.8.0.1) == *"dev eth0"* ]]
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "hooks: a failed up runs the down hooks that match the up hooks that ran" {
	quick_file wg0 "PreUp = touch /run/pre
PostUp = touch /run/post
PostUp = false; true
PostUp = touch /run/never
PreDown = rm /run/post
PostDown = rm /run/pre" "10.8.0.0/16"
	before=$(quick_state)
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	quick_settled "$before"
}

@test "hooks: a failed PreDown does not stop down" {
	quick_file wg0 "PreDown = false
PostDown = touch /run/down" "10.8.0.0/16"
	on a wg-quick up wg0
	run on a wg-quick down wg0
	[ "$status" -eq 1 ]
	[[ $output == *"PreDown command 1 failed with status 1"* ]]
	on a test -e /run/down
	run ! in_net a ip link show wg0
}

@test "an interface that cannot be created is an error, and nothing is left behind" {
	quick_file wg0 "" "10.8.0.0/16"
	before=$(quick_state)
	run -127 on a env WG_QUICK_USERSPACE_IMPLEMENTATION=/nonexistent wg-quick up wg0
	[[ $output == *"/nonexistent"* ]]
	quick_settled "$before"
}

@test "rules, and routes without an interface, have protocol kernel, so that systemd-networkd does not remove them" {
	quick_file wg0 "ExcludeIPs = 203.0.113.0/24" "0.0.0.0/0"
	on a wg-quick up wg0
	[ "$(on a ip -d -4 rule | grep -c -e 'lookup 51820 proto kernel' -e 'suppress_prefixlength 0 proto kernel')" -eq 2 ]
	[ "$(on a ip -d -4 route show table 51820 | grep -c -e '^unreachable default proto kernel' -e '^throw 203.0.113.0/24 proto kernel')" -eq 2 ]
	on a wg-quick down wg0
}

@test "hooks: run in bash, in order, with INTERFACE, LC_ALL, CONFIG_FILE, standard input and umask 0022" {
	on a mkdir -p /run/out
	quick_file wg0 'PreUp = ip link show %i > /run/out/1; [[ $INTERFACE == wg@(0|1) ]] && echo "$LC_ALL $CONFIG_FILE %%i; x # y" > /run/out/2
PostUp = cat <(wg show %i fwmark) > /run/out/3; read -r line && echo "$line" > /run/out/4
PostUp = umask > /run/out/5' "10.8.0.0/16"
	echo "from stdin" | on a env -u LC_ALL WG_TEST=x wg-quick up wg0
	on a test -s /run/out/1
	[ "$(on a cat /run/out/2)" = "C /etc/wireguard/wg0.conf %wg0; x # y" ]
	[ "$(on a cat /run/out/3)" = off ]
	[ "$(on a cat /run/out/4)" = "from stdin" ]
	[ "$(on a cat /run/out/5)" = 0022 ]
	on a wg-quick down wg0
}

@test "hooks: private key, fwmark and address set by PreUp are used" {
	on a sh -c 'umask 077; wg genkey > /run/key'
	tunnel a wg0 <<-END
	[Interface]
	PreUp = wg set %i private-key /run/key fwmark 7
	PreUp = ip address add 10.3.0.1/24 dev %i
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 0.0.0.0/0, 10.3.0.0/24
	END
	on a wg-quick up wg0
	[ "$(on a wg show wg0 private-key)" = "$(on a cat /run/key)" ]
	[ "$(on a wg show wg0 fwmark)" = 0x7 ]
	[[ $(on a ip rule) == *"not from all fwmark 0x7 lookup 7"* ]]
	on a nft list table ip wg-quick-wg0 | grep -q 'ip daddr 10.3.0.1'
	on a wg-quick down wg0
}

@test "hooks: wg-quick exits with the status of a failed hook, in up and down" {
	for case in "PreUp 3" "PostUp 7" "PostUp 127" "PreDown 5" "PostDown 6"; do
		quick_file wg0 "${case% *} = exit ${case#* }" "10.8.0.0/16"
		action=up
		[[ $case != *Down* ]] || { on a wg-quick up wg0; action=down; }
		run "-${case#* }" on a wg-quick $action wg0
		run ! in_net a ip link show wg0
	done
	in_net a ip route add default via 192.168.5.254 table 7
	quick_file wg0 "FwMark = 7" "0.0.0.0/0" # the route of the tunnel cannot be added: as for ip(8)
	run on a wg-quick up wg0
	[ "$status" -eq 2 ]
}

@test "hooks: ARGS, PROGRAM, cmd and die of the shell script are available" {
	quick_file wg0 'PostUp = local x=0; return $x; false
PostUp =
PostUp = echo "$0 ${ARGS[*]} $PROGRAM $#" > /run/out; cmd true; nosuchcommand || die "of $INTERFACE"' "10.8.0.0/16"
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[[ $output == *"[#] true"*"wg-quick: of wg0"* ]]
	[ "$(on a cat /run/out)" = "wg-quick up wg0 wg-quick 0" ]
}

@test "hooks: a million bytes long, and a failed command before the last one is an error" {
	printf '[Interface]\nPrivateKey = %s\nPostUp = x=%s; echo ${#x} %%i $# > /run/out; read -r l; echo $l >> /run/out; false; true' \
		"$QUICK_KEY" "$(head -c 1000000 /dev/zero | tr '\0' x)" | tunnel a wg0
	run -1 on a wg-quick up wg0 <<< said
	[ "$(on a cat /run/out)" = "1000000 wg0 0
said" ]
}

@test "up and down without standard input, output or error" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
PostUp = echo hello; cat; echo bye >&2" "0.0.0.0/0, ::/0"
	before=$(quick_state)
	for closed in '<&-' '>&-' '2>&-' '<&- 2>&-' '<&- >&- 2>&-'; do
		ON_LIMIT=60 on a bash -c "exec wg-quick up wg0 ${closed/#2/< \/dev\/null 2}"
		on a wg show wg0 > /dev/null
		ON_LIMIT=60 on a bash -c "exec wg-quick down wg0 $closed"
		quick_settled "$before"
	done
}

@test "up and down without environment, and with an unusable PATH" {
	quick_file wg0 'PostUp = [[ wg == @(wg|x) ]]; echo "$PATH" > /run/path' "10.8.0.0/16"
	for words in -i PATH= PATH=/nonexistent; do
		on a env "$words" "$WGSUITE_BUILD/wg-quick" up wg0
		on a env "$words" "$WGSUITE_BUILD/wg-quick" down wg0
		[[ $(on a cat /run/path) != *: ]] # an empty entry is the current folder
	done
}

@test "up and down with a umask that takes all rights from the owner" {
	quick_file wg0 "Address = 10.7.0.1/24" 10.9.0.0/24
	before=$(quick_state)
	for umask in 0777 0177; do
		on a sh -c "umask $umask; wg-quick up wg0; wg-quick down wg0"
		quick_settled "$before" # without the files of wireguardd, which has no right to ignore modes
	done
}

@test "signals ignored by nohup are ignored by wg-quick and its hooks" {
	quick_file wg0 'PostUp = kill -HUP $PPID $BASHPID; touch /run/out' "10.8.0.0/16"
	before=$(quick_state)
	on a nohup wg-quick up wg0
	on a rm /run/out
	on a wg-quick down wg0
	run on a wg-quick up wg0
	[ "$status" -eq 129 ]
	quick_settled "$before"
}

@test "up cleans up after a killed up, but not while another up is running" {
	on a mkfifo /etc/fifo
	quick_file wg0 'PreUp = echo pre >> /run/out
PostUp = echo post >> /run/out; wg-quick up %i || true; read -r go < /etc/fifo
PreDown = echo pre-down >> /run/out
PostDown = echo post-down >> /run/out' "0.0.0.0/0"
	before=$(quick_state)
	on_bg a wg-quick up wg0
	eventually 10 grep -q 'already exists' "$BG_LOG" # for the hook the interface exists
	on a pkill -KILL -x wg-quick
	has_exited() { ! on a pgrep -x wg-quick && [ "$(on a pgrep -cx bash)" = 1 ]; } # and its hook; one is the host's first process
	eventually 5 has_exited
	run on a sh -c 'echo go > /etc/fifo & wg-quick up wg0'
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: an earlier wg-quick up was killed"*"[#] ip link delete dev wg0"*"[#] ip link add dev wg0"* ]]
	[ "$(on a cat /run/out | xargs)" = "pre post pre-down post-down pre post" ]
	run -1 on a wg-quick up wg0
	on a wg-quick down wg0
	on a rm /run/out
	quick_settled "$before"
}

@test "Table: a name, a number, main and 0; an empty MTU is ignored" {
	on a sh -c 'mkdir -p /etc/iproute2; echo "777 vpn" >> /etc/iproute2/rt_tables'
	for case in "vpn 777" "777 777" "main main" "0 main"; do
		quick_file wg0 "Table = ${case% *}
MTU = 1300
MTU =" "10.8.0.0/16"
		run on a wg-quick up wg0
		[ "$status" -eq 0 ]
		[[ $output == *"mtu 1420"* ]]
		[[ $output == *"[#] ip -4 route add 10.8.0.0/16 dev wg0 table ${case% *}" ]]
		[[ $(on a ip -4 route show table "${case#* }") == *"10.8.0.0/16 dev wg0"* ]]
		on a wg-quick down wg0
	done
}

@test "hooks: refused in a file that others can write; --no-hooks runs none" {
	quick_file wg0 "PostUp = touch /run/ran" "10.8.0.0/16"
	on a chmod 666 /etc/wireguard/wg0.conf
	run -1 on a wg-quick up wg0
	[[ $output == *"all users can write to"* ]]
	on a wg-quick up --no-hooks wg0
	on a test ! -e /run/ran
	# Without a journal, the hooks would be those of the file.
	on a sh -c 'rm -r /run/wgsuite; echo "[Interface]
PostDown = touch /run/down" >> /etc/wireguard/wg0.conf'
	run -1 on a wg-quick down wg0
	[[ $output == *"all users can write to"* ]]
	run ! in_net a ip link show wg0
	on a test ! -e /run/down
	on a wg-quick up --no-hooks wg0
	on a test ! -e /run/ran
	on a wg-quick down --no-hooks wg0
}

@test "hooks: IFS, BASH_ENV and functions in the environment have no effect" {
	quick_file wg0 'PostUp = echo "${IFS@Q} ${BASH_ENV-none} $(type -t evil)" > /run/out' "10.8.0.0/16"
	on a env 'IFS=x' BASH_ENV=/run/evil 'BASH_FUNC_evil%%=() { :; }' wg-quick up wg0
	[ "$(on a cat /run/out)" = "\$' \\t\\n' none " ]
	on a wg-quick down wg0
}

@test "arguments, environment, messages and the journal contain no keys" {
	quick_file wg0 "Address = 10.7.0.1/24
PostUp = env; ps axww" "10.8.0.0/16"
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output != *"$QUICK_KEY"* ]]
	[[ $(on a sh -c 'cat /run/wgsuite/*') != *"$QUICK_KEY"* ]]
	run on a wg-quick down wg0
	[[ $output != *"$QUICK_KEY"* ]]
}
