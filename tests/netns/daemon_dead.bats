# Daemons that died or are stopped: errors of wg, and removal of their sockets.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	for n in 0 1; do
		on a wireguardd wg$n
		on a sh -c "umask 077; wg genkey > /run/key$n; wg set wg$n private-key /run/key$n"
	done
}
teardown() { net_end; }

# daemon_of IF: the PID of its daemon.
daemon_of() { on a pgrep -fx "wireguardd $1"; }

# Its sockets are closed after its command line is gone, but before its PID.
kill_daemon() {
	local pid
	pid=$(daemon_of "$1")
	on a kill -KILL "$pid"
	eventually 10 not on a kill -0 "$pid"
}

sockets() { on a sh -c 'cd /var/run/wireguard && echo *.sock'; }

@test "wg show reports a stopped daemon and continues with the others" {
	on a kill -STOP "$(daemon_of wg0)"
	run on a wg show
	on a kill -CONT "$(daemon_of wg0)"
	[ "$status" -eq 0 ]
	[[ $output == *"Unable to access interface wg0: Connection timed out
  help: the daemon of this interface does not respond; it may be stopped or overloaded"* ]]
	[[ $output == *"interface: wg1"* ]]
	run on a wg show wg0 public-key
	[ "$status" -eq 0 ]
}

@test "wg reports a dead daemon and removes its socket" {
	kill_daemon wg0
	for command in "show wg0" "set wg0 fwmark 1"; do
		on a touch /var/run/wireguard/wg2.sock
		run on a wg $command
		[ "$status" -eq 1 ]
		[[ $output == "Unable to "*" interface: Connection refused
  help: the daemon of this interface has died, and its socket was removed; start it again" ]]
		[ "$(sockets)" = "wg1.sock wg2.sock" ]
		on a rm /var/run/wireguard/wg2.sock
		on a wireguardd wg0
		kill_daemon wg0
	done
}

@test "up and down remove the sockets of other dead daemons" {
	tunnel a wg9 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
	END
	kill_daemon wg0
	on a wg-quick up wg9
	[ "$(sockets)" = "wg1.sock wg9.sock" ]
	kill_daemon wg1
	on a wg-quick down wg9
	[ "$(sockets)" = "*.sock" ]
	on a wireguardd wg9
	kill_daemon wg9
	run -1 on a wg-quick down wg9
	[ "$(sockets)" = "*.sock" ]
}

@test "a starting daemon removes the sockets of other dead daemons" {
	kill_daemon wg0
	on a touch -d '1 minute ago' /var/run/wireguard/wg0.sock
	on a wireguardd wg3
	[ "$(sockets)" = "wg1.sock wg3.sock" ]
}
