# wg-quick run: a command of an ordinary user whose traffic goes through a tunnel or nowhere.
load ../lib/netns
load ../lib/quick

USER_ID=4711

# Host a with its uplink to gw, which is the peer and answers DNS inside the tunnel. The programs are copied to where every
# user finds them.
setup() {
	net_begin
	quick_host
	chmod 755 "$NET_DIR"
	mkdir "$NET_DIR/bin"
	install -m 755 "$WGSUITE_BUILD/wg-quick" "$WGSUITE_BUILD/wireguardd" "$NET_DIR/bin"
	SERVER=$(wg_build genkey)
	CLIENT=$(wg_build genkey)
	tunnel gw wgs <<-END
	[Interface]
	PrivateKey = $SERVER
	Address = 10.9.0.1/24, fd09::1/64
	ListenPort = 51820
	[Peer]
	PublicKey = $(wg_build pubkey <<< "$CLIENT")
	AllowedIPs = 10.9.0.2/32, fd09::2/128
	END
	on gw wg-quick up wgs
	user_file t "DNS = 10.9.0.1, tunnel.example" "0.0.0.0/0, ::/0"
	on a sh -c 'mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200'
}
teardown() { net_end; }

wg_build() { "$WGSUITE_BUILD/wg" "$@"; }

# user_file NAME INTERFACE-LINES ALLOWED-IPS: a tunnel file of the user.
user_file() {
	install -m 600 -o $USER_ID /dev/stdin "$NET_DIR/$1.conf" <<-END
	[Interface]
	PrivateKey = $CLIENT
	Address = 10.9.0.2/24, fd09::2/64
	$2
	[Peer]
	PublicKey = $(wg_build pubkey <<< "$SERVER")
	AllowedIPs = $3
	Endpoint = 192.168.5.254:51820
	END
}

# user COMMAND…: on host a, as the user, without capabilities. run_t COMMAND…: through the tunnel.
user() { on a setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --bounding-set -all --inh-caps -all "$@"; }
run_t() { user "$NET_DIR/bin/wg-quick" run "$NET_DIR/t.conf" -- "$@"; }
# The same in the background; BG is the PID of wg-quick.
run_t_bg() {
	on_bg a setsid setpriv --reuid $USER_ID --regid $USER_ID --clear-groups "$NET_DIR/bin/wg-quick" run "$NET_DIR/t.conf" -- "$@"
}

# outside: the PID of wg-quick outside of the namespaces, on host a. processes NAME: PIDs there.
outside() { on a pgrep -o -x wg-quick; }
processes() { on a pgrep -u $USER_ID -x "$1" || true; }
nothing_runs() { not on a pgrep -x "wg-quick|wireguardd"; }
no_zombie() { eventually 5 no_zombie_now; }
no_zombie_now() { not grep -q 'State:.*Z' <(on a sh -c 'cat /proc/[0-9]*/status 2> /dev/null'); }

@test "the command is the caller, with its status, directory, environment, umask and descriptors, and no capability" {
	run -7 --separate-stderr user bash -c 'cd / && umask 027 && X=y "$0" run "$1" sh -c '\''
		id -u; id -g; pwd; umask; echo $X $PATH; grep ^CapE /proc/self/status; cat <&4; exit 7'\'' 4< /etc/passwd' \
		"$NET_DIR/bin/wg-quick" "$NET_DIR/t.conf"
	[ "$(head -4 <<< "$output")" = "$(printf '%s\n' $USER_ID $USER_ID / 0027)" ]
	[ "${lines[4]}" = "y $NET_PATH" ]
	[[ "${lines[5]}" = *0000000000000000 ]]
	[ "${lines[6]}" = "$(on a head -1 /etc/passwd)" ]
	[ -z "$stderr" ]
	run -0 on a "$NET_DIR/bin/wg-quick" run "$NET_DIR/t.conf" -- sh -c 'id -u; grep ^CapE /proc/self/status; ping -c 1 -W 30 10.9.0.1'
	[ "${lines[0]}" = 0 ] # as root, too
	[[ "${lines[1]}" = *0000000000000000 ]]
	nothing_runs
	no_zombie
	# Next to a tunnel of the same name on the host, whose daemon, socket and settings are not touched.
	on a wireguardd t
	on a sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/send_redirects'
	run -0 on a "$NET_DIR/bin/wg-quick" run "$NET_DIR/t.conf" -- ping -c 1 -W 30 10.9.0.1
	[ "$(on a cat /proc/sys/net/ipv4/conf/all/send_redirects)" = 1 ]
	[ "$(on a wg show interfaces)" = t ]
}

