# Hosts and tunnels without IPv6, in whole or in part: the IPv4 half is brought up with a warning, nothing leaks, and reload
# drops no address silently.
load ../lib/netns
load ../lib/quick

BOTH="Address = 10.9.0.2/24, fd00:9::2/64"
FULL="0.0.0.0/0, ::/0"
SPLIT="10.60.0.0/16, fd60::/64"

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# up_warns TEXT [COMMAND…]: up succeeds with this warning, also through a command.
up_warns() {
	run -0 on a "${@:2}" wg-quick up wg0
	echo "$output"
	[[ $output == *"wg-quick: wg0: warning: $1"* ]] || fail "no warning: $1"
}

# changes_nothing COMMAND…: diff and reload have nothing to do or to say, twice.
changes_nothing() {
	local verb
	for verb in diff reload diff reload; do
		run -0 on a "$@" wg-quick "$verb" wg0
		[ -z "$output" ] || fail "$verb: $output" || return
	done
}

# down_restores STATE [COMMAND…]
down_restores() {
	on a "${@:2}" wg-quick down wg0
	quick_settled "$1"
}

# ipv4_works: the IPv4 half of the tunnel is complete.
ipv4_works() {
	[ "$(on a ip -4 -o address show dev wg0 | awk '{ print $4 }')" = 10.9.0.2/24 ]
	[[ $(on a ip route get "${1:-8.8.8.8}") == *"dev wg0"* ]]
	[[ $(on a ip route get 192.168.5.254) == *"dev eth0"* ]]
}

# ipv6_is_blocked: packets to other networks do not leave, those to the local network and loopback do.
ipv6_is_blocked() {
	not on a ip -6 route get 2001:db8:77::1
	[[ $(on a ip -6 route get 2001:db8:5::fe) == *"dev eth0"* ]]
	[[ $(on a ip -6 route get ::1) == *"dev lo"* ]]
}

ipv6_is_free() {
	[[ $(on a ip -6 route get 2001:db8:77::1) == *"dev eth0"* ]]
}

ipv6_addresses() { on a ip -6 -o address show dev wg0 scope global | awk '{ print $4 }'; }

# ---- MTU ----

@test "MTU = 1200: only the IPv4 half is brought up, IPv6 traffic of a full tunnel is blocked" {
	quick_file wg0 "$BOTH
MTU = 1200" "$FULL"
	before=$(quick_state)
	up_warns "an MTU of 1200 is too small for IPv6, which needs 1280: IPv6 addresses and routes are left out, and IPv6 traffic to other networks is blocked"
	ipv4_works
	ipv6_is_blocked
	changes_nothing
	down_restores "$before"
	ipv6_is_free
}

