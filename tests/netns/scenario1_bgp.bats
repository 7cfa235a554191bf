# Four route-based VPNs with BGP: host v has an interface to each of the sites a1 to a4, moved to its namespace `private`,
# where BIRD learns the networks of the sites. IPv4 uses IPv6 next hops.
#
#   v public  2001:db8:1::1 ---- ISP ---- 2001:db8:2::N aN            (sockets: 5803…, 5801)
#   v private 2001:db8:ff::/127, ::2, ::4, ::6 == ::1, ::3, ::5, ::7 aN  lo 2001:db8:aN::1, 10.N.0.1; c1 behind a1
load ../lib/netns
load ../lib/hosts

setup() {
	needs_hosts
	net_begin
	host isp v a1 a2 a3 a4 c1
	router isp a1 a2 a3 a4
	wire isp v0 2001:db8:1::2/64 v eth0 2001:db8:1::1/64
	route v default via 2001:db8:1::2
	overlay_packages v
	on v ip netns add private
	in_private ip link set lo up
	in_private sh -c 'for at in all default; do echo 0 > /proc/sys/net/ipv6/conf/$at/accept_dad
		echo 1 > /proc/sys/net/ipv6/conf/$at/forwarding; done; echo 1 > /proc/sys/net/ipv4/ip_forward'
	V=$(published_key)
	for n in 1 2 3 4; do add_site $n; done
}

teardown() { net_end; }

in_private() { on v ip netns exec private "$@"; }

# The key of host V3 in the published setup.
published_key() { echo oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=; }

# add_site N: sets up host aN and the tunnel between it and v, with wireguardd, wg and ip only; sites 3 and 4 with wg-quick and the
# tunnel file of contrib/bird, in which Routes = off or Table = off.
add_site() {
	local n=$1 ours=$((($1 - 1) * 2)) key
	wire isp "a$n" "2001:db8:2:$n::2/64" "a$n" eth0 "2001:db8:2:$n::1/64"
	route "a$n" default via "2001:db8:2:$n::2"
	overlay_packages "a$n"
	if [ $n = 1 ]; then
		wire a1 lan0 "2001:db8:a1::1/64 10.1.0.1/24" c1 eth0 "2001:db8:a1::100/64 10.1.0.100/24"
		route c1 default via 2001:db8:a1::1
		route c1 default via 10.1.0.1
	else
		in_net "a$n" ip address add "2001:db8:a$n::1/64" dev lo nodad
		in_net "a$n" ip address add "10.$n.0.1/24" dev lo
	fi
	key=$(on "a$n" wg genkey)
	printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n\n[Peer]\nPublicKey = %s\nEndPoint = [%s]:%s\nAllowedIPs = 0.0.0.0/0,::/0\n' \
		"$V" $((5802 + n)) "$(on "a$n" wg pubkey <<< "$key")" "2001:db8:2:$n::1" 5801 | tunnel v "wg$n"
	printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n\n[Peer]\nPublicKey = %s\nEndPoint = [%s]:%s\nAllowedIPs = 0.0.0.0/0,::/0\n' \
		"$key" 5801 "$(on v wg pubkey <<< "$V")" 2001:db8:1::1 $((5802 + n)) | tunnel "a$n" wg0
	routes=$(in_net v ip -6 route show table all)
	on v wireguardd "wg$n"
	on v wg setconf "wg$n" "/etc/wireguard/wg$n.conf"
	[ "$(in_net v ip -6 route show table all)" = "$routes" ] # wg does not change routes
	on v ip link set netns private dev "wg$n"
	in_private ip address add "2001:db8:ff::$ours/127" dev "wg$n"
	in_private ip link set "wg$n" up
	[ $n -lt 3 ] || { add_site_quick $n; return; }
	on "a$n" wireguardd wg0
	on "a$n" wg setconf wg0 /etc/wireguard/wg0.conf
	in_net "a$n" ip address add "2001:db8:ff::$((ours + 1))/127" dev wg0
	in_net "a$n" ip link set wg0 up
}

add_site_quick() {
	local n=$1
	on "a$n" sh -c "umask 077; sed -n 's/^PrivateKey = //p' /etc/wireguard/wg0.conf > /etc/wireguard/wg0.key"
	sed "s|2001:db8:ff::1/|2001:db8:ff::$((n * 2 - 1))/|; s/5803/$((5802 + n))/; s/^Address/ListenPort = 5801\n&/" \
		"$NET_LIB/../../contrib/bird/site.conf" | tunnel "a$n" wg0
	[ $n = 3 ] || on "a$n" sed -i '/^Routes/d; s/^Address/Table = off\n&/' /etc/wireguard/wg0.conf
	run -0 on "a$n" wg-quick check --strict /etc/wireguard/wg0.conf
	on "a$n" wg-quick up wg0
	[ -z "$(in_net "a$n" ip -4 route show table all dev wg0)$(in_net "a$n" ip rule | grep 518)" ]
}