@test "no packet but the tunnel's leaves, and only its link exists inside" {
	on_bg gw tcpdump -Z root -n -i eth0 -s 2000 --immediate-mode -U -w /run/uplink.pcap
	captured() { [ "$(on gw tcpdump -n -r /run/uplink.pcap udp port 51820 2> /dev/null | wc -l)" -ge "$1" ]; }
	sees_capture() { on a ping -c 1 -W 1 192.168.5.254 && [ "$(on gw stat -c %s /run/uplink.pcap)" -gt 100 ]; }
	eventually 10 sees_capture
	run -0 run_t sh -c 'cut -d: -f1 /proc/net/dev; ping -c 1 -W 30 10.9.0.1; ping -c 1 -W 30 fd09::1
		ping -c 1 -W 1 8.8.8.8; ping -c 1 -W 30 192.168.5.254; ping -c 1 -W 30 2001:db8:5::fe; getent hosts leak.example; true'
	[ "$(grep -c '^ *\(lo\|t\)$' <<< "$output")" = 2 ]
	[ "$(grep -c ' 0% packet loss' <<< "$output")" = 4 ] # the last two are the other end of the tunnel, too
	eventually 10 captured 10
	# All but the tunnel's datagrams, neighbour discovery and the echo requests from before.
	run -0 on gw tcpdump -n -r /run/uplink.pcap 'not udp port 51820 and not arp and not icmp6 and not ip6 multicast and not (icmp and host 192.168.5.1)'
	[ -z "$(grep -v '^reading' <<< "$output")" ]
	[ "$(on gw tcpdump -n -r /run/uplink.pcap 'icmp6[0] == 128 or host 8.8.8.8 or port 53' 2> /dev/null)" = "" ]
}

@test "names are resolved through the tunnel only, also after the host's files and services were replaced" {
	on_bg gw python3 "$NET_LIB/name_server.py" 10.9.0.1
	asked=$BG_LOG
	listens() { grep -q ready "$asked"; }
	eventually 10 listens
	on a sh -c 'echo "hosts: files mymachines resolve [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] dns myhostname" > /etc/nsswitch.conf
		mkdir -p /run/nscd /run/dbus /run/systemd/resolve /run/systemd/sessions /run/lock/sub
		touch /run/nscd/socket /run/dbus/system_bus_socket /run/systemd/resolve/io.systemd.Resolve /run/systemd/sessions/1'
	mkfifo -m 666 "$NET_DIR/fifo"
	run_t_bg sh -c 'cat /etc/resolv.conf /etc/nsswitch.conf; ls /run/nscd /run/dbus /run/systemd/resolve; ls /run/systemd/sessions /run/lock
		getent ahostsv4 one.example; echo ready; read line < "$0"
		getent ahostsv4 two.example; ls /run/nscd; echo done' "$NET_DIR/fifo"
	log=$BG_LOG
	logged() { grep -q "$1" "$log"; }
	eventually 20 logged ready
	grep -q '^hosts: files dns myhostname$' "$log"
	grep -q '^nameserver 10.9.0.1$' "$log"
	grep -q '^search tunnel.example$' "$log"
	[ "$(grep -c 'No such file' "$log")" = 3 ]
	grep -qx 1 "$log"
	grep -qx sub "$log"
	grep -q '^10.9.0.1 ' "$log"
	# As NetworkManager and a restart of nscd do.
	on a sh -c 'echo nameserver 192.168.5.254 > /etc/resolv.conf.new && mv /etc/resolv.conf.new /etc/resolv.conf
		rm -r /run/nscd && mkdir /run/nscd'
	mounted_again() {
		local root=/proc/$(processes sh | tail -1)/root
		on a grep -q 10.9.0.1 "$root/etc/resolv.conf" && on a test ! -e "$root/run/nscd"
	}
	eventually 10 mounted_again
	echo > "$NET_DIR/fifo"
	eventually 20 logged done
	[ "$(grep -c 'No such file' "$log")" = 4 ]
	grep -q 'asked one.example' "$asked"
	grep -q 'asked two.example' "$asked"
	[ "$(on a cat /etc/resolv.conf)" = "nameserver 192.168.5.254" ]
}

