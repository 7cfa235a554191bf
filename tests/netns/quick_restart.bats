# wg-quick restart, --quiet, and tunnels named by the file name alone.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	on a mkdir -p /etc/wireguard
	conf
}
teardown() { net_end; }

# conf [LINE…]: writes the tunnel file of a.
conf() {
	on a sh -c 'umask 077; cat > /etc/wireguard/wg0.conf' <<- END
		[Interface]
		PrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=
		Address = 10.9.0.2/24
		$(printf '%s\n' "$@")
		[Peer]
		PublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=
		AllowedIPs = 10.9.0.0/24
	END
}

index_of() { on a cat /sys/class/net/wg0/ifindex; }

@test "restart stops and starts the tunnel, and starts one that is down" {
	on a wg-quick restart wg0
	before=$(index_of)
	conf "PreDown = echo down >> /run/hooks" "PostUp = echo up >> /run/hooks"
	on a wg-quick restart wg0
	[ "$(index_of)" != "$before" ]
	[ "$(on a cat /run/hooks)" = up ] # the first tunnel had no hooks
	on a wg-quick restart wg0
	[ "$(on a cat /run/hooks)" = "up
down
up" ]
	on a wg-quick restart --no-hooks wg0
	[ "$(on a sh -c 'wc -l < /run/hooks')" = 3 ]
	on a wg-quick down --no-hooks wg0
}

@test "restart with an unusable file leaves the tunnel up" {
	on a wg-quick up wg0
	before=$(index_of)
	conf "Adress = 10.9.0.3/24"
	run on a wg-quick restart wg0
	[ "$status" -ne 0 ]
	[[ $output == *"did you mean Address?"* ]]
	[ "$(index_of)" = "$before" ]
	conf "PostUp = true"
	on a chmod 666 /etc/wireguard/wg0.conf
	run on a wg-quick restart wg0
	[ "$status" -ne 0 ]
	[ "$(index_of)" = "$before" ]
}

@test "restart does not touch an interface of another kind" {
	on a ip tuntap add wg0 mode tun
	run on a wg-quick restart wg0
	[ "$status" -ne 0 ]
	for command in down diff reload save status doctor; do
		run --separate-stderr on a wg-quick "$command" wg0
		[ "$status" -ne 0 ]
		[ "$stderr" = "wg-quick: \`wg0' is not a WireGuard interface" ]
	done
	on a ip link show wg0
}

@test "restart starts the tunnel although PreDown fails, and returns the status of the hook" {
	conf "PreDown = exit 3"
	on a wg-quick up wg0
	before=$(index_of)
	run on a wg-quick restart wg0
	[ "$status" -ne 0 ]
	[ "$(index_of)" != "$before" ]
}

@test "--quiet omits the command trace, but not errors" {
	run on a wg-quick -q up wg0
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run on a wg-quick up --quiet wg0
	[[ $output == *"already exists"* ]]
	run on a wg-quick down -q wg0
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "NAME.conf is the tunnel NAME if there is only its file" {
	on a env -C /root wg-quick up wg0.conf
	on a ip link show wg0
	on a env -C /root wg-quick down wg0.conf
	run on a ip link show wg0
	[ "$status" -ne 0 ]
	run on a env -C /etc/wireguard wg-quick up wg0.conf # ambiguous
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "  help: use ./wg0.conf for the file in this directory, or wg0 for /etc/wireguard/wg0.conf" ]
	on a cp /etc/wireguard/wg0.conf /etc/wireguard/wg0.conf.conf
	on a env -C /root wg-quick up wg0.conf # as upstream
	on a ip link show wg0.conf
	on a wg-quick down wg0.conf
}
