# KillSwitch: nothing leaves outside the tunnels, IPv4 and IPv6, from before `up` changes anything until `down` is complete.
# Packets are captured at the uplink's other end. Probes are datagrams with a word: that of the phase they were sent in.
load ../lib/netns
load ../lib/quick
load ../lib/firewall

setup_file() { faults_build; }
setup() {
	net_begin
	firewall_host
	host lan
	wire lan eth0 "10.44.0.2/24 2001:db8:44::2/64" a eth1 "10.44.0.1/24 2001:db8:44::1/64"
	route lan default via 10.44.0.1
	in_net lan ip -6 route add default via 2001:db8:44::1
	on a sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
	in_net a ip -6 route replace default via 2001:db8:5::fe # forwarding has removed it, if a router advertised it
	for h in a lan; do
		on $h install -m 755 /dev/stdin /run/probe <<-'END'
		#!/usr/bin/perl
		# probe WORD [ADDRESS…]: sends the word to port 4444 of these addresses.
		use Socket qw(:all);
		my ($word, @to) = @ARGV;
		@to = ("8.8.8.8", "2001:db8:77::1") unless @to;
		for my $to (@to) {
			my $six = $to =~ /:/;
			socket(my $s, $six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0) or die;
			setsockopt($s, SOL_SOCKET, SO_BROADCAST, 1);
			send($s, "$word-" . ($six ? "six" : "four") . "\n", 0,
			     $six ? pack_sockaddr_in6(4444, inet_pton(AF_INET6, $to)) : pack_sockaddr_in(4444, inet_aton($to)));
		}
		END
	done
	capture
	split "$KS"
	none=$(state)
}
teardown() { net_end; }

KS="KillSwitch = on"

# split [LINES]: a tunnel file with a route that is not a default route.
split() {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
${1-}" "10.8.0.0/16, fd08::/64"
}

capture() {
	on_bg gw tcpdump -Z root -n -l -A -i eth0 'udp or icmp or icmp6 or tcp or (ip6 and ip6[6] = 0)' # that is MLD
	CAPTURED=$BG_LOG
	works() { on a /run/probe ready; grep -q ready-four "$CAPTURED" && grep -q ready-six "$CAPTURED"; }
	eventually 10 works
}
# settle: all packets that left before are captured. A DHCP client's packet passes the kill switch.
settle() {
	word=end-$RANDOM$RANDOM
	on a perl -MSocket=:all -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
		bind($s, pack_sockaddr_in(68, INADDR_ANY)) or die; send($s, $ARGV[0], 0, pack_sockaddr_in(67, inet_aton("192.168.5.254"))) or die' "$word"
	has_word() { grep -q "$word" "$CAPTURED"; }
	eventually 10 has_word
}
left() { grep -q -e "$1" "$CAPTURED"; }
# passes WORD ADDRESS…, blocked WORD [ADDRESS…]
passes() { on a /run/probe "$@"; settle; left "$1-"; }
blocked() { on a /run/probe "$@" || true; settle; ! left "$1-"; }
# forwards WORD, forwards_nothing WORD: packets of the host behind this one.
forwards() { on lan /run/probe "$1"; settle; left "$1-four" && left "$1-six"; }
forwards_nothing() { on lan /run/probe "$1" || true; settle; ! left "$1-"; }
encrypted() {
	local before
	before=$(grep -c '\.5801: UDP' "$CAPTURED") || true
	on a ping -c 1 -W 1 10.8.0.1 > /dev/null 2>&1 || true
	more() { [ "$(grep -c '\.5801: UDP' "$CAPTURED")" -gt "$before" ]; }
	eventually 10 more
}

