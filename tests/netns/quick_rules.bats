# Policy routing of a tunnel with a default route: the place of its rules among those of other programs, and what
# happens to traffic when a part of it is lost.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	quick_file wg1 "Address = 10.7.1.1/24, fd07:1::1/64" "0.0.0.0/0, ::/0"
}
teardown() { net_end; }

# reaches HOST DESTINATION DEVICE [mark N]: packets to there leave by this device; "none": by no device.
reaches() {
	local name=$1 to=$2 device=$3 out
	shift 3
	out=$(on "$name" ip route get "$to" "$@" 2>&1) || { [ "$device" = none ]; return; }
	[[ $out == *" dev $device "* ]] || { echo "$to $*: $out" >&2; return 1; }
}

all_reach() { reaches a 8.8.8.8 "$@" && reaches a 2001:db8:77::1 "$@"; }

@test "the rules of another VPN come first" {
	tailscale_rules
	before=$(quick_state)
	run -0 on a wg-quick up wg0
	[[ $output == *"[#] ip -4 rule add pref 32765 not fwmark 51820 table 51820"* ]]
	reaches a 100.100.100.100 ts0
	reaches a fd7a:115c:a1e0::5 ts0
	all_reach eth0 mark 0x80000
	all_reach wg0
	reaches a 192.168.5.7 eth0
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	on a wg-quick up wg1
	all_reach wg1
	all_reach eth0 mark 51820
	all_reach eth0 mark 51821
	reaches a 100.100.100.100 ts0
	on a wg-quick down wg0
	all_reach wg1
	on a wg-quick down wg1
	quick_settled "$before"
}

@test "rules of the administrator come first, also where hardly any preference is free" {
	for pref in 100 32763 32764 32765; do
		on a ip rule add pref $pref from 10.99.0.0/16 lookup 99
		on a ip -6 rule add pref $pref from fd99::/64 lookup 99
		before=$(quick_state)
		on a wg-quick up wg0
		[[ $(on a ip rule) == *"from 10.99.0.0/16 lookup 99"*"suppress_prefixlength 0"*"not from all fwmark 0xca6c lookup 51820"*"from all lookup main"* ]]
		all_reach wg0
		on a wg-quick up wg1
		all_reach wg1
		all_reach eth0 mark 51820
		run -0 on a wg-quick diff wg1
		[ -z "$output" ]
		on a wg-quick down wg0
		on a wg-quick down wg1
		quick_settled "$before"
		on a ip rule delete pref $pref
		on a ip -6 rule delete pref $pref
	done
}

