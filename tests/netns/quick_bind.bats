# BindDevice and SourceAddress: the outer sockets of a tunnel of wg-quick. What wireguardd does with them: daemon_bind.bats.
load ../lib/netns
load ../lib/quick
load ../lib/uplinks

# a has a second uplink to gw. Its routes to gw's address 198.51.100.1, which the tunnel uses, prefer the first one.
setup() {
	net_begin
	quick_host
	uplink
	on gw wireguardd wg0
	on gw sh -c 'umask 077; echo 0BVsDM+pBSD1GoHJTCVaRCs8VPvdbKkTwSDLBSmFEkk= > /run/key; wg set wg0 listen-port 5801 private-key /run/key
		ip address add 198.51.100.1/32 dev lo; ip address add 10.7.0.2/24 dev wg0; ip link set wg0 up'
	count_arrivals gw 5801 eth0 eth2
	peer=$(on gw wg show wg0 public-key)
	on gw wg set wg0 peer "$(on gw sh -c 'echo "$1" | wg pubkey' - "$QUICK_KEY")" allowed-ips 10.7.0.1/32
}
teardown() { [ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG" >&2; net_end; }

uplink() {
	wire a eth2 "10.0.2.1/24 10.0.2.11/24 2001:db8:2::1/64" gw eth2 "10.0.2.2/24 2001:db8:2::2/64"
	in_net a ip route replace 198.51.100.1/32 via 192.168.5.254 metric 10
	in_net a ip route replace 198.51.100.1/32 via 10.0.2.2 metric 20
}

# file INTERFACE-LINES [ALLOWED-IPS [ENDPOINT]]
file() {
	tunnel a wg0 <<- END
	[Interface]
	PrivateKey = $QUICK_KEY
	Address = 10.7.0.1/24
	$1
	[Peer]
	PublicKey = $peer
	AllowedIPs = ${2-10.7.0.2/32}
	Endpoint = ${3-198.51.100.1:5801}
	END
}
# sends_through IF: packets of the tunnel arrive at gw through it, and through no other interface.
sends_through() {
	reset
	pings a 10.7.0.2
	only_through "$1"
}
no_difference() { [ -z "$(on a wg-quick diff wg0)" ]; }
session() { on a wg show wg0 latest-handshakes; }
# fails TEXT…: wg-quick up fails, says each of these, and leaves nothing behind.
fails() {
	local before text
	before=$(quick_state)
	run on a wg-quick up wg0
	[ "$status" -ne 0 ]
	for text; do [[ $output == *"$text"* ]]; done
	quick_settled "$before"
}

@test "up, reload, diff, save and down: another uplink than that of the routes, from before the first packet on" {
	local none first
	file "BindDevice = eth2"
	none=$(quick_state)
	run on a wg-quick up --dry-run wg0
	[[ $output == *"[#] printf '%s\n' set_binding=1 bind_device=eth2 '' | socat - UNIX-CONNECT:/var/run/wireguard/wg0.sock"* ]]
	run on a wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"wireguardd wg0"*"set_binding=1 bind_device=eth2"*"wg addconf"* ]]
	sends_through eth2
	[ "$(on gw wg show wg0 endpoints | cut -f 2 | cut -d : -f 1)" = 10.0.2.1 ]
	first=$(session)
	no_difference
	[ -z "$(on a wg showconf wg0 | grep -iE 'bind|source')" ]
	file "BindDevice = eth2
SourceAddress = 10.0.2.11"
	run on a wg-quick diff wg0
	[ -n "$output" ]
	[[ $output == *"[#] printf '%s\n' set_binding=1 bind_device=eth2 source_address=10.0.2.11 '' | socat"* ]]
	on a wg-quick reload wg0
	no_difference
	sends_through eth2
	[ "$(on gw wg show wg0 endpoints | cut -f 2 | cut -d : -f 1)" = 10.0.2.11 ]
	[ "$(session)" = "$first" ]
	bind_to '' # not by wg-quick: a difference
	run on a wg-quick diff wg0
	on a sh -c "${output#'[#] '}" # the printed command does the same as reload
	[ "$(binding)" = $'bind_device=eth2\nsource_address=10.0.2.11' ]
	run on a wg-quick strip wg0
	[[ $output != *BindDevice* && $output != *SourceAddress* ]]
	on a wg-quick save wg0
	on a grep -qx 'BindDevice = eth2' /etc/wireguard/wg0.conf
	on a grep -qx 'SourceAddress = 10.0.2.11' /etc/wireguard/wg0.conf
	no_difference
	file ""
	run on a wg-quick diff wg0
	[ -n "$output" ]
	on a wg-quick reload wg0
	[ -z "$(binding)" ]
	no_difference
	[ "$(session)" = "$first" ]
	sends_through eth0
	on a wg-quick down wg0
	quick_settled "$none"
}

