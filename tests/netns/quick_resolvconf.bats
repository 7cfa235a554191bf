# /etc/resolv.conf as the file back-end of wg-quick replaces it: the original is restored after reboots and crashes, and
# what other programs write is respected.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	quick_file wg1 "DNS = 10.7.1.53" "10.9.0.0/16"
	original=$(on a cat /etc/resolv.conf)
}
teardown() { net_end; }

resolv_conf() { on a cat /etc/resolv.conf; }
# files: resolv.conf and what is next to it.
files() { on a sh -c 'echo /etc/resolv.conf*'; }
servers() { on a sed -n 's/^nameserver //p' /etc/resolv.conf; }

# restored: as before the first tunnel, and nothing is left next to it.
restored() {
	[ "$(resolv_conf)" = "$original" ]
	[ "$(files)" = /etc/resolv.conf ]
	on a test ! -e /var/lib/wgsuite
}

crash() { kill_daemon "$1"; }

# power_cut NAME…: these tunnels and all of /run are lost.
power_cut() {
	local name
	for name in "$@"; do crash "$name"; done
	on a rm -rf /run/wgsuite /run/wireguard
}

@test "the original survives a power cut" {
	on a wg-quick up wg0
	power_cut wg0
	[ "$(servers)" = 10.7.0.53 ]
	run -0 on a wg-quick up wg0
	[[ $output == *"wg-quick: wg0: warning: removing the name servers of tunnels that are no longer up from /etc/resolv.conf: wg0"* ]]
	[ "$(servers)" = 10.7.0.53 ]
	on a wg-quick down wg0
	restored
}

@test "down, another tunnel's up or down, without name servers too, restore it after a power cut" {
	quick_file wg2 "" "10.10.0.0/16"
	for next in "down wg0" "down wg1" "up wg2"; do
		on a wg-quick up wg0
		on a wg-quick up wg1
		power_cut wg0 wg1
		run on a wg-quick $next
		[[ $output == *"no longer up from /etc/resolv.conf: wg0, wg1"* ]]
		restored
	done
	on a wg-quick down wg2
	run -1 on a wg-quick down wg0
	[ "$output" = "wg-quick: \`wg0' is not a WireGuard interface" ]
}

@test "a tunnel whose daemon was killed: the next command of another tunnel removes its name servers" {
	on a wg-quick up wg0
	on a wg-quick up wg1
	crash wg1
	quick_file wg2 "" "10.10.0.0/16"
	on a wg-quick up wg2
	[ "$(servers)" = 10.7.0.53 ]
	on a wg-quick down wg1
	[ "$(servers)" = 10.7.0.53 ]
	on a wg-quick down wg0
	restored
}

@test "the copy or the comments may be lost, but not both" {
	on a wg-quick up wg0
	[ "$(files)" = "/etc/resolv.conf /etc/resolv.conf.wg-quick" ]
	[ "$(on a cat /etc/resolv.conf.wg-quick)" = "$original" ]
	power_cut wg0
	on a rm /etc/resolv.conf.wg-quick
	on a wg-quick down wg0
	restored
	for damage in 'sed -i "/^#wg-quick/d"' 'sed -i 3q' 'sed -i "s/^#wg-quick: ./#wg-quick: f/"'; do
		on a wg-quick up wg0
		on a sh -c "$damage /etc/resolv.conf"
		on a wg-quick down wg0
		restored
		on a wg-quick up wg0
		on a sh -c "$damage /etc/resolv.conf"
		power_cut wg0
		on a wg-quick up wg1
		on a wg-quick down wg1
		restored
	done
	on a wg-quick up wg0
	on a sh -c 'sed -i "/^#wg-quick/d" /etc/resolv.conf; rm /etc/resolv.conf.wg-quick'
	run -0 on a wg-quick down wg0
	[[ $output == *"warning: /etc/resolv.conf keeps the name servers of the tunnel: its original is lost"* ]]
	[ "$(resolv_conf)" = "nameserver 10.7.0.53" ]
}

@test "a container that is started again: its /run may be the old one, its namespaces are not" {
	on a wg-quick up wg0
	on a tar -C / -cf - etc/resolv.conf etc/resolv.conf.wg-quick run/wgsuite > "$BATS_TEST_TMPDIR/container.tar"
	net_end
	net_begin
	quick_host
	quick_file wg1 "DNS = 10.7.1.53" "10.9.0.0/16"
	on a tar -C / -xf - < "$BATS_TEST_TMPDIR/container.tar"
	[ "$(servers)" = 10.7.0.53 ]
	on a wg-quick up wg1
	on a wg-quick down wg1
	restored
}