@test "MTU = 1200: a split tunnel, one with Table, and one without IPv4" {
	for case in "|$SPLIT" "Table = 777|$SPLIT" "Table = off|$SPLIT" "|fd60::/64"; do
		quick_file wg0 "$BOTH
MTU = 1200
${case%%|*}" "${case#*|}"
		before=$(quick_state)
		up_warns "an MTU of 1200 is too small for IPv6"
		[[ $output != *blocked* ]]
		[ "$(on a ip -4 -o address show dev wg0 | awk '{ print $4 }')" = 10.9.0.2/24 ]
		ipv6_is_free
		changes_nothing
		down_restores "$before"
	done
}

@test "an MTU below 1280 without IPv6 in the tunnel: no warning, no limit" {
	in_net a ip link set eth0 mtu 1200
	quick_file wg0 "Address = 10.9.0.2/24" "10.60.0.0/16"
	run -0 on a wg-quick up wg0
	[[ $output != *warning* ]]
	[ "$(on a cat /sys/class/net/wg0/mtu)" -eq 1120 ]
	changes_nothing
	on a wg-quick down wg0
	quick_file wg0 "Address = 10.9.0.2/24
MTU = 600" "0.0.0.0/0"
	run -0 on a wg-quick up wg0
	[[ $output != *warning* ]]
	changes_nothing
	on a wg-quick down wg0
}

@test "the automatic MTU is at least 1280 where the tunnel carries IPv6" {
	in_net a ip link set eth0 mtu 1300
	for case in "$BOTH|$FULL" "$BOTH|10.60.0.0/16" "Address = 10.9.0.2/24|$SPLIT" "Address = 10.9.0.2/24
Table = off|$SPLIT" "Address = 10.9.0.2/24
PreUp = ip address add fd00:9::2/64 dev %i|10.60.0.0/16"; do
		quick_file wg0 "${case%%|*}" "${case#*|}"
		up_warns "the path to the endpoints has an MTU of 1300: full-size packets will be fragmented"
		[ "$(on a cat /sys/class/net/wg0/mtu)" -eq 1280 ]
		changes_nothing
		on a wg-quick down wg0
	done
	# The last IPv6 of the file is removed: the limit with it.
	quick_file wg0 "$BOTH" "10.60.0.0/16"
	on a wg-quick up wg0
	quick_file wg0 "Address = 10.9.0.2/24" "10.60.0.0/16"
	on a wg-quick reload wg0
	[ "$(on a cat /sys/class/net/wg0/mtu)" -eq 1220 ]
	changes_nothing
	on a wg-quick down wg0
}

@test "reload to MTU = 1200 and back: addresses are removed with a warning, and added again" {
	for allowed in "$FULL" "$SPLIT"; do
		quick_file wg0 "$BOTH" "$allowed"
		before=$(quick_state)
		on a wg-quick up wg0
		with_ipv6=$(quick_state)
		quick_file wg0 "$BOTH
MTU = 1200" "$allowed"
		run -0 on a wg-quick reload wg0
		echo "$output"
		[[ $output == *"wg-quick: wg0: warning: an MTU of 1200 is too small for IPv6"* ]]
		[[ $output == *"[#] ip -6 address delete fd00:9::2/64 dev wg0"*"[#] ip link set mtu 1200 dev wg0"* ]]
		[ -z "$(ipv6_addresses)" ]
		[ "$allowed" = "$SPLIT" ] || { ipv4_works; ipv6_is_blocked; }
		changes_nothing
		quick_file wg0 "$BOTH" "$allowed"
		run -0 on a wg-quick reload wg0
		echo "$output"
		[[ $output == *"[#] ip link set mtu 1420 dev wg0"*"[#] ip -6 address add fd00:9::2/64 dev wg0"* ]]
		# Sorted: nft lists tables in the order of their creation, and only that of IPv6 was created again.
	diff <(sort <<< "$with_ipv6") <(quick_state | sort)
		changes_nothing
		down_restores "$before"
	done
}

@test "reload with the MTU at 1200: IPv6 that the file gains or loses" {
	quick_file wg0 "Address = 10.9.0.2/24
MTU = 1200" "0.0.0.0/0"
	before=$(quick_state)
	on a wg-quick up wg0
	quick_file wg0 "$BOTH
MTU = 1200" "$FULL"
	run -0 on a wg-quick reload wg0
	[[ $output == *"wg-quick: wg0: warning: an MTU of 1200 is too small for IPv6"* ]]
	ipv6_is_blocked
	changes_nothing
	quick_file wg0 "$BOTH
MTU = 1200" "0.0.0.0/0"
	on a wg-quick reload wg0
	ipv6_is_free
	changes_nothing
	down_restores "$before"
}

@test "save with an MTU of 1200 keeps the IPv6 addresses of the file" {
	quick_file wg0 "$BOTH
MTU = 1200" "$FULL"
	text=$(on a cat /etc/wireguard/wg0.conf)
	on a wg-quick up wg0
	on a wg-quick save wg0
	[ "$(on a cat /etc/wireguard/wg0.conf)" = "$text" ]
	on a wg-quick down wg0
}

@test "a reload that fails with the MTU at 1200 restores IPv6" {
	quick_file wg0 "$BOTH
FwMark = 7" "::/0"
	on a wg-quick up wg0
	in_net a ip route add default via 192.168.5.254 table 7
	state=$(quick_state)
	quick_file wg0 "$BOTH
FwMark = 7
MTU = 1200" "$FULL"
	run on a wg-quick reload wg0
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"[#] ip -6 address delete fd00:9::2/64 dev wg0"* ]]
	[[ $output == *"another interface already has this route"* ]]
	[ "$(quick_state)" = "$state" ] || { diff <(echo "$state") <(quick_state); false; }
	on a wg-quick down wg0
}

# ---- addresses ----

@test "reload changes the prefix length of an IPv6 address" {
	quick_file wg0 "$BOTH" "$SPLIT"
	before=$(quick_state)
	on a wg-quick up wg0
	for length in 128 48 64; do
		quick_file wg0 "Address = 10.9.0.2/24, fd00:9::2/$length" "$SPLIT"
		on a wg-quick reload wg0
		[ "$(ipv6_addresses)" = "fd00:9::2/$length" ]
		changes_nothing
	done
	down_restores "$before"
}

