# Name servers: each back-end gets what the tunnel file says, and everything is put back.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# stub NAME < script: a program that the host has.
stub() {
	on a install -D -m 755 /dev/stdin "/etc/stubs/$1"
}
with_stubs() { on a env PATH="$WGSUITE_BUILD:/etc/stubs:/usr/sbin:/usr/bin:/sbin:/bin" "$@"; }

resolvconf_stub() {
	stub resolvconf <<-'END'
	#!/bin/sh
	echo "$*" >> /etc/stubs/called
	case $1 in -a) cat > "/etc/stubs/of-$2"; exit "${RESOLVCONF_EXIT:-0}" ;; -d) rm -f "/etc/stubs/of-$2" ;; esac
	END
}

@test "resolvconf" {
	resolvconf_stub
	quick_file wg0 "DNS = 10.7.0.53, corp.example
DNS = fd07::53 lan,FE80::53%eth0" "10.8.0.0/16"
	run with_stubs wg-quick up wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] resolvconf -a wg0 -m 0 -x"* ]]
	[ "$(on a cat /etc/stubs/of-wg0)" = "nameserver 10.7.0.53
nameserver fd07::53
nameserver fe80::53%eth0
search corp.example lan" ]
	run with_stubs wg-quick down wg0
	[ "$status" -eq 0 ]
	[[ $output == *"[#] resolvconf -d wg0 -f"* ]]
	[ "$(on a cat /etc/stubs/called)" = "-a wg0 -m 0 -x
-d wg0 -f" ]
}

@test "search domains alone work" {
	resolvconf_stub
	quick_file wg0 "DNS = corp.example" "10.8.0.0/16"
	with_stubs wg-quick up wg0
	[ "$(on a cat /etc/stubs/of-wg0)" = "search corp.example" ]
	with_stubs wg-quick down wg0
	on a rm -r /etc/stubs
	on a wg-quick up wg0
	[ "$(on a grep -v '^#' /etc/resolv.conf)" = "search corp.example
nameserver 192.168.5.254" ]
	on a wg-quick down wg0
}

@test "Debian's resolvconf wants its prefix, a link to another program does not" {
	resolvconf_stub
	on a mkdir -p /etc/resolvconf
	printf '%s\n' '# x*' 'lo.inet*' 'em+([0-9])*' 'tap.*' ' tun* ' 'eth*' | on a tee /etc/resolvconf/interface-order > /dev/null
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	with_stubs wg-quick up wg0
	with_stubs wg-quick down wg0
	[ "$(on a cat /etc/stubs/called)" = "-a tun.wg0 -m 0 -x
-d tun.wg0 -f" ]
	on a sh -c 'mv /etc/stubs/resolvconf /etc/stubs/other; ln -s other /etc/stubs/resolvconf; rm /etc/stubs/called'
	with_stubs wg-quick up wg0
	with_stubs wg-quick down wg0
	[ "$(on a head -1 /etc/stubs/called)" = "-a wg0 -m 0 -x" ]
}

@test "a resolvconf that fails takes the tunnel back" {
	resolvconf_stub
	quick_file wg0 "DNS = 10.7.0.53" "0.0.0.0/0"
	with_stubs true
	before=$(quick_state)
	run -3 with_stubs env RESOLVCONF_EXIT=3 wg-quick up wg0
	[[ $output == *"resolvconf failed with status 3"* ]]
	quick_settled "$before"
	[[ $(on a cat /etc/stubs/called) == *"-d wg0 -f" ]]
}

@test "a tunnel that goes while another one is half way up, and then fails, leaves it nothing to put back" {
	stub resolvconf <<-'END'
	#!/bin/sh
	case $1 in -a) cat > /dev/null; echo "$2" > /etc/stubs/waits; read -r status < /etc/stubs/fifo; exit "$status" ;; esac
	END
	on a mkfifo /etc/stubs/fifo
	quick_file wg0 "" "0.0.0.0/0"
	quick_file wg1 "DNS = 10.7.0.53" "0.0.0.0/0"
	before=$(quick_state)
	on a wg-quick up wg0
	on_bg a env PATH="$WGSUITE_BUILD:/etc/stubs:/usr/sbin:/usr/bin:/sbin:/bin" wg-quick up wg1
	eventually 5 on a test -e /etc/stubs/waits
	on a wg-quick down wg0
	on a sh -c 'echo 9 > /etc/stubs/fifo'
	quick_settled "$before"
}

@test "the file itself: mode, owner and contents come back, in whatever order tunnels go" {
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

@test "the file: mounted, missing, or changed by somebody else" {
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

@test "the file: a link that leads nowhere is left as it was" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	on a ln -sf real /etc/resolv.conf
	on a wg-quick up wg0
	on a grep -q 'nameserver 10.7.0.53' /etc/real
	on a wg-quick down wg0
	[ "$(on a readlink /etc/resolv.conf)" = real ]
	on a test ! -e /etc/real
}

@test "the file: restored although the record was lost" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	before=$(quick_state)
	for damage in "rm \$f" ": > \$f" "sed -i 5q \$f"; do
		on a wg-quick up wg0
		on a sh -c "f=\$(ls /run/wgsuite/wg0@* | grep -v resolv); $damage"
		on a wg-quick down wg0
		quick_settled "$before"
	done
}

@test "the settings choose" {
	resolvconf_stub
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	printf '[dns]\nbackend = none\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	with_stubs wg-quick up wg0
	with_stubs wg-quick down wg0
	on a test ! -e /etc/stubs/called
	printf '[dns]\nbackend = file\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	with_stubs wg-quick up wg0
	on a grep -q 10.7.0.53 /etc/resolv.conf
	with_stubs wg-quick down wg0
	on a test ! -e /etc/stubs/called
}

@test "openresolv for real" {
	[ -e "$WGSUITE_PEERS/openresolv/usr" ] || skip "tests/lib/get-hosts.sh $WGSUITE_PEERS has not been run"
	quick_file wg0 "DNS = 10.7.0.53, corp" "10.8.0.0/16"
	on a mount -t overlay -o "lowerdir=$WGSUITE_PEERS/openresolv/usr:/usr" overlay /usr
	on a wg-quick up wg0
	on a grep -q '^nameserver 10.7.0.53' /etc/resolv.conf
	on a grep -q '^search corp' /etc/resolv.conf
	on a wg-quick down wg0
	run ! on a grep -q '10.7.0.53' /etc/resolv.conf
}
