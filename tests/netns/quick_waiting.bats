# Names that cannot be resolved, locks that others hold, and signals meanwhile.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	hosts "127.0.0.1 localhost"
}
teardown() { net_end; }

hosts() { printf '%s\n' "$@" | on a sh -c 'cat > /etc/hosts'; }

# A tunnel whose endpoint is a name. named ALLOWED-IPS [LINE]
named() {
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.9.0.2/24
		${2-}
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = $1
		Endpoint = vpn.test:51820
	END
}

# No name server answers: nothing listens at gw, and the resolver waits.
silent_name_server() { in_net gw nft -f - <<< 'table inet x { chain c { type filter hook input priority 0; udp dport 53 drop; }; }'; }

# refusing_name_server: names do not exist.
no_such_names() { echo 'hosts: files' | on a sh -c 'cat > /etc/nsswitch.conf'; }

is_up() { on a test -e /sys/class/net/wg0; }

@test "a full tunnel whose endpoint cannot be resolved fails and leaves nothing" {
	no_such_names
	named 10.9.0.0/24
	before=$(quick_state)
	for allowed in 0.0.0.0/0 '::/0' '0.0.0.0/1, 128.0.0.0/1' '10.0.0.0/8, 0.0.0.0/0'; do
		named "$allowed"
		run on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
		[ "$status" -ne 0 ]
		[[ $output == *"wg-quick: wg0: no endpoint of a peer with a default route can be resolved: all traffic would be lost
  help: check the name servers of the host, or use an IP address as Endpoint"* ]]
		not is_up
	done
	diff <(echo "$before") <(quick_state)
	named 0.0.0.0/0 'Table = off' # which routes nothing
	on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
	on a wg-quick down wg0
}

@test "a split tunnel is brought up without the endpoint, and reload sets it when the name exists" {
	no_such_names
	named 10.9.0.0/24
	run on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: 1 peer has no endpoint, because its host name cannot be resolved
  help: wg-quick does not retry: run \`wg-quick reload wg0' later, or \`wg-quick monitor'"* ]]
	[ "$(on a wg show wg0 endpoints | cut -f2)" = "(none)" ]
	hosts "192.168.5.254 vpn.test"
	on a wg-quick reload wg0
	[ "$(on a wg show wg0 endpoints | cut -f2)" = 192.168.5.254:51820 ]
	hosts "192.168.5.253 vpn.test" # the file says the same: what the peer has now stays
	on a wg-quick reload wg0
	[ "$(on a wg show wg0 endpoints | cut -f2)" = 192.168.5.254:51820 ]
}

@test "of a list of endpoints, up and reload use the first one that resolves, and wait for no other" {
	silent_name_server
	echo 'hosts: files dns' | on a sh -c 'cat > /etc/nsswitch.conf'
	hosts "192.168.5.253 b.test"
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 10.9.0.0/24
		Endpoint = 192.168.5.252:51820, b.test:1
	END
	on a wg-quick up wg0
	[ "$(on a wg show wg0 endpoints | cut -f2)" = 192.168.5.252:51820 ]
	on a sed -i 's/^Endpoint.*/Endpoint = b.test:51820 , [2001:db8:5::fd]:3/' /etc/wireguard/wg0.conf
	on a wg-quick reload wg0
	[ "$(on a wg show wg0 endpoints | cut -f2)" = 192.168.5.253:51820 ]
	on a wg set wg0 peer "$QUICK_PEER" endpoint '[2001:db8:5::fd]:3' # the file says the same: what the peer has now stays
	[ -z "$(on a wg-quick diff wg0)" ]
	on a wg-quick reload wg0
	[ "$(on a wg show wg0 endpoints | cut -f2)" = '[2001:db8:5::fd]:3' ]
	on a wg-quick save wg0
	on a grep -qxF 'Endpoint = b.test:51820 , [2001:db8:5::fd]:3' /etc/wireguard/wg0.conf
	run on a wg-quick down wg0
	run -0 on a wg-quick up --dry-run wg0
	[ "$(on a wg-quick strip wg0 | grep Endpoint)" = 'Endpoint = b.test:51820' ]
}

# A thread of wg-quick waits for the resolver.
looks_up_a_name() { on a sh -c '[ "$(ls "/proc/$(pgrep -fx "wg-quick up wg0")/task" | wc -l)" -ge 2 ]'; }

@test "SIGTERM ends the wait for the writer of a tunnel file that is a pipe" {
	quick_file wg0 "Address = 10.7.0.1/24" 10.9.0.0/24
	on a sh -c 'cd /etc/wireguard; mkfifo p.conf; cat wg0.conf > p.conf & cd /; wg-quick up p; sleep infinity > /etc/wireguard/p.conf &'
	reads_the_pipe() { on a sh -c 'readlink /proc/$(pgrep -x wg-quick)/fd/* | grep -q p.conf'; }
	stopped() { ! kill -0 "$BG" 2> /dev/null; }
	on_bg a wg-quick reload p
	eventually 10 reads_the_pipe
	on a pkill -TERM -x wg-quick
	eventually 10 stopped
	on a ip link show dev p
	run -0 on a wg-quick down p # does not wait
	[[ $output == *"p.conf: error: it is not a regular file"*"using the journal of the last \`up'"* ]]
	not on a ip link show dev p # down has removed it as its journal says
}

@test "SIGTERM and Ctrl-C end the wait for a name server" {
	silent_name_server
	named 0.0.0.0/0
	before=$(quick_state)
	for signal in TERM INT; do
		on_bg a wg-quick up wg0
		log=$BG_LOG
		eventually 10 looks_up_a_name
		on a sh -c "kill -$signal \$(pgrep -fx 'wg-quick up wg0')"
		# The resolver itself gives up after ten seconds.
		within 8 not on a pgrep -fx 'wg-quick up wg0'
		grep -q 'wg-quick: wg0: stopped by a signal' "$log"
		eventually 5 not is_up
	done
	quick_settled "$before"
}

# A wg-quick up that is still in its hook, until /run/go exists.
slow_up() {
	named 10.9.0.0/24 'PostUp = touch /run/begun; until [ -e /run/go ]; do sleep 0.05; done'
	hosts "192.168.5.254 vpn.test"
	on_bg a wg-quick up wg0
	eventually 10 is_up
	eventually 10 on a test -e /run/begun
}

@test "who holds the lock is reported, and the wait has a limit" {
	slow_up
	printf '[lock]\ntimeout = 2\n' | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'
	for verb in down save reload up; do
		run on a wg-quick $verb wg0
		[ "$status" -eq 1 ]
		[[ $output =~ "wg-quick: wg0: warning: waiting for \`wg-quick up wg0' (process "[0-9]+")" ]]
		[[ $output =~ "wg-quick: wg0: \`wg-quick up wg0' (process "[0-9]+") did not finish within 2 seconds" ]]
		[[ $output == *"  help: wait until it has finished, or set a longer limit: [lock] timeout in "*"wgsuite.ini"* ]]
	done
	for verb in strip diff "up --dry-run"; do # these do not wait
		ON_LIMIT=20 run on a wg-quick $verb wg0
		[[ $output != *waiting* ]]
		[[ $output != *"did not finish"* ]]
	done
	printf '[lock]\ntimeout = 0\n' | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'
	run on a wg-quick down wg0
	[ "$status" -eq 1 ]
	[[ $output == *"did not finish within 0 seconds"* ]]
	[[ $output != *waiting* ]]
	printf '[lock]\ntimeout = 3601\n' | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'
	run on a wg-quick up wg0
	[[ $output == *"  help: use a number from 0 to 3600"* ]]
	on a rm /etc/wireguard/wgsuite.ini
	on_bg a wg-quick down wg0
	on a touch /run/go
	eventually 10 not is_up
}

@test "a signal ends the wait for the lock" {
	slow_up
	on_bg a wg-quick down wg0
	log=$BG_LOG
	eventually 10 grep -q 'waiting for' "$log"
	on a sh -c "kill \$(pgrep -fx 'wg-quick down wg0')"
	eventually 5 not on a pgrep -fx 'wg-quick down wg0'
	grep -q 'stopped by a signal' "$log"
	is_up
	on a touch /run/go
	eventually 10 not on a pgrep -fx 'wg-quick up wg0'
	on a wg-quick down wg0
}