@test "an IPv6 address with two prefix lengths: a warning, and the first one counts" {
	quick_file wg0 "Address = fd00:9::2/64, fd00:9::2/128" "$SPLIT"
	run -0 on a wg-quick up wg0
	[[ $output == *"warning: duplicate address \`fd00:9::2/128'"* ]]
	[ "$(ipv6_addresses)" = fd00:9::2/64 ]
	run -0 on a wg-quick diff wg0
	[[ $output != *"[#]"* ]]
	on a wg-quick down wg0
}

@test "a hook's IPv6 address with another prefix length stays" {
	quick_file wg0 "$BOTH
PreUp = ip address add fd00:9::2/128 dev %i" "$SPLIT"
	on a wg-quick up wg0
	[ "$(ipv6_addresses)" = fd00:9::2/128 ]
	changes_nothing
	on a wg-quick down wg0
}

# ---- IPv6 disabled ----

@test "IPv6 disabled for new interfaces only: blocked in a full tunnel" {
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	quick_file wg0 "$BOTH" "$FULL"
	before=$(quick_state)
	up_warns "IPv6 is disabled for this interface: IPv6 addresses and routes are left out, and IPv6 traffic to other networks is blocked"
	ipv4_works
	ipv6_is_blocked
	changes_nothing
	down_restores "$before"
}

@test "IPv6 disabled on all interfaces: nothing of IPv6 is touched" {
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'
	quick_file wg0 "$BOTH" "$FULL"
	before=$(quick_state)
	up_warns "IPv6 is disabled on this host: IPv6 addresses and routes are left out"
	[[ $output != *blocked* ]]
	[[ $output != *"ip -6"* ]]
	ipv4_works
	changes_nothing
	down_restores "$before"
}

@test "IPv6 disabled by a PreUp hook, or on the running tunnel" {
	before=$(quick_state)
	quick_file wg0 "$BOTH
PreUp = echo 1 > /proc/sys/net/ipv6/conf/%i/disable_ipv6" "$FULL"
	up_warns "IPv6 is disabled for this interface"
	ipv4_works
	ipv6_is_blocked
	changes_nothing
	on a wg-quick down wg0
	quick_file wg0 "$BOTH" "$FULL"
	on a wg-quick up wg0
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/wg0/disable_ipv6'
	ipv6_is_blocked # the unreachable route is left
	on a wg-quick reload wg0
	ipv4_works
	ipv6_is_blocked
	changes_nothing
	on a sh -c 'echo 0 > /proc/sys/net/ipv6/conf/wg0/disable_ipv6'
	on a wg-quick reload wg0
	[ "$(ipv6_addresses)" = fd00:9::2/64 ]
	[[ $(on a ip -6 route get 2001:db8:77::1) == *"dev wg0"* ]]
	changes_nothing
	on a wg-quick down wg0
	on a rm /etc/wireguard/wg0.conf
	quick_settled "$before"
}

@test "IPv6 disabled where /proc/sys does not say so: the kernel refuses it" {
	on a sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	quick_file wg0 "$BOTH" "$FULL, fd60::/64"
	before=$(quick_state)
	blind() { printf 'mount -t tmpfs tmpfs /proc/sys && exec "$@"'; }
	up_warns "the kernel refuses IPv6 on this interface: " unshare -m sh -c "$(blind)" sh
	[ "$(grep -c "refuses IPv6" <<< "$output")" -eq 1 ]
	ipv4_works
	ipv6_is_blocked
	changes_nothing unshare -m sh -c "$(blind)" sh
	down_restores "$before"
}

# ---- no IPv6 policy rules ----

# without_rules COMMAND…: runs it as on a kernel without IPV6_MULTIPLE_TABLES.
build_without_rules() {
	"${CC:-cc}" -O1 -shared -fPIC -o "$NET_DIR/norules.so" "$BATS_TEST_DIRNAME/without_rules6.c" -ldl
}