@test "status shows the binding, and whether it is in force" {
	local wg0="import json, sys; print(json.load(sys.stdin)['wg0'].get('binding'))"
	file "BindDevice = eth2
SourceAddress = 10.0.2.11, 2001:db8:2::1"
	on a wg-quick up wg0
	shows() { [[ $(on a wg-quick status wg0 | sed -n 's/^ *binding: //p') == "$1" ]]; }
	shows "device eth2, source 10.0.2.11, source 2001:db8:2::1, in force"
	[ "$(on a wg-quick status wg0 json | /usr/bin/python3 -c "$wg0")" = "{'device': 'eth2', 'sources': ['10.0.2.11', '2001:db8:2::1'], 'inForce': True}" ]
	bind_to 'bind_device=eth0\n'
	shows "device eth2, source 10.0.2.11, source 2001:db8:2::1, not in force"
	on a rm /etc/wireguard/wg0.conf # that of the journal
	shows "device eth2, source 10.0.2.11, source 2001:db8:2::1, not in force"
	file "SourceAddress = 2001:db8:2::1"
	shows "source 2001:db8:2::1, not in force"
	on a sh -c 'kill -STOP $(pgrep -x wireguardd)'
	[[ $(on a wg-quick status wg0 json | /usr/bin/python3 -c "$wg0") == "{'sources': ['2001:db8:2::1']}" ]]
	on a sh -c 'kill -CONT $(pgrep -x wireguardd)'
	file ""
	shows ""
	[ "$(on a wg-quick status wg0 json | /usr/bin/python3 -c "$wg0")" = None ]
}

@test "a change that is not confirmed is rolled back also if the former device has gone" {
	file "BindDevice = eth2"
	on a wg-quick up wg0
	file "BindDevice = eth0"
	on a wg-quick reload --confirm 1000 wg0
	[ "$(binding)" = bind_device=eth0 ]
	in_net a ip link delete eth2
	quick_expire
	rolled_back() { [ "$(binding)" = bind_device=eth2 ]; }
	eventually 10 rolled_back
	eventually 10 on a sh -c '! ls /run/wgsuite | grep confirm'
}

@test "a full tunnel with its mark, a name as endpoint, and PreUp hooks that bring the interface up" {
	echo '198.51.100.1 gw.example
2001:db8:5::fe gw.example' | on a tee -a /etc/hosts > /dev/null
	on a sh -c 'echo "precedence ::/0 100" > /etc/gai.conf'
	in_net a ip link set eth2 mtu 1400
	file "SourceAddress = 10.0.2.11
BindDevice = eth2
PreUp = ip link set %i up" "0.0.0.0/0, ::/0" gw.example:5801
	on a wg-quick up wg0
	[ "$(on a wg show wg0 endpoints | cut -f 2)" = 198.51.100.1:5801 ] # not the IPv6 address, for which there is no socket
	[ "$(on a cat /sys/class/net/wg0/mtu)" = 1320 ] # of the path through eth2
	sends_through eth2
	[ "$(on gw wg show wg0 endpoints | cut -f 2 | cut -d : -f 1)" = 10.0.2.11 ]
	no_difference
	on a wg-quick down wg0
}

