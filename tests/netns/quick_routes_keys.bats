# The keys that change which routes a tunnel adds, and how.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# same_as_file NAME: nothing differs from the file.
same_as_file() {
	run on a wg-quick diff "$1"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

# commands: runs the printed steps of routes.
commands() { sed -n 's/^\[#\] \(ip -[46] route .*\)/\1/p'; }

@test "RouteMetric: the metric of the routes, of both families, through up, diff, status, reload and down" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
RouteMetric = 50" "10.9.0.0/16, fd09::/64"
	none=$(quick_state)
	on a wg-quick up wg0 --dry-run > "$NET_DIR/dry"
	grep -qxF "[#] ip -4 route add 10.9.0.0/16 dev wg0 metric 50" "$NET_DIR/dry"
	on a wg-quick up wg0
	[[ $(on a ip -4 route show 10.9.0.0/16) == *"dev wg0 "*"metric 50"* ]]
	[[ $(on a ip -6 route show fd09::/64) == *"dev wg0 "*"metric 50"* ]]
	same_as_file wg0
	[[ $(on a wg-quick status wg0) == *"10.9.0.0/16 metric 50"* ]]
	[[ $(on a wg-quick status wg0 json | tr -d '\n\t') == *'"prefix": "10.9.0.0/16","table": 254,"metric": 50'* ]]
	# The printed commands have the same effect.
	before=$(quick_state)
	on a ip -4 route flush dev wg0 proto boot
	on a ip -6 route flush dev wg0 proto boot
	commands < "$NET_DIR/dry" | on a sh -e
	[ "$(quick_state)" = "$before" ]
	on a sed -i 's/RouteMetric = 50/RouteMetric = 70/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	[[ $(on a ip -4 route show 10.9.0.0/16) == *"metric 70"* ]]
	[ "$(on a ip -4 route show 10.9.0.0/16 | wc -l)" -eq 1 ]
	[ "$(on a ip -6 route show fd09::/64 | wc -l)" -eq 1 ]
	same_as_file wg0
	on a wg-quick save wg0
	on a grep -qx "RouteMetric = 70" /etc/wireguard/wg0.conf
	[[ $(on a wg-quick strip wg0) != *RouteMetric* ]]
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "RouteMetric: of two tunnels to one network, the one with the smaller metric is used while it is up" {
	quick_file wg0 "RouteMetric = 50" "10.9.0.0/16"
	quick_file wg1 "RouteMetric = 60" "10.9.0.0/16"
	none=$(quick_state)
	on a wg-quick up wg1
	on a wg-quick up wg0
	[[ $(on a ip route get 10.9.0.1) == *"dev wg0 "* ]]
	on a wg-quick down wg0
	[[ $(on a ip route get 10.9.0.1) == *"dev wg1 "* ]]
	on a wg-quick down wg1
	quick_settled "$none"
}

@test "RouteMetric: a metric that a hook chose is left alone; without the key any metric will do" {
	quick_file wg0 "RouteMetric = 50
PostUp = ip route replace 10.9.0.0/16 dev %i metric 7; ip route delete 10.9.0.0/16 metric 50" "10.9.0.0/16"
	on a wg-quick up wg0
	same_as_file wg0
	on a sed -i '/RouteMetric/d' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	same_as_file wg0
	on a wg-quick down wg0
}

@test "RouteMetric: nonsense is refused with its place" {
	for value in -1 4294967296 high ""; do
		quick_file wg0 "RouteMetric = $value" 10.9.0.0/16
		run on a wg-quick up wg0
		[ "$status" -eq 1 ]
		[[ $output == *"/etc/wireguard/wg0.conf:3:"*"error:"*"RouteMetric"* ]]
	done
}

# leaves_by DEVICE ADDRESS…: the routes of host a lead each address there.
leaves_by() {
	local device=$1 to
	shift
	for to in "$@"; do
		[[ $(on a ip route get "$to") == *" dev $device "* ]] || { echo "$to: $(on a ip route get "$to")" >&2; return 1; }
	done
}

@test "ExcludeIPs: routes to the parts of allowed IPs, through up, diff, reload and down" {
	quick_file wg0 "Address = 10.7.0.1/24
ExcludeIPs = 10.9.128.0/17, 10.9.0.7
ExcludeIPs = 2001:db8:9::/49" "10.9.0.0/16, 2001:db8:9::/48"
	none=$(quick_state)
	on a wg-quick up wg0 --dry-run > "$NET_DIR/dry"
	on a wg-quick up wg0
	[ "$(on a ip -4 route show dev wg0 proto boot | wc -l)" -eq 15 ] # of a /17, without one address
	leaves_by wg0 10.9.0.6 10.9.0.8 10.9.127.255 2001:db8:9:8000::1
	leaves_by eth0 10.9.0.7 10.9.128.0 10.9.255.255 2001:db8:9::1
	[ "$(on a wg show wg0 allowed-ips | cut -f 2)" = "10.9.0.0/16 2001:db8:9::/48" ]
	same_as_file wg0
	# The printed commands have the same effect.
	before=$(quick_state)
	on a ip -4 route flush dev wg0 proto boot
	on a ip -6 route flush dev wg0 proto boot
	commands < "$NET_DIR/dry" | on a sh -e
	[ "$(quick_state)" = "$before" ]
	on a sed -i 's/^ExcludeIPs = 10.*/ExcludeIPs = 10.9.0.0\/17/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	[ "$(on a ip -4 route show dev wg0 proto boot | cut -d ' ' -f 1)" = 10.9.128.0/17 ]
	same_as_file wg0
	on a wg-quick save wg0
	on a grep -qx "ExcludeIPs = 10.9.0.0/17" /etc/wireguard/wg0.conf
	[[ $(on a wg-quick strip wg0) != *ExcludeIPs* ]]
	on a sed -i /ExcludeIPs/d /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	leaves_by wg0 10.9.0.7 10.9.128.0 2001:db8:9::1
	same_as_file wg0
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "ExcludeIPs: a full tunnel has a throw route for each prefix; other programs remove one; down without a journal" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
ExcludeIPs = 203.0.113.0/24, 2001:db8:77::/48, 198.51.100.7" "0.0.0.0/0, ::/0"
	none=$(quick_state)
	on a wg-quick up wg0
	[ "$(on a ip -4 route show table 51820 type throw | wc -l)" -eq 2 ]
	leaves_by eth0 203.0.113.9 198.51.100.7 2001:db8:77::1
	leaves_by wg0 198.51.100.8 203.0.114.1 2001:db8:78::1
	same_as_file wg0
	[[ $(on a wg-quick status wg0) == *"throw 203.0.113.0/24 in table 51820"* ]]
	on a ip -4 route delete throw 203.0.113.0/24 table 51820
	leaves_by wg0 203.0.113.9
	on a wg-quick reload wg0
	leaves_by eth0 203.0.113.9
	same_as_file wg0
	on a sed -i 's/^ExcludeIPs.*/ExcludeIPs = 198.51.100.0\/24/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	leaves_by eth0 198.51.100.7
	leaves_by wg0 203.0.113.9 2001:db8:77::1
	same_as_file wg0
	on a sh -c 'rm /run/wgsuite/wg0.*'
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "ExcludeIPs: throw routes of a tunnel that is gone are removed with its rules" {
	quick_file wg0 "ExcludeIPs = 203.0.113.0/24, 2001:db8:77::/48" "0.0.0.0/0, ::/0"
	before=$(on a sh -c 'ip -4 rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all' | sort)
	on a wg-quick up wg0
	kill_daemon wg0
	on a rm -rf /run/wgsuite /run/wireguard
	run on a wg-quick down wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] ip -4 route delete throw 203.0.113.0/24 metric 32767 table 51820"* ]]
	[ "$(on a sh -c 'ip -4 rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all' | sort)" = "$before" ]
}

@test "ExcludeIPs: a hook that removes a throw route is respected; nonsense is refused with its place" {
	quick_file wg0 "ExcludeIPs = 203.0.113.0/24
PostUp = ip -4 route delete throw 203.0.113.0/24 table 51820" "0.0.0.0/0"
	none=$(quick_state)
	on a wg-quick up wg0
	same_as_file wg0
	on a wg-quick down wg0
	quick_settled "$none"
	for value in 10.0.0.0/33 lan "10.0.0.0/8, x" fd00::/129; do
		quick_file wg0 "ExcludeIPs = $value" 10.9.0.0/16
		run on a wg-quick up wg0
		[ "$status" -eq 1 ]
		[[ $output == *"/etc/wireguard/wg0.conf:3:"*"error: ExcludeIPs: expected an IP address or a prefix, found "* ]]
	done
}

@test "Routes: routes of a peer instead of one for each of its allowed IPs, through up, diff, reload, save and down" {
	quick_file wg0 "Address = 10.7.0.1/24" "10.9.0.0/16, 2001:db8:9::/48
Routes = 10.9.7.0/24"
	none=$(quick_state)
	on a wg-quick up wg0
	leaves_by wg0 10.9.7.1
	leaves_by eth0 10.9.8.1 2001:db8:9::1
	[ "$(on a wg show wg0 allowed-ips | cut -f 2)" = "10.9.0.0/16 2001:db8:9::/48" ]
	same_as_file wg0
	on a sed -i 's/^Routes.*/Routes = 10.9.0.0\/17 2001:db8:9:7::\/64/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	[ "$(on a ip -4 route show dev wg0 proto boot | cut -d ' ' -f 1)" = 10.9.0.0/17 ]
	leaves_by wg0 2001:db8:9:7::1
	same_as_file wg0
	on a wg set wg0 peer "$QUICK_PEER" persistent-keepalive 25
	on a wg-quick save wg0
	on a grep -qx 'Routes = 10.9.0.0/17 2001:db8:9:7::/64' /etc/wireguard/wg0.conf
	on a grep -qx 'PersistentKeepalive = 25' /etc/wireguard/wg0.conf
	[[ $(on a wg-quick strip wg0) != *Routes* ]]
	on a sed -i /Routes/d /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	leaves_by wg0 10.9.200.1 2001:db8:9::1
	[ "$(on a ip -4 route show dev wg0 proto boot | wc -l)" -eq 1 ]
	same_as_file wg0
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "Routes = off: a peer for all addresses without default routes; then one of two peers gets them" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0, ::/0
Routes = off"
	none=$(quick_state)
	on a wg-quick up wg0
	leaves_by eth0 198.51.100.1 2001:db8:77::1
	[ "$(on a wg show wg0 fwmark)" = off ]
	same_as_file wg0
	on a sed -i 's/^Routes.*/Routes = 0.0.0.0\/0/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	leaves_by wg0 198.51.100.1
	leaves_by eth0 2001:db8:77::1
	same_as_file wg0
	on a sed -i 's/^Routes.*/Routes = off/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	leaves_by eth0 198.51.100.1
	same_as_file wg0
	on a wg-quick down wg0
	quick_settled "$none"
	quick_file wg0 "" "10.9.0.0/16
Routes = 10.10.0.0/16"
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[[ $output == *"/etc/wireguard/wg0.conf:7:10: error: Routes: 10.10.0.0/16 is not within the AllowedIPs of this peer"*"help: "* ]]
	quick_settled "$none"
}