@test "resolv.conf as a link to a service, and without DNS in the tunnel file" {
	on a sh -c 'rm /etc/resolv.conf; ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf; mkdir -p /run/systemd/resolve
		echo nameserver 127.0.0.53 > /run/systemd/resolve/stub-resolv.conf'
	run -0 run_t cat /etc/resolv.conf
	grep -q '^nameserver 10.9.0.1$' <<< "$output"
	[ "$(on a cat /etc/resolv.conf)" = "nameserver 127.0.0.53" ]
	user_file t "" 0.0.0.0/0
	run -0 --separate-stderr run_t cat /etc/resolv.conf
	not grep -q nameserver <<< "$output"
	[[ "$stderr" = *"warning: the tunnel file has no DNS, and no name server of the host is in AllowedIPs"* ]]
	on a sh -c 'rm -r /run/systemd; rm /etc/resolv.conf; printf "nameserver 127.0.0.1\nnameserver 9.9.9.9\n" > /etc/resolv.conf'
	run -0 --separate-stderr run_t cat /etc/resolv.conf
	[ "$(grep nameserver <<< "$output")" = "nameserver 9.9.9.9" ]
	[ -z "$stderr" ]
}

@test "the command's end is that of wg-quick: status, signal, what cannot be executed" {
	run -0 run_t true
	run -1 run_t false
	run -143 bash -c "$(declare -f run_t user on); $(declare -p NET_PID NET_DIR NET_PATH USER_ID); run_t sh -c 'kill -TERM \$\$'"
	run -137 run_t sh -c 'kill -KILL $$'
	run -0 user bash -c '"$1" run "$2" sh -c "kill -INT \$\$"; [ $? = 130 ]' - "$NET_DIR/bin/wg-quick" "$NET_DIR/t.conf"
	run -127 run_t ./missing
	[[ "$output" = *"wg-quick: t: cannot run ./missing: No such file or directory"* ]]
	run -126 run_t /etc/passwd
	# What the command leaves running ends with it.
	run -0 run_t sh -c 'setsid sleep 4711 > /dev/null 2>&1 & echo end'
	[ "$output" = end ]
	[ -z "$(processes sleep)" ]
	# The output ends when the command closes it.
	run -0 user sh -c '"$0" run "$1" sh -c "exec sh -c \"exec > /dev/null; read x < $2\" > /dev/fd/1" < /dev/null | cat; echo end' \
		"$NET_DIR/bin/wg-quick" "$NET_DIR/t.conf" /dev/null
	nothing_runs
	no_zombie
}

@test "signals to wg-quick reach the command once" {
	run_t_bg python3 -uc 'import signal, time
for s in signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH:
    signal.signal(s, lambda n, f: print("got", n))
print("ready")
while True: time.sleep(60)'
	log=$BG_LOG
	got() { [ "$(grep -c "$1" "$log")" = "$2" ]; }
	eventually 20 got ready 1
	for number in 15 2 1 10 28; do
		on a kill -$number "$(outside)"
		eventually 10 got "got $number\$" 1
	done
	group=$(on a ps -o pgid= -p "$(outside)" | tr -d ' ')
	[ "$(on a ps -o pgid= -p "$(processes python3)" | tr -d ' ')" = "$group" ]
	on a kill -10 -- "-$group" # to the command, too
	eventually 10 got "got 10\$" 2
	on a kill -28 "$(outside)"
	eventually 10 got "got 28\$" 2
	got "got 10\$" 2
	on a kill -KILL "$(outside)"
	eventually 10 nothing_runs
}

@test "keys of the terminal" {
	run -0 user python3 "$BATS_TEST_DIRNAME/run_terminal.py" "$NET_DIR/bin/wg-quick" run "$NET_DIR/t.conf" -- \
		python3 "$BATS_TEST_DIRNAME/run_terminal.py" --inside
	# An interactive shell takes the terminal; the script that started it has it again afterwards.
	run -0 user bash -c 'echo typed | timeout 60 script -qec "$0 run $1 bash --norc -ic : ; read line; echo got \$line" /dev/null' \
		"$NET_DIR/bin/wg-quick" "$NET_DIR/t.conf"
	[[ "$output" = *"got typed"* ]]
	nothing_runs
	no_zombie
}

