# Reboots and crashes between wg-quick up and down: in the end the host is as it was before the first tunnel.
load ../lib/netns
load ../lib/quick

teardown() { net_end; }

# boot: a host as after a boot: new namespaces and an empty /run, with the files of the last time.
boot() {
	net_begin
	quick_host
	on a sh -c 'rm -f /etc/resolv.conf*'
	on a tar -C /etc -xf - < "$BATS_TEST_TMPDIR/etc.tar"
}

# reboot: the power is cut.
reboot() {
	on a sh -c 'cd /etc; tar -cf - resolv.conf* wireguard' > "$BATS_TEST_TMPDIR/etc.tar"
	net_end
	boot
}

# first_boot: a host with two full tunnels in its files.
first_boot() {
	local i
	mkdir -p "$BATS_TEST_TMPDIR/etc/wireguard"
	printf 'options edns0\nnameserver 192.168.5.254' > "$BATS_TEST_TMPDIR/etc/resolv.conf"
	tar -C "$BATS_TEST_TMPDIR/etc" -cf "$BATS_TEST_TMPDIR/etc.tar" .
	boot
	for i in 0 1; do
		quick_file a$i "Address = 10.7.$i.1/24, fd07:$i::1/64
DNS = 10.7.$i.53, lan$i.example" "0.0.0.0/0, ::/0"
	done
}

# Without link-layer and link-local addresses, which are others after a boot.
state() { quick_state | sed 's/link.ether.*//; /fe80::/d'; }

# crash NAME: its daemon is killed, if it is running, and its interface is gone.
crash() {
	if on a pgrep -fx "wireguardd $1" > /dev/null; then kill_daemon "$1"; fi
	eventually 5 on a test ! -e "/sys/class/net/$1"
}

# orders: 20 orders of events, the same in each run.
orders() {
	awk 'BEGIN {
		split("up=a0 up=a1 up=a0 up=a1 down=a0 down=a1 crash=a0 crash=a1 reboot", events, " ")
		seed = 7
		for (i = 0; i < 20; i++) {
			line = "up=a" i % 2
			for (k = 0; k < 5; k++) {
				seed = (seed * 16807) % 2147483647
				line = line " " events[seed % 9 + 1]
			}
			print line
		}
	}'
}

@test "20 orders of two full tunnels up, down, killed, and reboots" {
	first_boot
	before=$(state)
	orders > "$BATS_TEST_TMPDIR/orders"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/orders")" = 20 ]
	while read -r order; do
		echo "$order"
		for event in $order; do
			case $event in
			reboot) reboot ;;
			crash=*) crash "${event#*=}" ;;
			# What is up already, or not up, is refused.
			*) on a wg-quick "${event%=*}" "${event#*=}" || true ;;
			esac
		done
		for name in a0 a1; do on a wg-quick down $name || true; done
		quick_settled "$before" state
	done < "$BATS_TEST_TMPDIR/orders"
}
