# wg-quick monitor keeps tunnels, programs and persons apart: a repair that hangs holds up no other tunnel, an interface of another
# program is not its own, nor is a lock.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

setup() {
	net_begin
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0, ::/0"
	quick_file split "Address = 10.8.0.1/24" "10.8.0.0/16, 10.9.0.0/16"
}
teardown() { [ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG" >&2; net_end; }

@test "a repair that hangs, and is not wanted any more, holds up no other tunnel" {
	on a wg-quick up wg0
	on a wg-quick up split
	monitor_start
	monitor_sleeps
	on a sh -c 'kill -STOP $(pgrep -fx "wireguardd split")' # nobody answers
	in_net a ip route del 10.9.0.0/16 dev split
	repairs() { [ "$(on a pgrep -cfx "wg-quick monitor")" = 3 ]; } # besides it and its helper
	eventually 5 repairs
	child=$(on a pgrep -nfx "wg-quick monitor")
	on_bg a wg-quick down split # its first step is another message for the monitor
	ends() { on a sh -c 'grep -qx ending /run/wgsuite/split@* 2> /dev/null || ! ls /run/wgsuite/split@*' > /dev/null 2>&1; }
	eventually 5 ends
	on a ip -4 rule del table 51820
	eventually 5 says "wg0: restored IPv4 rule"
	on a kill -0 "$child" # it still hangs
	# Nor does it wait at its own end.
	monitor=$(monitor_pid)
	on a kill "$monitor"
	eventually 5 not on a kill -0 "$monitor"
}

# Leaves a tunnel whose interface a monitor that was killed was about to create again.
interrupted_restore() {
	on a sh -c 'mkdir -p /run/bin; printf "%s\n" "#!/bin/sh" "touch /run/starting" "exec sleep 1000" > /run/bin/slow; chmod +x /run/bin/slow'
	on a wg-quick up split
	MONITOR_WRAPPER="env WG_QUICK_USERSPACE_IMPLEMENTATION=/run/bin/slow" monitor_start
	on a sh -c 'kill -9 $(pgrep -x wireguardd)'
	eventually 10 on a test -e /run/starting
	on a sh -c 'kill -9 $(pgrep -x "wg-quick|wg-quick-helper|sleep|slow"); :'
	eventually 5 no_daemons a
	none_left() { not on a pgrep -x "wg-quick|wg-quick-helper"; }
	eventually 5 none_left
}
index() { on a cat /sys/class/net/split/ifindex; }
is_complete() { [ -z "$(on a wg-quick diff split 2>&1)" ] && [[ $(on a ip route show dev split) == *10.9.0.0/16* ]]; }

@test "an interface that another program has given the tunnel's name is not deleted" {
	interrupted_restore
	in_net a ip link add split type veth peer name other
	now=$(index)
	monitor_start
	eventually 5 says "split: cannot create the interface again: another program's interface has its name"
	[ "$(index)" = "$now" ]
	in_net a ip link del split
	eventually 10 is_complete
	monitor_stop
	on a wg-quick down split
	# A daemon of which wg-quick knows nothing.
	on a rm /run/starting
	interrupted_restore
	on a wireguardd split
	now=$(index)
	monitor_start
	eventually 5 says "split: cannot create the interface again: another program's interface has its name"
	[ "$(index)" = "$now" ]
	in_net a ip link del split
	eventually 10 is_complete
}

@test "an incomplete interface of a monitor that was killed is its own" {
	interrupted_restore
	on a env WG_QUICK_RESTORED=split wireguardd split # as it would have
	now=$(index)
	monitor_start
	eventually 10 is_complete
	[ "$(index)" != "$now" ]
	not says "another program's"
}

@test "while another process has the tunnel's lock, no endpoint is changed" {
	echo 'hosts: files' | on a sh -c 'cat > /etc/nsswitch.conf'
	names() { printf '%s\n' "127.0.0.1 localhost" "$1 vpn.test" | on a sh -c 'cat > /etc/hosts'; }
	names 192.168.5.99
	on a sed -i 's/^Endpoint.*/Endpoint = vpn.test:5801/' /etc/wireguard/split.conf
	on a wg-quick up split
	is_at() { [ "$(on a wg show split endpoints | cut -f2)" = "$1" ]; }
	is_at 192.168.5.99:5801
	monitor_start
	monitor_sleeps
	on_bg a sh -c 'exec flock "$(echo /run/wgsuite/split@*)".lock sh -c "touch /run/locked; exec sleep 1000"'
	lock=$BG
	eventually 5 on a test -e /run/locked
	names 192.168.5.254
	read_since=$(on a stat -c %X /etc/hosts)
	sleep 1 # the time of access is in seconds
	in_net a ip address add 192.168.5.77/24 dev eth0
	was_read() { [ "$(on a stat -c %X /etc/hosts)" -gt "$read_since" ]; }
	eventually 10 was_read
	sleep 1 # for what must not happen
	is_at 192.168.5.99:5801
	on a sh -c 'kill $(pgrep -x sleep)'
	eventually 20 is_at 192.168.5.254:5801
}

@test "folders of tunnels that were taken down are not watched any more" {
	monitor_start
	watches() { on a sh -c "cat /proc/$(monitor_pid)/fdinfo/* | grep -c ^inotify"; }
	n=$(watches)
	for i in 1 2; do
		on a sh -c "mkdir -p /srv/$i/split.conf.d; cp -p /etc/wireguard/split.conf /srv/$i"
		on a wg-quick up /srv/$i/split.conf
		watched() { [ "$(watches)" = $((n + 2)) ]; }
		eventually 5 watched
		on a wg-quick down /srv/$i/split.conf
		as_before() { [ "$(watches)" = "$n" ]; }
		eventually 5 as_before
	done
}