@test "what does not exist, or cannot be, is an error with its line, and nothing is left behind" {
	file "BindDevice = eth9"
	fails "wg-quick: wg0: cannot bind the UDP sockets: BindDevice on line 4: there is no interface eth9" "help: "
	file "SourceAddress = 10.0.3.1, 2001:db8:3::1"
	fails "cannot bind the UDP sockets: SourceAddress on line 4: 10.0.3.1 or 2001:db8:3::1 is not an address of this host" "help: "
	file ""
	on a mkdir /etc/wireguard/wg0.conf.d
	echo "[Interface]
BindDevice = eth9" | on a tee /etc/wireguard/wg0.conf.d/uplink.conf > /dev/null
	fails "BindDevice on line 2 of /etc/wireguard/wg0.conf.d/uplink.conf: there is no interface eth9"
	on a rm -r /etc/wireguard/wg0.conf.d
	file "BindDevice = eth2"
	on a wg-quick up wg0
	file "BindDevice = eth9"
	run on a wg-quick reload wg0
	[ "$status" -ne 0 ]
	[[ $output == *"there is no interface eth9"*"the reload was rolled back"* ]]
	[ "$(binding)" = bind_device=eth2 ]
	sends_through eth2
}

@test "the interface of the kernel or of another program: an error before anything changes" {
	printf '[backend]\nimplementation = kernel\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	file "BindDevice = eth2"
	fails "BindDevice and SourceAddress need wireguardd, and the kernel or another program serves the interface" \
		"set [backend] implementation = userspace in /etc/wireguard/wgsuite.ini; with auto, the default, a kernel that has WireGuard serves the interface"
	[[ $output != *"ip link add"* ]]
	run on a wg-quick up --dry-run wg0
	[ "$status" -eq 1 ]
	on a rm /etc/wireguard/wgsuite.ini
	# A daemon that closes the connection, as wireguard-go does with a request that it does not know, or refuses it.
	local answer
	for answer in '' 'echo errno=-22; echo'; do
		on a tee /run/other > /dev/null <<-END
			#!/bin/sh
			mkdir -p /run/wireguard; ip tuntap add dev "\$1" mode tun
			setsid socat "UNIX-LISTEN:/run/wireguard/\$1.sock,fork,unlink-close" SYSTEM:"head -n 1 > /dev/null; $answer" > /dev/null 2>&1 &
			until [ -S "/run/wireguard/\$1.sock" ]; do :; done
			setsid sh -c "while ip link show dev \$1; do sleep 0.1; done; pkill -x socat; rm -f /run/wireguard/\$1.sock" > /dev/null 2>&1 &
		END
		on a chmod +x /run/other
		run on a env WG_QUICK_USERSPACE_IMPLEMENTATION=/run/other wg-quick up wg0
		[ "$status" -ne 0 ]
		[[ $output == *"need wireguardd, and the kernel or another program serves the interface"* ]] || fail "$output"
		not on a ip link show dev wg0
		eventually 10 not on a test -e /run/wireguard/wg0.sock
		eventually 10 not on a pgrep -f '[w]hile ip link show dev' # which deletes it
	done
}

@test "run: the sockets outside are bound" {
	file "BindDevice = eth2
SourceAddress = 10.0.2.11"
	on a wg-quick run wg0 -- ping -c 1 -w 30 10.7.0.2
	[ "$(on gw wg show wg0 endpoints | cut -f 2 | cut -d : -f 1)" = 10.0.2.11 ]
	file "BindDevice = eth9"
	run on a wg-quick run wg0 -- true
	[ "$status" -eq 125 ]
	[[ $output == *"cannot bind the UDP sockets: there is no interface eth9"* ]]
}

@test "the monitor: a daemon that was killed is bound again, also while the device does not exist" {
	file "BindDevice = eth2
SourceAddress = 10.0.2.11"
	on a wg-quick up wg0
	sends_through eth2
	on_bg a wg-quick monitor
	LOG=$BG_LOG
	waits() { on a grep -q "^Seccomp:[[:space:]]*2" "/proc/$(on a pgrep -o -fx "wg-quick monitor")/status"; }
	eventually 5 waits
	again() { [ "$(binding)" = $'bind_device=eth2\nsource_address=10.0.2.11' ]; }
	on a pkill -KILL -x wireguardd
	eventually 5 again
	eventually 5 on a ping -c 1 -W 1 10.7.0.2 # the peers come after the binding
	sends_through eth2
	in_net a ip link delete eth2
	on a pkill -KILL -x wireguardd
	eventually 5 again
	reset
	not on a ping -c 1 -W 1 10.7.0.2
	[ "$(packets eth0)" = 0 ]
	uplink
	eventually 5 on a ping -c 1 -W 1 10.7.0.2
	sends_through eth2
}
