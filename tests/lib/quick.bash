# Test host with an uplink, tunnel files and state comparisons for the tests of wg-quick.
# `load ../lib/netns` first.

QUICK_KEY=oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=
QUICK_PEER=Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=

# quick_host: creates host "a", with host "gw" as its default gateway.
quick_host() {
	host a gw
	wire a eth0 "192.168.5.1/24 2001:db8:5::1/64" gw eth0 "192.168.5.254/24 2001:db8:5::fe/64"
	route a default via 192.168.5.254
	in_net a ip -6 route add default via 2001:db8:5::fe
	echo "nameserver 192.168.5.254" | on a tee /etc/resolv.conf > /dev/null
}

# quick_file NAME INTERFACE-LINES ALLOWED-IPS: writes a tunnel file with one peer on host a.
quick_file() {
	tunnel a "$1" <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	$2
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = $3
	Endpoint = 192.168.5.254:5801
	END
}

# tailscale_rules: the policy rules of Tailscale on host a, and its network on an interface ts0.
tailscale_rules() {
	host_sh a <<-'END'
	for f in -4 -6; do
		ip $f rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
		ip $f rule add pref 5230 fwmark 0x80000/0xff0000 lookup default
		ip $f rule add pref 5250 fwmark 0x80000/0xff0000 unreachable
		ip $f rule add pref 5270 lookup 52
	done
	ip link add ts0 type dummy 2> /dev/null || ip link add ts0 type bridge
	ip address add 100.64.0.1/32 dev ts0
	ip link set ts0 up
	ip route add 100.64.0.0/10 dev ts0 table 52
	ip -6 route add fd7a:115c:a1e0::/48 dev ts0 table 52
	END
}

# quick_state: prints all state of host a that a tunnel could change or leave behind, for comparisons. Starts few programs,
# as it runs thousands of times.
quick_state() {
	host_sh a <<-'END'
	shopt -s globstar dotglob nullglob
	{
		printf '%s\n' "link show" "address show" | ip -o -batch -
		for family in 4 6; do printf '%s\n' "route show table all" "rule show" | ip -$family -batch -; done
	} | awk '/^[0-9]+:\t/ { printf "rule %03d %s\n", ++n, $0; next } # keeps their order
		{ sub(/^[0-9]+: /, ""); sub(/ tentative/, ""); sub(/valid_lft.*/, ""); print }' | sort
	echo "# nft"; nft list ruleset 2>/dev/null || true
	echo "# sysctl"; echo "$(< /proc/sys/net/ipv4/conf/all/src_valid_mark)"
	echo "# resolv.conf"; stat -c '%a %u %g' /etc/resolv.conf
	IFS= read -r -d '' text < /etc/resolv.conf || printf %s "$text"
	echo "# files"
	for file in /run/** /etc/wireguard/** /etc/resolv.conf*; do
		case $file in /run/wireguard | /run/wgsuite | /run/mount*) ;; *) echo "$file" ;; esac
	done
	echo "# processes"
	for process in /proc/[0-9]*; do
		{ read -r name < "$process/comm"; } 2> /dev/null || continue
		case $name in wireguardd | wireguard-go | wg-quick) echo "$name" ;; esac
	done
	END
}

# quick_settled STATE [COMMAND]: waits until COMMAND (quick_state) prints STATE, as a killed daemon may exit a moment later.
quick_settled() {
	local want=$1 command=${2-quick_state}
	quick_same() { [ "$($command)" = "$want" ]; }
	eventually 5 quick_same && return
	diff <(echo "$want") <($command) >&2
	return 1
}

# kill_daemon NAME: the daemon of a tunnel is killed, and its interface with it. Its sockets are closed after its command line and its
# interface are gone, but before its PID.
kill_daemon() {
	local pid
	pid=$(on a pgrep -fx "wireguardd $1")
	on a kill -KILL "$pid"
	eventually 5 not on a kill -0 "$pid"
	eventually 5 on a test ! -e "/sys/class/net/$1"
}

# quick_expire: lets the time of the change that awaits confirmation run out now.
quick_expire() {
	on a sh -c 'f=$(echo /run/wgsuite/*.confirm); sed -n 2p "$f" | grep -q deadline &&
		printf "wgsuite-confirm 1\ndeadline 00000000000000000001" | dd of="$f" conv=notrunc status=none'
}

# ---- the keys that only this wg-quick knows ----

# keys_file [changed]: a tunnel file of host a with most of them, its drop-in, and the file of a preshared key. The private key is
# made by the first `up`. changed: with another value of each that reload can change.
keys_file() {
	local edit=
	[ -z "${1-}" ] || edit='s/^RouteMetric.*/RouteMetric = 78/; s/^ExcludeIPs.*/ExcludeIPs = 10.8.5.0\/24/; s/^Routes.*/Routes = 10.8.0.0\/16, 10.9.1.0\/24/
		s/^KillSwitch.*/KillSwitch = lan/; /^Disabled/d'
	on a sh -c "umask 077; mkdir -p /run/keys /etc/wireguard/wg0.conf.d; echo $QUICK_KEY > /run/keys/psk
		printf '[Interface]\nMTU = 1390\n[Peer]\nPublicKey = $QUICK_PEER\nPersistentKeepalive = 5\n' > /etc/wireguard/wg0.conf.d/10.conf"
	sed "$edit" <<-END | tunnel a wg0
	[Interface]
	PrivateKeyFile = create:/run/keys/%i.key
	Address = 10.7.0.1/24, fd07::1/64
	RouteMetric = 77
	ExcludeIPs = 10.8.3.0/24
	KillSwitch = ${KILL_SWITCH-on}
	[Peer]
	PublicKey = $QUICK_PEER
	PresharedKeyFile = /run/keys/psk
	AllowedIPs = 10.8.0.0/16, 10.9.0.0/16, fd08::/48
	Routes = 10.8.0.0/16, fd08::/48
	Endpoint = 192.168.5.254:5801
	[Peer]
	PublicKey = KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=
	AllowedIPs = 10.11.0.0/16
	Disabled = yes
	END
}

