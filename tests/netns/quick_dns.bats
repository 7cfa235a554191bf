# DNS settings: each back-end gets the servers and domains of the tunnel file, and down restores the previous state.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# fake_program NAME < SCRIPT: installs a program on host a.
fake_program() {
	on a install -D -m 755 /dev/stdin "/etc/fakes/$1"
}
# with_fakes COMMAND…: runs a command on host a that finds these programs.
with_fakes() { on a env PATH="$WGSUITE_BUILD:/etc/fakes:/usr/sbin:/usr/bin:/sbin:/bin" "$@"; }

fake_resolvconf() {
	fake_program resolvconf <<-'END'
	#!/bin/sh
	echo "$*" >> /etc/fakes/called
	case $1 in -a) cat > "/etc/fakes/of-$2"; exit "${RESOLVCONF_EXIT:-0}" ;; -d) rm -f "/etc/fakes/of-$2" ;; esac
	END
}

@test "resolvconf gets servers and domains, and down removes them" {
	fake_resolvconf
	quick_file wg0 "DNS = 10.7.0.53, corp.example
DNS = fd07::53 lan,FE80::53%eth0" "10.8.0.0/16"
	run with_fakes wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] resolvconf -a wg0 -m 0 -x"* ]]
	[ "$(on a cat /etc/fakes/of-wg0)" = "nameserver 10.7.0.53
nameserver fd07::53
nameserver fe80::53%eth0
search corp.example lan" ]
	run with_fakes wg-quick down wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] resolvconf -d wg0 -f"* ]]
	[ "$(on a cat /etc/fakes/called)" = "-a wg0 -m 0 -x
-d wg0 -f" ]
}

@test "search domains without servers" {
	fake_resolvconf
	quick_file wg0 "DNS = corp.example" "10.8.0.0/16"
	with_fakes wg-quick up wg0
	[ "$(on a cat /etc/fakes/of-wg0)" = "search corp.example" ]
	with_fakes wg-quick down wg0
	on a rm -r /etc/fakes
	on a wg-quick up wg0
	[ "$(on a grep -v '^#' /etc/resolv.conf)" = "search corp.example
nameserver 192.168.5.254" ]
	on a wg-quick down wg0
}

@test "Debian's resolvconf gets the tun. prefix, a link to another program does not" {
	fake_resolvconf
	on a mkdir -p /etc/resolvconf
	printf '%s\n' '# x*' 'lo.inet*' 'em+([0-9])*' 'tap.*' ' tun* ' 'eth*' | on a tee /etc/resolvconf/interface-order > /dev/null
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	with_fakes wg-quick up wg0
	with_fakes wg-quick down wg0
	[ "$(on a cat /etc/fakes/called)" = "-a tun.wg0 -m 0 -x
-d tun.wg0 -f" ]
	on a sh -c 'mv /etc/fakes/resolvconf /etc/fakes/other; ln -s other /etc/fakes/resolvconf; rm /etc/fakes/called'
	with_fakes wg-quick up wg0
	with_fakes wg-quick down wg0
	[ "$(on a head -1 /etc/fakes/called)" = "-a wg0 -m 0 -x" ]
}

@test "up is rolled back when resolvconf fails" {
	fake_resolvconf
	quick_file wg0 "DNS = 10.7.0.53" "0.0.0.0/0"
	with_fakes true
	before=$(quick_state)
	run -3 with_fakes env RESOLVCONF_EXIT=3 wg-quick up wg0
	[[ $output == *"resolvconf failed with status 3"* ]]
	quick_settled "$before"
	[[ $(on a cat /etc/fakes/called) == *"-d wg0 -f" ]]
}

@test "a resolvconf that always fails does not prevent the next up of a split tunnel" {
	fake_program resolvconf <<< '#!/bin/false'
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	for old in "" "warning: cannot remove the name servers of the last \`up': resolvconf failed with status 1"; do
		run -0 with_fakes wg-quick up wg0
		[[ $output == *"$old"*"warning: cannot set the name servers: resolvconf failed with status 1"* ]]
		run -1 with_fakes wg-quick down wg0
		[[ $output == *"cannot restore the name servers: resolvconf failed with status 1"* ]]
	done
	# Without name servers in the file, the record would stay.
	quick_file wg0 "" "10.8.0.0/16"
	run -1 with_fakes wg-quick up wg0
	[[ $output == *"cannot restore the name servers: resolvconf failed with status 1"* ]]
	fake_program resolvconf <<< '#!/bin/true'
	with_fakes wg-quick up wg0
	with_fakes wg-quick down wg0
}

@test "a resolvconf that does not end is stopped: a split tunnel is brought up with a warning, a full one fails, and down works" {
	fake_program resolvconf <<-'END'
	#!/bin/sh
	trap '' INT TERM
	tail -f /dev/null &
	tail -f /dev/null
	END
	limit() { printf '[dns]\ntimeout = %s\n' "$1" | on a sh -c 'cat > /etc/wireguard/wgsuite.ini'; }
	limit 1
	reason="resolvconf took longer than 1 second and was stopped"
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	run -0 with_fakes wg-quick up wg0
	[[ $output == *"wg0: warning: cannot set the name servers: $reason"* ]]
	[[ $(with_fakes wg-quick status wg0) == *"not in force: they could not be set"* ]]
	run -1 with_fakes wg-quick down wg0
	[[ $output == *"cannot restore the name servers: $reason"* ]]
	not on a ip link show wg0
	fake_program resolvconf <<< '#!/bin/true'
	limit 600
	with_fakes wg-quick up wg0
	with_fakes wg-quick down wg0
	limit 1
	fake_program resolvconf <<< $'#!/bin/sh\ntail -f /dev/null'
	quick_file wg0 "DNS = 10.7.0.53" "0.0.0.0/0"
	run -1 with_fakes wg-quick up wg0
	[[ $output == *"wg0: cannot set the name servers: $reason"* ]]
	not on a ip link show wg0
	eventually 10 not on a pgrep -x tail
}

@test "one tunnel goes down while another is in up, which then fails: the original state is restored" {
	fake_program resolvconf <<-'END'
	#!/bin/sh
	case $1 in -a) cat > /dev/null; echo "$2" > /etc/fakes/waits; read -r status < /etc/fakes/fifo; exit "$status" ;; esac
	END
	on a mkfifo /etc/fakes/fifo
	quick_file wg0 "" "0.0.0.0/0"
	quick_file wg1 "DNS = 10.7.0.53" "0.0.0.0/0"
	before=$(quick_state)
	on a wg-quick up wg0
	on_bg a env PATH="$WGSUITE_BUILD:/etc/fakes:/usr/sbin:/usr/bin:/sbin:/bin" wg-quick up wg1
	eventually 5 on a test -e /etc/fakes/waits
	on a wg-quick down wg0
	on a sh -c 'echo 9 > /etc/fakes/fifo'
	quick_settled "$before"
}

@test "resolv.conf: mode, owner and contents are restored, with three tunnels in any order" {
	for i in 0 1 2; do quick_file wg$i "Address = 10.7.$i.1/32
DNS = 10.7.$i.53" "10.$((10 + i)).0.0/16"; done
	on a sh -c 'printf "options edns0\nnameserver 192.168.5.254\n\n# mine\n" > /etc/resolv.conf; chmod 640 /etc/resolv.conf'
	before=$(quick_state)
	for order in "0 1 2" "2 1 0" "1 0 2" "0 2 1"; do
		for i in 0 1 2; do on a wg-quick up wg$i; done
		on a grep -q 'nameserver 10.7.2.53' /etc/resolv.conf
		on a grep -q 'options edns0' /etc/resolv.conf
		for i in $order; do on a wg-quick down wg$i; done
		quick_settled "$before"
	done
}

@test "resolv.conf: a bind mount, a missing file, a file changed by another program" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	on a sh -c 'cp /etc/resolv.conf /run/mounted; cp /etc/resolv.conf /run/copy'
	on a unshare -m sh -ec 'mount --bind /run/mounted /etc/resolv.conf; wg-quick up wg0; grep -q 10.7.0.53 /etc/resolv.conf
		wg-quick down wg0; cmp /etc/resolv.conf /run/copy'
	on a rm /etc/resolv.conf
	on a wg-quick up wg0
	on a grep -q 10.7.0.53 /etc/resolv.conf
	on a wg-quick down wg0
	on a test ! -e /etc/resolv.conf
	on a cp /run/copy /etc/resolv.conf
	on a wg-quick up wg0
	echo "nameserver 1.2.3.4" | on a tee /etc/resolv.conf > /dev/null
	run on a wg-quick down wg0
	[[ $output == *"another program changed it"* ]]
	[ "$(on a cat /etc/resolv.conf)" = "nameserver 1.2.3.4" ]
}

