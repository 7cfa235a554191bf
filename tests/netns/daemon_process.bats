# wireguardd as a process: start, errors at start, exit, descriptors, privileges, and clients of the UAPI socket.
load ../lib/netns

setup() {
	net_begin
	host a
	S=/run/wireguard/wg0.sock
}
teardown() { net_end; }

no_daemon() { [ -z "$(daemons a)" ]; }
no_socket() { ! on a test -e "$S"; }
# In the foreground. Before, there are children, which try the sandbox.
is_ready() { on a wg show wg0; }
daemon_pid() { on a pgrep -x wireguardd; }

# uapi TEXT: sends a request to the UAPI socket and prints the reply.
uapi() {
	on a perl -MSocket -e '
		my ($path, $text) = @ARGV;
		socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;
		connect($s, sockaddr_un($path)) or die "connect: $!";
		$text =~ s/\\n/\n/g;
		syswrite($s, $text);
		shutdown($s, 1);
		print while <$s>;' "$S" "$1"
}

@test "the link and the socket exist when wireguardd returns" {
	on a wireguardd wg0
	on a test -S $S
	[ "$(on a stat -c '%a %U' $S)" = "600 root" ]
	[ "$(on a stat -c '%a %F' /run/wireguard)" = "755 directory" ]
	on a ip link show wg0
	[ "$(uapi 'get=1\n\n')" = errno=0 ]
}

@test "a daemon whose parent is killed before it is ready ends, and leaves nothing" {
	on a mkfifo /run/log # opening it waits for a reader
	on_bg a env WG_LOG_FILE=/run/log wireguardd wg0
	both() { [ "$(on a pgrep -cx wireguardd)" = 2 ]; }
	eventually 10 both
	on a kill -KILL "$(on a pgrep -ox wireguardd)"
	child_only() { [ "$(on a pgrep -cx wireguardd)" = 1 ]; }
	eventually 10 child_only
	on a cat /run/log > /dev/null # until the daemon has ended
	eventually 5 no_daemon
	no_socket
	run ! on a ip link show wg0
}

@test "the daemon keeps no descriptor of its caller open" {
	run on a bash -c 'exec 9>/run/lock-of-the-caller; flock 9; out=$(wireguardd wg0); echo "done $out"'
	[ "$output" = "done " ]
	on a flock --nonblock /run/lock-of-the-caller true
	[ "$(on a bash -c 'readlink /proc/$(pgrep -x wireguardd)/fd/{0,1,2}' | sort -u)" = /dev/null ]
	[ "$(on a bash -c 'readlink /proc/$(pgrep -x wireguardd)/cwd')" = / ]
}

@test "starts without standard streams, and uses none of their descriptors for other files" {
	for closed in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		on a sh -c "exec wireguardd wg0 $closed"
		[ "$(uapi 'get=1\n\n')" = errno=0 ]
		[ "$(on a bash -c 'readlink /proc/$(pgrep -x wireguardd)/fd/{0,1,2}' | sort -u)" = /dev/null ]
		on a ip link del wg0
		eventually 5 no_daemon
	done
	on_bg a sh -c "LOG_LEVEL=verbose exec wireguardd -f wg0 <&- >&- 2>&-"
	eventually 5 is_ready
	[ "$(on a bash -c 'readlink /proc/$(pgrep -x wireguardd)/fd/{0,1,2}' | sort -u)" = /dev/null ]
}

@test "a TUN device passed as standard input works in the background" {
	on a env WG_TUN_FD=0 perl -e '
		open(my $tun, "+<", "/dev/net/tun") or die "tun: $!";
		ioctl($tun, 0x400454ca, my $request = pack("a16 S x22", "wg0", 0x1001)) or die "TUNSETIFF: $!";
		open(STDIN, "<&", $tun) or die "dup: $!";
		exec "wireguardd", "wg0"'
	[ "$(uapi 'get=1\n\n')" = errno=0 ]
	on a ip link show wg0
}