@test "the rules come after a local rule that was moved, and before a main rule that was moved" {
	for local in 100 32700 32765; do
		for f in -4 -6; do
			on a ip $f rule add pref $local lookup local
			on a ip $f rule delete pref 0
		done
		before=$(quick_state)
		on a wg-quick up wg0
		reaches a 192.168.5.1 lo
		reaches a 192.168.5.7 eth0
		all_reach wg0
		on a wg-quick up wg1
		reaches a 192.168.5.1 lo
		reaches a 2001:db8:5::1 lo
		all_reach wg1
		all_reach eth0 mark 51820
		all_reach eth0 mark 51821
		for i in 0 1; do
			run -0 on a wg-quick diff wg$i
			[ -z "$output" ]
		done
		on a wg-quick down wg0
		reaches a 192.168.5.1 lo
		on a wg-quick down wg1
		quick_settled "$before"
		for f in -4 -6; do
			on a ip $f rule add pref 0 lookup local
			on a ip $f rule delete pref $local
		done
	done
	on a sh -c 'for f in -4 -6; do ip $f rule add pref 200 lookup main; done'
	before=$(quick_state)
	on a wg-quick up wg0
	all_reach wg0
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "reload moves the rules behind a local rule and before a main rule that others moved" {
	before=$(quick_state)
	on a wg-quick up wg0
	on a sh -c 'for f in -4 -6; do ip $f rule add pref 32765 lookup local; ip $f rule delete pref 0; done'
	[[ $(on a wg-quick diff wg0 2>&1) == *"[#] ip -4 rule add "* ]]
	on a wg-quick reload wg0
	reaches a 192.168.5.1 lo
	reaches a 2001:db8:5::1 lo
	all_reach wg0
	run -0 on a wg-quick reload wg0
	[ -z "$output" ]
	on a sh -c 'for f in -4 -6; do ip $f rule add pref 0 lookup local; ip $f rule delete pref 32765 lookup local; done'
	on a sh -c 'for f in -4 -6; do ip $f rule add pref 200 lookup main; done'
	on a wg-quick reload wg0
	all_reach wg0
	run -0 on a wg-quick reload wg0
	[ -z "$output" ]
	on a sh -c 'for f in -4 -6; do ip $f rule delete pref 200; done'
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "no traffic leaves outside the tunnel when the daemon is dead or the link down" {
	before=$(quick_state)
	run -0 on a wg-quick up wg0
	[[ $output == *"[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820"* ]]
	[[ $output == *"[#] ip -6 route add unreachable ::/0 metric 32767 table 51820"* ]]
	on a ip link set wg0 down
	all_reach none
	reaches a 192.168.5.7 eth0
	all_reach eth0 mark 51820
	[[ $(on a wg-quick diff wg0 2> /dev/null) == *"[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820"* ]]
	on a wg-quick reload wg0
	all_reach wg0
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	for then in down up; do
		on a pkill -KILL -x wireguardd
		gone() { ! in_net a ip link show wg0; }
		eventually 5 gone
		eventually 5 no_daemons a # its sockets are closed after the link is gone
		all_reach none
		on a wg-quick $then wg0
		[ $then = up ] || { quick_settled "$before"; on a wg-quick up wg0; }
	done
	on a ip link delete wg0
	all_reach none
	run -0 on a wg-quick down wg0
	quick_settled "$before"
	all_reach eth0
}

@test "the unreachable route is restored by reload and removed with the default route" {
	before=$(quick_state)
	on a wg-quick up wg0
	on a ip -4 route delete unreachable default metric 32767 table 51820
	run -0 on a wg-quick reload wg0
	[ "$output" = "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel" ]
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "10.8.0.0/16"
	on a wg-quick reload wg0
	[ -z "$(on a ip route show table 51820)$(on a ip -6 route show table 51820)" ]
	# One of an older version.
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	on a wg-quick reload wg0
	for family in -4 -6; do
		on a ip $family route delete unreachable default metric 32767 table 51820
		on a ip $family route add unreachable default metric 32767 table 51820
	done
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	on a wg-quick down wg0
	quick_settled "$before"
	# Without a journal.
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	on a wg-quick up wg0
	on a sh -c 'rm -r /run/wgsuite; echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark'
	on a wg-quick down wg0
	quick_settled "$before"
}

@test "down leaves nothing after rules were deleted, or added again manually" {
	before=$(quick_state)
	for others in "ip -4 rule delete table 51820; ip -6 rule delete table main suppress_prefixlength 0" \
		"ip -4 rule delete table 51820; ip -4 rule delete table main suppress_prefixlength 0
		ip -4 rule add not fwmark 51820 table 51820; ip -4 rule add table main suppress_prefixlength 0" \
		"ip -4 rule flush; ip -4 rule add pref 32766 lookup main; ip -4 rule add pref 32767 lookup default"; do
		on a wg-quick up wg0
		rules=$(on a sh -c 'ip -4 rule; ip -6 rule')
		on a sh -c "$others"
		on a wg-quick down wg0
		quick_settled "$before"
		# What reload restores is what was there.
		on a wg-quick up wg0
		on a ip -4 rule delete table 51820
		on a ip -6 rule delete table main suppress_prefixlength 0
		on a wg-quick reload wg0
		[ "$(on a sh -c 'ip -4 rule; ip -6 rule')" = "$rules" ]
		on a wg-quick down wg0
		quick_settled "$before"
	done
}

@test "down of a tunnel whose rules are gone leaves those of another tunnel in their places" {
	on a wg-quick up wg0
	host_sh a <<-'END'
	for f in -4 -6; do ip $f rule delete table 51820; ip $f rule delete table main suppress_prefixlength 0; done
	END
	on a wg-quick up wg1
	one=$(on a sh -c 'ip -4 rule; ip -6 rule')
	[[ $one == *$'32764:\tfrom all lookup main suppress_prefixlength 0\n32765:\tnot from all fwmark 0xca6d'* ]]
	on a wg-quick down wg0
	[ "$(on a sh -c 'ip -4 rule; ip -6 rule')" = "$one" ]
	on a wg-quick down wg1
}