@test "resolv.conf: a dangling symbolic link is restored" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	on a ln -sf real /etc/resolv.conf
	on a wg-quick up wg0
	on a grep -q 'nameserver 10.7.0.53' /etc/real
	on a wg-quick down wg0
	[ "$(on a readlink /etc/resolv.conf)" = real ]
	on a test ! -e /etc/real
}

@test "resolv.conf is restored if the journal is lost or damaged" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	before=$(quick_state)
	for damage in "rm \$f" ": > \$f" "sed -i 5q \$f"; do
		on a wg-quick up wg0
		on a sh -c "f=\$(ls /run/wgsuite/wg0@* | grep -v resolv); $damage"
		on a wg-quick down wg0
		quick_settled "$before"
	done
}

@test "the back-end setting in wgsuite.ini selects none or file" {
	fake_resolvconf
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	printf '[dns]\nbackend = none\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	with_fakes wg-quick up wg0
	with_fakes wg-quick down wg0
	on a test ! -e /etc/fakes/called
	printf '[dns]\nbackend = file\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	with_fakes wg-quick up wg0
	on a grep -q 10.7.0.53 /etc/resolv.conf
	with_fakes wg-quick down wg0
	on a test ! -e /etc/fakes/called
}

@test "openresolv adds servers and domains, and down removes them" {
	[ -e "$WGSUITE_PEERS/openresolv/usr" ] || skip "tests/lib/get-hosts.sh $WGSUITE_PEERS has not been run"
	quick_file wg0 "DNS = 10.7.0.53, corp" "10.8.0.0/16"
	on a mount -t overlay -o "lowerdir=$WGSUITE_PEERS/openresolv/usr:/usr" overlay /usr
	on a wg-quick up wg0
	on a grep -q '^nameserver 10.7.0.53' /etc/resolv.conf
	on a grep -q '^search corp' /etc/resolv.conf
	on a wg-quick down wg0
	run ! on a grep -q '10.7.0.53' /etc/resolv.conf
}
