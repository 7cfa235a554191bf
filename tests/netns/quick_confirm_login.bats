# A change that awaits confirmation is confirmed by a new login from another host: with session files as systemd-logind writes them,
# and records of utmp.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
	on a mkdir -p /run/systemd/sessions
	on a wg-quick up wg0
}
teardown() { net_end; }

# change USER-ID: a change that awaits confirmation, which this user makes through sudo. $watcher: the process that waits.
change() {
	on a sed -i "s/^Address.*/Address = 10.7.0.$((++address))\/24/" /etc/wireguard/wg0.conf
	on a env SUDO_UID="$1" script -qec "wg-quick reload --confirm 1000 wg0" /dev/null > "$NET_DIR/terminal" < /dev/null
	watcher=$(on a pgrep -x wg-quick)
}
address=1

record() { on a sh -c 'ls /run/wgsuite/*.confirm' > /dev/null 2>&1; }
is_confirmed() { ! record && ! on a pgrep -x wg-quick > /dev/null; }
now_us() { date +%s%6N; }
# monotonic_us: CLOCK_MONOTONIC now.
monotonic_us() { /usr/bin/python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)'; }

# session ID [KEY=VALUE…]: the file of a session of nobody that another host has opened now, but for these lines.
session() {
	local id=$1 line text
	shift
	text=$(printf '%s\n' "# This is private data. Do not parse." UID=65534 USER=nobody ACTIVE=1 STATE=active REMOTE=1 TYPE=tty CLASS=user \
		REMOTE_HOST=192.168.5.254 SERVICE=sshd LEADER=1 AUDIT=3 "REALTIME=$(now_us)")
	for line in "$@"; do
		text=$(printf '%s\n%s' "$(grep -v "^${line%%=*}=" <<< "$text")" "$line")
	done
	on a sh -c "cat > /run/systemd/sessions/.#$id; mv /run/systemd/sessions/.#$id /run/systemd/sessions/$id" <<< "$text"
}

# looked: the process that waits has looked since (a change of the file wakes it up), and the change awaits confirmation as before.
looked() {
	local before
	switches() { on a awk '/^voluntary/ { print $2 }' "/proc/$watcher/status"; }
	has_looked() { [ "$(switches)" -gt "$before" ] && on a grep -q "^State:.S" "/proc/$watcher/status"; }
	for _ in 1 2; do # it may have been about to look
		before=$(switches)
		on a sh -c 'touch /run/wgsuite/*.confirm'
		eventually 20 has_looked
	done
	record
	[ "$(on a pgrep -x wg-quick)" = "$watcher" ]
}

@test "a new login of the user who made the change, or of root, confirms it; confirm then says so" {
	session 1
	session 2 UID=0 USER=root
	change 65534
	session 3 REMOTE_HOST=192.168.5.254 "MONOTONIC=$(monotonic_us)"
	eventually 10 is_confirmed
	[ "$(on a wg show wg0 listen-port)" -gt 0 ]
	[[ $(in_net a ip address show dev wg0) == *10.7.0.2/24* ]]
	# The command that the new login is for, as that of a script, has nothing left to do.
	run -0 on a wg-quick confirm wg0
	[[ $output == "wg-quick: wg0: the change was confirmed by a new login of nobody from 192.168.5.254" ]]
	run -1 on a wg-quick confirm wg0
	[[ $output == *"wg0: no change awaits confirmation"* ]]

	change 65534
	session c4 UID=0 USER=root REMOTE_HOST=2001:db8:5::fe
	eventually 10 is_confirmed
	run -0 on a wg-quick confirm
	[[ $output == *"wg0: the change was confirmed by a new login of root from 2001:db8:5::fe" ]]

	# The next change needs another login, and removes the record of the previous one.
	change 65534
	session 5
	eventually 10 is_confirmed
	change 65534
	looked
	on a wg-quick confirm wg0
	eventually 10 is_confirmed
	run -1 on a wg-quick confirm wg0
	change 65534
	session 6
	eventually 10 is_confirmed
	on a wg-quick down wg0
	[ -z "$(on a sh -c 'ls /run/wgsuite 2> /dev/null')" ]
}

@test "up --confirm as well; the message is on the terminal of the change while that exists" {
	on a wg-quick down wg0
	on_bg a env SUDO_UID=65534 script -qec "wg-quick up --confirm 1000 wg0; sleep 1000" /dev/null
	has_said() { grep -q "$1" "$BG_LOG"; }
	eventually 10 has_said "rolled back in 1000 seconds"
	session 1
	eventually 10 has_said "^wg-quick: wg0: confirmed by a new login of nobody from 192.168.5.254"
	eventually 10 is_confirmed
	in_net a ip link show wg0
}

