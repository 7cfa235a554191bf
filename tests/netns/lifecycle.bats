#!/usr/bin/env bats
# Tunnels are started, stopped and killed, and no process, socket, route, rule or file is left behind.
load ../lib/netns

setup() {
	net_begin
	host a b
	wire a eth0 "192.0.2.1/24 2001:db8::1/64" b eth0 "192.0.2.2/24 2001:db8::2/64"
	KEY_A=$(on a wg genkey) KEY_B=$(on b wg genkey)
	PUB_A=$(on a wg pubkey <<< "$KEY_A") PUB_B=$(on b wg pubkey <<< "$KEY_B")
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $KEY_A
	ListenPort = 51820
	Address = 10.9.0.1/24, fd09::1/64
	[Peer]
	PublicKey = $PUB_B
	Endpoint = 192.0.2.2:51820
	AllowedIPs = 10.9.0.2/32, fd09::2/128, 10.20.0.0/16, 2001:db8:20::/48
	END
	tunnel b wg0 <<-END
	[Interface]
	PrivateKey = $KEY_B
	ListenPort = 51820
	Address = 10.9.0.2/24, fd09::2/64
	[Peer]
	PublicKey = $PUB_A
	AllowedIPs = 10.9.0.1/32, fd09::1/128
	END
}

teardown() {
	net_end
}

# removed HOST IF: link, daemon and socket do not exist.
removed() {
	! in_net "$1" ip link show "$2" 2>/dev/null && no_daemons "$1" &&
		! on "$1" test -e "/run/wireguard/$2.sock"
}

both_up() {
	on b wg-quick up wg0
	on a wg-quick up wg0
	pings a 10.9.0.2
	pings a fd09::2
}

@test "up and down restore the state of both hosts" {
	before=$(net_state a; net_state b)
	both_up
	on a wg show wg0
	has_handshake a wg0 "$PUB_B"
	on a wg-quick down wg0
	on b wg-quick down wg0
	eventually 10 removed a wg0
	eventually 10 removed b wg0
	diff <(echo "$before") <(net_state a; net_state b)
}

@test "wg-quick up works after the daemon was killed" {
	both_up
	pid=$(daemons a)
	[ "$(wc -w <<< "$pid")" = 1 ]
	on a kill -9 "$pid"
	eventually 10 no_daemons a
	on a wg-quick up wg0
	pings a 10.9.0.2
	pings a fd09::2
	on a wg-quick down wg0
	eventually 10 removed a wg0
}

@test "wg-quick down and up leave nothing behind after the daemon was killed" {
	before=$(net_state a)
	on a wg-quick up wg0
	on a kill -9 "$(daemons a)"
	eventually 10 no_daemons a
	run on a wg-quick down wg0
	echo "$output"
	on a wg-quick up wg0
	on a wg-quick down wg0
	eventually 10 removed a wg0
	diff <(echo "$before") <(net_state a)
}

@test "ip link del ends the daemon and its socket, and wg-quick up works again" {
	both_up
	in_net a ip link del wg0
	eventually 10 removed a wg0
	on a wg-quick up wg0
	pings a 10.9.0.2
}

@test "removing the socket ends the daemon and its link" {
	on a wireguardd wg0
	[ "$(on a wg show interfaces)" = wg0 ]
	on a rm /run/wireguard/wg0.sock
	eventually 10 removed a wg0
}

@test "SIGTERM and SIGINT end the daemon, its link and its socket" {
	for signal in TERM INT; do
		on a wireguardd wg0
		[ "$(on a wg show interfaces)" = wg0 ]
		on a kill "-$signal" "$(daemons a)"
		eventually 10 removed a wg0
	done
}

@test "a second daemon for the same interface is an error, and the first keeps working" {
	both_up
	run -1 on a wireguardd wg0
	echo "$output"
	[ -n "$output" ]
	[ "$(daemons a | wc -l)" = 1 ]
	run -1 on a wg-quick up wg0
	[[ $output == *"wg-quick: \`wg0' already exists"* ]]
	pings a 10.9.0.2
}

@test "up and down 100 times leave nothing behind" {
	on b wg-quick up wg0
	# The first round may create /run/wireguard.
	on a wg-quick up wg0
	on a wg-quick down wg0
	eventually 10 removed a wg0
	before=$(net_state a)
	ON_LIMIT=600 on a bash -euc '
		for i in $(seq 100); do
			LOG_LEVEL=debug wg-quick up wg0 > /run/log 2>&1 || { cat /run/log; exit 1; }
			[ $((i % 10)) -gt 0 ] || ping -n -q -c 1 -W 10 10.9.0.2 || {
				cat /run/log
				wg show
				exit 1
			}
			wg-quick down wg0 2>/dev/null
		done
		rm /run/log'
	eventually 10 removed a wg0
	diff <(echo "$before") <(net_state a)
	# No process holds deleted sockets open either.
	[ -z "$(in_net a ss -Hxl src '*wireguard*')" ]
}

