# Several uplinks, of which some are slow, and peers that are offline: what is sent to one peer more than its path or
# session takes is lost, and counted, and nobody else notices.
load ../lib/netns

setup() {
	net_begin
	host s g e f
	wire s v1 "10.0.1.1/24 fd01::1/64" g v1 "10.0.1.2/24 fd01::2/64"
	wire s v2 "10.0.2.1/24 fd02::1/64" e v2 "10.0.2.2/24 fd02::2/64"
	wire s v3 "10.0.3.1/24 fd03::1/64" f v3 "10.0.3.2/24 fd03::2/64"
}
teardown() { net_end; }

# tunnels [VARIABLE=VALUE…]: a daemon on each host; s, whose daemon has these variables, is the peer of the others.
tunnels() {
	local h n=0
	declare -gA KEY
	on_bg s env LOG_LEVEL=verbose "$@" wireguardd -f wg0
	LOG=$BG_LOG
	eventually 5 on s test -S /run/wireguard/wg0.sock
	for h in g e f; do on $h wireguardd wg0; done
	for h in s g e f; do
		on $h sh -c 'umask 077; wg genkey > /run/key; wg set wg0 private-key /run/key listen-port 5000'
		KEY[$h]=$(on $h wg show wg0 public-key)
		net_up $h wg0 10.9.0.$((n += 1))/24
		on $h sh -c 'wg show wg0 > /dev/null' # replies after it has processed the link event
	done
}

# connect HOST N ENDPOINT OF-S: s and the host, whose address in the tunnel ends in N, become peers.
connect() {
	on s wg set wg0 peer "${KEY[$1]}" allowed-ips "10.9.0.$2/32" endpoint "$3:5000"
	on "$1" wg set wg0 peer "${KEY[s]}" allowed-ips 10.9.0.0/24 endpoint "$4:5000"
	pings s "10.9.0.$2"
}

# slow IF: the device of s sends 400 kbit/s, and its queue takes everything.
slow() {
	in_net s tc qdisc add dev "$1" root tbf rate 400kbit burst 100k limit 1g
}

# flood MESSAGES ADDRESS…: sends so many messages of 40 datagrams, small and large ones in turn, to each of these addresses
# twenty times a second, until end_flood. That is less than the daemon can read.
flood() {
	touch "$NET_DIR/flooding"
	on_bg s perl -MSocket=:all -e '
		my ($file, $messages, @to) = @ARGV;
		socket(S, AF_INET, SOCK_DGRAM, 0);
		while (-e $file) {
			for my $size (100, 1300) {
				setsockopt(S, 17, 103, $size); # UDP_SEGMENT
				for my $to (@to) {
					send(S, "x" x (40 * $size), 0, sockaddr_in(7001, inet_aton($to))) for 1 .. $messages / 2;
				}
			}
			select(undef, undef, undef, 0.05);
		}' "$NET_DIR/flooding" "$@"
}
end_flood() { rm "$NET_DIR/flooding"; }

# waits BYTES: in some socket of the daemon of s, at least so many bytes wait to be sent.
waits() {
	in_net s ss -Hulnm 'sport = :5000' | grep -o 'skmem:([^)]*)' | grep -o ',t[0-9]*' |
		awk -v least="$1" '{ if (substr($0, 3) + 0 >= least) found = 1 } END { exit !found }'
}

# lost REASON: the daemon of s, which ends, has counted at least a hundred packets lost for this reason.
lost() {
	on s pkill -TERM -x wireguardd
	eventually 5 grep -q exiting "$LOG"
	grep "dropped [0-9]*: $1" "$LOG"
	[ "$(sed -n "s/.*dropped \([0-9]*\): $1.*/\1/p" "$LOG")" -ge 100 ]
}

@test "a flooded slow uplink does not delay peers on others" {
	tunnels
	connect g 2 10.0.1.2 10.0.1.1
	connect e 3 10.0.2.2 10.0.2.1
	slow v2
	flood 20 10.9.0.3
	eventually 20 waits 1000000
	COUNT=40 pings s 10.9.0.2
	on s wg set wg0 peer "${KEY[g]}" persistent-keepalive 25
	on g wg set wg0 peer "${KEY[s]}" remove # a new session
	on g wg set wg0 peer "${KEY[s]}" allowed-ips 10.9.0.0/24 endpoint 10.0.1.1:5000
	pings g 10.9.0.1
	not waits 8000000
	end_flood
	in_net s tc qdisc del dev v2 root
	eventually 10 pings s 10.9.0.3
	lost "too many packets waited, most of them of this flow"
}