@test "kill -9 of any process leaves nothing, and of the daemon costs only its restart" {
	for victim in outside first command; do
		run_t_bg sleep 4711
		sleep_runs() { [ -n "$(processes sleep)" ]; }
		eventually 20 sleep_runs
		outside=$(outside)
		case $victim in
		outside) on a kill -KILL "$outside" ;;
		first) on a pkill -KILL -P "$outside" -x wg-quick ;;
		command) on a pkill -KILL -u $USER_ID -x sleep ;;
		esac
		gone() { nothing_runs && [ -z "$(processes sleep)" ]; }
		eventually 10 gone
	done
	mkfifo -m 666 "$NET_DIR/fifo"
	run_t_bg sh -c 'ping -c 1 -W 30 10.9.0.1; echo ready; read line < "$0"; ping -c 1 -W 20 -i 0.2 10.9.0.1 -c 50; cat /sys/class/net/t/mtu' "$NET_DIR/fifo"
	log=$BG_LOG
	logged() { [ "$(grep -c "$1" "$log")" -ge "$2" ]; }
	eventually 20 logged ready 1
	before=$(processes wireguardd)
	on a kill -KILL "$before"
	restarted() { [ -n "$(processes wireguardd)" ] && [ "$(processes wireguardd)" != "$before" ]; }
	eventually 10 restarted
	echo > "$NET_DIR/fifo"
	eventually 20 logged 'bytes from 10.9.0.1' 2
	logged "warning: wireguardd exited: starting it again" 1
	on a pkill -KILL -x wg-quick
	eventually 10 nothing_runs
}

# hanging_daemon N: from its Nth start on, the daemon of the user's wg-quick does nothing.
hanging_daemon() {
	mv "$NET_DIR/bin/wireguardd" "$NET_DIR/bin/real"
	install -m 755 /dev/stdin "$NET_DIR/bin/wireguardd" <<-END
	#!/bin/sh
	echo >> $NET_DIR/starts
	[ \$(wc -l < $NET_DIR/starts) -lt $1 ] || exec /bin/sleep 1000
	exec $NET_DIR/bin/real "\$@"
	END
	install -m 666 /dev/null "$NET_DIR/starts"
}

@test "a daemon that hangs when it is started, or started again, does not hold up signals and the end of the command" {
	hangs() { [ -n "$(processes sleep)" ]; }
	hanging_daemon 2
	mkfifo -m 666 "$NET_DIR/fifo"
	run_t_bg sh -c 'trap "echo terminated; exit 7" TERM; echo ready; while :; do read line < "$0"; done' "$NET_DIR/fifo"
	log=$BG_LOG
	eventually 20 grep -q ready "$log"
	on a pkill -KILL -u $USER_ID -x "real|wireguardd"
	eventually 20 hangs
	on a kill -TERM "$(outside)"
	eventually 10 nothing_runs
	grep -q terminated "$log"
	# Before there is a command, the signal ends wg-quick.
	for signal in INT TERM; do
		run_t_bg sh -c 'echo begun'
		eventually 20 hangs
		on a kill -$signal "$(outside)"
		eventually 10 nothing_runs
		eventually 10 not hangs
		[ ! -s "$BG_LOG" ]
	done
	no_zombie
}

@test "100 at once" {
	run -0 user sh -c 'for i in $(seq 100); do "$0" run "$1" sh -c "exit $((i % 50))" & pids="$pids $!"; done
		i=0; for pid in $pids; do i=$((i + 1)); wait $pid; [ $? = $((i % 50)) ] || exit 1; done' "$NET_DIR/bin/wg-quick" "$NET_DIR/t.conf"
	[ -z "$output" ]
	nothing_runs
	no_zombie
}

@test "keys without a meaning there are ignored; hooks run inside, with --hooks" {
	user_file t "ListenPort = 51820
	FwMark = 0x77
	Table = off
	SaveConfig = true
	MTU = 1300
	PreUp = echo pre-up; id -u; ip -o link | wc -l
	PostUp = ping -c 1 -W 30 10.9.0.1 > /dev/null && echo post-up %i
	PreDown = echo pre-down
	PostDown = echo post-down" 10.9.0.0/24,10.10.0.0/16
	before=$(on a sha256sum "$NET_DIR/t.conf")
	run -0 --separate-stderr run_t sh -c 'ip -o route; ip -o link'
	[[ "$output" = *"10.10.0.0/16 dev t"* ]]
	[[ "$output" = *"mtu 1300"* ]]
	[[ "$stderr" = *"warning: 4 hooks are not run"* ]]
	run -3 --separate-stderr user "$NET_DIR/bin/wg-quick" run --hooks "$NET_DIR/t.conf" sh -c 'echo command; exit 3'
	[ "$output" = "$(printf '%s\n' pre-up $USER_ID 2 "post-up t" command pre-down post-down)" ]
	[ "$(on a sha256sum "$NET_DIR/t.conf")" = "$before" ]
	user_file t "PostUp = exit 9" 10.9.0.0/24
	run -125 user "$NET_DIR/bin/wg-quick" run --hooks "$NET_DIR/t.conf" echo from-the-command
	[[ "$output" = *"PostUp failed with status 9: exit 9"* ]]
	[[ "$output" != *from-the-command* ]]
	nothing_runs
}

