# Several data threads: everything arrives, in order, whatever control does meanwhile.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a v0 "10.0.0.1/24 fd00::1/64" b v0 "10.0.0.2/24 fd00::2/64"
}
teardown() { net_end; }

# pair [ENVIRONMENT…]: a daemon of four data threads on each host, b is 10.9.0.2.
pair() {
	local h
	for h in a b; do
		on $h env WG_THREADS=4 "$@" wireguardd wg0
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
	done
	KA=$(on a wg show wg0 public-key) KB=$(on b wg show wg0 public-key)
	on a wg set wg0 peer "$KB" allowed-ips 10.9.0.2/32,fd09::2/128 endpoint "${ENDPOINT:-10.0.0.2:5000}"
	on b wg set wg0 peer "$KA" allowed-ips 10.9.0.1/32,fd09::1/128
	net_up a wg0 "10.9.0.1/24 fd09::1/64"
	net_up b wg0 "10.9.0.2/24 fd09::2/64"
	on b sh -c 'wg show wg0 > /dev/null'
}

threads_of() { on "$1" sh -c "ls /proc/$(daemons "$1")/task | wc -l"; }

@test "threads are as many as asked for, and end with the daemon" {
	pair
	[ "$(threads_of a)" = 5 ]
	pings a 10.9.0.2
	pings a fd09::2
	on a ip link del wg0
	eventually 5 no_daemons a
	on a env WG_THREADS=1 wireguardd wg0
	[ "$(threads_of a)" = 1 ]
	for n in 0 65 -1 two 4x; do
		run on a env WG_THREADS=$n wireguardd wg1
		[ "$status" = 1 ]
		[[ $output == *"WG_THREADS is no number from 1 to 64"* ]]
	done
}