@test "version, help, and usage errors" {
	run --separate-stderr on a wireguardd --version
	[ "$status" -eq 0 ]
	[[ $output == "wireguardd v"* ]]
	[ -z "$stderr" ]
	run --separate-stderr on a wireguardd --help
	[ "$status" -eq 0 ]
	[[ $output == "Usage: wireguardd [-f|--foreground] [--takeover | --interim | --fd-store] INTERFACE"* ]]
	for word in --version --help; do
		run --separate-stderr on a sh -c "exec wireguardd $word > /dev/full"
		[ "$status" -eq 1 ]
		[[ $stderr == *"No space left on device"* ]]
	done
	for words in "" "-x wg0" "wg0 wg1" "-f" "--version wg0"; do
		# shellcheck disable=SC2086
		run --separate-stderr on a wireguardd $words
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[[ $stderr == Usage:* ]]
	done
	for name in "a/b" "." ".." "a b" "sixteen-letters-" "wg%d" ""; do
		run --separate-stderr on a wireguardd "$name"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[[ $stderr == *"is not a valid interface name"* ]]
	done
	eventually 5 no_daemon
}

@test "errors at start are reported with exit status 1, and nothing is left behind" {
	on a wireguardd wg0
	run --separate-stderr on a wireguardd wg0
	[ "$status" -eq 1 ]
	[[ $stderr == *"wg0"*"busy"* ]]
	[ "$(daemon_pid | wc -l)" -eq 1 ]
	on a test -S $S
	on a ip link add v0 type veth peer name v1
	run --separate-stderr on a wireguardd v0
	[ "$status" -eq 1 ]
	[[ $stderr == *"v0"*"cannot create the TUN device"* ]]
	run --separate-stderr on a wireguardd -f v0
	[ "$status" -eq 1 ]
	[[ $stderr == *"v0"*"cannot create the TUN device"* ]]
	run --separate-stderr on a env WG_TUN_FD=77 wireguardd wg1
	[ "$status" -eq 1 ]
	[[ $stderr == *WG_TUN_FD* ]]
	for fds in 77 0 0,1 0,1,2,0,1 0,; do
		run --separate-stderr on a env WG_LINK_FDS=$fds wireguardd wg1
		[ "$status" -eq 1 ]
		[[ $stderr == *"WG_LINK_FDS: expected "* ]]
	done
	run --separate-stderr on a env WG_NO_OFFLOAD=everything wireguardd wg1
	[ "$status" -eq 1 ]
	[[ $stderr == *WG_NO_OFFLOAD* ]]
	run --separate-stderr on a env WG_CPU=fast wireguardd wg1
	[ "$status" -eq 1 ]
	[[ $stderr == *WG_CPU* ]]
	on a sh -c '! test -e /run/wireguard/wg1.sock && ! ip link show wg1'
}

@test "a failed start has removed everything before wireguardd returns" {
	on a mkdir -p /run/wireguard/wg0.sock
	on a bash -c 'for i in {1..50}; do
		! wireguardd wg0 2> /dev/null || exit 1
		! test -e /sys/class/net/wg0 && ! pgrep -x wireguardd || exit 2
	done'
	on a rmdir /run/wireguard/wg0.sock
	on a bash -c 'for n in {6..40}; do # fails at a later step each time
		(ulimit -n $n; wireguardd wg0 2> /dev/null) && break
		! test -e /run/wireguard/wg0.sock && ! test -e /sys/class/net/wg0 || exit 1
	done
	test -S /run/wireguard/wg0.sock'
}

@test "WG_CPU restricts the implementations of the cryptography" {
	for cpu in generic auto ''; do
		on_bg a env LOG_LEVEL=verbose WG_CPU=$cpu wireguardd -f wg0
		eventually 5 is_ready
		grep -q 'cryptography: ' "$BG_LOG"
		[ "$cpu" != generic ] || grep -q "cryptography: portable$" "$BG_LOG"
		on a kill "$(daemon_pid)"
		eventually 5 no_daemon
	done
}

@test "deleting the link ends the daemon and its socket" {
	on a wireguardd wg0
	on a ip link del wg0
	eventually 5 no_daemon
	no_socket
}

