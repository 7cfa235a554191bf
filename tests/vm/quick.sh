#!/bin/bash
# quick.sh: tests of our wg-quick with the kernel's WireGuard: up, down, reload, save, failures, and tunnels of Debian's
# wg-quick. Runs inside the test machine (scripts.sh); TAP on stdout.
set -u
umask 077
cd /tmp || exit 1
. /tap.bash
KEY=oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=
OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=
FULL="Address = 10.7.0.1/24, fd07::1/64"

# ---- two hosts: this one, and its default gateway in the namespace gw ----

gw() { ip netns exec gw "$@"; }
ip netns add gw
ip link add eth0 type veth peer name eth0 netns gw
ip address add 192.168.5.1/24 dev eth0
ip address add 2001:db8:5::1/64 dev eth0 nodad
gw ip address add 192.168.5.254/24 dev eth0
gw ip address add 2001:db8:5::fe/64 dev eth0 nodad
gw ip address add 198.51.100.1/32 dev lo
gw ip address add 2001:db8:77::1/128 dev lo
gw ip link set lo up
gw ip link set eth0 up
ip link set eth0 up
ip route add default via 192.168.5.254
ip -6 route add default via 2001:db8:5::fe
while ip -6 address show tentative | grep -q inet6 || gw ip -6 address show tentative | grep -q inet6; do sleep 0.1; done

private=$(wg genkey)
PEER=$(wg pubkey <<< "$private")
cat > /etc/wireguard/wgb.conf <<X
[Interface]
PrivateKey = $private
ListenPort = 5801
Address = 10.7.0.2/24, fd07::2/64
[Peer]
PublicKey = $(wg pubkey <<< "$KEY")
AllowedIPs = 10.7.0.1/32, fd07::1/128
X
file() { # file NAME INTERFACE-LINES ALLOWED-IPS [MORE]
	printf '[Interface]\nPrivateKey = %s\n%s\n[Peer]\nPublicKey = %s\nAllowedIPs = %s\nEndpoint = 192.168.5.254:5801\n%s\n' \
		"$KEY" "$2" "$PEER" "$3" "${4-}" > "/etc/wireguard/$1.conf"
}
daemons() {
	local comm name n=0
	for comm in /proc/[0-9]*/comm; do
		read -r name 2> /dev/null < "$comm" || continue
		[[ $name != wireguardd && $name != wireguard-go ]] || n=$((n + 1))
	done
	echo "$n"
}
# All state that a tunnel could change or leave behind. Uses few programs, as starting one is slow in this machine.
state() {
	{
		printf '%s\n' "link show" "address show" "route show table all" "rule show" | ip -o -4 -batch -
		printf '%s\n' "address show" "route show table all" "rule show" | ip -o -6 -batch -
		nft list ruleset
		find /run /etc/wireguard ! -path /run/wireguard ! -path /run/wgsuite ! -path '/run/mount*' | sort
	} | sed 's/^[0-9]*: \([a-z]\)/\1/; s/valid_lft.*//'
	echo "$(< /proc/sys/net/ipv4/conf/all/src_valid_mark)"
	echo "$(< /etc/resolv.conf)"
	echo "$(daemons) daemons"
}
mark() { echo "# $SECONDS s: $1"; }
quick() { wg-quick "$@" > said 2>&1; }
kind() { ip -d link show "$1" | grep -oE ' (wireguard|tun) ' | sort -u | xargs; }

