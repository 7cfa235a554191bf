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