@test "removing the socket file ends the daemon and its link" {
	on a wireguardd wg0
	on a rm $S
	eventually 5 no_daemon
	run on a ip link show wg0
	[ "$status" -ne 0 ]
}

@test "removing the socket file ends the daemon also without inotify" {
	on a unshare --user --map-root-user --net --mount sh -ec '
		echo 0 > /proc/sys/user/max_inotify_instances
		mount -t tmpfs none /run
		wireguardd wg0
		wireguardd wg1
		ip link set wg0 name wg2
		until test -S /run/wireguard/wg2.sock; do :; done
		rm /run/wireguard/wg2.sock
		while test -e /sys/class/net/wg2; do :; done
		mv /run/wireguard/wg1.sock /run/
		while pgrep -x wireguardd; do :; done > /dev/null'
}

@test "replacing the socket by another file ends the daemon, and the file stays" {
	on a wireguardd wg0
	on a sh -c 'echo mine > /run/wireguard/x && mv /run/wireguard/x '$S
	eventually 5 no_daemon
	[ "$(on a cat $S)" = mine ]
}

@test "SIGINT and SIGTERM end the daemon, its socket and its link" {
	for signal in INT TERM; do
		on a wireguardd wg0
		on a kill -$signal "$(daemon_pid)"
		eventually 5 no_daemon
		no_socket
		run on a ip link show wg0
		[ "$status" -ne 0 ]
	done
}

@test "a daemon can start as soon as the link of a previous one of the same name is removed" {
	on a bash -c 'for i in {1..20}; do
		wireguardd wg0 && kill "$(pgrep -nx wireguardd)" || exit
		while test -e /sys/class/net/wg0; do :; done
	done'
}

@test "the next start replaces the stale socket of a killed daemon" {
	on a wireguardd wg0
	on a kill -9 "$(daemon_pid)"
	eventually 5 no_daemon
	on a test -S $S
	on a wireguardd wg0
	[[ $(uapi 'get=1\n\n') == *errno=0 ]]
}

@test "a socket in use is an error, and stays" {
	on a mkdir -p /run/wireguard
	on_bg a perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0])) or die;
		listen(S, 5) or die; print "listens\n"; close(STDOUT); sleep 600' $S
	eventually 5 grep -qx listens "$BG_LOG"
	run --separate-stderr on a wireguardd wg0
	[ "$status" -eq 1 ]
	[[ $stderr == *"$S is in use"* ]]
	on a test -S $S
	eventually 5 no_daemon
}

@test "a client that connects before the daemon listens does not remove its socket" {
	on_bg a strace -f -o /dev/null -e trace=listen -e inject=listen:delay_enter=500000:when=1 wireguardd -f wg0
	eventually 5 on a test -S $S
	inode=$(on a stat -c %i $S)
	on a wg show wg0 || true # refused, unless this takes too long
	eventually 5 is_ready
	[ "$(on a stat -c %i $S)" = "$inode" ]
}

@test "a client that is about to remove the socket of a dead daemon does not remove that of a new one" {
	on a wireguardd wg0
	on a kill -KILL "$(daemon_pid)"
	eventually 5 not on a ip link show wg0
	on_bg a strace -o /run/calls -e trace=connect,unlink -e inject=unlink:delay_enter=300000:when=1 wg show wg0
	client=$BG
	eventually 5 on a grep -q "unlink(" /run/calls
	on a wireguardd wg0
	eventually 5 not kill -0 "$client"
	on a wg show wg0
	[ "$(on a pgrep -c -x wireguardd)" = 1 ]
}

@test "other files at the socket's path are neither followed nor removed" {
	on a mkdir -p /run/wireguard /run/elsewhere
	for create in "ln -s /run/elsewhere/target" "mkfifo" "mkdir" "touch" "ln -s /nonexistent"; do
		on a sh -c "$create $S"
		before=$(on a stat -c '%F %i' $S)
		run --separate-stderr on a wireguardd wg0
		[ "$status" -eq 1 ]
		[[ $stderr == *"$S exists and is not a socket"* ]]
		[ "$(on a stat -c '%F %i' $S)" = "$before" ]
		run on a ip link show wg0
		[ "$status" -ne 0 ]
		on a rm -rf $S
	done
	[ -z "$(on a ls /run/elsewhere)" ]
	on a rmdir /run/wireguard
	on a ln -s /run/elsewhere /run/wireguard
	run --separate-stderr on a wireguardd wg0
	[ "$status" -eq 1 ]
	[ -z "$(on a ls /run/elsewhere)" ]
}

