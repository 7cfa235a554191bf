# wg-quick monitor and the daemon: one that died is started again and configured, with nothing outside a full tunnel
# meanwhile; one that hangs is replaced; an interface that another program deleted is created again.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

SERVER_KEY=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=

setup() {
	net_begin
	quick_host
	SERVER=$(on a wg pubkey <<< "$SERVER_KEY") CLIENT=$(on a wg pubkey <<< "$QUICK_KEY")
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.7.0.2/24, fd07::2/64
		DNS = 10.7.0.1
		[Peer]
		PublicKey = $SERVER
		AllowedIPs = 0.0.0.0/0, ::/0
		Endpoint = 192.168.5.254:51820
	END
	tunnel gw wg0 <<- END
		[Interface]
		PrivateKey = $SERVER_KEY
		ListenPort = 51820
		Address = 10.7.0.1/24, fd07::1/64
		[Peer]
		PublicKey = $CLIENT
		AllowedIPs = 10.7.0.2/32, fd07::2/128
	END
	on gw wg-quick up wg0
}
teardown() { [ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG" >&2; net_end; }

# monitor_start: starts the monitor on host a, and waits until it waits for events.
monitor_start() {
	on_bg a wg-quick monitor
	MONITOR=$BG LOG=$BG_LOG
	eventually 5 monitor_waits
}
monitor_waits() { on a grep -q "^Seccomp:[[:space:]]*2" "/proc/$(on a pgrep -o -fx "wg-quick monitor")/status"; }
says() { grep -qF -- "$1" "$LOG"; }

daemon() { on a pgrep -x wireguardd; }
# is_new OLD: another daemon than OLD serves the interface: a single process, as it is two while it starts.
is_new() { local now; now=$(daemon) && [[ $now =~ ^[0-9]+$ && $now != "$1" ]]; }
replies() { on a ping -c 1 -W 1 "${1-10.7.0.1}" > /dev/null; }
# state: what the tunnel has on the host, except for the index of the interface.
state() { quick_state | sed '/^# files/,$d; /wgsuite/d; s/peer_index [0-9]*//; /^#wg-quick:/d'; }
is_restored() { [ "$(state)" = "$1" ]; }
restored() {
	eventually 5 is_restored "$before" || { diff <(echo "$before") <(state); sed "s,^,LOG ," "$LOG"; return 1; } >&2
}

@test "a daemon that is killed is started again, with all of the tunnel, and no packet outside meanwhile" {
	on a wg-quick up wg0
	eventually 5 replies
	eventually 5 replies fd07::1
	monitor_start
	before=$(state)
	port=$(on a wg show wg0 listen-port)
	# From now on a program sends packets to the world, at both families, as fast as it can, and pings the server.
	on_bg gw tcpdump -Z root -n -i eth0 -s 2000 --immediate-mode -U -w /run/uplink.pcap not arp and not icmp6
	capture=$BG
	on_bg a perl -MSocket=:all -e '
		socket(my $four, AF_INET, SOCK_DGRAM, 0); socket(my $six, AF_INET6, SOCK_DGRAM, 0);
		my @to = (pack_sockaddr_in(4444, inet_aton("8.8.8.8")), pack_sockaddr_in6(4444, inet_pton(AF_INET6, "2001:db8:77::1")));
		for (;;) { send($four, "x", 0, $to[0]); send($six, "x", 0, $to[1]); select undef, undef, undef, 0.0002 }'
	captured() { [ "$(on gw stat -c %s /run/uplink.pcap)" -gt 1000 ]; }
	eventually 5 captured
	for i in 1 2; do
		old=$(daemon)
		on a kill -9 "$old"
		eventually 5 is_new "$old"
		eventually 5 replies
		eventually 5 replies fd07::1
		restored
		[ "$(on a wg show wg0 listen-port)" = "$port" ]
		[ "$(on a wg show wg0 fwmark)" = 0xca6c ]
	done
	kill "$capture"
	on gw tcpdump -n -r /run/uplink.pcap > "$NET_DIR/packets" 2> /dev/null
	grep -q 'UDP' "$NET_DIR/packets" # packets were sent, all of them encrypted
	not grep -vE 'multicast listener report|192\.168\.5\.(1|254)\.[0-9]+ > 192\.168\.5\.(1|254)\.(51820|[0-9]+): UDP' "$NET_DIR/packets"
	not grep '\.4444: ' "$NET_DIR/packets"
	eventually 5 says "wg0: warning: the daemon exited: it was started again"
	[ -z "$(on a wg-quick diff wg0)" ]
	kill "$MONITOR"
	run -0 on a wg-quick down wg0
	eventually 5 no_daemons a
}

tried() { [ "$(grep -c "cannot configure the interface again" "$LOG")" -ge "$1" ]; }

descriptors() { on a sh -c "ls /proc/$(on a pgrep -o -fx "wg-quick monitor")/fd | wc -l"; }
has_descriptors() { [ "$(descriptors)" -le "$1" ]; }

@test "the monitor keeps no descriptor of a question that was answered, nor of a daemon that ended" {
	on a wg-quick up wg0
	eventually 5 replies
	monitor_start
	monitor_sleeps # its first question has been answered
	n=$(descriptors)
	for _ in 1 2; do # each new daemon is asked at once
		old=$(daemon)
		on a kill -9 "$old"
		eventually 5 is_new "$old"
		eventually 5 replies
	done
	eventually 5 has_descriptors "$n"
}

@test "a key that is not in the tunnel file is read again, unless it is a pipe's" {
	on a sh -c "umask 077; echo $QUICK_KEY > /etc/wireguard/a.key; sed -i 's,^PrivateKey = .*,PrivateKeyFile = a.key,' /etc/wireguard/wg0.conf"
	on a wg-quick up wg0
	eventually 5 replies
	monitor_start
	old=$(daemon)
	on a kill -9 "$old"
	eventually 5 is_new "$old"
	eventually 5 replies
	[ "$(on a wg show wg0 private-key)" = "$QUICK_KEY" ]
	run ! grep -F "$QUICK_KEY" "$LOG"
	on a wg-quick down wg0
	on a sh -c 'mkfifo -m 600 /run/a.fifo; sed -i s,a.key,/run/a.fifo, /etc/wireguard/wg0.conf; cat /etc/wireguard/a.key > /run/a.fifo & wg-quick up wg0'
	eventually 5 replies
	on a kill -9 "$(daemon)"
	eventually 10 says "cannot configure the interface again: PrivateKeyFile can be read only once: /run/a.fifo"
	# It is tried again, but not all the time.
	eventually 10 tried 2
	[ "$(grep -c "cannot configure the interface again" "$LOG")" -lt 6 ]
	kill "$MONITOR"
	run on a wg-quick down wg0
}

@test "the peer hears of it at once, even if this host has nothing to send" {
	on a wg-quick up wg0
	eventually 5 replies
	monitor_start
	handshake=$(on gw wg show wg0 latest-handshakes | cut -f2)
	old=$(daemon)
	eventually 3 eval '[ "$(date +%s)" -gt "$handshake" ]'
	on a kill -9 "$old"
	eventually 5 eval '[ "$(on gw wg show wg0 latest-handshakes | cut -f2)" -gt "$handshake" ]'
}

@test "an interface that another program deleted is created again; one that was taken down is not" {
	on a wg-quick up wg0
	eventually 5 replies
	monitor_start
	before=$(state)
	on a ip link delete wg0
	eventually 10 says "started again"
	restored
	eventually 5 replies
	on a wg-quick down wg0
	eventually 5 no_daemons a
	on a wg-quick up wg0
	eventually 5 replies
	on a wg-quick down wg0
	eventually 5 no_daemons a
	[ "$(grep -c "started again" "$LOG")" -eq 1 ]
	not grep -q error "$LOG"
}

@test "the monitor starts what died before it was started" {
	on a wg-quick up wg0
	before=$(state)
	on a kill -9 "$(daemon)"
	eventually 5 no_daemons a
	monitor_start
	eventually 5 replies
	restored
}

@test "a daemon that does not answer is replaced" {
	on a wg-quick up wg0
	eventually 5 replies
	before=$(state)
	old=$(daemon)
	on a kill -STOP "$old"
	monitor_start # which asks at once
	eventually 30 is_new "$old"
	eventually 5 replies
	restored
	eventually 5 says "wg0: warning: the daemon did not answer: it was replaced"
}

@test "a tunnel whose file is invalid is left as it is, and restored when the file is valid again" {
	on a wg-quick up wg0
	monitor_start
	before=$(state)
	on a sh -c 'cp /etc/wireguard/wg0.conf /run/good; echo Nonsense >> /etc/wireguard/wg0.conf'
	on a kill -9 "$(daemon)"
	eventually 10 says "wg0: the interface cannot be restored"
	on a ip -4 route show table 51820 | grep -q ^unreachable # nothing leaves
	not on a ping -c 1 -W 1 8.8.8.8
	on a sh -c 'cp /run/good /etc/wireguard/new; mv /etc/wireguard/new /etc/wireguard/wg0.conf'
	eventually 10 replies
	restored
}

@test "addresses that hooks added are restored, and what else they changed is reported" {
	on a sed -i 's|^DNS.*|PostUp = ip address add 10.77.0.1/32 dev wg0; echo ran >> /run/hooks|' /etc/wireguard/wg0.conf
	on a wg-quick up wg0
	monitor_start
	before=$(state)
	on a kill -9 "$(daemon)"
	eventually 5 replies
	restored
	[ "$(on a cat /run/hooks)" = ran ]
}

@test "keys that are not in the file are read again, and without the key nothing is created" {
	on a sh -c 'umask 077; sed -n "s/^PrivateKey = //p" /etc/wireguard/wg0.conf > /etc/wireguard/key; sed -i "s,^PrivateKey.*,PrivateKeyFile = key," /etc/wireguard/wg0.conf'
	on a wg-quick up wg0
	monitor_start
	before=$(state)
	on a kill -9 "$(daemon)"
	eventually 5 replies
	restored
	on a mv /etc/wireguard/key /etc/wireguard/other
	on a kill -9 "$(daemon)"
	eventually 5 says "wg0: the interface cannot be restored"
	not on a test -e /sys/class/net/wg0
	on a mv /etc/wireguard/other /etc/wireguard/key
	eventually 10 replies
	restored
}

@test "a daemon that dies again and again is not restarted all the time" {
	on a wg-quick up wg0
	monitor_start
	for i in 1 2 3; do
		old=$(daemon)
		on a kill -9 "$old"
		eventually 5 is_new "$old"
		eventually 5 eval '[ "$(grep -c "started again" "$LOG")" = "$i" ]'
	done
	eventually 5 says "restored 3 times within a minute"
	on a kill -9 "$(daemon)"
	eventually 5 no_daemons a
	not replies
	on a wg-quick down wg0 # is not hindered
}

@test "what was not restored completely is restored by the next monitor" {
	on a wg-quick up wg0
	eventually 5 replies
	before=$(state)
	for delay in 0.01 0.02 0.03 0.04 0.05 0.06 0.08; do
		monitor_start
		eventually 5 daemon
		on a sh -c 'kill -9 $(pgrep -x wireguardd); :'
		sleep "$delay"
		on a sh -c 'kill -9 $(pgrep -fx "wg-quick monitor"); :'
		no_monitor() { not on a pgrep -x "wg-quick|wg-quick-helper"; } # its lock is released after its command line is gone
		eventually 5 no_monitor
	done
	monitor_start
	eventually 10 replies
	restored
	one_daemon() { [ "$(on a pgrep -c -x wireguardd)" -eq 1 ]; }
	eventually 5 one_daemon
}

@test "without its helper the monitor ends with an error" {
	on a wg-quick up wg0
	monitor_start
	eventually 5 on a pgrep -x wg-quick-helper # it has taken its name
	on a kill -9 "$(on a pgrep -o -x wg-quick-helper)"
	gone() { not on a pgrep -fx "wg-quick monitor"; }
	eventually 5 gone
	eventually 5 says "wg-quick: the helper process has ended"
}

@test "an interface that was renamed or moved to another network namespace is left alone" {
	on a wg-quick up wg0
	eventually 5 replies
	monitor_start
	on a ip netns add other
	on a ip link set wg0 netns other
	gone() { not on a test -e /sys/class/net/wg0; }
	eventually 5 gone
	sleep 2 # for what must not happen: the limit is 1 s
	gone
	[ "$(on a pgrep -c -x wireguardd)" -eq 1 ]
	not says "created again"
}