@test "a bind mount is written in place, and the copy is where it can be written and survives" {
	host_sh a <<-'END'
	cp /etc/resolv.conf /run/original
	cp /etc/resolv.conf /run/mounted
	# run PLACE: the copy is there, and the original comes back without /run/wgsuite.
	run() {
		wg-quick up wg0
		grep -q '^nameserver 10.7.0.53' /run/mounted
		cmp "$1"/resolv.conf.wg-quick-* /run/original
		daemon=$(pgrep -fx 'wireguardd wg0')
		kill -9 $daemon
		while [ -e /sys/class/net/wg0 ] || kill -0 $daemon 2> /dev/null; do sleep 0.05; done
		rm -r /run/wgsuite
		wg-quick up wg0
		wg-quick down wg0
		cmp /etc/resolv.conf /run/original
		[ "$(ls -d /etc/resolv.conf* /var/lib/wgsuite 2> /dev/null)" = /etc/resolv.conf ]
	}
	export -f run
	unshare -m bash -eu <<-'INNER'
	mount -t tmpfs tmpfs /var/lib
	mount --bind /run/mounted /etc/resolv.conf
	run /etc
	mount --rbind /etc /etc
	mount -o remount,bind,ro /etc
	run /var/lib/wgsuite
	mount -o remount,ro /var/lib
	run /run/wgsuite
	INNER
	END
}

@test "two network namespaces with a file each do not mix them up" {
	host_sh a <<-'END'
	ip netns add inner
	mkdir -p /etc/netns/inner
	echo "nameserver 198.51.100.9" > /etc/netns/inner/resolv.conf
	cp -r /etc/netns/inner /run/inner
	wg-quick up wg0
	ip netns exec inner wg-quick up wg1
	grep -q '^nameserver 10.7.0.53' /etc/resolv.conf
	grep -q '^nameserver 10.7.1.53' /etc/netns/inner/resolv.conf
	[ "$(ls -d /etc/resolv.conf.wg-quick* | wc -l)" = 2 ]
	wg-quick down wg0
	ip netns exec inner wg-quick down wg1
	cmp /etc/netns/inner/resolv.conf /run/inner/resolv.conf
	END
	restored
}

@test "symbolic links: written through; where they lead nowhere or to a read-only file, replaced and restored" {
	on a sh -c 'mv /etc/resolv.conf /etc/real; ln -s real /etc/resolv.conf'
	on a wg-quick up wg0
	[ "$(on a sed -n 's/^nameserver //p' /etc/real)" = 10.7.0.53 ]
	power_cut wg0
	on a wg-quick down wg0
	[ "$(on a readlink /etc/resolv.conf)" = real ]
	[ "$(resolv_conf)" = "$original" ]
	for target in ../run/systemd/resolve/stub-resolv.conf read-only; do
		on a sh -c 'ln -sfn $1 /etc/resolv.conf
			touch /etc/read-only; mount --bind /etc/read-only /etc/read-only; mount -o remount,bind,ro /etc/read-only' - $target
		run -0 on a wg-quick up wg0
		[[ $output == *"[#] rm /etc/resolv.conf"* ]]
		[ "$(servers)" = 10.7.0.53 ]
		on a test ! -L /etc/resolv.conf
		on a wg-quick up wg1
		on a wg-quick down wg0
		power_cut wg1
		run -0 on a wg-quick down wg1
		[[ $output == *"[#] ln -sf $target /etc/resolv.conf"* ]]
		[ "$(on a readlink /etc/resolv.conf)" = $target ]
		[ "$(files)" = /etc/resolv.conf ]
	done
}

@test "all users can read a file that up creates, whatever the umask" {
	on a rm /etc/resolv.conf
	on a sh -c 'umask 077; wg-quick up wg0'
	[ "$(on a stat -c %a /etc/resolv.conf)" = 644 ]
	power_cut wg0
	on a wg-quick down wg0
	[ "$(files)" = "/etc/resolv.conf*" ]
}