@test "sessions that confirm nothing" {
	session 10 # before the change
	session 11 UID=0 USER=root "MONOTONIC=$(monotonic_us)"
	change 65534
	session 20 REMOTE=0
	session 21 UID=65533 USER=other
	session 22 STATE=opening # not yet logged in
	session 23 STATE=closing
	session 24 REMOTE_HOST=127.0.0.1
	session 25 REMOTE_HOST=192.168.5.1 # this host
	session 26 REMOTE_HOST=2001:db8:5::1
	session 27 REMOTE_HOST=localhost
	session 28 "REALTIME=$(($(now_us) + 1000000000))" # of a clock that was wrong
	session 29 REALTIME=nonsense
	session 30 MONOTONIC=1
	ll=$(in_net a ip -6 -o address show scope link dev eth0 | sed -n '1s|.*inet6 \([^/]*\)/.*|\1|p')
	session 41 "REMOTE_HOST=${ll:?}%eth0" # this host
	session 31 UID=nonsense
	altered() { # ID COMMAND: the session of a file that is never there without this change
		session ".$1"
		on a sh -c "cd /run/systemd/sessions && $2 .$1 && mv .$1 $1"
	}
	altered 32 "chown 65534"
	altered 33 "chmod 666"
	altered 34 "truncate -s 20000"
	session .35
	on a mkfifo /run/systemd/sessions/36 /run/systemd/sessions/20.ref
	session .target
	on a sh -c 'mv /run/systemd/sessions/.target /run/target; ln -s /run/target /run/systemd/sessions/37'
	on a sh -c 'echo UID=0 > /run/systemd/sessions/38; : > /run/systemd/sessions/39; mkdir /run/systemd/sessions/40'
	looked
	# A change of root needs root.
	on a wg-quick confirm wg0
	eventually 10 is_confirmed
	change 0
	session 50
	looked
	session 51 UID=0 USER=root
	eventually 10 is_confirmed
	# While a change is being made, nothing confirms it.
	change 65534
	# In one write, as wg-quick does: of a time that is written digit by digit, the process could read one before session 51.
	on a sh -c 'printf "in-effect 00000000000000000000" | dd of="$(echo /run/wgsuite/*.confirm)" bs=30 seek=48 oflag=seek_bytes conv=notrunc status=none'
	session 60
	looked
	quick_expire
	eventually 10 is_confirmed
	[[ $(in_net a ip address show dev wg0) == *"10.7.0.$((address - 1))/24"* ]]
}

# utmp FILE RECORD…: records "TYPE USER HOST ADDRESS PID", of now.
utmp() {
	on a /usr/bin/python3 - "$@" <<-'END'
	import ipaddress, os, struct, sys, time
	with open(sys.argv[1] + ".new", "wb") as f:
	    for record in sys.argv[2:]:
	        type, user, host, address, pid = record.split(" ")
	        a = ipaddress.ip_address(address).packed if address != "-" else b""
	        now = time.time_ns() // 1000
	        f.write(struct.pack("hi32s4s32s256shhiii16s20x", int(type), int(pid), b"pts/1", b"ts/1", user.encode(), b"" if host == "-" else host.encode(),
	                            0, 0, 0, now // 1000000, now % 1000000, a))
	    f.write(b"incomplete")
	os.rename(sys.argv[1] + ".new", sys.argv[1])
	END
}

@test "without systemd-logind, records of utmp" {
	[ "$(uname -m)" = x86_64 ] || skip "the records have another size"
	on a rmdir /run/systemd/sessions
	utmp /run/utmp "7 nobody 192.168.5.254 192.168.5.254 1"
	change 65534
	utmp /run/utmp "6 nobody 192.168.5.254 192.168.5.254 1" "8 nobody 192.168.5.254 192.168.5.254 1" "7 nobody - 192.168.5.254 1" \
		"7 nobody tmux(7).%0 - 1" "7 nobody :0 - 1" "7 nobody 127.0.0.1 127.0.0.1 1" "7 nobody 192.168.5.1 192.168.5.1 1" \
		"7 daemon 192.168.5.254 192.168.5.254 1" "7 nobody 192.168.5.254 192.168.5.254 4000000" "7 nobody 192.168.5.254 192.168.5.254 -1"
	looked
	utmp /run/writable "2 reboot - - 0" "7 nobody 192.168.5.254 192.168.5.254 1"
	on a sh -c 'chmod 666 /run/writable; mv /run/writable /run/utmp'
	looked
	utmp /run/utmp "2 reboot - - 0" "7 nobody client.example 2001:db8:5::fe 1"
	eventually 10 is_confirmed
	run -0 on a wg-quick confirm wg0
	[[ $output == *"confirmed by a new login of nobody from 2001:db8:5::fe" ]]
}