@test "two slow uplinks do not delay each other's or any other peer, without data threads and over IPv6" {
	tunnels WG_THREADS=0
	connect g 2 '[fd01::2]' '[fd01::1]'
	connect e 3 '[fd02::2]' '[fd02::1]'
	connect f 4 '[fd03::2]' '[fd03::1]'
	slow v2
	slow v3
	flood 20 10.9.0.3 10.9.0.4
	eventually 20 waits 1000000
	COUNT=40 pings s 10.9.0.2
	on s wg set wg0 peer "${KEY[g]}" persistent-keepalive 25
	not waits 8000000
	end_flood
	lost "too many packets waited, most of them of this flow"
}

# crowd PEERS BASE ADDRESS-OF-S: so many peers of s appear on e, each at another address from BASE on, and have sessions with s.
crowd() {
	local root=$BATS_TEST_DIRNAME/../.. log
	crowd=$NET_DIR/crowd
	"${CC:-cc}" -O1 -std=gnu11 -D_GNU_SOURCE -I "$root/src" -o "$crowd" "$root"/tests/bench/{crowd,load_peers}.c "$WGSUITE_BUILD"/lib{proto,crypto,base}.a
	"$crowd" make "$1" "$NET_DIR/crowd.conf" "$NET_DIR/crowd.keys"
	on s wg addconf wg0 "$NET_DIR/crowd.conf"
	on_bg e "$crowd" run "$NET_DIR/crowd.keys" "${KEY[s]}" "$3" 5000 "$2"
	log=$BG_LOG
	eventually 60 grep connected "$log"
}

# flood_crowd PEERS: sends them small packets through the tunnel, which are 8 Mbit/s altogether, until end_flood.
flood_crowd() {
	in_net s ip route add 10.64.0.0/16 dev wg0
	touch "$NET_DIR/flooding"
	on_bg s "$crowd" flood "$1" 60 8 "$NET_DIR/flooding"
}

@test "many peers behind a slow uplink, who get little each, do not delay peers on others" {
	tunnels
	connect g 2 10.0.1.2 10.0.1.1
	in_net e ip route add local 10.50.0.0/16 dev lo
	in_net s ip route add 10.50.0.0/16 via 10.0.2.2
	crowd 1000 10.50.0.1 10.0.2.1
	slow v2
	flood_crowd 1000
	eventually 20 waits 1000000
	COUNT=60 pings s 10.9.0.2
	not waits 8000000
	end_flood
	lost "too many packets waited, most of them of this flow"
}

@test "a flood at an offline peer does not take the place of others' first packets" {
	tunnels
	connect g 2 10.0.1.2 10.0.1.1
	on s wg set wg0 peer "${KEY[f]}" allowed-ips 10.9.0.4/32 endpoint 10.0.3.2:5001
	flood 80 10.9.0.4
	for i in 1 2 3; do
		on g wg set wg0 peer "${KEY[s]}" remove
		on s wg set wg0 peer "${KEY[g]}" remove
		on g wg set wg0 peer "${KEY[s]}" allowed-ips 10.9.0.0/24
		on s wg set wg0 peer "${KEY[g]}" allowed-ips 10.9.0.2/32 endpoint 10.0.1.2:5000
		pings s 10.9.0.2
	done
	end_flood
	lost "too many packets of the peer wait for a session"
	not grep "mailbox .* full" "$LOG"
}

# counted N REASON: the statistics of s have at least so many packets lost for this reason.
counted() {
	[ "$(on s python3 "$NET_LIB/openmetrics.py" "/run/wgsuite/wg0.stats" | grep "dropped_packets_total.*$2" | grep -o '[0-9]*$')" -ge "$1" ]
}

# The flood is nine times as much as the uplink takes. Without turns, echo requests wait behind it and are lost with it.
flood_next_to_pings() {
	connect g 2 "$1" "$2"
	on s wg set wg0 peer "${KEY[g]}" allowed-ips 10.9.0.2/32,10.9.0.5/32
	on g ip address add 10.9.0.5/24 dev wg0
	in_net s tc qdisc add dev v1 root tbf rate 10mbit burst 100k limit 1g
	flood 20 10.9.0.5
	eventually 20 counted 1000 '"flow_full"'
	COUNT=40 pings s 10.9.0.2
	end_flood
	lost "too many packets waited, most of them of this flow"
}

@test "a flood through the same slow uplink does not lose the packets of other flows, with several data threads" {
	tunnels WG_THREADS=3
	flood_next_to_pings 10.0.1.2 10.0.1.1
}

@test "a flood through the same slow uplink does not lose the packets of other flows, without data threads and over IPv6" {
	tunnels WG_THREADS=0
	flood_next_to_pings '[fd01::2]' '[fd01::1]'
}
