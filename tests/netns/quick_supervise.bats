# wg-quick supervise outside of a container, which tests/netns/container_slow.bats has: folders, changes, failures and signals.
load ../lib/netns
load ../lib/quick
load ../lib/monitor

setup() { net_begin; quick_host; }
teardown() { net_end; }

# supervise ARGUMENT…: in the background. $BG_LOG is what it says.
supervise() { on_bg a wg-quick supervise "$@"; LOG=$BG_LOG SUPERVISE=$BG; }
says() { eventually 10 grep -q "$1" "$LOG"; }
is_up() { eventually 10 on a wg show "$1"; }
signal() { on a sh -c "kill -$1 \$(pgrep -xo wg-quick)"; }
no_supervisor() { ! on a pgrep -x wg-quick; }
file() { printf '[Interface]\nPrivateKey = %s\nAddress = %s\n' "$QUICK_KEY" "$2" | on a install -D -m 600 /dev/stdin "$1"; }

@test "it waits for files, takes the first folder that has some, and a deleted file leaves its tunnel up" {
	before=$(quick_state)
	supervise /etc/empty /etc/two /etc/wireguard
	eventually 10 on a sh -c 'test -e /run/wgsuite/.supervise@*.files'
	says "^wg-quick: warning: no tunnel file (\*.conf) in /etc/empty (does not exist), /etc/two (does not exist) or /etc/wireguard: waiting for one"
	not on a wg-quick status --health # without a tunnel
	file /etc/two/wg0.conf 10.8.0.1/24
	is_up wg0
	file /etc/wireguard/wg9.conf 10.8.9.1/24
	file /etc/two/wg1.conf 10.8.1.1/24
	file /etc/two/not-a-tunnel.txt 10.8.2.1/24
	is_up wg1
	eventually 5 on a wg-quick status --health
	not on a wg show wg9
	on a rm /etc/two/wg1.conf
	on a wg show wg1
	run on a wg-quick status --health
	[ "$status" -eq 1 ]
	[ "$output" = "wg1: /etc/two/wg1.conf no longer exists" ]
	run on a wg-quick supervise /etc/two
	[ "$status" -eq 1 ]
	[[ $output == "wg-quick: another \`wg-quick supervise' runs in this network namespace" ]]
	signal TERM
	eventually 10 no_supervisor
	# A path from the current folder.
	on_bg a sh -c 'cd /etc && exec wg-quick supervise ./empty two'
	is_up wg0
	eventually 5 on a sh -c 'grep -qx /etc/two/wg0.conf /run/wgsuite/.supervise@*.files'
	eventually 5 on a wg-quick status --health
	signal TERM
	eventually 10 no_supervisor
	on a rm -r /etc/two /etc/wireguard/wg9.conf
	quick_settled "$before"
}

@test "a command that failed is tried again, drop-ins and a file written in place are changes, and SIGHUP reloads" {
	on a ip link add wg0 type veth peer name v # in the way
	file /etc/wireguard/wg0.conf 10.8.0.1/24
	file /etc/wireguard/wg1.conf 10.8.1.1/24
	supervise
	is_up wg1
	says "wg0: warning: the changed file was not applied\|wg0: warning: the tunnel is not up"
	on a ip link delete wg0
	is_up wg0
	address() { on a ip address show dev "$1" | grep -q "$2"; }
	on a sed -i 's/10.8.1.1/10.8.1.2/' /etc/wireguard/wg1.conf
	eventually 10 address wg1 10.8.1.2/24
	on a sh -c 'mkdir /etc/wireguard/wg1.conf.d; sleep 0.3; printf "[Interface]\nAddress = 10.8.3.1/24\n" > /etc/wireguard/wg1.conf.d/a.conf'
	signal HUP
	eventually 10 address wg1 10.8.3.1/24
	on a sh -c 'printf "[Interface]\nAddress = 10.8.4.1/24\n" > /etc/wireguard/wg1.conf.d/a.conf'
	eventually 10 address wg1 10.8.4.1/24
	# One that was killed does not take its tunnels down; the next one goes on with them.
	index=$(on a cat /sys/class/net/wg1/ifindex)
	signal KILL
	eventually 10 no_supervisor
	supervise -q
	eventually 10 on a wg-quick status --health
	[ "$(on a cat /sys/class/net/wg1/ifindex)" = "$index" ]
	signal INT
	eventually 10 no_supervisor
	not on a wg show wg1
	not grep -q '^\[#\]' "$LOG"
}