# keys_drop: the private key was made completely, or not at all; deletes it.
keys_drop() {
	on a sh -c 'cd /run/keys && { [ ! -e wg0.key ] || { [ "$(stat -c "%a %s" wg0.key)" = "600 45" ] && wg pubkey < wg0.key > /dev/null; }; } &&
		rm -f wg0.key'
}

# ---- fault injection ----

# faults_build: makes the programs, for setup_file.
faults_build() {
	sh "$NET_LIB/faults.sh" "$WGSUITE_BUILD"
	FAULTS=$WGSUITE_BUILD/faults                                   # has a wg-quick whose steps fail on demand
	SYSCALL_FAULTS=$WGSUITE_BUILD/tests/syscalls/syscall_faults # lets system calls fail
	export FAULTS SYSCALL_FAULTS
}

# faults_setup: creates the hosts of quick_host, for setup.
faults_setup() {
	net_begin
	quick_host
}

# faults_count VERB AT-LEAST: runs `wg-quick VERB wg0` (the verb with its options) and sets $steps to the number of its steps, which are netlink
# messages, programs and files.
faults_count() {
	rm -f "$NET_DIR/steps" # not in the state: a process that waits for the confirmation may still write to it
	on a env WG_QUICK_FAULT_LOG="$NET_DIR/steps" "$FAULTS/wg-quick" $1 wg0 2> /dev/null
	steps=$(wc -l < "$NET_DIR/steps")
	[ "$steps" -ge "$2" ] # otherwise built without faults
}

# faults_run VERB STEP [SIGNAL]: runs `wg-quick VERB wg0` with a failure, or this signal, at a step. Sets $rc; the output is
# in $NET_DIR/output. A failure without a signal must be reported.
faults_run() {
	rc=0
	on a env WG_QUICK_FAULT="$2" WG_QUICK_FAULT_SIGNAL="${3-}" "$FAULTS/wg-quick" $1 wg0 > "$NET_DIR/output" 2>&1 || rc=$?
	[ "$rc" -eq 0 ] || [ -n "${3-}" ] || grep -qE '^wg-quick: |: error: ' "$NET_DIR/output" || faults_report "step $2: no message"
}

# faults_report WORD…: prints the words and the output, for a test that fails.
faults_report() {
	echo "$*, exit $rc" >&2
	cat "$NET_DIR/output" >&2
	return 1
}
