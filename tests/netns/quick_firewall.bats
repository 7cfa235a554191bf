# The firewall rules of a tunnel with a default route, with nft, iptables-nft and iptables-legacy: they are set once, repaired
# when other programs removed some of them, and nothing is left of them after down.
load ../lib/netns
load ../lib/quick
load ../lib/firewall

setup() {
	net_begin
	firewall_host
}
teardown() { net_end; }

# delete_rule and flush: as another program does.
delete_rule() {
	case $TOOL in
	nft) on a sh -c 'nft -a list chain ip wg-quick-wg0 preraw | sed -n "s/.*drop # handle //p" |
		xargs nft delete rule ip wg-quick-wg0 preraw handle' ;;
	*) on a "$TOOL" -t mangle -D PREROUTING 1 ;;
	esac
}
flush() {
	case $TOOL in
	nft) on a nft flush table ip wg-quick-wg0 ;;
	*) on a sh -c "$TOOL -t raw -F; $TOOL -t mangle -F" ;;
	esac
}

cycle() {
	local before set
	use "$1"
	before=$(state)
	quick up wg0
	[ "$(rules)" = "3 3" ]
	set=$(state)
	for change in delete_rule flush; do
		$change
		[ "$(rules)" != "3 3" ]
		[ -n "$(quick diff wg0 2> /dev/null)" ]
		quick reload wg0
		[ "$(rules)" = "3 3" ]
		diff <(echo "$set" | sort) <(state | sort)
		run -0 quick reload wg0
		[ -z "$output" ]
	done
	quick down wg0
	quick_settled "$before" state
	# Without a reload.
	for change in delete_rule flush; do
		quick up wg0
		$change
		quick down wg0
		quick_settled "$before" state
	done
	# Without a journal.
	quick up wg0
	on a sh -c 'rm -r /run/wgsuite; echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark'
	quick down wg0
	[[ $(state) != *wg-quick* ]]
}

@test "nft: up, reload and down, with rules deleted or flushed by others" { cycle nft; }
@test "iptables-nft: up, reload and down, with rules deleted or flushed by others" { cycle iptables-nft; }
@test "iptables-legacy: up, reload and down, with rules deleted or flushed by others" { cycle iptables-legacy; }

# twice TOOL: the rules are there twice, as after a set that another program saved and restored.
twice() {
	local before
	use "$1"
	before=$(state)
	quick up wg0
	on a sh -c "$1-save | sed 's/ \[[0-9:]*\]\$//' > /run/saved; $1-restore -n < /run/saved; rm /run/saved"
	[ "$(rules)" = "6 3" ]
	run -0 quick diff wg0
	[[ $output == *"[#] iptables-restore -n <<<"* ]]
	quick reload wg0
	[ "$(rules)" = "3 3" ]
	on a sh -c "$1-save | sed 's/ \[[0-9:]*\]\$//' > /run/saved; $1-restore -n < /run/saved; rm /run/saved"
	quick down wg0
	quick_settled "$before" state
}

@test "iptables-nft: rules that are there twice" { twice iptables-nft; }
@test "iptables-legacy: rules that are there twice" { twice iptables-legacy; }

@test "the command that diff prints for iptables gives the same state as reload" {
	use iptables-nft
	quick up wg0
	set=$(saved)
	on a iptables-nft -t raw -F
	quick diff wg0 2> /dev/null | sed 's/^\[#\] //' > "$NET_DIR/commands"
	on a env PATH="/etc/tools:$NET_PATH" bash -e -s < "$NET_DIR/commands"
	diff <(echo "$set") <(saved)
	run -0 quick diff wg0
	[ -z "$output" ]
}

@test "reload changes the tool, and an address that is no longer the tunnel's is not protected" {
	use nft
	before=$(state)
	quick up wg0
	use iptables-nft
	quick reload wg0
	[ "$(rules)" = "3 3" ]
	run ! on a nft list table ip wg-quick-wg0
	quick_file wg0 "Address = 10.7.0.2/24" "0.0.0.0/0, ::/0"
	quick reload wg0
	[ "$(rules)" = "3 2" ]
	[[ $(saved) != *"10.7.0.1/32"* ]]
	run -0 quick reload wg0
	[ -z "$output" ]
	use nft
	quick reload wg0
	[ "$(rules)" = "3 2" ]
	quick down wg0
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	quick_settled "$before" state
}

@test "two tunnels with iptables-nft: the last one down deletes the tables that the first one created" {
	quick_file wg1 "Address = 10.7.1.1/24" "0.0.0.0/0"
	use iptables-nft
	before=$(state)
	for order in "0 1" "1 0"; do
		quick up wg0
		quick up wg1
		for i in $order; do quick down wg$i; done
		quick_settled "$before" state
	done
	# Those of the administrator stay, with rules and without.
	on a sh -c 'iptables-nft -t raw -A PREROUTING -j ACCEPT; ip6tables-nft -t mangle -A PREROUTING -j ACCEPT
		ip6tables-nft -t mangle -F; iptables-nft -t mangle -P FORWARD DROP'
	before=$(state)
	quick up wg0
	quick down wg0
	quick_settled "$before" state
	quick up wg0
	on a ip6tables-nft -t raw -A OUTPUT -j ACCEPT
	quick down wg0
	on a ip6tables-nft -t raw -S | grep -qx -e '-A OUTPUT -j ACCEPT'
}