# bird_files HOST ID: the files of contrib/bird; those of this host's networks and neighbours are on standard input.
bird_files() {
	on "$1" install -D "$NET_LIB/../../contrib/bird/bird.conf" /etc/bird/bird.conf
	sed "s/^define LOCAL_ID = .*/define LOCAL_ID = 192.0.2.$2;/" "$NET_LIB/../../contrib/bird/local.conf" | on "$1" tee /etc/bird/local.conf
	on "$1" tee /etc/bird/neighbours.conf
	on "$1" mkdir -p /run/bird
}

start_bird() {
	local n
	for n in 1 2 3 4; do
		echo "protocol bgp a$n from tunnel_to_site { neighbor 2001:db8:ff::$((n * 2 - 1)) as LOCAL_AS; }"
	done | bird_files v 100
	on_bg v ip netns exec private bird -f -c /etc/bird/bird.conf -s /run/bird/bird.ctl
	for n in 1 2 3 4; do
		{
			sed "s/2001:db8:a1::/2001:db8:a$n::/; s/10.1.0.0/10.$n.0.0/; s/2001:db8:ff::/2001:db8:ff::$((n * 2 - 2))/" \
				"$NET_LIB/../../contrib/bird/neighbours.conf"
			# Sites 3 and 4 share a network, reachable through both.
			[ $n -lt 3 ] || echo 'protocol static { ipv6; route 2001:db8:aa::/64 blackhole; }'
		} | bird_files "a$n" "$n"
		on_bg "a$n" bird -f -c /etc/bird/bird.conf -s /run/bird/bird.ctl
	done
}

established() { [ "$(on v birdc -s /run/bird/bird.ctl show protocols | grep -c 'BGP.*Established')" = 4 ]; }
# has_route HOST -4|-6 PREFIX: BIRD has added this route.
has_route() { [[ $(in_net "$1" ip "$2" route show proto bird "$3") == *" via "* ]]; }

@test "four interfaces moved to another namespace work; their sockets stay, and are open while the link is up" {
	run -0 in_private fping -t 3000 2001:db8:ff::1 2001:db8:ff::3 2001:db8:ff::5 2001:db8:ff::7
	echo "$output"
	[ "$(grep -c 'is alive' <<< "$output")" = 4 ]
	ports=$(in_net v ss -Huln | grep -oE ':580[0-9] ' | sort -u | xargs)
	[ "$ports" = ":5803 :5804 :5805 :5806" ]
	[ -z "$(in_private ss -Huln)" ]
	# Packets on the interface are plaintext, without a link-layer header.
	on_bg v ip netns exec private tcpdump -pni wg1 --immediate-mode -l -c 2 icmp6
	eventually 10 grep -q 'link-type RAW (Raw IP)' "$BG_LOG"
	in_private ping -n -c 1 2001:db8:ff::1
	eventually 10 grep -q 'echo reply' "$BG_LOG"
	# Setting the link down there closes only its socket here; setting it up opens it again.
	in_private ip link set wg1 down
	closed() { [ "$(in_net v ss -Huln | grep -oE ':580[0-9] ' | sort -u | xargs)" = ":5804 :5805 :5806" ]; }
	eventually 10 closed
	in_private ip link set wg1 up
	in_private ip address add 2001:db8:ff::/127 dev wg1 nodad || true
	opened() { [ "$(in_net v ss -Huln | grep -oE ':580[0-9] ' | sort -u | xargs)" = "$ports" ]; }
	eventually 10 opened
	eventually 10 in_private ping -n -c 1 -W 1 2001:db8:ff::1
	# wg in the original namespace still shows the interface.
	run -0 on v wg show wg1
	[[ $output == *"public key: hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="*"listening port: 5803"*"endpoint: [2001:db8:2:1::1]:5801"*"allowed ips: 0.0.0.0/0, ::/0"* ]]
}

@test "BGP sessions over the tunnels: routes learned, IPv4 with IPv6 next hops, multipath" {
	start_bird
	eventually 30 established || { cat "$NET_DIR"/bg.*; on v birdc -s /run/bird/bird.ctl show protocols all; false; }
	eventually 20 has_route a1 -6 2001:db8:a2::/64
	eventually 20 has_route a2 -6 2001:db8:a1::/64
	eventually 20 has_route a1 -4 10.2.0.0/24
	eventually 20 has_route a2 -4 10.1.0.0/24
	[[ $(in_private ip -6 route show proto bird 2001:db8:a2::/64) == *"via 2001:db8:ff::3 dev wg2"* ]]
	[[ $(in_private ip -4 route show proto bird 10.2.0.0/24) == *"via inet6 2001:db8:ff::3 dev wg2"* ]]
	both_hops() {
		local hops
		hops=$(in_private ip -6 route show proto bird 2001:db8:aa::/64)
		[[ $hops == *"via 2001:db8:ff::5 dev wg3"* && $hops == *"via 2001:db8:ff::7 dev wg4"* ]]
	}
	eventually 20 both_hops
	# From a host behind one site to another site: the replies were forwarded twice.
	for address in 2001:db8:a2::1 10.2.0.1; do
		run -0 pings c1 $address
		echo "$output"
		[ "$(grep -c 'ttl=62 ' <<< "$output")" = "$(grep -c 'ttl=' <<< "$output")" ]
	done
}