@test "the example in README.md and wg-quick(8)" {
	on_bg gw python3 "$NET_LIB/name_server.py" 10.8.0.1
	listens() { grep -q ready "$BG_LOG"; }
	on gw ip address add 10.8.0.1/24 dev wgs
	eventually 10 listens
	user_file office "DNS = 10.8.0.1" 10.8.0.0/24
	sed -i 's/^Address = .*/Address = 10.9.0.2\/32/' "$NET_DIR/office.conf"
	cd "$BATS_TEST_DIRNAME/../.."
	sed -n '/^\$ wg-quick run/,/^\.Ed/p' man/wg-quick.8 | grep -v '^\.' > "$NET_DIR/man"
	diff <(sed -n '/^    laptop\$ wg-quick run/,/^$/ { s/^    laptop//; s/^    //; /./p }' README.md) <(tail -2 "$NET_DIR/man")
	grep -q '^\$ ' "$NET_DIR/man"
	while read -r prompt command; do
		echo "$prompt $command"
		user sh -c 'cd "$0" && PATH=$PWD/bin:$PATH && eval "$1"' "$NET_DIR" "$command" 2>&1 || true
	done < <(grep '^\$ ' "$NET_DIR/man") > "$NET_DIR/real"
	diff "$NET_DIR/man" "$NET_DIR/real"
}

# refused_by VALUE FILE: as the user in a chroot, where the kernel permits no user namespace, with this file in /proc/sys/kernel.
refused_by() {
	on a unshare -m sh -c 'mount -t tmpfs tmpfs /proc/sys/kernel && echo "$1" > "/proc/sys/kernel/$2"
		mkdir "$3/root" && mount --rbind / "$3/root" && chroot "$3/root" setpriv --reuid '$USER_ID' --regid '$USER_ID' --clear-groups \
			"$3/bin/wg-quick" run "$3/t.conf" true' - "$@" "$NET_DIR"
}

@test "what the host does not permit is named" {
	run -125 refused_by 0 unprivileged_userns_clone
	[[ "$output" = *"wg-quick: t: cannot create a user namespace: Operation not permitted"* ]]
	[[ "$output" = *"help: kernel.unprivileged_userns_clone is 0"* ]]
	rmdir "$NET_DIR/root"
	run -125 refused_by 1 apparmor_restrict_unprivileged_userns
	[[ "$output" = *"help: kernel.apparmor_restrict_unprivileged_userns is 1"* ]]
	rmdir "$NET_DIR/root"
	run -125 refused_by 1 other
	[[ "$output" = *"help: a container, a chroot or a system call filter forbids it"* ]]
	# A limit of a user namespace holds in those below it.
	install -m 600 "$NET_DIR/t.conf" "$NET_DIR/r.conf"
	run -125 on a unshare -U --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && "$0" run "$1" true' \
		"$NET_DIR/bin/wg-quick" "$NET_DIR/r.conf"
	[[ "$output" = *"help: user.max_user_namespaces is 0"* ]]
	on a chmod 600 /dev/net/tun
	run -125 run_t true
	[[ "$output" = *"cannot open /dev/net/tun: Permission denied"*"help: "*"chmod 0666 /dev/net/tun"* ]]
	on a rm /dev/net/tun
	run -125 run_t true
	[[ "$output" = *"cannot open /dev/net/tun: No such file or directory"*"help: load the driver as root: modprobe tun"* ]]
	run -125 run_t
	[[ "$output" = *"run needs a command"*"Usage: wg-quick run "* ]]
	run -125 user "$NET_DIR/bin/wg-quick" run --hook "$NET_DIR/t.conf" true
	[[ "$output" = *"unknown option \`--hook'"* ]]
	user_file t "" 10.9.0.0/24
	sed -i 's/^Endpoint.*/Endpoint = name.invalid:1/' "$NET_DIR/t.conf"
	run -125 user env WG_ENDPOINT_RESOLUTION_RETRIES=0 "$NET_DIR/bin/wg-quick" run "$NET_DIR/t.conf" true
	[[ "$output" = *"no endpoint can be resolved: the command could reach nothing"* ]]
	nothing_runs
}