@test "rules that others add to the chains that up created stay, those of another tunnel too" {
	quick_file wg1 "Address = 10.7.1.1/24" "0.0.0.0/0"
	use iptables-nft
	before=$(state)
	quick up wg0
	on a sh -c 'iptables-nft -t mangle -A PREROUTING -p tcp --dport 80 -j MARK --set-mark 7
		ip6tables-nft -t raw -A PREROUTING -p tcp --dport 81 -j ACCEPT'
	quick up wg1
	quick down wg0
	on a iptables-nft -t mangle -S PREROUTING | grep -q -e '--dport 80'
	on a ip6tables-nft -t raw -S PREROUTING | grep -q -e '--dport 81'
	[ "$(on a iptables-nft-save | grep -c 'wg-quick(8) rule for wg1')" = 3 ]
	quick down wg1
	on a iptables-nft -t mangle -S PREROUTING | grep -q -e '--dport 80'
	on a ip6tables-nft -t raw -S PREROUTING | grep -q -e '--dport 81'
	on a sh -c 'iptables-nft -t mangle -F; ip6tables-nft -t raw -F'
	quick up wg0
	quick down wg0
}

@test "down removes rules that another tool set, and up replaces them" {
	use nft
	before=$(state)
	for other in iptables-nft iptables-legacy; do
		use $other
		before=$(state)
		quick up wg0
		on a ip link delete wg0
		on a rm -r /run/wgsuite
		# Nothing else tells that it existed.
		run -0 quick down wg0
		[[ $(saved) != *wg-quick* ]]
		quick up wg0
		on a ip link delete wg0
		on a rm -r /run/wgsuite
		use nft
		run -0 quick up wg0
		[[ $output == *"tables-restore -n"* ]]
		[[ $(saved) != *"wg-quick(8)"* ]]
		quick down wg0
		[[ $(state) != *wg-quick* ]]
	done
}

@test "a tool that fails: up fails and is rolled back" {
	use iptables-nft
	before=$(quick_state)
	broken() {
		on a unshare -m sh -c 'mount --bind /dev/null /usr/lib/x86_64-linux-gnu/xtables/libxt_addrtype.so
			PATH=/etc/tools:$PATH exec wg-quick up wg0'
	}
	on a test -e /usr/lib/x86_64-linux-gnu/xtables/libxt_addrtype.so || skip "the extensions of iptables are elsewhere"
	run broken
	[ "$status" -ne 0 ]
	[[ $output == *"wg-quick: wg0: cannot set the firewall rules: ip6tables-restore: "*addrtype* ]]
	quick_settled "$before"
	# With that setting it starts, without a warning.
	printf '[firewall]\nbackend = none\n' | on a install -m 644 /dev/stdin /etc/wireguard/wgsuite.ini
	run -0 quick up wg0
	[[ $output != *warning* ]]
	run -0 quick diff wg0
	[ -z "$output" ]
	quick down wg0
}

@test "a kernel without netfilter netlink: the tunnel starts, with a warning" {
	"${CC:-cc}" -O1 -o "$NET_DIR/without_netfilter" "$BATS_TEST_DIRNAME/../lib/without_netfilter.c" -lseccomp
	before=$(quick_state)
	legacy=$(on a sh -c 'test -e /proc/net/ip_tables_names && echo yes' || true)
	run on a unshare -m sh -c 'mount --bind /dev/null /usr/sbin/iptables-restore; mount --bind /dev/null /usr/sbin/ip6tables-restore
		exec "$1" wg-quick up wg0' sh "$NET_DIR/without_netfilter"
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: "*"hosts on the local network can send packets to the tunnel's addresses"* ]]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0"* ]]
	run -0 on a "$NET_DIR/without_netfilter" wg-quick down wg0
	quick_settled "$before"
}

@test "only the tunnel's own mark is restored" {
	for tool in nft iptables-nft iptables-legacy; do
		use $tool
		quick up wg0
		on a nft -f - <<-'END'
		table ip other {
			counter five {}
			counter own {}
			chain marks { type filter hook prerouting priority -200; udp dport 4444 meta mark set 5; }
			chain counts {
				type filter hook prerouting priority -100;
				udp dport 4444 meta mark 5 counter name five
				udp sport 5801 meta mark 51820 counter name own
			}
		}
		END
		on_bg gw socat UDP4-LISTEN:5801,fork PIPE
		socat=$BG
		answered() {
			on gw sh -c 'echo x | socat -u - UDP4:192.168.5.1:4444'
			on a perl -MSocket=:all -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0);
				setsockopt($s, SOL_SOCKET, 36, pack("i", 51820)) or die;
				send($s, "x", 0, pack_sockaddr_in(5801, inet_aton("192.168.5.254")))'
			[[ $(on a nft list counter ip other five) != *"packets 0"* && $(on a nft list counter ip other own) != *"packets 0"* ]]
		}
		eventually 10 answered
		kill "$socat"
		on a nft delete table ip other
		quick down wg0
	done
}
