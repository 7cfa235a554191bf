# The Ansible role in contrib/ansible: a fleet of test hosts that Ansible reaches through their namespaces.
load ../lib/netns
load ../lib/hosts

ANSIBLE_FILES=$(realpath "$NET_LIB/../../contrib/ansible")

setup() {
	command -v ansible-playbook > /dev/null || skip "ansible is not installed"
	net_begin
}
teardown() {
	[ -z "${NET_OUTER[h02]-}" ] || [ ! -e "$NET_DIR/h02.root" ] || stop_machine h02
	net_end
}

# fleet N [machine]: a LAN with hosts h01 to hN, of which h01 is the hub; h02 may be a machine under systemd.
fleet() {
	local n name
	HOSTS=$(seq -f 'h%02.0f' "$1")
	lan net
	for name in $HOSTS; do
		if [ "${2-}-$name" = machine-h02 ]; then boot_machine $name; else host $name; fi
	done
	for name in $HOSTS; do
		n=$((10#${name#h}))
		plug net "$name" eth0 "192.0.2.$n/24"
		on "$name" sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter'
	done
	router h01
	mkdir "$NET_DIR/home"
	cp "$ANSIBLE_FILES/site.yml" "$NET_DIR/site.yml"
}

# inventory hub|mesh [LINE…]: the hosts, with more lines of YAML for the host h01, and whether all have endpoints.
inventory() {
	local kind=$1 name n
	shift
	{
		echo "wireguard:"
		echo "  vars:"
		echo "    ansible_connection: netns"
		echo "    ansible_python_interpreter: /usr/bin/python3"
		echo "    netns_log: $NET_DIR/connections"
		[ "$kind" = mesh ] || echo "    wgsuite_hub: h01"
		echo "  hosts:"
		for name in $HOSTS; do
			n=$((10#${name#h}))
			echo "    $name:"
			echo "      netns_pid: '${NET_PID[$name]}'"
			echo "      wgsuite_address: [10.8.0.$n/24]"
			[ "$kind-$name" != mesh-$name ] && [ "$name" != h01 ] || echo "      wgsuite_endpoint: 192.0.2.$n"
			[ "$name" != h01 ] || for line; do echo "      $line"; done
		done
	} > "$NET_DIR/inventory.yml"
}

# play [OPTION…]: runs the playbook.
play() {
	(cd "$NET_DIR" && HOME=$NET_DIR/home PATH=$NET_PATH LC_ALL=C.UTF-8 ANSIBLE_ROLES_PATH=$ANSIBLE_FILES/roles ANSIBLE_CONNECTION_PLUGINS=$NET_LIB/ansible \
		ANSIBLE_PIPELINING=True ANSIBLE_NOCOLOR=1 ANSIBLE_RETRY_FILES_ENABLED=False ANSIBLE_FORKS=${FORKS:-4} \
		ansible-playbook -i inventory.yml site.yml "$@" 3>&- 4>&-)
}

# recap COUNTER: the sum over all hosts of the last run, such as of changed.
recap() { grep -o "$1=[0-9]*" <<< "$output" | awk -F= '{ n += $2 } END { print n + 0 }'; }

# converges OPTION…: a run succeeds.
converges() {
	run play "$@"
	echo "$output"
	[ "$status" = 0 ]
}

addresses() { for name in $HOSTS; do echo "10.8.0.$((10#${name#h}))"; done; }

# all_reach HOST…: each of these hosts reaches all others.
all_reach() {
	local name
	for name; do on "$name" fping -t 3000 $(addresses); done
}

# start_pings HOST ADDRESS: 100 a second. none_lost: since then.
start_pings() {
	on_bg "$1" ping -n -i 0.01 "$2"
	PINGING+=("$1") PINGS+=("$BG_LOG")
	eventually 10 grep -q icmp_seq "$BG_LOG"
}
none_lost() {
	local i
	for i in ${!PINGS[@]}; do
		pings_end "${PINGING[i]}" "${PINGS[i]}" || fail "lost:" "$(grep -o 'icmp_seq=[0-9]*' "${PINGS[i]}" | awk -F= '$2 != last + 1 { print last " to " $2 } { last = $2 }')" "$(tail -3 "${PINGS[i]}")"
	done
}

public_keys() { for name in $HOSTS; do on "$name" wg show wg0 public-key; done | sort; }
preshared_keys() { for name in $HOSTS; do on "$name" wg show wg0 preshared-keys; done | cut -f2 | sort; }
secrets() { for name in $HOSTS; do on "$name" find /etc/wireguard -name '*.key*' -exec cat {} + -o -path '*.psk/*' -exec cat {} +; done; }

# no_secret_here: neither the output nor a file of the controller has a secret of a host.
no_secret_here() {
	local key n=0
	echo "$output" > "$NET_DIR/output"
	for key in $(secrets); do
		n=$((n + 1))
		! grep -rqF -- "$key" "$NET_DIR" || fail "the controller has a secret"
	done
	[ "$n" -gt 4 ]
}

# in_order A B: the tunnel files of no host have a secret, and nothing is left over of a rotation.
nothing_left() {
	for name in $HOSTS; do
		not on "$name" grep -rqE '^(PrivateKey|PresharedKey) *=' /etc/wireguard
		[ "$(on "$name" sh -c 'ls /etc/wireguard /sys/class/net' | grep -c next)" = 0 ]
		[ -z "$(on "$name" ip rule show priority 100)$(on "$name" ip route show table 51821 2> /dev/null)" ]
		run -1 on "$name" wg-quick confirm
		[ "$(on "$name" cat /proc/sys/net/ipv4/conf/wg0/rp_filter)" = 0 ]
	done
}

# state: what a run may change on the hosts.
state() {
	local name
	for name in $HOSTS; do
		on "$name" sh -c 'find /etc/wireguard | sort; cat /etc/wireguard/*.conf; wg showconf wg0; ip address show wg0; ip route; ip rule' 2>&1
	done
}

@test "a hub: checked before anything is changed, confirmed; both kinds of keys change without a lost packet" {
	on_day 0 2
	fleet 3
	# Two hosts have the same address.
	inventory hub
	sed -i 's|10.8.0.3/24|10.8.0.2/24|' "$NET_DIR/inventory.yml"
	before=$(state)
	run -2 play --check
	echo "$output"
	[[ $output == *"10.8.0.2 is also the address in"*"[address-in-two-files]"* ]]
	[ "$(state)" = "$before" ]

	inventory hub
	converges --diff
	[[ $output == *"commands:"*"[#] ip -4 address add 10.8.0."* ]]
	[ "$(wc -l < "$NET_DIR/connections")" = 3 ]
	all_reach h02
	no_secret_here

	keys=$(public_keys) preshared=$(preshared_keys)
	start_pings h03 10.8.0.2 # through the hub
	converges --diff -e wgsuite_rotate_keys=all -e wgsuite_rotate_preshared_keys=all
	none_lost
	no_secret_here
	nothing_left
	[ -z "$(comm -12 <(echo "$keys") <(public_keys))" ]
	[ -z "$(comm -12 <(echo "$preshared") <(preshared_keys))" ]
	# The next sessions have them.
	on h02 wg-quick restart wg0
	all_reach h02
}

@test "a second run changes nothing; a host leaves" {
	on_day 5 7
	fleet 3
	inventory hub
	converges
	converges
	[ "$(recap changed)" = 0 ]
	# A host leaves, and another setting of the hub changes in the same run.
	inventory hub "wgsuite_interface_options: {MTU: 1300}"
	sed -i '/^    h02:/a\      wgsuite_state: absent' "$NET_DIR/inventory.yml"
	converges --diff
	[[ $output == *"+MTU = 1300"*"[#] ip link set mtu 1300 dev wg0"* ]]
	[ "$(on h01 wg show wg0 allowed-ips | cut -f2)" = 10.8.0.3/32 ]
	[ "$(on h01 ls /etc/wireguard/wg0.psk)" = h03 ]
	not in_net h02 ip link show wg0
	not on h02 test -e /etc/wireguard/wg0.conf
	on h03 fping -t 3000 10.8.0.1
}

# lines_for HOST LINE…: more lines of YAML for a host.
lines_for() {
	local name=$1 line
	shift
	for line; do sed -i "/^    $name:/a\\      $line" "$NET_DIR/inventory.yml"; done
}

@test "what goes wrong: another suite, a rotation that is interrupted, a host that a change cuts off, tunnels that cannot be doubled" {
	on_day 2 7
	fleet 3
	inventory hub
	mkdir "$NET_DIR/other"
	ln -s "$WGSUITE_PEERS/wg-quick" "$NET_DIR/other/wg-quick"
	NET_PATH=$NET_DIR/other:$NET_PATH run -2 play
	echo "$output"
	[[ $output == *"this role needs wgsuite on the host"* ]]

	converges
	keys=$(public_keys)
	# Mistakes are found before preshared keys are replaced.
	before=$(secrets | sort)
	sed -i 's|10.8.0.3/24|10.8.0.2/24|' "$NET_DIR/inventory.yml"
	run -2 play -e wgsuite_rotate_preshared_keys=all
	[[ $output == *"[address-in-two-files]"* ]]
	[ "$(secrets | sort)" = "$before" ]
	inventory hub
	# Packets to the port of the tunnel are lost while its keys are replaced: traffic takes the second tunnel until the rotation is complete.
	on h01 nft -f - <<< 'table inet cut { chain in { type filter hook input priority 0; udp dport 51820 drop; }; }'
	run -2 play -e wgsuite_rotate_keys=all -e wgsuite_rotation_timeout=2
	echo "$output"
	[[ $output == *"wg0: no handshake within 2 seconds with h0"* ]]
	all_reach h02
	on h01 nft delete table inet cut
	start_pings h02 10.8.0.3
	converges
	[[ $output == *"a rotation of keys was begun and is not complete"* ]]
	converges -e wgsuite_rotate_keys=h01
	none_lost
	nothing_left
	[ -z "$(comm -12 <(echo "$keys") <(public_keys))" ]
	all_reach h02

	# h03 cannot be reached through a new connection after the change.
	inventory hub
	lines_for h03 "wgsuite_interface_options: {MTU: 1300}" "netns_cut: $NET_DIR/cut"
	: > "$NET_DIR/cut"
	before=$(on h03 wg showconf wg0)
	run -4 play -e wgsuite_confirm=1
	echo "$output"
	restored() { [ "$(on h03 cat /sys/class/net/wg0/mtu)" = 1420 ] && not on h03 pgrep -x wg-quick; }
	eventually 10 restored
	[ "$(on h03 wg showconf wg0)" = "$before" ]
	rm "$NET_DIR/cut.closed"
	converges
	[ "$(on h03 cat /sys/class/net/wg0/mtu)" = 1300 ]

	# All traffic goes through the hub.
	inventory hub "wgsuite_hub_routes: [0.0.0.0/0, '::/0']"
	converges
	run -2 play -e wgsuite_rotate_keys=all
	[[ $output == *"cannot rotate keys without the loss of packets"* ]]
	keys=$(public_keys)
	converges -e wgsuite_rotate_keys=all -e wgsuite_rotation_detour=false
	nothing_left
	[ -z "$(comm -12 <(echo "$keys") <(public_keys))" ]
	all_reach h03
}

# With WGSUITE_COMPLETE=yes of 12 hosts, which take four minutes of CPU time.
@test "a full mesh: both kinds of keys of some hosts change without a lost packet; check mode changes nothing; a host cannot be reached" {
	on_day 1 7
	local n=5 last
	[ "${WGSUITE_COMPLETE-}" != yes ] || n=12
	last=$(printf h%02d $n)
	fleet $n
	inventory mesh
	sed -i "s|10.8.0.$n/24|10.8.0.2/24|" "$NET_DIR/inventory.yml"
	run -2 play
	echo "$output"
	[[ $output == *"10.8.0.2 is also the address in"*"[address-in-two-files]"* ]]
	for name in $HOSTS; do not on "$name" test -e /etc/wireguard/wg0.conf; done

	inventory mesh
	converges
	all_reach h01 h04 $last
	no_secret_here
	converges
	[ "$(recap changed)" = 0 ]

	keys=$(public_keys) preshared=$(preshared_keys)
	start_pings h01 10.8.0.$n
	start_pings h02 10.8.0.3
	start_pings $(printf h%02d $((n - 2))) 10.8.0.$((n - 1))
	converges -e wgsuite_rotate_keys=h02,h03,$(printf h%02d $((n - 1))) -e wgsuite_rotate_preshared_keys=h02
	none_lost
	nothing_left
	no_secret_here
	[ "$(comm -12 <(echo "$keys") <(public_keys) | wc -l)" = $((n - 3)) ]
	[ "$(comm -12 <(echo "$preshared") <(preshared_keys) | wc -l)" = $((n * (n - 1) - 2 * (n - 1))) ]
	for name in $HOSTS; do on $name wg-quick restart wg0; done
	all_reach $HOSTS

	# What would be changed, with nothing changed.
	inventory mesh "wgsuite_interface_options: {MTU: 1300}"
	sed -i '/^    h02:/a\      wgsuite_state: absent' "$NET_DIR/inventory.yml"
	before=$(state)
	converges --check --diff
	[[ $output == *"+MTU = 1300"*"[#] wg set wg0 peer"*remove*"[#] ip link set mtu 1300 dev wg0"* ]]
	[ "$(state)" = "$before" ]

	# The last one cannot be reached, but stays a peer; keys are not rotated without it.
	lines_for $last "netns_cut: $NET_DIR/cut"
	: > "$NET_DIR/cut.closed"
	run -4 play
	echo "$output"
	[ "$(on h01 wg show wg0 peers | wc -l)" = $((n - 2)) ]
	HOSTS=${HOSTS/h02/}
	keys=$(public_keys)
	run -2 play -e wgsuite_rotate_keys=h03
	echo "$output"
	[[ $output == *"no connection to "$last": these hosts would lose their tunnels"* ]]
	all_reach h01
	[ "$(comm -12 <(echo "$keys") <(public_keys) | wc -l)" = $((n - 1)) ]
}

@test "under systemd the unit has the tunnel, which is confirmed and rolled back as elsewhere" {
	on_day 3 7
	needs_root
	[ -x "$NET_SYSTEM/usr/bin/python3" ] || skip "the machine has no Python"
	fleet 2 machine
	inventory hub
	lines_for h02 "netns_cut: $NET_DIR/cut"
	# The first start is not confirmed.
	: > "$NET_DIR/cut"
	run -4 play -e wgsuite_confirm=2
	echo "$output"
	eventually 15 not in_net h02 ip link show wg0
	rm "$NET_DIR/cut.closed"
	converges
	on h02 ping -n -c 1 -w 10 10.8.0.1
	[ "$(on h02 systemctl is-active wg-quick@wg0)-$(on h02 systemctl is-enabled wg-quick@wg0)" = active-enabled ]
	[[ $(on h02 systemctl show -p ExecStart wg-quick@wg0) != *--confirm* ]]
	converges
	[ "$(recap changed)" = 0 ]
	lines_for h02 "wgsuite_interface_options: {MTU: 1300}"
	converges
	[ "$(on h02 cat /sys/class/net/wg0/mtu)" = 1300 ]
	converges -e wgsuite_rotate_keys=all
	nothing_left
	# Also a tunnel that is down at the time does not come back at boot.
	on h02 systemctl stop wg-quick@wg0
	lines_for h02 "wgsuite_state: absent" "wgsuite_purge: true"
	converges
	run -3 on h02 systemctl is-active wg-quick@wg0
	run -1 on h02 systemctl is-enabled wg-quick@wg0
	not in_net h02 ip link show wg0
	[ -z "$(on h02 ls /etc/wireguard)" ]
}

@test "a hub with 1,000 peers in one run" {
	on_day 4 7
	fleet 2
	inventory hub
	mkdir "$NET_DIR/host_vars"
	python3 - > "$NET_DIR/host_vars/h01.yml" <<-'END'
	import base64, os
	print("wgsuite_external_peers:")
	for n in range(1000):
	    key = base64.b64encode(os.urandom(32)).decode()
	    print(f"  - {{name: phone{n}, public_key: {key}, allowed_ips: 10.8.{4 + n // 250}.{n % 250 + 1}/32}}")
	END
	converges
	[ "$(on h01 wg show wg0 peers | wc -l)" = 1001 ]
	on h02 fping -t 3000 10.8.0.1
	converges
	[ "$(recap changed)" = 0 ]
}