# The same for each tool.
life() {
	use "$1"
	[ "$1" != iptables-legacy ] || on a sh -c 'iptables-legacy -S; ip6tables-legacy -S' > /dev/null # loads the tables
	split "$KS
PreUp = /run/probe PreUp || true
PostUp = /run/probe PostUp || true
PreDown = /run/probe PreDown || true
PostDown = /run/probe PostDown || true"
	none=$(state)
	forwards "before$1"
	quick up wg0
	blocked "up$1"
	blocked "near$1" 192.168.5.254 2001:db8:5::fe
	forwards_nothing "forward$1"
	encrypted
	on a ping -c 1 -W 30 127.0.0.1
	# Switches learn of the group of a new address, or would not deliver the solicitations of neighbours.
	settle
	reports=$(grep -c "listener report" "$CAPTURED") || true
	in_net a ip -6 address add 2001:db8:5::abcd:77/64 dev eth0
	more_reports() { [ "$(grep -c "listener report" "$CAPTURED")" -gt "$reports" ]; }
	eventually 10 more_reports
	in_net a ip -6 address delete 2001:db8:5::abcd:77/64 dev eth0
	# The neighbours are found again, with IPv6 as well.
	in_net a ip neigh flush dev eth0
	quick down wg0
	settle
	run ! left "P[a-z]*\(Up\|Down\)-"
	passes "after$1" 8.8.8.8 2001:db8:77::1
	quick_settled "$none" state
}
@test "nft: nothing leaves from the first hook to the last one, except encrypted packets" { life nft; }
@test "iptables-nft: the same" { life iptables-nft; }
@test "iptables-legacy: the same" { life iptables-legacy; }

# lan and on; a second tunnel; one of two tunnels goes down.
several() {
	use "$1"
	none=$(state)
	split "KillSwitch = lan"
	quick up wg0
	passes "near-lan$1" 192.168.5.254
	passes "linklocal$1" 224.0.0.251
	blocked "far$1"
	quick_file wg1 "Address = 10.17.0.1/24
$KS" "10.18.0.0/16"
	quick up wg1
	blocked "strict$1" 8.8.8.8 2001:db8:77::1 192.168.5.254
	encrypted
	quick down wg1
	passes "near-again$1" 192.168.5.254
	blocked "far-again$1"
	quick up wg1
	quick down wg0
	blocked "second$1" 8.8.8.8 2001:db8:77::1 192.168.5.254
	quick down wg1
	passes "done$1" 8.8.8.8
	on a rm /etc/wireguard/wg1.conf
	quick_settled "$none" state
}
@test "nft: lan, and several tunnels" { several nft; }
@test "iptables-nft: lan, and several tunnels" { several iptables-nft; }

@test "a daemon that is killed, an interface that is deleted: the kill switch stays until down" {
	quick up wg0
	on a pkill -KILL -x wireguardd
	gone() { ! in_net a ip link show wg0; }
	eventually 10 gone
	eventually 10 no_daemons a
	blocked killed
	quick down wg0
	passes down1 8.8.8.8
	quick up wg0
	in_net a ip link delete wg0
	blocked deleted
	# The next `up` looks up and leaves no gap: the switch of before stays on.
	on a sed -i 's,^PrivateKey,PreUp = /run/probe again || true\nPrivateKey,' /etc/wireguard/wg0.conf
	quick up wg0
	blocked again
	quick down wg0
	passes down2 8.8.8.8
	quick_settled "$none" state
}

@test "without its journal down removes it as well" {
	quick up wg0
	on a sh -c 'rm /run/wgsuite/wg0@*'
	quick down wg0
	passes down1 8.8.8.8
	quick up wg0
	in_net a ip link delete wg0
	on a sh -c 'rm /run/wgsuite/wg0@*'
	blocked lost
	run -1 quick down wg0
	passes down2 8.8.8.8
	quick_settled "$none" state
}

# The same with iptables, of whose rules nothing is left; another tunnel's stay.
without_journal() {
	use "$1"
	quick_file wg1 "Address = 10.17.0.1/24
$KS" "10.18.0.0/16"
	quick up wg0
	quick up wg1
	on a sh -c 'rm /run/wgsuite/wg0@*'
	quick down wg0
	blocked "other$1"
	on a sh -c 'rm /run/wgsuite/wg1@*'
	quick down wg1
	passes "down$1" 8.8.8.8 2001:db8:77::1
	run ! grep WGSUITE-KILL <(on a sh -c "iptables-save; ip6tables-save")
}
@test "iptables-nft: without its journal down removes it as well" { without_journal iptables-nft; }
@test "iptables-legacy: without its journal down removes it as well" { without_journal iptables-legacy; }

