# wg-quick monitor and daemons that do not answer: only the daemon's own silence counts, and after a pause it is asked again. On
# one day of the week, as it takes minutes; the decisions are in tests/unit/quick/monitor/daemon_watch_test.c.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

setup() {
	on_day 6 7
	net_begin
	quick_host
	quick_file split "Address = 10.8.0.1/24" "10.8.0.0/16"
	on a wg-quick up split
}
teardown() { [ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG" >&2; net_end; }

daemon() { on a pgrep -x wireguardd; }

@test "a monitor without descriptors does not take a daemon for one that hangs" {
	monitor_start
	sleep 1 # until its first question was answered
	old=$(daemon)
	monitor=$(monitor_pid)
	on a sh -c "n=0; while [ -e /proc/$monitor/fd/\$n ]; do n=\$((n + 1)); done; prlimit --pid $monitor --nofile=\$n"
	sleep 65 # two questions, and 20 s
	[ "$(daemon)" = "$old" ]
	not says "did not answer"
}

@test "a daemon that hung before a pause is asked again before it is killed" {
	printf '[monitor]\npause = 1\n' | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'
	monitor_start
	is_another() { local now; now=$(daemon) && [[ $now =~ ^[0-9]+$ && $now != "$old" ]]; }
	for i in 1 2 3; do
		old=$(daemon)
		on a kill -9 "$old"
		eventually 10 is_another
		restored() { [ "$(grep -c "started again" "$LOG")" = "$i" ]; }
		eventually 5 restored
	done
	eventually 5 says "within a minute: left alone for 1 minutes"
	old=$(daemon)
	on a kill -STOP "$old"
	sleep 30 # it is asked at once, and does not answer for 20 s
	on a kill -CONT "$old"
	sleep 40 # until the pause has ended
	[ "$(daemon)" = "$old" ]
	not says "did not answer"
	# It hangs again.
	on a kill -STOP "$old"
	eventually 70 is_another
	eventually 5 says "the daemon did not answer: it was replaced"
}
