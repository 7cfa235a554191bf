# Files that wg-quick reads and that are none: FIFOs, devices, folders, links to nothing, and 100 MB. It waits for none of them.
load ../lib/netns
load ../lib/quick

setup() { net_begin; quick_host; }
teardown() { net_end; }

# q ARGUMENT…: wg-quick, which does not wait. Opening a FIFO would, without end.
q() { on a timeout -k 1 30 wg-quick "$@"; }

# make_odd KIND PATH: makes PATH such a file.
make_odd() {
	on a rm -rf "$2"
	case $1 in
	fifo) on a mkfifo "$2" ;;
	zero) on a mknod "$2" c 1 5 ;;
	null) on a mknod "$2" c 1 3 ;;
	socket) on a python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$2" ;;
	folder) on a mkdir "$2" ;;
	huge) on a truncate -s 100M "$2" ;;
	dangling) on a ln -s /run/nothing "$2" ;;
	loop) on a ln -s "${2##*/}" "$2" ;;
	through) on a ln -s /proc/version/nothing "$2" ;;
	link-to-*) make_odd "${1#link-to-}" /run/odd; on a ln -s /run/odd "$2" ;;
	esac
}

@test "resolv.conf: a tunnel is brought up with a warning and without its name servers, or fails, and down works" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	quick_file wg1 "DNS = 10.7.0.53" "0.0.0.0/0"
	for kind in fifo zero null folder huge socket; do
		make_odd $kind /etc/resolv.conf
		before=$(on a stat -c '%F %i' /etc/resolv.conf)
		reason="it is not a regular file"
		[ $kind != huge ] || reason="File too large"
		run -0 q up wg0
		[[ $output == *"wg-quick: wg0: warning: cannot set the name servers: /etc/resolv.conf: $reason"* ]]
		[[ $(q status wg0) == *"DNS: 10.7.0.53, by /etc/resolv.conf, not in force: they could not be set"* ]]
		run q status --health
		[[ $output == *"wg0: the name servers of the tunnel could not be set: wg-quick reload wg0"* ]]
		run -0 q diff wg0
		run -0 q down wg0
		run -1 q up wg1
		[[ $output == *"cannot set the name servers: /etc/resolv.conf: $reason"* ]]
		not on a wg show wg1
		[ "$(on a stat -c '%F %i' /etc/resolv.conf)" = "$before" ]
	done
	q up wg0
	on a sh -c 'rm -r /etc/resolv.conf; echo "nameserver 192.168.5.254" > /etc/resolv.conf'
	run -0 q reload wg0
	[[ $(q status wg0) == *"DNS: 10.7.0.53, by /etc/resolv.conf, in force"* ]]
	run -0 q down wg0
	[ "$(on a cat /etc/resolv.conf)" = "nameserver 192.168.5.254" ]
}

@test "resolv.conf: a link to something else than a file is replaced while the tunnel is up" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	for kind in fifo zero null folder huge dangling loop through; do
		case $kind in
		dangling | loop | through) make_odd $kind /etc/resolv.conf ;;
		*) make_odd link-to-$kind /etc/resolv.conf ;;
		esac
		target=$(on a readlink /etc/resolv.conf)
		run -0 q up wg0
		[[ $output != *"cannot set"* ]]
		on a grep -q '^nameserver 10.7.0.53' /etc/resolv.conf
		run -0 q down wg0
		[ "$(on a readlink /etc/resolv.conf)" = "$target" ]
		not on a test -e /run/nothing
	done
}

@test "resolv.conf: something else took its place while the tunnel was up" {
	quick_file wg0 "DNS = 10.7.0.53" "10.8.0.0/16"
	for kind in fifo zero folder huge link-to-fifo; do
		make_odd dangling /etc/resolv.conf
		q up wg0
		make_odd $kind /etc/resolv.conf
		before=$(on a stat -c '%F %i' /etc/resolv.conf)
		run -0 q status wg0
		run q diff wg0
		[ "$status" -lt 2 ]
		run -0 q down wg0
		[ "$(on a stat -c '%F %i' /etc/resolv.conf)" = "$before" ]
	done
}

@test "the settings, routing tables, patterns of resolvconf, and namespaces" {
	quick_file wg0 "DNS = 10.7.0.53
Table = named" "10.8.0.0/16"
	on a mkdir -p /etc/iproute2/rt_tables.d /etc/resolvconf /run/netns
	for kind in fifo zero folder; do
		make_odd $kind /etc/iproute2/rt_tables.d/a.conf
		printf '77 named\n' | on a tee /etc/iproute2/rt_tables.d/b.conf > /dev/null
		make_odd $kind /etc/resolvconf/interface-order
		run -0 q up wg0
		run -0 q down wg0
		make_odd $kind /run/netns/apart
		printf '[Interface]\nPrivateKey = %s\nNetns = apart\n' $QUICK_KEY | tunnel a wg2
		run q up wg2
		[ "$status" -eq 1 ]
		on a rm -rf /run/netns/apart
		make_odd $kind /etc/wireguard/wgsuite.ini
		run q up wg0
		[ "$status" -eq 1 ]
		[[ $output == *"/etc/wireguard/wgsuite.ini: error: it is not a regular file"* ]]
		on a rm -rf /etc/wireguard/wgsuite.ini
	done
}

@test "tunnel files: one that is no file holds up neither status nor the monitor" {
	for name in wg0 wg1; do quick_file $name "" "10.8.${name#wg}.0/24"; q up $name; done
	for kind in fifo zero null folder socket; do
		make_odd $kind /etc/wireguard/wg0.conf
		run q status
		[[ $output == *wg0*wg1* ]]
		run q status wg0
		[ "$status" -lt 2 ]
		run q diff wg1
		[ "$status" -eq 0 ]
	done
	make_odd fifo /etc/wireguard/wg0.conf
	on_bg a wg-quick monitor
	eventually 10 on a sh -c 'test -e /run/wgsuite/.monitor@*.lock'
	for name in wg0 wg1; do
		on a ip route delete "10.8.${name#wg}.0/24"
		eventually 10 on a ip route get fibmatch "10.8.${name#wg}.1"
	done
	run -0 q down wg0
	[[ $output == *"wg0.conf: error: it is not a regular file"*"using the journal of the last"* ]]
	run -0 q down wg1
}