@test "a kernel without IPv6 lists IPv4 routes instead of IPv6 routes" {
	"${CC:-cc}" -O1 -shared -fPIC -DWITHOUT_IPV6 -o "$NET_DIR/noipv6.so" "$BATS_TEST_DIRNAME/without_rules6.c" -ldl
	without() { on a env LD_PRELOAD="$NET_DIR/noipv6.so" wg-quick "$@"; }
	on a sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	quick_file wg0 "$BOTH" "$FULL"
	before=$(on a ip rule)
	without up wg0
	run -0 without status wg0
	[[ $output == *"
      routes: 10.9.0.0/24, 0.0.0.0/0 in table 51820, unreachable 0.0.0.0/0 in table 51820
"* ]]
	# What is left is determined without a journal.
	on a ip link delete wg0
	on a rm -r /run/wgsuite
	run without down wg0
	[[ $output == *"removing the policy rules and routes of tunnels that are no longer up: table 51820"* ]]
	[[ $output != *"cannot"* ]]
	[ "$(on a ip rule)" = "$before" ]
	[ -z "$(on a ip route show table 51820)" ]
}

@test "a kernel without IPv6 policy rules: a full tunnel" {
	build_without_rules
	quick_file wg0 "$BOTH" "$FULL"
	before=$(quick_state)
	up_warns "the kernel has no IPv6 policy rules: the IPv6 default route is left out, and IPv6 traffic to other networks is blocked" \
		env LD_PRELOAD="$NET_DIR/norules.so"
	ipv4_works
	ipv6_is_blocked
	[ "$(ipv6_addresses)" = fd00:9::2/64 ]
	changes_nothing env LD_PRELOAD="$NET_DIR/norules.so"
	down_restores "$before" env LD_PRELOAD="$NET_DIR/norules.so"
	ipv6_is_free
}

@test "a kernel without IPv6 policy rules: reload adds and removes ::/0; without a journal" {
	build_without_rules
	quick_file wg0 "$BOTH" "0.0.0.0/0"
	before=$(quick_state)
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick up wg0
	quick_file wg0 "$BOTH" "$FULL"
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick reload wg0
	ipv6_is_blocked
	changes_nothing env LD_PRELOAD="$NET_DIR/norules.so"
	on a ip -6 route delete unreachable default metric 1
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick reload wg0
	ipv6_is_blocked
	quick_file wg0 "$BOTH" "0.0.0.0/0"
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick reload wg0
	ipv6_is_free
	changes_nothing env LD_PRELOAD="$NET_DIR/norules.so"
	down_restores "$before" env LD_PRELOAD="$NET_DIR/norules.so"
	quick_file wg0 "$BOTH" "$FULL"
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick up wg0
	on a rm -r /run/wgsuite
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick down wg0
	ipv6_is_free
}

@test "a kernel without IPv6 policy rules: split tunnels use the main table, others are left out" {
	build_without_rules
	quick_file wg0 "$BOTH" "$SPLIT"
	before=$(quick_state)
	run -0 on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick up wg0
	[[ $output != *warning* ]]
	[[ $(on a ip -6 route get fd60::1) == *"dev wg0"* ]]
	changes_nothing env LD_PRELOAD="$NET_DIR/norules.so"
	down_restores "$before" env LD_PRELOAD="$NET_DIR/norules.so"
	quick_file wg0 "$BOTH
Table = 777" "$FULL"
	before=$(quick_state)
	up_warns "the kernel has no IPv6 policy rules: IPv6 routes for table 777 are left out" \
		env LD_PRELOAD="$NET_DIR/norules.so"
	[[ $output != *blocked* ]]
	ipv6_is_free
	[ "$(on a ip -4 route show table 777)" = "default dev wg0 scope link " ]
	changes_nothing env LD_PRELOAD="$NET_DIR/norules.so"
	down_restores "$before" env LD_PRELOAD="$NET_DIR/norules.so"
}

@test "a kernel without IPv6 policy rules: what could not be protected fails" {
	build_without_rules
	quick_file wg0 "$BOTH" "$FULL"
	on a sed -i 's/^Endpoint.*/Endpoint = [2001:db8:5::fe]:5801/' /etc/wireguard/wg0.conf
	before=$(quick_state)
	run on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick up wg0
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"wg-quick: wg0: cannot protect IPv6 traffic: the kernel has no IPv6 policy rules"* ]]
	[[ $output == *"help: use an IPv4 endpoint"* ]]
	quick_settled "$before"
	# Where no other interface has IPv6, there is nothing to protect.
	on a sh -c 'for i in all default eth0; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done
		echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	up_warns "the kernel has no IPv6 policy rules: the IPv6 default route is left out" env LD_PRELOAD="$NET_DIR/norules.so"
	ipv4_works
	on a env LD_PRELOAD="$NET_DIR/norules.so" wg-quick down wg0
}