@test "an up during the down of another tunnel allows nothing of that one" {
	quick_file wg1 "Address = 10.17.0.1/24
$KS" "10.18.0.0/16"
	quick up wg0
	# `down` stops where it deletes the journal.
	on a env WG_QUICK_FAULT_LOG="$NET_DIR/steps" "$FAULTS/wg-quick" down wg0
	step=$(grep journal "$NET_DIR/steps")
	quick up wg0
	on_bg a env WG_QUICK_FAULT="${step% *}" WG_QUICK_FAULT_SIGNAL=19 "$FAULTS/wg-quick" down wg0
	down=$BG
	stopped() { grep -q '^State:.T' "/proc/$down/status"; }
	eventually 10 stopped
	on_bg a wg-quick up wg1
	up=$BG waits=$BG_LOG
	waits_or_is_up() { grep -q "waiting for" "$waits" || ! kill -0 "$up"; }
	eventually 10 waits_or_is_up
	kill -CONT "$down"
	ended() { ! kill -0 "$down" && ! kill -0 "$up"; }
	eventually 10 ended
	[[ $(on a nft list table inet wgsuite-killswitch) == *'"wg1"'* ]]
	run ! grep -F '"wg0"' <(on a nft list table inet wgsuite-killswitch)
	quick down wg1
	on a rm /etc/wireguard/wg1.conf
	quick_settled "$none" state
}

@test "an up that fails before it begins tells that the kill switch is still on" {
	quick up wg0
	in_net a ip link delete wg0
	for line in "PrivateKeyFile = /run/no-key" "PrivateKeyFile = create:/no/folder/key" "PrivateKey = nonsense"; do
		on a sed -i "s|^PrivateKey.*|$line|" /etc/wireguard/wg0.conf
		run -1 quick up wg0
		[[ $output == *"warning: the kill switch stays on: packets that would leave outside the tunnels are rejected"*"help: run \`wg-quick down wg0' to turn it off"* ]]
	done
	blocked failed
	quick down wg0
	passes down 8.8.8.8
}

@test "a full tunnel with a kill switch" {
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64
$KS" "0.0.0.0/0, ::/0"
	quick up wg0
	blocked full
	on a wg set wg0 fwmark 0 # its packets are like others now: rejected
	blocked unmarked
	quick reload wg0
	encrypted
	[ -z "$(quick diff wg0)" ]
	on a nft flush ruleset
	[[ $(quick diff wg0) == *"add table inet wgsuite-killswitch"* ]]
	quick reload wg0 2> /dev/null
	in_net a ip rule flush
	in_net a ip rule add table main
	blocked flushed
	quick down wg0
}

@test "a failed up turns it off again, unless routes were changed: then it says how" {
	split "$KS
PreUp = exit 3"
	run -3 quick up wg0
	passes failed-early 8.8.8.8
	[ -z "$(on a nft list ruleset)" ]
	split "$KS
PostUp = /run/probe PostUp || true; exit 3"
	run -3 quick up wg0
	[[ $output == *"warning: the kill switch stays on: packets that would leave outside the tunnels are rejected"*"help: run \`wg-quick down wg0' to turn it off"* ]]
	blocked failed-late
	run ! left PostUp-
	# Another up that fails: it stays. A name cannot be looked up; that one says why.
	split "$KS
PreUp = exit 3"
	run -3 quick up wg0
	[[ $output == *"the kill switch stays on"* ]]
	blocked failed-again
	quick_file wg0 "Address = 10.7.0.1/24
$KS" "0.0.0.0/0"
	on a sed -i 's/^Endpoint.*/Endpoint = server.example:5801/' /etc/wireguard/wg0.conf
	run -1 on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
	[[ $output == *"help: the kill switch that an earlier \`up' left on rejects look-ups: \`wg-quick down wg0' turns it off"* ]]
	blocked failed-lookup
	run -0 quick down wg0
	passes down 8.8.8.8
	quick_settled "$none" state
}

@test "the names of endpoints are looked up before it is turned on" {
	on_bg gw python3 "$NET_LIB/name_server.py" 192.168.5.254
	eventually 10 grep -q ready "$BG_LOG"
	on a sed -i 's/^Endpoint.*/Endpoint = host.example.net:5801/' /etc/wireguard/wg0.conf
	on a env WG_ENDPOINT_RESOLUTION_RETRIES=0 wg-quick up wg0
	[[ $(on a wg show wg0 endpoints) == *192.168.5.254:5801 ]]
	blocked up 8.8.8.8 192.168.5.254
	quick down wg0
}