@test "in the foreground the process stays, and SIGHUP ends it" {
	on_bg a wireguardd -f wg0
	eventually 5 is_ready
	pid=$(daemon_pid)
	on a kill -HUP "$pid"
	eventually 5 no_daemon
	no_socket
	on_bg a env WG_PROCESS_FOREGROUND=1 wireguardd wg0
	eventually 5 is_ready
	[ "$(on a ps -o ppid= -p "$(daemon_pid)" | tr -d ' ')" -ne 1 ]
}

@test "notifies the service manager when ready" {
	on_bg a perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die;
		recv(S, $m, 100, 0); print "$m\n"' /run/notify
	notifications=$BG_LOG
	eventually 5 on a test -S /run/notify
	on_bg a env NOTIFY_SOCKET=/run/notify wireguardd --foreground wg0
	eventually 5 grep -qx READY=1 "$notifications"
	on a test -S $S
}

@test "uses the descriptors in WG_UAPI_FD and WG_TUN_FD" {
	on a mkdir -p /run/wireguard
	on a perl -MSocket -e '
		socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0])) or die; listen(S, 5);
		open(T, "+<", "/dev/net/tun") or die;
		my $r = pack("a16 S x22", "wg0", 0x1001); ioctl(T, 0x400454ca, $r) or die "$!";
		for (\*S, \*T) { fcntl($_, 2, 0); }
		$ENV{WG_UAPI_FD} = fileno(S); $ENV{WG_TUN_FD} = fileno(T);
		exec "wireguardd", "wg0";' $S
	[[ $(uapi 'get=1\n\n') == *errno=0 ]]
	[ "$(on a cat /sys/class/net/wg0/mtu)" = 1420 ]
	on a ip link del wg0
	eventually 5 no_daemon
	no_socket
}

@test "a TUN device in WG_TUN_FD keeps its name, and the socket gets that name" {
	on a perl -e '
		open(my $tun, "+<", "/dev/net/tun") or die "tun: $!";
		ioctl($tun, 0x400454ca, my $request = pack("a16 S x22", "wg0", 0x1001)) or die "TUNSETIFF: $!";
		fcntl($tun, 2, 0);
		$ENV{WG_TUN_FD} = fileno($tun);
		exec "wireguardd", "another"'
	[ "$(on a ls /run/wireguard)" = wg0.sock ]
	[ "$(on a wg show interfaces)" = wg0 ]
	on a ip link del wg0
	eventually 5 no_daemon
	no_socket
}

@test "privileges of the running daemon: capabilities, seccomp, no core dumps, locked memory" {
	! grep -q __asan_init "$WGSUITE_BUILD/wireguardd" || skip "sanitizers need more privileges"
	on a wireguardd wg0
	pid=$(daemon_pid)
	status=$(on a cat "/proc/$pid/status")
	grep -q '^CapEff:.0000000000001000$' <<< "$status" # CAP_NET_ADMIN
	# permitted but not effective: CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_RAW, CAP_SYS_ADMIN
	grep -q '^CapPrm:.0000000000203c00$' <<< "$status"
	grep -q '^CapInh:.0000000000000000$' <<< "$status"
	grep -q '^NoNewPrivs:.1$' <<< "$status"
	grep -q '^Seccomp:.2$' <<< "$status"
	grep -Eq '^Max core file size +0 +0' <<< "$(on a cat "/proc/$pid/limits")"
	[ "$(on a stat -c %U "/proc/$pid/mem")" = root ]
	[ "$(awk '/VmLck/ { print $2 }' <<< "$status")" -gt 0 ]
	[ "$(awk '/VmRSS/ { print $2 }' <<< "$status")" -lt 6144 ]
}