mark "a tunnel with routes"
file wg0 "$FULL" "10.7.0.2/32, 10.8.0.0/16, fd08::/64" "# Name = office"
clean=$(state)
wg-quick up wg0 > said 2>&1
same "up prints its commands" "[#] ip link add dev wg0 type wireguard
[#] wg addconf wg0 /dev/fd/63
[#] ip -4 address add 10.7.0.1/24 dev wg0
[#] ip -6 address add fd07::1/64 dev wg0
[#] ip link set mtu 1420 up dev wg0
[#] ip -6 route add fd08::/64 dev wg0
[#] ip -4 route add 10.8.0.0/16 dev wg0" "$(cat said)"
same "the interface is the kernel's" wireguard "$(kind wg0)"
same "up starts no daemon" "0 no socket" "$(daemons) $([ -e /run/wireguard ] && echo socket || echo no socket)"
same "up adds the routes" "10.8.0.0/16 scope link " "$(ip -4 route show dev wg0 proto boot)"
fails "up fails if the interface exists" "wg-quick: \`wg0' already exists" wg-quick up wg0
works "diff is empty" wg-quick diff wg0
works "reload without changes succeeds" wg-quick reload wg0
fails "reload fails without a tunnel file" "wg-quick: \`/etc/wireguard/office.conf' does not exist" wg-quick reload office
same "wg shows the names in the tunnel file" "$PEER	office" "$(wg show wg0 names)"
ip link set wg0 down
ip link set wg0 name renamed
same "names follow a renamed interface" "$PEER	office" "$(wg show renamed names)"
same "@NAME selects a peer of a renamed interface" "$PEER" "$(wg show renamed peers @office)"
ip link set renamed name wg0
wg-quick down wg0 > said 2>&1
same "down prints its commands" "[#] ip link delete dev wg0" "$(cat said)"
same "down leaves nothing behind" "$clean" "$(state)"
fails "down fails if the interface does not exist" "wg-quick: \`wg0' is not a WireGuard interface" wg-quick down wg0

mark "default routes"
ip netns exec gw wg-quick up wgb > said 2>&1
same "up works in another namespace" "wireguard" "$(gw ip -d link show wgb | grep -oE ' (wireguard|tun) ' | xargs)"
file wg0 "$FULL" "0.0.0.0/0, ::/0"
clean=$(state)
quick up wg0
same "a full tunnel sets the firewall mark" 0xca6c "$(wg show wg0 fwmark)"
same "a full tunnel adds the rules of IPv4" "$(printf '%s\n' $'0:\tfrom all lookup local' $'32764:\tfrom all lookup main suppress_prefixlength 0' \
	$'32765:\tnot from all fwmark 0xca6c lookup 51820' $'32766:\tfrom all lookup main' $'32767:\tfrom all lookup default')" \
	"$(ip -4 rule)"
same "a full tunnel adds the rules of IPv6" 2 "$(ip -6 rule | grep -cE 'suppress_prefixlength 0|fwmark 0xca6c')"
same "packets of a full tunnel take the expected interface" "wg0 wg0 eth0 eth0 eth0" "$(for words in 8.8.8.8 "2001:db8:9::1" "8.8.8.8 mark 51820" \
	"2001:db8:9::1 mark 51820" 192.168.5.7; do
	# shellcheck disable=SC2086
	ip route get $words | grep -oE 'dev (wg0|eth0)' | cut -d' ' -f2; done | xargs)"
same "a full tunnel adds the firewall tables" "1 1 1" "$(nft list table ip wg-quick-wg0 | grep -c 'iifname != "wg0" ip daddr 10.7.0.1 fib saddr type != local drop') \
$(nft list table ip6 wg-quick-wg0 | grep -c 'ip6 daddr fd07::1') $(cat /proc/sys/net/ipv4/conf/all/src_valid_mark)"
works "ping reaches the peer over IPv4" sh -c 'ping -c 2 -W 20 10.7.0.2 > /dev/null'
works "ping reaches the peer over IPv6" sh -c 'ping -c 2 -W 20 fd07::2 > /dev/null'
works "ping reaches addresses that only the default routes cover" sh -c 'ping -c 2 -W 20 198.51.100.1 > /dev/null; ping -c 1 -W 20 2001:db8:77::1 > /dev/null'
same "the packets were sent by the tunnel" yes "$([ "$(wg show wg0 transfer | cut -f2)" -gt 1000 ] && echo yes)"

mark "ping, watch, status and doctor"
for i in 1 2 3 4 5; do # a reply that takes longer than a second is none
	answered=$(wg ping wg0 "$PEER" -c 2 -a 10.7.0.2 | grep -oE '^[0-9]+ sent, [0-9]+ replies')
	[ "$answered" != "2 sent, 2 replies" ] || break
done
same "wg ping is answered through the kernel's tunnel" "2 sent, 2 replies" "$answered"
gw sh -c 'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all'
for i in 1 2 3; do # after twelve seconds the answer would be too late
	wg ping wg0 "$PEER" -c 1 -a 10.7.0.2 > said 2>&1
	code=$?
	[ "$code" != 0 ] || break
done
same "wg ping tells a peer that answers from its filter" "0 1" "$code $(grep -c 'the peer answered, but nothing inside the tunnel did' said)"
gw sh -c 'echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all'
same "wg watch prints the kernel's peers" 1 "$(wg watch wg0 0.1 json | head -n 1 | grep -cF "\"$PEER\":{\"endpoint\":\"192.168.5.254:5801\",\"latestHandshake\":")"
same "status names the kernel" 1 "$(wg-quick status wg0 | grep -c 'backend: .*kernel')"
for i in 1 2 3; do # an answer may come too late
	wg-quick doctor wg0 > said 2>&1
	grep -q FAIL said || break
done
same "doctor finds no failure" "" "$(grep FAIL said)"

mark "reload"
works "reload without changes is silent" wg-quick reload wg0
# On a slow machine a handshake is sent again before the response to the first arrives. Waits for the last one.
settle() {
	for _ in 1 2 3 4 5 6; do
		handshake=$(wg show wg0 latest-handshakes)
		sleep 6
		[ "$handshake" != "$(wg show wg0 latest-handshakes)" ] || return
	done
}
settle
ping -n -i 0.05 -c 60 -w 40 10.7.0.2 > pings &
pinging=$!
for i in $(! runs_every_test || echo 1 2) 3; do
	file wg0 "$FULL
MTU = 1300" "0.0.0.0/0, ::/0" "[Peer]
PublicKey = $OTHER
AllowedIPs = 10.66.$i.0/24, fd66:$i::/64"
	quick reload wg0 || same "reload $i" "" "$(cat said)"
	file wg0 "$FULL, 10.77.$i.1/24" "0.0.0.0/0, ::/0"
	quick reload wg0 || same "reload $i to the first file" "" "$(cat said)"
done
file wg0 "$FULL" "0.0.0.0/0, ::/0"
works "diff prints the command that reload would run" sh -c "wg-quick diff wg0 | grep -q '^\[#\] ip -4 address delete 10.77.3.1/24 dev wg0$'"
quick reload wg0
wait $pinging
# ping ends with the 60th reply; when replies are late, it has sent more requests.
replies=$(grep -oE 'icmp_seq=[0-9]+' pings | cut -d= -f2 | sort -nu)
same "reloads lose no packet" "$(seq "$(tail -n 1 <<< "$replies")")" "$replies"
same "60 packets were answered" 60 "$(head -n 60 <<< "$replies" | wc -l)"
same "reloads keep the session" "$handshake" "$(wg show wg0 latest-handshakes)"
works "reload without changes succeeds after these" wg-quick reload wg0
# From default routes to other routes and back, in the same session.
file wg0 "$FULL" "10.7.0.0/24"
quick reload wg0
same "reload removes the default routes" "0 0 0" "$(ip -4 rule | grep -c 51820) $(ip -6 rule | grep -c 51820) $(nft list ruleset | grep -c wg-quick)"
works "ping reaches the peer without default routes" sh -c 'ping -c 1 -W 20 10.7.0.2 > /dev/null'
file wg0 "$FULL" "0.0.0.0/0, ::/0"
quick reload wg0
works "ping reaches the host behind the gateway after reload to default routes" sh -c 'ping -c 1 -W 20 198.51.100.1 > /dev/null'
same "reload to default routes keeps the session" "$handshake" "$(wg show wg0 latest-handshakes)"
wg set wg0 peer "$PEER" endpoint 192.168.5.254:9999
quick reload wg0
same "reload keeps a roamed endpoint" 192.168.5.254:9999 "$(wg show wg0 endpoints | cut -f2)"
sed -i 's/:5801/:5802/' /etc/wireguard/wg0.conf
quick reload wg0
same "reload sets an endpoint that was edited" 192.168.5.254:5802 "$(wg show wg0 endpoints | cut -f2)"
# A reload that fails right after wg is rolled back: it removes an endpoint that it added, and keeps sessions.
with_other() { # with_other ALLOWED-IPS ENDPOINT-LINE
	file wg0 "$FULL" "0.0.0.0/0, ::/0$1" "[Peer]
PublicKey = $OTHER
PresharedKey = $KEY
AllowedIPs = 10.66.0.0/16, 10.67.0.0/16
$2"
}
with_other "" ""
quick reload wg0
with_other ", 10.99.0.0/16" "Endpoint = 192.168.5.254:9"
WG_QUICK_FAULT_LOG=/tmp/steps quick-faults reload wg0 > said 2>&1
step=$(awk '$2 == "wg" { print $1 + 1 }' steps)
with_other "" ""
quick down wg0
quick up wg0
ping -c 1 -W 20 10.7.0.2 > /dev/null
settle
before=$(wg showconf wg0 | sed '/^AllowedIPs/s/[=,] /\n/g' | sort; state)
with_other ", 10.99.0.0/16" "Endpoint = 192.168.5.254:9"
WG_QUICK_FAULT=$step quick-faults reload wg0 > said 2>&1
same "a reload that fails right after wg is rolled back" "10.99.0.0/16 1 $before" \
	"$(sed -n 's/^\[#\] ip -4 route add \(.*\) dev wg0$/\1/p' said | head -n 1) $(grep -c 'the reload was rolled back' said) \
$(wg showconf wg0 | sed '/^AllowedIPs/s/[=,] /\n/g' | sort; state)"
same "a reload that is rolled back keeps the session" "$handshake" "$(wg show wg0 latest-handshakes)"
printf '[Peer]\nPublicKey = wrong\n' >> /etc/wireguard/wg0.conf
before=$(wg show wg0 dump | cut -f 1-4,8) # a keepalive may pass meanwhile
quick reload wg0
same "reload with an invalid file changes nothing" "1 $before" "$? $(wg show wg0 dump | cut -f 1-4,8)" 2> /dev/null
wg-quick down wg0 > said 2>&1
file wg0 "$FULL" "0.0.0.0/0, ::/0"
same "down with an invalid file leaves nothing behind" "$clean" "$(state)"

mark "the kill switch, and a change that is not confirmed"
quick down wg0
file wg0 "$FULL
KillSwitch = on" "10.7.0.2/32"
clean=$(state)
works "up with a kill switch" wg-quick up -q wg0
same "the kernel's interface has the mark" 0xca6c "$(wg show wg0 fwmark)"
works "its encrypted packets pass" sh -c 'ping -c 2 -W 20 10.7.0.2 > /dev/null'
same "others do not" "1 1" "$(ping -c 1 -W 2 192.168.5.254 > /dev/null 2>&1; echo $?) $(ping -c 1 -W 2 2001:db8:5::fe > /dev/null 2>&1; echo $?)"
ip link delete wg0
same "nor when the interface is gone" 1 "$(ping -c 1 -W 2 192.168.5.254 > /dev/null 2>&1; echo $?)"
works "down" wg-quick down -q wg0
works "they do after down" sh -c 'ping -c 1 -W 20 192.168.5.254 > /dev/null'
same "nothing is left of the kill switch" "$clean" "$(state)"
file wg0 "$FULL" "10.7.0.2/32"
quick up wg0
before=$(wg showconf wg0; state)
file wg0 "Address = 10.7.0.9/24
FwMark = 5" "10.9.0.0/16"
quick reload --confirm 1000 wg0
same "the change is made" 0x5 "$(wg show wg0 fwmark)"
printf 'wgsuite-confirm 1\ndeadline 00000000000000000001' 1<> "$(echo /run/wgsuite/*.confirm)" # now
for i in $(seq 600); do [ -n "$(ls /run/wgsuite | grep confirm)" ] || break; sleep 0.1; done
same "it is rolled back in time" "$before" "$(wg showconf wg0; state)"
quick down wg0

mark "tables, MTU and names"
for case in "Address = 10.7.0.1/24|0.0.0.0/0" "Address = fd07::1/64|::/0" "Table = 777|10.8.0.0/16, 0.0.0.0/0" \
	"Table = off|0.0.0.0/0" "FwMark = 0x123|0.0.0.0/0"; do
	file wg0 "${case%|*}" "${case#*|}"
	quick up wg0
	up=$?
	quick down wg0
	same "up and down with: $case" "0 0 $clean" "$up $? $(state)"
done
file wg-a.b_c15charsx "Table = auto" "10.8.0.0/16"
mv /etc/wireguard/wg-a.b_c15charsx.conf /etc/wireguard/wg-a.b_c15chars.conf
clean=$(state)
quick up wg-a.b_c15chars
same "up accepts a name of 15 characters" wireguard "$(kind wg-a.b_c15chars)"
quick down wg-a.b_c15chars
same "down of a name of 15 characters leaves nothing behind" "$clean" "$(state)"
rm /etc/wireguard/wg-a*
ip link set eth0 mtu 1400
file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
clean=$(state)
quick up wg0
same "the MTU follows from the route to the endpoint" 1320 "$(cat /sys/class/net/wg0/mtu)"
quick down wg0
ip link set eth0 mtu 1500
file wg0 "$FULL" "0.0.0.0/0, ::/0"
file wg1 "Address = 10.17.0.1/24, fd17::1/64" "0.0.0.0/0, ::/0"
clean=$(state)
quick up wg0 && quick up wg1
same "of two full tunnels the later one has the default route" "wg1 eth0 eth0" "$(for mark in 0 51820 51821; do
	ip route get 8.8.8.8 mark $mark | grep -oE 'dev (wg.|eth0)' | cut -d' ' -f2; done | xargs)"
quick down wg0
same "down of the first of two full tunnels keeps the second" "wg1 1 1" "$(ip route get 8.8.8.8 | grep -oE 'wg.') $(nft list tables ip | grep -c wg-quick-wg1) $(cat /proc/sys/net/ipv4/conf/all/src_valid_mark)"
quick down wg1
same "down of both full tunnels leaves nothing behind" "$clean" "$(state)"
rm /etc/wireguard/wg1.conf

mark "host state other than expected"
if runs_every_test; then
clean=$(state)
quick up wg0
cp /etc/wireguard/wg0.conf kept.conf
rm /etc/wireguard/wg0.conf
quick down wg0
cp kept.conf /etc/wireguard/wg0.conf
same "down without the tunnel file leaves nothing behind" "$clean" "$(state)"
quick up wg0
file wg0 "Table = off
PostDown = touch /run/of-another-file" "10.0.0.0/8"
quick down wg0
cp kept.conf /etc/wireguard/wg0.conf
same "down with another tunnel file leaves nothing behind" "$clean" "$(state)"
quick up wg0
rm -r /run/wgsuite
quick down wg0
mkdir -p /run/wgsuite
echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
same "down without the journal leaves nothing behind" "$(grep -v /run/wgsuite <<< "$clean")" "$(state | grep -v /run/wgsuite)"
quick up wg0
ip link delete wg0
quick down wg0
same "down after the interface was deleted leaves nothing behind" "$(grep -v /run/wgsuite <<< "$clean")" "$(state | grep -v /run/wgsuite)"
quick up wg0
ip link delete wg0
rm -r /run/wgsuite
quick down wg0
mkdir -p /run/wgsuite
echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
same "down after the interface was deleted, without the journal, leaves nothing behind" "$(grep -v /run/wgsuite <<< "$clean")" "$(state | grep -v /run/wgsuite)"
file wg1 "Address = 10.17.0.1/24, fd17::1/64" "0.0.0.0/0, ::/0"
clean=$(state)
quick up wg0 && quick up wg1
ip link delete wg0
rm -r /run/wgsuite
quick reload wg1
same "reload of another tunnel removes the rules" "wg1 eth0 0 4" "$(ip route get 8.8.8.8 | grep -oE 'wg.') $(ip route get 192.168.5.7 | grep -oE 'eth0') \
$({ ip -4 rule; ip -6 rule; } | grep -c 'lookup 51820') $({ ip -4 rule; ip -6 rule; } | grep -cE 'lookup 51821|suppress')"
quick down wg1
mkdir -p /run/wgsuite
echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
same "down of the other tunnel leaves nothing behind" "$(grep -v /run/wgsuite <<< "$clean")" "$(state | grep -v /run/wgsuite)"
rm /etc/wireguard/wg1.conf
ip link add wg0 type wireguard
before=$(state)
fails "up fails if the interface exists already" "wg-quick: \`wg0' already exists" wg-quick up wg0
same "up that fails leaves the interface unchanged" "$before" "$(state)"
ip link delete wg0
ip link add wg0 type dummy
fails "down fails for an interface of another kind" "wg-quick: \`wg0' is not a WireGuard interface" wg-quick down wg0
ip link delete wg0
fi

mark "save and strip"
cat > /etc/wireguard/wg0.conf <<X
#Giant
[Interface]
Address = 172.16.1.1/24
SaveConfig = true
PrivateKey = $KEY
PostUp = ip address add 10.99.0.1/32 dev %i # hook's own

#Moly
[Peer]
PublicKey = $PEER
AllowedIPs = 172.16.1.2/32
Endpoint = localhost:5555 # by name

#Raspi
[Peer]
PublicKey = $OTHER
AllowedIPs = 172.16.1.3/32
X
chmod 640 /etc/wireguard/wg0.conf
chown 0:65534 /etc/wireguard/wg0.conf
quick up wg0
wg set wg0 listen-port 5555 peer "$OTHER" allowed-ips 172.16.1.3/32,172.16.7.0/24
port=$(wg show wg0 listen-port)
quick save wg0
same "save stores the settings and keeps the rest of the file" "$port 1 1 1 640 65534" "$(sed -n 's/^ListenPort = //p' /etc/wireguard/wg0.conf) $(grep -c '^#Moly$' /etc/wireguard/wg0.conf) \
$(grep -c '^Endpoint = localhost:5555 # by name$' /etc/wireguard/wg0.conf) $(grep -c '^AllowedIPs = 172.16.1.3/32, 172.16.7.0/24$' /etc/wireguard/wg0.conf) \
$(stat -c '%a %g' /etc/wireguard/wg0.conf)"
wg set wg0 peer "$OTHER" remove
quick down wg0
same "down with SaveConfig saves" "1 0 #Giant" "$(grep -c '^\[Peer\]' /etc/wireguard/wg0.conf) $(grep -c "$OTHER" /etc/wireguard/wg0.conf) $(head -n 1 /etc/wireguard/wg0.conf)"
same "save stores no address that a hook or the kernel added" "Address = 172.16.1.1/24" "$(grep ^Address /etc/wireguard/wg0.conf)"
ip link add wgx type wireguard
works "setconf accepts the output of strip" bash -c 'wg setconf wgx <(wg-quick strip wg0)'
same "the output of strip has all settings" "$PEER 5555" "$(wg show wgx peers) $(wg show wgx listen-port)"
before=$(wg show wgx dump)
bash -c 'wg syncconf wgx <(wg-quick strip nosuch)' > said 2>&1
same "syncconf of a failed strip changes nothing" "$before" "$(wg show wgx dump)"
ip link delete wgx
wg show interfaces > /dev/null # removes the record of its endpoints

mark "hooks and privileges"
echo "$KEY" > key
file wg0 "Address = 10.7.0.1/24
PreUp = wg set %i private-key /tmp/key fwmark 7
PostUp = wg show %i fwmark > /tmp/mark
PreDown = wg show %i public-key > /tmp/public
PostDown = ip link show %i > /dev/null 2>&1 || echo gone > /tmp/gone" "10.8.0.0/16"
sed -i /^PrivateKey/d /etc/wireguard/wg0.conf
clean=$(state)
quick up wg0
quick down wg0
same "hooks can use the kernel's interface" "0x7 $(wg pubkey < key) gone" "$(cat mark public gone | xargs)"
same "down with hooks leaves nothing behind" "$clean" "$(state)"
file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
chmod 711 /home /home/nobody
install -o nobody -m 600 /etc/wireguard/wg0.conf /home/nobody/wg0.conf
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin "$@" > said 2>&1
}
as_nobody wg-quick up /home/nobody/wg0.conf
same "up works with CAP_NET_ADMIN alone" "0 wireguard" "$? $(kind wg0)"
as_nobody wg-quick down /home/nobody/wg0.conf
same "down works with CAP_NET_ADMIN alone" "0 " "$? $(ip -o link show wg0 2> /dev/null)"

mark "the printed commands"
if runs_every_test; then
for allowed in "0.0.0.0/0, ::/0, 10.9.0.0/16" "10.8.0.0/16, fd08::/64"; do
	file wg0 "$FULL
PostUp = echo done > /run/hook" "$allowed"
	clean=$(state)
	wg-quick up --dry-run wg0 | sed 's/^\[#\] //' > commands
	same "up --dry-run changes nothing: $allowed" "$clean" "$(state)"
	tunnel() { state | grep -v -e /run/ -e '^table' ; nft list ruleset | sort; wg showconf wg0 | grep -v ListenPort; cat /run/hook; }
	quick up wg0
	ours=$(tunnel)
	quick down wg0
	rm /run/hook
	bash -e commands > said 2>&1
	same "the printed commands have the same effect as up" "$ours" "$(tunnel)"
	rm -f /run/hook
	quick down wg0
	echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark
	same "down after the printed commands leaves nothing behind" "$clean" "$(state)"
done
fi

mark "simultaneous calls"
file wg0 "PostUp = echo up >> /tmp/order; read -t 1 < /tmp/fifo || true; echo done >> /tmp/order
PostDown = echo down >> /tmp/order" "10.8.0.0/16"
mkfifo fifo
exec 3<> fifo
wg-quick up wg0 > up1 2>&1 & one=$!
until grep -q up order 2> /dev/null; do sleep 0.05; done
wg-quick down wg0 > said 2>&1
wait $one
same "down waits for an up that is running" "up done down" "$(xargs < order)"
exec 3>&-
file wg0 "$FULL" "0.0.0.0/0, ::/0"
clean=$(state)
wg-quick up wg0 > up1 2>&1 & one=$!
wg-quick up wg0 > up2 2>&1 & two=$!
wait $one; code1=$?
wait $two; code2=$?
same "of two simultaneous ups one fails" "1 1" "$((code1 + code2)) $(grep -lF "wg-quick: \`wg0' already exists" up1 up2 | wc -l)"
quick down wg0
same "one down after two simultaneous ups leaves nothing behind" "$clean" "$(state)"

mark "replacing Debian's wg-quick and the reverse"
if ! runs_every_test; then
	:
elif [ -x /usr/bin/quick-debian ]; then
	theirs() { quick-debian "$@" > said 2>&1; }
	kept() { state | sed '/wgsuite/d; /^[01]$/d'; } # Debian's keeps src_valid_mark and has no journal
	file wg1 "Address = 10.17.0.1/24, fd17::1/64" "0.0.0.0/0, ::/0"
	clean=$(kept)
	theirs up wg0
	same "Debian's wg-quick works in this machine" "wg0" "$(ip route get 8.8.8.8 | grep -oE 'wg.')"
	works "reload of a tunnel of Debian's wg-quick without changes succeeds" wg-quick reload wg0
	quick down wg0
	same "our down removes a tunnel of Debian's wg-quick" "$clean" "$(kept)"
	quick up wg0
	theirs down wg0
	# It does not know the unreachable routes of the tunnel's table, which no rule uses any more.
	same "Debian's down removes a tunnel of our wg-quick" "$clean" \
		"$(kept | sed '/^unreachable default .*51820/d')"
	quick up wg0
	same "up ignores the old journal of a tunnel that Debian's wg-quick removed" "wg0" "$(ip route get 8.8.8.8 | grep -oE 'wg.')"
	quick down wg0
	same "down after that leaves nothing behind" "$clean" "$(kept)"
	theirs up wg0
	theirs up wg1
	quick down wg0
	same "our down removes the given one of two tunnels of Debian's wg-quick" "wg1 eth0" \
		"$(ip route get 8.8.8.8 | grep -oE 'wg.') $(ip route get 192.168.5.7 | grep -oE 'eth0')"
	quick down wg1
	same "our down removes the other one" "$clean" "$(kept)"
	rm /etc/wireguard/wg1.conf
else
	echo "ok $((n += 1)) - replacing Debian's wg-quick # SKIP Debian's wg-quick has not been fetched"
fi

# A sample of the operations; tests/netns/quick_faults_slow.bats has all.
mark "failures"

if runs_every_test; then
file wg0 "$FULL
DNS = 10.7.0.53, corp.example
PreUp = echo > /run/pre-%i
PostUp = echo > /run/post-%i
PostDown = rm -f /run/pre-%i /run/post-%i" "0.0.0.0/0, ::/0"
mkdir -p /run/wgsuite
clean=$(state)
rm -f steps
WG_QUICK_FAULT_LOG=/tmp/steps quick-faults up wg0 > said 2>&1
quick-faults down wg0 > said 2>&1
same "up and down with fault injection leave nothing behind" "$clean" "$(state)"
steps=$(wc -l < steps)
bad=
for step in $(seq 1 5 "$steps"); do
	WG_QUICK_FAULT=$step quick-faults up wg0 > said 2>&1 && quick-faults down wg0 > said 2>&1
	[ "$(state)" = "$clean" ] || { bad+=" $step"; quick-faults down wg0 > /dev/null 2>&1; }
done
same "up is rolled back when an operation fails" "" "$bad"
bad=
for step in $(seq 3 10 "$steps"); do
	bash -c "WG_QUICK_FAULT=$step WG_QUICK_FAULT_SIGNAL=9 quick-faults up wg0; true" > said 2>&1
	quick-faults down wg0 > said 2>&1
	[ "$(state)" = "$clean" ] || bad+=" $step"
done
same "down undoes an up that was killed" "" "$bad"
rm /etc/wireguard/wg0.conf
fi

mark "a sandboxed unit (Algo's drop-in: no AF_UNIX, no mount, only /tmp is writable)"
if [ -s /algo-calls ]; then
	file wg0 "Address = 10.7.0.1/24, fd07::1/64
SaveConfig = false
# laptop" "10.7.0.0/24, 10.8.0.0/16"
	clean=$(state)
	hardened /algo-calls sh -c 'echo > /run/x; echo > /etc/x; echo 1 > /proc/sys/net/ipv4/ip_forward' > said 2>&1
	same "the sandbox denies what it should" 3 "$(grep -c 'Read-only file system' said)"
	hardened /algo-calls wg-quick up wg0 > said 2>&1
	same "up in a sandboxed unit uses the kernel's interface" "0 wireguard" "$? $(kind wg0)"
	hardened /algo-calls wg show wg0 peers > peers 2>&1
	same "wg show works in a sandboxed unit" "$PEER" "$(cat peers)"
	works "ping reaches the peer of a sandboxed unit" sh -c 'ping -c 1 -W 20 10.7.0.2 > /dev/null'
	sed -i 's/10.8.0.0/10.9.0.0/' /etc/wireguard/wg0.conf
	hardened /algo-calls wg-quick reload wg0 > said 2>&1
	same "reload works in a sandboxed unit" "0 10.9.0.0/16" "$? $(ip -4 route show dev wg0 proto boot | awk '{ print $1 }')"
	hardened /algo-calls wg-quick down wg0 > said 2>&1
	same "down in a sandboxed unit leaves nothing behind" "0 $clean" "$? $(state)"
	file wg0 "$FULL" "0.0.0.0/0, ::/0"
	hardened /algo-calls wg-quick up wg0 > said 2>&1
	same "a full tunnel works in a sandboxed unit" "0 wg0" "$? $(ip route get 8.8.8.8 | grep -oE 'wg.')"
	works "ping through a full tunnel of a sandboxed unit" sh -c 'ping -c 1 -W 20 198.51.100.1 > /dev/null'
	hardened /algo-calls wg-quick down wg0 > said 2>&1
	same "down of a full tunnel in a sandboxed unit leaves nothing behind" "0 $clean" "$? $(state)"
else
	echo "ok $((n += 1)) - a sandboxed unit # SKIP systemd-analyze, which lists its system calls, is not installed"
fi

mark "2,000 peers"

if runs_every_test; then
awk -v key="$KEY" 'BEGIN {
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	print "[Interface]\nPrivateKey = " key "\nAddress = 10.7.0.1/32, fd07::1/128"
	for (i = 1; i <= 2000; i++)
		printf "[Peer]\nPublicKey = %s%sMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXU0=\nAllowedIPs = 10.9.%d.%d/32, fd09::%x/128\n",
			substr(letters, int(i / 64) + 1, 1), substr(letters, i % 64 + 1, 1), i / 256, i % 256, i
}' > /etc/wireguard/wg0.conf
mkdir -p /run/wgsuite
clean=$(state)
quick up wg0
same "up with 2,000 peers" "2000 2000 2000" "$(wg show wg0 peers | wc -l) $(ip -4 route show dev wg0 proto boot | wc -l) $(ip -6 route show dev wg0 proto boot | wc -l)"
works "reload of 2,000 peers without changes succeeds" wg-quick reload wg0
sed -i 's|10.9.3.3/32|10.9.3.3/32, 10.10.0.0/16|' /etc/wireguard/wg0.conf
same "diff of one changed peer prints two commands" 2 "$(wg-quick diff wg0 | wc -l)"
quick reload wg0
same "reload of one changed peer adds one route" "10.10.0.0/16 scope link " "$(ip -4 route show dev wg0 10.10.0.0/16)"
quick down wg0
same "down with 2,000 peers leaves nothing behind" "$clean" "$(state)"
fi

mark "monitor"
file wg0 "$FULL" "0.0.0.0/0, ::/0"
echo "192.168.5.99 vpn.test" >> /etc/hosts
sed -i 's/^Endpoint.*/Endpoint = vpn.test:5801/' /etc/wireguard/wg0.conf
quick up wg0
wg-quick monitor > monitor_said 2>&1 &
monitor=$!
until grep -q "^Seccomp:[[:space:]]*2" "/proc/$monitor/status"; do sleep 0.1; done
sed -i 's/^192.168.5.99 vpn.test/192.168.5.254 vpn.test/' /etc/hosts
ip address add 192.168.5.2/24 dev eth0 # as in another network
endpoint() { wg show wg0 endpoints | cut -f2; }
for i in $(seq 600); do [ "$(endpoint)" != 192.168.5.254:5801 ] || break; sleep 0.1; done
same "monitor follows the name of a kernel peer" 192.168.5.254:5801 "$(endpoint)"
works "ping reaches the peer by its new endpoint" sh -c 'ping -c 1 -W 20 10.7.0.2 > /dev/null'
before=$(state)
ip link delete wg0
for i in $(seq 600); do [ "$(state)" != "$before" ] || break; sleep 0.1; done
same "monitor creates a kernel interface again, with all that was there" "$before" "$(state)"
same "it is the kernel's again, with its endpoint" "wireguard 192.168.5.254:5801" "$(kind wg0) $(endpoint)"
works "ping reaches the peer through the new interface" sh -c 'ping -c 1 -W 20 10.7.0.2 > /dev/null'
# Renumbered, as after a DHCP server was replaced; the same lease again is nothing.
before=$(state)
for address in 192.168.5.1 192.168.5.7 192.168.5.1; do
	ip address flush dev eth0 scope global
	ip address add $address/24 dev eth0 valid_lft 600 preferred_lft 300
	ip -6 address add 2001:db8:5::1/64 dev eth0 nodad
	ip route add default via 192.168.5.254
done
ip address change 192.168.5.1/24 dev eth0 valid_lft forever preferred_lft forever
ip address add 192.168.5.2/24 dev eth0
ip -6 route replace default via 2001:db8:5::fe
works "ping reaches the peer after the host was renumbered" sh -c 'ping -c 1 -W 20 10.7.0.2 > /dev/null'
for i in $(seq 600); do [ "$(state)" != "$before" ] || break; sleep 0.1; done
same "and the tunnel is as before" "$before" "$(state)"
# Another program's interface of this name, in place of the tunnel's.
kill -STOP "$monitor"
ip link delete wg0
ip link add wg0 type wireguard
kill -CONT "$monitor"
other=$(cat /sys/class/net/wg0/ifindex)
for i in $(seq 20); do sleep 0.1; done # for what must not happen: it is looked at within a fraction of a second
same "the monitor leaves an interface alone that another program created" "$other " "$(cat /sys/class/net/wg0/ifindex) $(wg show wg0 peers)"
ip link delete wg0
for i in $(seq 600); do [ "$(state)" != "$before" ] || break; sleep 0.1; done
same "and creates its own when that is gone" "$before" "$(state)"
kill "$monitor"
wait "$monitor"
ip address delete 192.168.5.2/24 dev eth0
quick down wg0

mark "interfaces in other namespaces"
ip netns add other
file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
foreign() { # foreign STATE: an interface with the key of wg0 that was created in the other namespace
	ip -n other link add foreign type wireguard
	ip netns exec other wg set foreign private-key <(echo "$KEY") listen-port 5999
	ip -n other link set "$1" dev foreign
}
in_other() { ip -n other -o link show type wireguard | wc -l; }
wg-quick up wg0 > said 2>&1
ip link set wg0 netns other && ip -n other link set up dev wg0
wg-quick down wg0 > said 2>&1
same "down deletes an interface that was moved" "0 0" "$? $(in_other)"
foreign up
wg-quick up wg0 > said 2>&1
ip link delete wg0
wg-quick down wg0 > said 2>&1
same "down leaves an interface alone that was never moved" "0 1" "$? $(in_other)"
ip -n other link set down dev foreign
wg-quick up wg0 > said 2>&1
ip link delete wg0
wg-quick down wg0 > said 2>&1
same "down reports one that is down, and leaves it alone" "1 1 1" \
	"$? $(in_other) $(grep -c 'is down in another network namespace' said)"
ip -n other link delete foreign
ip netns delete other

mark "the key Netns"
file wg0 "Address = 10.7.0.1/24
Netns = private
ListenPort = 5900" "0.0.0.0/0"
clean=$(state)
wg-quick up wg0 > said 2>&1
same "up of a tunnel in a namespace" "0 1 0" "$? $(ip -n private -o link show type wireguard | wc -l) $(ip -o link show type wireguard | wc -l)"
same "its default route is there" "default dev wg0 scope link " "$(ip -n private -4 route show default)"
same "its port is outside" "1 0" "$(grep -c :170C /proc/net/udp) $(ip netns exec private grep -c :170C /proc/net/udp)"
same "nothing differs" "0 " "$(wg-quick diff wg0 > said 2>&1; echo $?) $(cat said)"
sed -i 's|^Address.*|Address = 10.7.0.1/24, 10.7.9.1/32|' /etc/wireguard/wg0.conf
quick reload wg0
same "reload adds an address" 1 "$(ip -n private -o -4 address show dev wg0 | grep -c 10.7.9.1/32)"
quick down wg0
same "down removes the interface and the namespace" "$clean 0" "$(state) $(ip netns list | grep -c private)"

mark "the monitor"
sorted() { # as what is restored may be listed in another order
	{ ip -o address show; ip -4 route show table all; ip -6 route show table all; ip -4 rule; ip -6 rule; nft list ruleset; ls -A /run/wgsuite 2> /dev/null; } |
		sed 's/^[0-9]*: \([a-z]\)/\1/; s/valid_lft.*//; /^\.monitor@/d; /@.*\.monitor$/d' | sort
}
clean=$(sorted)
file wg0 "$FULL" "0.0.0.0/0, ::/0"
many=$(grep -qw wgsuite.many /proc/cmdline && echo 200 || echo 10)
for i in $(seq $many); do file t$i "Address = 10.20.$i.1/32" "10.30.$i.0/24"; done
for tunnel in wg0 $(seq -f t%g $many); do wg-quick up "$tunnel"; done > said 2>&1
up=$(sorted)
wg-quick monitor > monitor.log 2>&1 &
monitor=$!
soon() { for i in $(seq 600); do ! "$@" || return 0; sleep 0.1; done; return 1; }
is_filtered() { grep -q '^Seccomp:[[:space:]]*2' "/proc/$monitor/status"; }
is_up() { [ "$(sorted)" = "$up" ]; }
works "a monitor starts" soon is_filtered
ip -4 rule flush; ip -6 rule flush
ip rule add pref 32766 table main; ip rule add pref 32767 table default; ip -6 rule add pref 32766 table main
nft flush ruleset
ip address delete fd07::1/64 dev wg0
works "what was flushed comes back" soon is_up
for i in $(seq $many); do echo "route delete 10.30.$i.0/24"; done | ip -batch -
works "the routes of many tunnels come back" soon is_up
same "a monitor of many tunnels has less than 4 MiB" 1 "$(awk '/^VmRSS/ { print $2 < 4096 }' "/proc/$monitor/status")"
switches() { sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$monitor/status"; }
sleeps() { local now; now=$(switches); sleep 3; [ "$(switches)" = "$now" ]; }
works "and does not wake up while nothing happens" soon sleeps
echo "# $many tunnels: $(grep -E '^(VmRSS|RssAnon|voluntary)' "/proc/$monitor/status" | xargs)"
for tunnel in wg0 $(seq -f t%g $many); do wg-quick down "$tunnel"; done > said 2>&1
kill "$monitor"
wait "$monitor"
same "down of all of them, and the end of the monitor, leave nothing behind" "0 $clean" "$? $(sorted)"
rm -f /etc/wireguard/t*.conf

mark "without the module"
gw wg-quick down wgb > said 2>&1
file wg0 "Address = 10.7.0.1/24" "10.8.0.0/16"
works "the module can be unloaded" soon sh -c 'unload wireguard 2> /dev/null' # once the kernel has destroyed all interfaces
clean=$(state)
wg-quick up wg0 > said 2>&1
same "up without the module starts the daemon" "0 tun 1 1" "$? $(kind wg0) $(daemons) $(grep -c 'Missing WireGuard kernel module' said)"
same "wg show works with the daemon" "$PEER" "$(wg show wg0 peers)"
quick down wg0
for i in $(seq 600); do [ "$(daemons)" != 0 ] || break; sleep 0.1; done
same "down ends the daemon and leaves nothing behind" "$clean" "$(state)"
mark end
tap_end
