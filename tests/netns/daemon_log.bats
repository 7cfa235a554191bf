# Where wireguardd logs in the background.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.9.0.1/24
	END
}
teardown() { net_end; }

@test "wg-quick up returns to the reader of a pipe, whatever the log level" {
	for level in debug verbose error silent; do
		printf '[wireguardd]\nlog-level = %s\n' $level | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'
		ON_LIMIT=60 on a sh -c 'wg-quick up wg0 2>&1 | tail -n 1'
		on a wg-quick down wg0
	done
	for level in debug silent; do
		ON_LIMIT=60 on a sh -c "LOG_LEVEL=$level wireguardd wg1 2>&1 | cat"
		[ "$(on a sh -c 'readlink /proc/$(pgrep -fx "wireguardd wg1")/fd/2')" = /dev/null ]
		on a ip link del wg1
		eventually 10 not on a test -e /var/run/wireguard/wg1.sock
	done
}

@test "messages go to the file of wgsuite.ini, which only root can read" {
	printf '[wireguardd]\nlog-level = verbose\nlog = /run/wireguardd.log\n' | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'
	on a wg-quick up wg0
	on a grep -q '^wireguardd: wg0: cryptography: ' /run/wireguardd.log
	eventually 10 on a grep -q '^wireguardd: wg0: up, UDP port ' /run/wireguardd.log # after the sandbox
	[ "$(on a stat -c '%a %u' /run/wireguardd.log)" = "600 0" ]
	on a wg-quick down wg0
	eventually 10 on a grep -q 'exiting: the link was deleted' /run/wireguardd.log
	run on a env WG_LOG_FILE=/nonexistent/x wireguardd wg1
	[ "$status" -eq 1 ]
	[ "$output" = "wireguardd: wg1: cannot open the log file /nonexistent/x: No such file or directory" ]
}

# A syslog daemon: its datagrams are the lines of /run/syslog.
syslog_start() {
	on_bg a python3 -uc "import os, socket
if os.path.exists('/dev/log'): os.unlink('/dev/log')
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('/dev/log')
open('/run/syslog.pid', 'w').write(str(os.getpid()))
out = open('/run/syslog', 'a', buffering=1)
while True: out.write(s.recv(4096).decode() + '\\n')"
	eventually 10 on a test -s /run/syslog.pid
}

@test "other messages go to syslog, with their severity, also after it was restarted" {
	on a sh -c 'mount -t tmpfs tmpfs /dev && mkdir /dev/net && mknod /dev/net/tun c 10 200 && mknod -m 666 /dev/null c 1 3 &&
		mknod -m 666 /dev/urandom c 1 9 && ln -s /proc/self/fd /dev/fd'
	syslog_start
	on a env LOG_LEVEL=verbose wireguardd wg0
	eventually 10 on a grep -qE '^<30>wireguardd\[[0-9]+\]: wg0: cryptography: ' /run/syslog
	on a sh -c 'kill "$(cat /run/syslog.pid)"'
	eventually 10 on a sh -c '! kill -0 "$(cat /run/syslog.pid)" 2> /dev/null'
	on a rm /run/syslog.pid
	on a ip link set wg0 up # lost
	on a wg show wg0 > /dev/null
	on a rm -f /run/syslog
	syslog_start
	on a ip link set wg0 down
	on a wg show wg0 > /dev/null
	eventually 10 on a grep -qE '^<30>wireguardd\[[0-9]+\]: wg0: down$' /run/syslog
}