@test "a path that is no directory is refused at once" {
	file /etc/wireguard/wg0.conf 10.8.0.1/24
	run -1 on a timeout 20 wg-quick supervise /etc/wiregaurd
	[ "$output" = "wg-quick: the directory /etc/wiregaurd does not exist" ]
	run -1 on a timeout 20 wg-quick supervise /etc/wiregaurd ""
	[[ $output == *"found an empty one"* ]]
	run -1 on a timeout 20 sh -c 'cd /etc && wg-quick supervise one two'
	[ "$output" = "wg-quick: the directory /etc/one does not exist
wg-quick: the directory /etc/two does not exist" ]
	run -1 on a timeout 20 wg-quick supervise /etc /etc/wireguard/wg0.conf
	[ "$output" = "wg-quick: /etc/wireguard/wg0.conf is not a directory
  help: supervise needs paths of directories that contain tunnel files" ]
	not on a wg show wg0
}

@test "a folder that cannot be read is reported once, and read when it can be" {
	on a mkdir /etc/two
	supervise /etc/two
	says "no tunnel file"
	on a sh -c 'rmdir /etc/two; echo > /etc/two'
	signal HUP
	says "cannot read the directory of tunnel files: Not a directory"
	switches() { on a sh -c 'awk "/^voluntary/ { print \$2 }" "/proc/$(pgrep -xo wg-quick)/status"'; }
	has_looked() { [ "$(switches)" -gt "$before" ]; }
	for _ in 1 2; do
		before=$(switches)
		signal HUP
		eventually 10 has_looked
	done
	[ "$(grep -c "read the directory" "$LOG")" = 1 ]
	on a rm /etc/two
	file /etc/two/wg0.conf 10.8.0.1/24
	signal HUP
	is_up wg0
	signal TERM
	eventually 10 no_supervisor
}

@test "events without end do not put off a new file" {
	supervise
	on_bg a sh -c 'while :; do : > /etc/wireguard/other; sleep 0.05; done'
	eventually 10 on a test -e /etc/wireguard/other
	file /etc/wireguard/wg0.conf 10.8.0.1/24
	is_up wg0
	signal TERM
	eventually 10 no_supervisor
}

@test "a tunnel whose up was killed is brought up again, and one that another wg-quick brought up is kept" {
	file /etc/wireguard/wg0.conf 10.8.0.1/24
	file /etc/wireguard/wg1.conf 10.8.1.1/24
	on a sh -c 'echo "PreUp = test -e /run/once || { touch /run/once; kill -KILL \$PPID; }" >> /etc/wireguard/wg0.conf
		echo "PreUp = test -e /run/ready" >> /etc/wireguard/wg1.conf'
	not on a wg-quick up wg0
	on a wg show wg0
	supervise
	says "an earlier wg-quick up was killed: undoing its steps"
	says "wg1: warning: the tunnel is not up"
	on a sh -c 'touch /run/ready; wg-quick up wg1 || wg show wg1' # or `supervise` does so at this moment
	eventually 10 on a wg-quick status --health
	signal HUP
	file /etc/wireguard/wg1.conf 10.8.2.1/24
	eventually 10 on a sh -c 'ip address show dev wg1 | grep -q 10.8.2.1'
	signal TERM
	eventually 10 no_supervisor
	not on a wg show wg0
	not on a wg show wg1
}

@test "where a monitor runs, it starts none, until that one has ended" {
	file /etc/wireguard/wg0.conf 10.8.0.1/24
	monitor_start
	first=$(on a pgrep -ofx 'wg-quick monitor') # not a child, which ends by itself
	supervise
	is_up wg0
	eventually 10 on a wg-quick status --health
	on a kill $first
	replaced() { new=$(on a pgrep -fx 'wg-quick monitor') && [ -z "$(grep -Fx "$first" <<< "$new")" ]; }
	eventually 15 replaced
	not grep 'another' "$LOG"
	# It knows who applies a changed file: here before that process can.
	eventually 10 on a sh -c 'test -e /run/wgsuite/.monitor@*.lock'
	signal STOP
	on a sed -i 's/10.8.0.1/10.8.0.9/' /etc/wireguard/wg0.conf
	says "^wg-quick: wg0: /etc/wireguard/wg0.conf was changed: .wg-quick supervise' applies it"
	goes_on() { kill -CONT "$SUPERVISE" && on a sh -c 'ip address show dev wg0 | grep -q 10.8.0.9'; } # nsenter(1) stops itself, too
	eventually 10 goes_on
	not grep "wg-quick reload" "$LOG"
	signal TERM
	eventually 10 no_supervisor
}
