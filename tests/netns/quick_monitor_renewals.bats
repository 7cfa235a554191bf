# wg-quick monitor: what routers and DHCP servers say again is no change of the network, and wakes up nothing.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

setup() {
	net_begin
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0, ::/0"
	server=$(on gw wg genkey)
	on a sed -i "s/^Endpoint.*/Endpoint = vpn.test:5801/; s,^PublicKey.*,PublicKey = $(on gw wg pubkey <<< "$server")," /etc/wireguard/wg0.conf
	tunnel gw wg0 <<- END
		[Interface]
		PrivateKey = $server
		ListenPort = 5801
		Address = 10.7.0.254/24
		[Peer]
		PublicKey = $(on gw wg pubkey <<< "$QUICK_KEY")
		AllowedIPs = 10.7.0.1/32
	END
	on gw wg-quick up wg0
	echo 'hosts: files' | on a sh -c 'cat > /etc/nsswitch.conf'
	printf '%s\n' "127.0.0.1 localhost" "192.168.5.254 vpn.test" | on a sh -c 'cat > /etc/hosts'
	on a wg-quick up wg0
	on_bg a ping -q -i 0.2 10.7.0.254 # a peer that does not answer is looked for
	monitor_start
}
teardown() { net_end; }

# work_done: grows with each inspection and request, which are child processes of the monitor and of its helper.
work_done() {
	on a sh -c 'cat $(printf "/proc/%s/stat " $(pgrep -x "wg-quick|wg-quick-helper")) 2> /dev/null' |
		awk '{ sub(/.*\) /, ""); n += $9 } END { print n }' # cminflt
}
# is_idle: nothing is done any more.
is_idle() {
	local before
	before=$(work_done)
	sleep 1.2 # longer than it waits before it looks again
	[ "$(work_done)" = "$before" ]
}
# costs_nothing COMMAND…: nothing is inspected or asked because of it. On a slow host, work of before may come after it, but
# not each time.
costs_nothing() {
	local before try
	for try in 1 2 3 4 5; do
		eventually 15 is_idle
		before=$(work_done)
		"$@"
		sleep 1.2
		[ "$(work_done)" != "$before" ] || return 0
	done
	fail "the monitor has worked because of: $*"
}
costs_something() {
	local before
	before=$(work_done)
	"$@"
	worked() { [ "$(work_done)" -gt "$before" ]; }
	eventually 5 worked
}

renew() {
	local i
	for i in 1 2 3 4 5; do
		in_net a ip address change 192.168.5.1/24 dev eth0 valid_lft $((3600 - i)) preferred_lft $((1800 - i))
	done
}

@test "a renewed DHCP lease is no change of the network, another address is" {
	renew # after its start, the monitor learns each address once
	costs_nothing renew
	costs_something in_net a ip address add 192.168.5.77/24 dev eth0
}

advertise() { in_net gw python3 "$BATS_TEST_DIRNAME/router_advertisements.py" eth0 "$1" "$2"; }
has_address() { [[ $(in_net a ip -6 address show dev eth0 -tentative) == *" $1"* ]]; }

@test "router advertisements that only prolong lifetimes are none, a new prefix is" {
	in_net a sh -c 'echo 2 > /proc/sys/net/ipv6/conf/eth0/accept_ra; echo 1 > /proc/sys/net/ipv6/conf/eth0/autoconf'
	costs_something advertise 2001:db8:9:: 1
	eventually 10 has_address 2001:db8:9:
	costs_nothing advertise 2001:db8:9:: 10
	# What a network manager does with each of them.
	replace() { in_net a ip -6 route replace default via 2001:db8:5::fe dev eth0 proto ra metric 99 expires $1; }
	costs_something replace 1000
	costs_nothing replace 2000
	costs_something in_net a ip -6 route replace default via 2001:db8:5::fd dev eth0 proto ra metric 99 expires 1000
	# After the link was down, the same one is another.
	in_net a ip link set eth0 down
	in_net a ip link set eth0 up
	eventually 5 link_is_up a eth0
	in_net a ip address replace 2001:db8:5::1/64 dev eth0 nodad
	costs_something replace 2000
}