@test "starting and stopping 100 daemons without wg-quick leaves nothing behind" {
	before=$(net_state a)
	ON_LIMIT=600 on a bash -euc '
		for i in $(seq 100); do
			wireguardd wg0
			ip link set wg0 up
			ip link del wg0
			for n in $(seq 3000); do
				[ -e /run/wireguard/wg0.sock ] || break
				sleep 0.02
			done
			[ ! -e /run/wireguard/wg0.sock ]
		done'
	eventually 10 removed a wg0
	on a rmdir /run/wireguard 2>/dev/null || true
	diff <(echo "$before") <(net_state a)
}

@test "five tunnels: down removes only the given one" {
	before=$(net_state a)
	for n in 1 2 3 4 5; do
		tunnel a "t$n" <<-END
		[Interface]
		PrivateKey = $(on a wg genkey)
		Address = 10.50.$n.1/24
		[Peer]
		PublicKey = $PUB_B
		AllowedIPs = 10.60.$n.0/24
		END
		on a wg-quick up "t$n"
	done
	interfaces_are() { [ "$(on a wg show interfaces | tr ' ' '\n' | sort | xargs)" = "$1" ]; }
	interfaces_are "t1 t2 t3 t4 t5"
	on a wg-quick down t3
	eventually 10 not in_net a ip link show t3
	eventually 10 interfaces_are "t1 t2 t4 t5"
	[ -n "$(in_net a ip route show 10.60.4.0/24)" ]
	[ -z "$(in_net a ip route show 10.60.3.0/24)" ]
	for n in 1 2 4 5; do
		on a wg-quick down "t$n"
	done
	eventually 10 no_daemons a
	on a rm -f /etc/wireguard/t{1,2,3,4,5}.conf
	diff <(echo "$before") <(net_state a)
}

@test "the socket is accessible to root only, and wg fails for other users" {
	on a wireguardd wg0
	[ "$(on a stat -c %a /run/wireguard/wg0.sock)" = 600 ]
	mode=$(on a stat -c %a /run/wireguard)
	[ "$mode" = 755 ] || [ "$mode" = 700 ]
	run on a setpriv --reuid 65534 --clear-groups wg show wg0
	[ "$status" -eq 1 ]
	[[ $output == *"Permission denied"* ]] || [[ $output == *"Operation not permitted"* ]]
}

@test "a stale socket, a symlink, a FIFO and a folder at the socket's path" {
	on a mkdir -p /run/wireguard
	# A stale socket, as after a crash.
	on a python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/wireguard/wg0.sock")'
	[ -z "$(on a wg show interfaces)" ]
	on a wireguardd wg0
	[ "$(on a wg show interfaces)" = wg0 ]
	in_net a ip link del wg0
	eventually 10 removed a wg0
	link_removed() { no_daemons a && ! in_net a ip link show wg0 2>/dev/null; }
	for create in 'ln -s /etc/passwd' mkfifo mkdir; do
		before=$(on a cat /etc/passwd | cksum)
		on a sh -c "$create /run/wireguard/wg0.sock"
		run on a wireguardd wg0
		echo "$create: $status $output"
		# Either it reports an error or it works; it never hangs and never follows the link.
		if [ "$status" = 0 ]; then
			[ "$(on a wg show interfaces)" = wg0 ]
			in_net a ip link del wg0
			eventually 10 no_daemons a
		else
			[ -n "$output" ]
			eventually 10 link_removed
		fi
		[ "$(on a cat /etc/passwd | cksum)" = "$before" ]
		on a rm -rf /run/wireguard/wg0.sock
	done
}

@test "a daemon in the background keeps no descriptor of its caller open" {
	# A pipe ends only when all its writers have closed it.
	run -0 timeout 60 bash -c "$(declare -f on); $(declare -p NET_PID NET_PATH); on a wireguardd wg0 | cat"
	[ "$(on a wg show interfaces)" = wg0 ]
	pid=$(daemons a)
	[ "$(on a readlink "/proc/$pid/cwd")" = / ]
	for fd in 0 1 2; do
		[ "$(on a readlink "/proc/$pid/fd/$fd")" = /dev/null ]
	done
	# A new session: it does not get the SIGHUP of a terminal.
	[ "$(on a ps -o sid= -p "$pid" | tr -d ' ')" != "$(on a ps -o sid= -p 1 | tr -d ' ')" ]
}