@test "restart leaves it on, and looks up names while the tunnel is there" {
	on_bg gw python3 "$NET_LIB/name_server.py" 192.168.5.254
	eventually 10 grep -q ready "$BG_LOG"
	on a sed -i 's/^Endpoint.*/Endpoint = host.example.net:5801/; s/^KillSwitch.*/KillSwitch = lan/' /etc/wireguard/wg0.conf
	quick up wg0
	grep -q "host.example.net:5801" <(on a sh -c 'cat /run/wgsuite/wg0@*') # as written
	[ -z "$(quick diff wg0)" ]
	index=$(on a cat /sys/class/net/wg0/ifindex)
	# A program that sends all the time, to where the kill switch lets nothing pass, and counts in a file.
	on a install -m 755 /dev/stdin /run/flood <<-'END'
	#!/usr/bin/perl
	use Socket;
	socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
	$| = 1;
	for (my $n = 1; ; $n++) { send($s, "flood-four\n", 0, pack_sockaddr_in(4444, inet_aton("8.8.8.8"))); $n % 1000 or print "$n\n"; }
	END
	on_bg a /run/flood
	flood=$BG sent=$BG_LOG
	eventually 10 test -s "$sent"
	quick restart wg0
	[ "$(on a cat /sys/class/net/wg0/ifindex)" != "$index" ]
	settle
	run ! left flood-
	[[ $(on a wg show wg0 endpoints) == *192.168.5.254:5801 ]]
	# No name server answers through the tunnel: the endpoint is that of before.
	on a sed -i 's/^KillSwitch.*/KillSwitch = on/' /etc/wireguard/wg0.conf
	quick reload wg0
	run -0 quick restart wg0
	[[ $output == *"warning: using the endpoints that the tunnel has now"* ]]
	[[ $(on a wg show wg0 endpoints) == *192.168.5.254:5801 ]]
	# A file that has none turns it off; one that cannot be used leaves all as it is.
	on a sed -i 's/^Address.*/Address = nonsense/' /etc/wireguard/wg0.conf
	run -1 quick restart wg0
	settle
	run ! left flood-
	split
	quick restart wg0
	flows() { left flood-four; }
	eventually 10 flows
	kill "$flood"
	quick down wg0
	on a rm /run/flood
}

@test "reload turns it on, changes and removes it" {
	split
	quick up wg0
	split "$KS"
	run -0 quick reload wg0
	[[ $output == *"[#] nft -f /dev/fd/63"*"[#] wg set wg0 fwmark 51820"* ]]
	blocked on1
	encrypted
	[ -z "$(quick diff wg0)" ]
	split "KillSwitch = lan
FwMark = 0x77"
	quick reload wg0
	passes lan1 192.168.5.254
	blocked lan2
	encrypted
	run ! grep -i -q ca6c <(on a nft list table inet wgsuite-killswitch)
	[ -z "$(quick diff wg0)" ]
	split
	quick reload wg0
	passes off 8.8.8.8
	run ! on a nft list table inet wgsuite-killswitch
	quick down wg0
}

@test "without a working tool up fails; nonsense is refused with its place" {
	printf '[firewall]\nbackend = none\n' | on a install -m 644 /dev/stdin /etc/wireguard/wgsuite.ini
	run -1 quick up wg0
	[[ $output == *"cannot turn the kill switch on: neither nft nor iptables is available"*"help: install nftables"* ]]
	run ! in_net a ip link show wg0
	on a rm /etc/wireguard/wgsuite.ini
	split "KillSwitch = yes"
	run -1 quick up wg0
	[[ $output == *"wg0.conf:4:14: error: KillSwitch: expected on, lan or off, found \`yes'"* ]]
	split "KillSwitch = off"
	quick up wg0
	passes off 8.8.8.8
	quick down wg0
	quick_settled "$(split "$KS"; state)" state
}

@test "the printed commands turn it on as up does; strip, save and status" {
	quick up wg0
	list() { on a nft list table inet wgsuite-killswitch | sed 's/packets.*reject/reject/'; }
	want=$(list)
	run -0 quick status wg0
	[[ $output == *"kill switch: on, in force"* ]]
	[[ $(quick status wg0 json) == *'"killSwitch": "on"'* ]]
	on a nft delete table inet wgsuite-killswitch
	[[ $(quick status wg0) == *"kill switch: on, missing"* ]]
	quick save wg0
	grep -q '^KillSwitch = on$' <(on a cat /etc/wireguard/wg0.conf)
	run ! grep -q -i fwmark <(on a cat /etc/wireguard/wg0.conf)
	[[ $(quick strip wg0) != *KillSwitch* ]]
	quick down wg0
	quick up --dry-run wg0 | grep 'add table inet' | sed 's/^\[#\] //' | on a bash
	[ "$(list)" = "$want" ]
	on a nft delete table inet wgsuite-killswitch
}