@test "rewritten by DHCP: diff shows it, reload sets the name servers again, down restores what DHCP wrote" {
	on a wg-quick up wg0
	[ -z "$(on a wg-quick diff wg0)" ]
	on a sh -c 'echo "nameserver 192.0.2.53" > /etc/r; mv /etc/r /etc/resolv.conf'
	run -0 on a wg-quick diff wg0
	[[ $output == "[#] printf %s "*"nameserver 10.7.0.53"*" > /etc/resolv.conf" ]]
	[ "$(servers)" = 192.0.2.53 ]
	run -0 on a wg-quick reload wg0
	[[ $output == "[#] cp /etc/resolv.conf /etc/resolv.conf.wg-quick"*" > /etc/resolv.conf" ]]
	[ "$(servers)" = 10.7.0.53 ]
	[ -z "$(on a wg-quick diff wg0)" ]
	on a wg-quick down wg0
	[ "$(resolv_conf)" = "nameserver 192.0.2.53" ]
	[ "$(files)" = /etc/resolv.conf ]
}

@test "rewritten by a person while two tunnels are up: both downs leave it alone" {
	on a wg-quick up wg0
	on a wg-quick up wg1
	on a sh -c 'echo "nameserver 192.0.2.53" > /etc/resolv.conf'
	run -0 on a wg-quick down wg0
	[[ $output == *"wg-quick: wg0: warning: /etc/resolv.conf is not restored: another program changed it"* ]]
	[[ $output != *"> /etc/resolv.conf"* ]]
	on a wg-quick down wg1
	[ "$(resolv_conf)" = "nameserver 192.0.2.53" ]
	[ "$(files)" = /etc/resolv.conf ]
}

@test "restored by a person, or deleted: down does not complain" {
	on a wg-quick up wg0
	on a cp /etc/resolv.conf.wg-quick /etc/resolv.conf
	run -0 on a wg-quick down wg0
	[[ $output != *warning* ]]
	restored
	on a wg-quick up wg0
	on a rm /etc/resolv.conf
	[[ $(on a wg-quick diff wg0) == "[#] printf %s "*"nameserver 10.7.0.53"*" > /etc/resolv.conf" ]]
	on a wg-quick down wg0
	[ "$(files)" = "/etc/resolv.conf*" ]
}