@test "many, slow and silent clients" {
	on a wireguardd wg0
	on a perl -MSocket -e '
		sub client { socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) or die "$!"; $s }
		my @held = map { client() } 1 .. 100;      # silent clients, more than the daemon accepts
		syswrite($_, "get=1\nset=") for @held[90 .. 99];
		my $s = client();
		close(client()) for 1 .. 20;               # wg(8) probes like this
		for my $n (1 .. 3) {                       # several operations on one connection
			syswrite($s, "get="); select(undef, undef, undef, 0.02);
			syswrite($s, "1\n\n");
			sysread($s, my $answer, 4096);
			$answer eq "errno=0\n\n" or die "answer $n: $answer";
		}
		syswrite($s, "set=1\nfwmark=7\n\nget=1\n\nset=1\nfwmark=0\n\n");
		my $all = "";
		while (length $all < 9 * 3 + 9) { sysread($s, $all, 4096, length $all) or last; }
		$all eq "errno=0\n\nfwmark=7\nerrno=0\n\nerrno=0\n\n" or die "answers: $all";
		syswrite($s, "set=1\nprivate_key=xyz\n\n"); sysread($s, $all, 4096);
		$all eq "errno=-22\n\n" or die "invalid key: $all";
		syswrite($s, "x" x 100000); # a line without end
		sysread($s, $all, 4096) and die "still connected";
		$s = client();
		syswrite($s, "get=1\n\n"); sysread($s, $all, 4096);
		$all eq "errno=0\n\n" or die "afterwards: $all";
	' $S
}

@test "eight clients with a thousand operations each" {
	on a wireguardd wg0
	on a perl -MSocket -e '
		for my $client (1 .. 8) {
			next if fork;
			my $key = sprintf("%02x", $client) x 32;
			for my $n (1 .. 125) {
				socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) or die "$!";
				for (1 .. 4) {
					syswrite($s, "set=1\npublic_key=$key\nallowed_ip=10.0.$client.$n/32\n\n");
					sysread($s, my $a, 64); $a eq "errno=0\n\n" or die "set: $a";
					syswrite($s, "get=1\n\n");
					$a = ""; while ($a !~ /errno=0\n\n$/) { sysread($s, $a, 65536, length $a) or die "get" }
				}
			}
			exit 0;
		}
		my $failed = 0;
		while (wait() > 0) { $failed |= $? }
		exit($failed ? 1 : 0);' $S
	[ "$(uapi 'get=1\n\n' | grep -c ^public_key=)" -eq 8 ]
	[ "$(uapi 'get=1\n\n' | grep -c ^allowed_ip=)" -eq 1000 ]
}

@test "a set request is applied completely or not at all" {
	on a wireguardd wg0
	on a ip link set wg0 up
	on_bg a perl -MSocket=:all -e 'socket(S, AF_INET6, SOCK_DGRAM, 0); bind(S, sockaddr_in6(4711, IN6ADDR_ANY)) or die;
		sleep 60'
	eventually 5 on a sh -c 'ss -Huln "sport = :4711" | grep -q .'
	key=$(printf '11%.0s' {1..32})
	uapi "set=1\nfwmark=5\n\n"
	before=$(uapi 'get=1\n\n')
	[ "$(uapi "set=1\nlisten_port=4711\nfwmark=9\npublic_key=$key\n\n")" = "errno=-98" ]
	[ "$(uapi 'get=1\n\n')" = "$before" ]
	[ "$(uapi "set=1\nlisten_port=4712\npublic_key=$key\nallowed_ip=10.0.0.0/99\n\n")" = "errno=-22" ]
	[ "$(uapi 'get=1\n\n')" = "$before" ]
	port=$(sed -n 's/^listen_port=//p' <<< "$before")
	on a sh -c "ss -Huln 'sport = :$port' | grep -q ."
	[ "$(uapi "set=1\nlisten_port=80\n\n")" = "errno=0" ] # a privileged port, after privileges were dropped
	eventually 5 on a sh -c "ss -Huln 'sport = :80' | grep -q ."
}