@test "edited by a person: diff shows it, down keeps the lines and removes ours" {
	on a wg-quick up wg0
	on a sh -c 'echo "nameserver 192.0.2.53" >> /etc/resolv.conf'
	[ -n "$(on a wg-quick diff wg0)" ]
	on a wg-quick reload wg0
	[ "$(servers)" = 10.7.0.53 ]
	[ -z "$(on a wg-quick diff wg0)" ]
	on a sed -i 's/^nameserver.*/nameserver 192.0.2.54/' /etc/resolv.conf
	run -0 on a wg-quick down wg0
	[[ $output == *"warning: lines that another program added to /etc/resolv.conf are kept"* ]]
	[ "$(resolv_conf)" = "$original
nameserver 192.0.2.53
nameserver 192.0.2.54" ]
}

# read_only COMMAND…: while resolv.conf cannot be written.
read_only() {
	on a sh -ec 'mount --bind /etc/resolv.conf /etc/resolv.conf; mount -o remount,bind,ro /etc/resolv.conf
		code=0; "$@" || code=$?; umount /etc/resolv.conf; exit $code' - "$@"
}

@test "a file that cannot be written: a full tunnel fails with a remedy, a split one is brought up with a warning" {
	help="  help: set [dns] backend in /etc/wireguard/wgsuite.ini; with \`none', the name servers of the host stay in use"
	for allowed in 0.0.0.0/0 ::/0 "0.0.0.0/1, 128.0.0.0/1"; do
		quick_file wg0 "DNS = 10.7.0.53" "$allowed"
		before=$(quick_state)
		run -1 read_only wg-quick up wg0
		[[ $output == *"wg-quick: wg0: cannot set the name servers: /etc/resolv.conf: Read-only file system
$help"* ]]
		quick_settled "$before"
	done
	for allowed in 10.8.0.0/16 128.0.0.0/1; do
		quick_file wg0 "DNS = 10.7.0.53" "$allowed"
		run -0 read_only wg-quick up wg0
		[[ $output == *"wg-quick: wg0: warning: cannot set the name servers: /etc/resolv.conf: Read-only file system
$help"* ]]
		on a wg show wg0 peers
		# It can be made good once the file can be written.
		on a wg-quick reload wg0
		[ "$(servers)" = 10.7.0.53 ]
		on a wg-quick down wg0
		restored
	done
	printf '[dns]\nbackend = none\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	quick_file wg0 "DNS = 10.7.0.53" "0.0.0.0/0"
	run -0 read_only wg-quick up wg0
	[[ $output != *"name servers"* ]]
	on a wg-quick down wg0
}

# immutable: chattr(1) works for /etc/resolv.conf, which may take another file system.
immutable() {
	on a chattr +i /etc/resolv.conf 2> /dev/null && { on a chattr -i /etc/resolv.conf; return; }
	cp -p "/proc/${NET_PID[a]}/root/etc/resolv.conf" "$BATS_TEST_TMPDIR/resolv.conf"
	chattr +i "$BATS_TEST_TMPDIR/resolv.conf" 2> /dev/null || return
	chattr -i "$BATS_TEST_TMPDIR/resolv.conf"
	on a mount --bind "$BATS_TEST_TMPDIR/resolv.conf" /etc/resolv.conf
}

@test "an immutable file: a full tunnel fails with a remedy, a split one starts, down fails until it can restore" {
	immutable || skip "no file system here has immutable files"
	help="  help: set [dns] backend in /etc/wireguard/wgsuite.ini; with \`none', the name servers of the host stay in use"
	quick_file full "DNS = 10.7.0.53" "0.0.0.0/0"
	before=$(quick_state)
	on a chattr +i /etc/resolv.conf
	run on a wg-quick up full
	full_status=$status full_output=$output
	run on a wg-quick up wg0
	on a chattr -i /etc/resolv.conf
	[ "$full_status" -eq 1 ]
	[[ $full_output == *"wg-quick: full: cannot set the name servers: /etc/resolv.conf: Operation not permitted
$help"* ]]
	[ "$status" -eq 0 ]
	[[ $output == *"wg-quick: wg0: warning: cannot set the name servers: /etc/resolv.conf: Operation not permitted
$help"* ]]
	[ "$(resolv_conf)" = "$original" ]
	on a wg-quick reload wg0
	[ "$(servers)" = 10.7.0.53 ]
	on a chattr +i /etc/resolv.conf
	run on a wg-quick down wg0
	on a chattr -i /etc/resolv.conf
	[ "$status" -eq 1 ]
	[[ $output == *"wg-quick: wg0: cannot restore the name servers: /etc/resolv.conf: Operation not permitted"* ]]
	run -0 on a wg-quick down wg0
	[ "$(resolv_conf)" = "$original" ]
	quick_settled "$before"
}

@test "a tunnel whose interface is in another network namespace keeps its name servers, until it is dead" {
	on a ip netns add s2s
	for move in "netns s2s" "name renamed netns s2s" by-hand; do
		post="PostUp = ip link set %i down; ip link set %i $move"
		quick_file hub "DNS = 10.7.9.53
Table = off
$([ "$move" = by-hand ] || echo "$post")" "10.9.0.0/16"
		on a wg-quick up hub
		[ "$move" != by-hand ] || on a ip link set hub netns s2s
		run -0 on a wg-quick up wg0
		[[ $output != *"no longer up"* ]]
		[ "$(servers)" = 10.7.0.53 ]
		run -0 on a wg-quick reload wg0
		[ -z "$output" ]
		on a wg-quick down wg0
		[ "$(servers)" = 10.7.9.53 ]
		run -1 on a wg-quick down wg1
		[[ $output != *"no longer up"* ]]
		on a wg-quick down hub
		restored
		on a wg-quick up hub
		[ "$move" != by-hand ] || on a ip link set hub netns s2s
		on a pkill -KILL -x wireguardd
		eventually 5 no_daemons a
		run -0 on a wg-quick up wg0
		[[ $output == *"no longer up from /etc/resolv.conf: hub"* ]]
		on a wg-quick down wg0
		on a wg-quick down hub
		restored
	done
}

@test "a down that cannot restore fails, and the next down or up restores" {
	for next in "down wg0" "down wg1" "up wg0"; do
		on a wg-quick up wg0
		run -1 read_only wg-quick down wg0
		[[ $output == *"wg-quick: wg0: cannot restore the name servers: /etc/resolv.conf: Read-only file system"* ]]
		on a test ! -e /sys/class/net/wg0
		run -1 read_only wg-quick down wg0
		run on a wg-quick $next
		[[ $output == *"[#] cp /etc/resolv.conf.wg-quick /etc/resolv.conf"* ]]
		[ "$next" = "down wg1" ] || [ "$status" -eq 0 ]
		[ "$next" != "up wg0" ] || on a wg-quick down wg0
		restored
	done
}

@test "a full disk: up changes nothing, down restores in the space that the file has" {
	quick_file wg1 "DNS = 10.7.1.53" "0.0.0.0/0"
	host_sh a <<-'END'
	cp /etc/resolv.conf /run/original
	unshare -m bash -eu <<-'INNER'
	mkdir /run/disk
	mount -t tmpfs -o size=64k tmpfs /run/disk
	cp -a /etc/resolv.conf /etc/wireguard /etc/nsswitch.conf /run/disk
	mount --bind /run/disk /etc
	mount -t tmpfs -o ro tmpfs /var/lib
	fill() { dd if=/dev/zero of=/etc/full bs=1k 2> /dev/null || true; }
	# The comments need a page more.
	printf 'nameserver 192.168.5.254\n#%04060d\n' 0 > /etc/resolv.conf
	cp /etc/resolv.conf /run/large
	fill
	wg-quick up wg0
	cmp /etc/resolv.conf /run/large
	wg-quick down wg0
	if wg-quick up wg1; then exit 1; fi
	cmp /etc/resolv.conf /run/large
	rm /etc/full
	cp /run/original /etc/resolv.conf
	wg-quick up wg0
	fill
	wg-quick down wg0
	cmp /etc/resolv.conf /run/original
	INNER
	END
}

@test "systemd-resolved is used only if resolv.conf is its own and D-Bus answers" {
	on a sh -c 'mkdir -p /run/systemd/resolve; cp /etc/resolv.conf /run/systemd/resolve/resolv.conf
		echo "nameserver 127.0.0.53" > /run/systemd/resolve/stub-resolv.conf'
	on a wg-quick up wg0
	[ "$(servers)" = 10.7.0.53 ]
	on a wg-quick down wg0
	restored
	for link in ../run/systemd/resolve/stub-resolv.conf /run/systemd/resolve/resolv.conf; do
		on a ln -sf $link /etc/resolv.conf
		on a wg-quick up wg0
		[ "$(servers)" = 10.7.0.53 ]
		on a wg-quick down wg0
		[ "$(on a readlink /etc/resolv.conf)" = $link ]
		[[ $(servers) != *10.7.0.53* ]]
	done
	on a sh -c 'rm /etc/resolv.conf; echo "nameserver 127.0.0.53" > /etc/resolv.conf'
	on a wg-quick up wg0
	[ "$(servers)" = 10.7.0.53 ]
	on a wg-quick down wg0
	[ "$(resolv_conf)" = "nameserver 127.0.0.53" ]
}

@test "the printed commands have the same effect" {
	on a sh -c 'printf "options edns0\nsearch it'"'"'s.example\nnameserver 192.168.5.254" > /etc/resolv.conf; cp /etc/resolv.conf /run/original'
	on a sh -c 'wg-quick up wg0 2> /run/up; cp /etc/resolv.conf /run/set; wg-quick down wg0 2> /run/down; cmp /etc/resolv.conf /run/original'
	on a bash -ec 'commands() { grep -E "^\[#\] (cp|printf|rm) " "$1" | sed "s/^\[#\] //"; }
		commands /run/up > /run/up.sh; commands /run/down > /run/down.sh
		[ "$(wc -l < /run/up.sh) $(wc -l < /run/down.sh)" = "2 2" ]
		. /run/up.sh; cmp /etc/resolv.conf /run/set; . /run/down.sh; cmp /etc/resolv.conf /run/original'
	# Those of a dry run do not know the interface, but down undoes them.
	on a bash -ec 'wg-quick up --dry-run wg0 | sed -n "s/^\[#\] printf/printf/p" > /run/dry.sh
		. /run/dry.sh; grep -q "^nameserver 10.7.0.53" /etc/resolv.conf; wg-quick down wg0
		cmp /etc/resolv.conf /run/original'
}

@test "tunnels that are brought up and down at the same time" {
	for i in 0 1 2 3; do quick_file wg$i "DNS = 10.7.$i.53" "10.$((10 + i)).0.0/16"; done
	before=$(quick_state)
	on a bash -c 'for i in 0 1 2 3; do wg-quick up wg$i & done; wait'
	for i in 0 1 2 3; do [ -z "$(on a wg-quick diff wg$i)" ]; done
	on a bash -c 'for i in 0 1 2 3; do wg-quick down wg$i & done; wait'
	quick_settled "$before"
}
