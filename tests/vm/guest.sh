#!/bin/bash
# guest.sh: tests of our wg with the kernel's WireGuard. Runs inside the test machine (scripts.sh); TAP on stdout.
set -u
umask 077
cd /tmp || exit 1
. /tap.bash
A=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
B=TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
PRIVATE=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
PUBLIC=HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=
PSK=FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
T=$'\t'

link() { ip link add dev "$1" type wireguard; }
fresh() { ip link del dev wg0 2>/dev/null; link wg0; }

# ---- fields ----

fresh
same "a new interface has no settings" "(none)$T(none)${T}0${T}off" "$(wg show wg0 dump)"
echo "$PRIVATE" > private
echo "$PSK" > psk
works "set accepts every field" wg set wg0 private-key private listen-port 51820 fwmark 0x1234 \
	peer "$A" preshared-key psk endpoint 192.0.2.1:5 persistent-keepalive 25 \
	allowed-ips 10.0.0.0/8,fd00::/64,192.0.2.7 \
	peer "$B" endpoint '[2001:db8::1]:65535' allowed-ips ::/0,0.0.0.0/0
dump="$PRIVATE$T$PUBLIC${T}51820${T}0x1234
$A$T$PSK${T}192.0.2.1:5${T}10.0.0.0/8,192.0.2.7/32,fd00::/64${T}0${T}0${T}0${T}25
$B$T(none)$T[2001:db8::1]:65535${T}0.0.0.0/0,::/0${T}0${T}0${T}0${T}off"
sorted() { wg show "$1" dump | awk -F'\t' -v OFS='\t' 'NF == 8 { k = split($4, a, ","); $4 = ""
	for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
	for (i = 1; i <= k; i++) $4 = $4 (i > 1 ? "," : "") a[i] } { print }'; }
same "get returns every field" "$dump" "$(sorted wg0)"
if command -v wg-debian > /dev/null; then
	for words in "show wg0 dump" "show wg0" "showconf wg0" "show all transfer" "show interfaces" show; do
		# shellcheck disable=SC2086
		same "Debian's wg prints the same: $words" "$(wg-debian $words)" "$(wg $words)"
	done
fi
wg showconf wg0 > wg0.conf
works "setconf accepts the output of showconf" wg setconf wg0 wg0.conf
same "setconf of the present configuration changes nothing" "$dump" "$(sorted wg0)"
works "syncconf accepts the output of showconf" wg syncconf wg0 wg0.conf
same "syncconf of the present configuration changes nothing" "$dump" "$(sorted wg0)"
works "set accepts a link-local endpoint" wg set wg0 peer "$B" endpoint '[fe80::1%lo]:7'
same "show prints the scope of a link-local endpoint" "$B$T[fe80::1%lo]:7" "$(wg show wg0 endpoints | grep -F "$B")"
works "set clears fields" wg set wg0 private-key /dev/null listen-port 0 fwmark off \
	peer "$A" preshared-key /dev/null persistent-keepalive off allowed-ips "" peer "$B" remove
same "the cleared fields are empty" "(none)$T(none)
$A$T(none)${T}192.0.2.1:5$T(none)${T}0${T}0${T}0${T}off" "$(wg show wg0 dump | sed '1s/\t[0-9]*\toff$//')"
echo "/$(printf 'A%.0s' {1..42})=" > unclamped
wg set wg0 private-key unclamped
case $(wg show wg0 private-key) in +*) clamped=yes ;; *) clamped=no ;; esac
same "a private key is stored clamped" yes $clamped

# ---- interfaces and privileges ----

fails "show fails if the interface does not exist" "Unable to access interface: No such device" wg show nosuch
fails "set fails if the interface does not exist" "Unable to modify interface: No such device" wg set nosuch fwmark 1
fails "show fails if the interface is of another kind" "Unable to access interface: Operation not supported" wg show lo
fails "set fails if the interface is of another kind" "Unable to modify interface: Operation not supported" wg set lo fwmark 1
user="setpriv --reuid=65534 --regid=65534 --clear-groups"
fails "show fails without privileges" "Unable to access interface: Operation not permitted" $user wg show wg0
fails "set fails without privileges" "Unable to modify interface: Operation not permitted" $user wg set wg0 fwmark 1
same "show interfaces needs no privileges" wg0 "$($user wg show interfaces)"
mkdir -p /run/wireguard
printf 'listen_port=1\nerrno=0\n\n' > answer
fake_uapi -g answer /run/wireguard/wg0.sock > ready & stray=$!
fake_uapi -g answer /run/wireguard/uu0.sock > ready2 & other=$!
until [ -s ready ] && [ -s ready2 ]; do sleep 0.1; done
same "the kernel's interface takes precedence over a socket of the same name" "(none)" "$(wg show wg0 endpoints | cut -f2 | sed 's/192.*/(none)/')"
same "an interface with a socket of the same name is listed once" "wg0 uu0" "$(wg show interfaces)"
same "the interface of a daemon is shown next to those of the kernel" 1 "$(wg show uu0 listen-port)"
kill $stray $other
rm -rf /run/wireguard
link wg2
link wg1
ip link add dev dummy0 type dummy
same "interfaces are listed in the order of their creation" "wg0 wg2 wg1" "$(wg show interfaces)"
same "show prints all interfaces" "wg0 wg2 wg1" "$(wg | sed -n 's/^interface: //p' | tr '\n' ' ' | sed 's/ $//')"
ip link del wg1
ip link del wg2

# ---- incremental allowed IPs, on kernels with and without support for them ----

fresh
wg set wg0 peer "$A" allowed-ips 10.0.0.0/8,10.1.0.0/16,fd00::/64 peer "$B" allowed-ips 11.0.0.0/8
works "set removes one allowed IP and adds another" wg set wg0 peer "$A" allowed-ips -10.1.0.0/16,+12.0.0.0/8
same "the other allowed IPs are unchanged" "10.0.0.0/8 12.0.0.0/8 fd00::/64" \
	"$(wg show wg0 allowed-ips | grep -F "$A" | cut -f2 | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
works "set accepts the removal of an allowed IP of another peer" wg set wg0 peer "$A" allowed-ips -11.0.0.0/8
same "an allowed IP of another peer is not removed" "$B${T}11.0.0.0/8" "$(wg show wg0 allowed-ips | grep -F "$B")"
works "set accepts update-only for an existing peer" wg set wg0 peer "$A" update-only persistent-keepalive 7
same "update-only changes an existing peer" "$A${T}7" "$(wg show wg0 persistent-keepalive | grep -F "$A")"
works "set accepts update-only for an unknown peer" wg set wg0 peer "$PUBLIC" update-only allowed-ips "$(seq -s, -f '10.200.%g.0/24' 0 255)"
same "update-only does not create a peer" 2 "$(wg show wg0 peers | wc -l)"

# ---- endpoint records ----

records() { for record in /run/wgsuite/endpoints.*@*; do echo "$record"; done | sed 's|.*/||; s/@.*//; /[*]/d' | xargs; }
listed() { wg show interfaces > /dev/null; records; }
rm -rf /run/wgsuite
fresh
wg set wg0 peer "$A" endpoint 192.0.2.1:5
same "set records the endpoint of the interface" endpoints.wg0 "$(listed)"
ip link set wg0 name wg9
same "the record of an interface that was renamed is removed" "" "$(listed)"
wg set wg9 peer "$A" endpoint 192.0.2.2:5
same "its endpoints are recorded under its new name" endpoints.wg9 "$(listed)"
ip link del wg9
same "the record of an interface that was deleted is removed" "" "$(listed)"
fresh
wg set wg0 peer "$A" endpoint 192.0.2.1:5
ip link del wg0
link wg1
wg set wg1 peer "$A" endpoint 192.0.2.1:5
same "the first record of another interface removes it, too" endpoints.wg1 "$(records)"
ip link del wg1
ip netns add blue
ip -n blue link add wg0 type wireguard
ip netns exec blue wg set wg0 peer "$A" endpoint 192.0.2.1:5
same "the record of an interface in another namespace remains" endpoints.wg0 "$(listed)"
ip netns del blue
same "it is removed after the namespace was" "" "$(listed)"
unshare -n bash -c "ip link add wg0 type wireguard; wg set wg0 peer $A endpoint 192.0.2.1:5; touch /tmp/set; exec sleep 1000" & elsewhere=$!
until [ -e set ]; do sleep 0.1; done
same "the record of an interface in a namespace without a name remains" endpoints.wg0 "$(listed)"
touch -d '29 days ago' /run/wgsuite/endpoints.wg0@*
same "the record remains for 30 days" endpoints.wg0 "$(listed)"
touch -d '31 days ago' /run/wgsuite/endpoints.wg0@*
same "the record is removed when it was not used for 30 days" "" "$(listed)"
kill $elsewhere
rm set

# A peer that roams, with a second interface as the peer.
handshake() { [ "$(wg show wg0 latest-handshakes | cut -f2)" != 0 ]; }
is_at() { [ "$(wg show wg0 endpoints | cut -f2)" = "127.0.0.1:$1" ]; }
two() { # two WG_FOR_ENDPOINT: wg0, whose endpoint this program sets to the present port of wg1
	fresh
	ip link set wg0 up
	wg set wg0 private-key private listen-port 1000 peer "$(wg pubkey < other)" allowed-ips 10.0.0.2/32
	"$1" set wg0 peer "$(wg pubkey < other)" endpoint "127.0.0.1:$(wg show wg1 listen-port)" persistent-keepalive 1
	until handshake; do sleep 0.1; done
}
wg genkey > other
link wg1
ip link set wg1 up
wg set wg1 private-key other listen-port 2000 peer "$PUBLIC" allowed-ips 10.0.0.1/32 persistent-keepalive 1 endpoint 127.0.0.1:1000
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.2/32\nPersistentKeepalive = 1\nEndpoint = 127.0.0.1:2000\n' "$(wg pubkey < other)" > two.conf
two wg
wg set wg1 listen-port 2001
until is_at 2001; do sleep 0.1; done
works "syncconf of a peer that roamed" wg syncconf wg0 two.conf
same "syncconf leaves an endpoint alone that roamed" 127.0.0.1:2001 "$(wg show wg0 endpoints | cut -f2)"
if command -v wg-debian > /dev/null; then
	two wg-debian
	ip link set wg1 down # from now on it sends nothing, so that the peer does not roam again
	works "syncconf of an interface that Debian's wg configured" wg syncconf wg0 two.conf
	same "syncconf does not take a later interface for that of the record" 127.0.0.1:2000 "$(wg show wg0 endpoints | cut -f2)"
fi
ip link del wg1
rm two.conf other

# ---- large configurations ----

if runs_every_test; then
fresh
many=$(seq 0 64999 | awk '{ printf "%s10.%d.%d.%d/32", (NR > 1 ? "," : ""), $1 / 65536, $1 / 256 % 256, $1 % 256 }')
printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$A" "$many" > many.conf
works "setconf accepts 65,000 allowed IPs of one peer" wg setconf wg0 many.conf
same "show returns the 65,000 allowed IPs" "$(tr ',' '\n' <<< "$many" | sort | cksum)" "$(wg show wg0 allowed-ips | cut -f2 | tr ' ' '\n' | sort | cksum)"
same "the 65,000 allowed IPs belong to one peer" 1 "$(wg show wg0 dump | tail -n +2 | wc -l)"
same "the 65,000 allowed IPs are distinct" 65000 "$(wg show wg0 allowed-ips | tr ' ' '\n' | sed 's/.*\t//' | sort -u | wc -l)"
works "syncconf accepts the same 65,000 allowed IPs" wg syncconf wg0 many.conf
works "setconf accepts the same 65,000 allowed IPs" wg setconf wg0 many.conf
same "setconf of the same 65,000 allowed IPs changes nothing" 65000 "$(wg show wg0 allowed-ips | tr ' ' '\n' | wc -l)"
fi

peers_conf() { # 2,000 peers with every setting
	awk 'BEGIN {
		hex = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		for (i = 1; i <= 2000; i++) {
			a = substr(hex, int(i / 64) + 1, 1) substr(hex, i % 64 + 1, 1)
			key = a "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWX0="
			key = substr(key, 1, 42) "0="; while (length(key) < 44) key = "T" key
			printf "[Peer]\nPublicKey = %s\nPresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n", key
			printf "AllowedIPs = 10.%d.%d.0/24, fd00:%x::/64, 11.%d.%d.1/32\n", i / 256, i % 256, i, i / 256, i % 256
			printf "Endpoint = 192.0.2.%d:%d\nPersistentKeepalive = %d\n\n", i % 256, i, i
		}
	}'
}
fresh
peers_conf > peers.conf
works "setconf accepts 2,000 peers with every setting" wg setconf wg0 peers.conf
wanted=$(sed -n 's/^PublicKey = //p' peers.conf)
same "show returns 2,000 peers in order" "$wanted" "$(wg show wg0 peers)"
same "show returns the three allowed IPs of each of 2,000 peers" 6000 "$(wg show wg0 allowed-ips | sed 's/^[^\t]*\t//' | tr ' ' '\n' | sort -u | wc -l)"
same "show returns the endpoints of 2,000 peers" 2000 "$(wg show wg0 endpoints | cut -f2 | sort -u | wc -l)"
same "show returns the keepalive intervals of 2,000 peers" "$(seq 2000)" "$(wg show wg0 persistent-keepalive | cut -f2)"
same "show returns the preshared keys of 2,000 peers" 2000 "$(wg show wg0 preshared-keys | grep -c FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=)"
if command -v wg-debian > /dev/null; then
	same "Debian's wg prints the same 2,000 peers" "$(wg-debian show wg0 dump | cksum)" "$(wg show wg0 dump | cksum)"
fi
if runs_every_test && command -v strace > /dev/null; then # our calls, on any kernel
	strace -o calls -e trace=socket,sendto wg setconf wg0 peers.conf
	same "setconf sends seven messages of 64 KiB in three system calls" 3 "$(grep -cE '^sendto\([0-9]+, \[+\{nlmsg_len=[0-9]{4}' calls)"
	for i in 1 2 3 4 5 6 7 8 9; do link many$i; done
	strace -o calls -e trace=socket,sendto wg show all dump > /dev/null
	same "show all uses one generic netlink socket for ten interfaces" 1 "$(grep -c '^socket(AF_NETLINK,.*, NETLINK_GENERIC)' calls)"
	same "show all sends one request for each interface, one for the family and one for the list" 12 "$(grep -c ^sendto calls)"
	for i in 1 2 3 4 5 6 7 8 9; do ip link del many$i; done
fi
sed '0,/PersistentKeepalive = 1500$/s//&\nAllowedIPs = -10.5.220.0\/24/' peers.conf > less.conf
works "addconf removes an allowed IP of a late peer" wg addconf wg0 less.conf
same "the removal affects that allowed IP only" "5999 2000" "$(wg show wg0 allowed-ips | sed 's/^[^\t]*\t//' | tr ' ' '\n' | sort -u | wc -l) $(wg show wg0 peers | wc -l)"
works "syncconf restores the allowed IP" wg syncconf wg0 peers.conf
link wg1
wg set wg1 listen-port 7777
ip link set wg1 up
ip link set wg0 up
before=$(wg showconf wg0 | cksum)
{ printf '[Interface]\nListenPort = 7777\n'; sed 's/^\(PublicKey = \)\(..\)T/\1T\2/' peers.conf; } > others.conf
fails "setconf of 2,000 other peers fails if the port is in use" "Unable to modify interface: Address already in use
  help: choose another port, or stop the program that uses UDP port 7777" \
	wg setconf wg0 others.conf
same "a setconf that fails for the port changes nothing" "$before" "$(wg showconf wg0 | cksum)"
ip link set wg0 down
ip link del wg1
all_of() { wg show wg0 dump | tail -n +2 | tr ',\t' '\n\n' | sort | cksum; }
before=$(all_of)
echo 4608 > /proc/sys/net/core/wmem_default
works "addconf works with the smallest send buffer" wg addconf wg0 peers.conf
echo 212992 > /proc/sys/net/core/wmem_default
same "addconf with the smallest send buffer sends all peers" "$before" "$(all_of)"
works "syncconf accepts 2,000 peers of which one has changed" bash -c 'sed "0,/PersistentKeepalive = 77$/s//PersistentKeepalive = 5/" peers.conf > c.conf; wg syncconf wg0 c.conf'
same "syncconf changes that peer only" 1 "$(wg show wg0 persistent-keepalive | cut -f2 | diff - <(seq 2000) | grep -c '^>')"

# ---- messages that the kernel refuses ----

link wg1
refusals=$(refused wg1)
same "peers that follow a refused one are not configured partly" "in the first message: refused, one of the peers, 0 without key, it is not there
before a peer that is cut: refused, some peers, 0 without key, it is not there
before a peer that comes twice: refused, some peers, 0 without key, it is not there
far before a peer: refused, some peers, 0 without key, it is not there" "$refusals"
same "peers that are not refused are configured" 125 "$(wg show wg1 peers | wc -l)"
ip link del wg1

# ---- concurrent changes, on two processors if the machine has a second one (boot.sh) ----

second() { [ ! -e /sys/devices/system/cpu/cpu1/online ] || echo "$1" > /sys/devices/system/cpu/cpu1/online; }
second 1
echo "# guest has $(nproc) processors"
often() { if runs_every_test; then echo "$1"; else echo "$2"; fi; }

(while [ ! -e stop ]; do
	wg set wg0 peer "$PUBLIC" allowed-ips 99.0.0.0/8
	wg set wg0 peer "$PUBLIC" remove
done) & writer=$!
torn=$(torn wg0 20) || torn="none: $torn"
same "dumps are interrupted by changes" "" "$(grep -v ' torn, ' <<< "$torn")"
echo "# $torn"
bad=0
for i in $(seq "$(often 8 3)"); do
	wg show wg0 allowed-ips > during || bad=1
	[ "$(grep -vF "$PUBLIC" during | cut -f1)" = "$wanted" ] || bad=2
	[ "$(cut -f1 during | sort | uniq -d)" = "" ] || bad=3
	[ "$(grep -vF "$PUBLIC" during | awk '{ print NF }' | sort -u)" = 4 ] || bad=4
done
same "show never prints an interrupted dump" 0 $bad
touch stop
wait $writer
rm stop

# Interfaces that are deleted while wg reads them.
(for i in $(seq "$(often 40 15)"); do link wgv; ip link del wgv; done; touch stop) & maker=$!
bad=0
while [ ! -e stop ]; do
	wg show all dump > during 2> errors || true
	grep -qvE "^Unable to access interface wgv: (No such device|Operation not supported)$" errors && bad=1
	wg show wgv > during 2> errors
	[ $? -le 1 ] || bad=2
done
wait $maker
same "show of an interface that is being deleted prints it or fails" 0 $bad
second 0

# ---- handshakes, roaming and syncconf ----

ip link del wg0
link wg0
link wg1
ip netns add other
wg genkey > k0
wg genkey > k1
p0=$(wg pubkey < k0)
p1=$(wg pubkey < k1)
cat > wg0.conf <<X
[Interface]
PrivateKey = $(cat k0)
ListenPort = 1000
[Peer]
PublicKey = $p1
AllowedIPs = 10.9.0.2/32
Endpoint = 127.0.0.1:9
X
wg setconf wg0 wg0.conf
wg set wg1 private-key k1 listen-port 2000 peer "$p0" allowed-ips 10.9.0.1/32 endpoint 127.0.0.1:1000
ip link set wg1 netns other
ip addr add 10.9.0.1/24 dev wg0
ip link set wg0 up
ip -n other addr add 10.9.0.2/24 dev wg1
ip -n other link set wg1 up
same "an interface in another namespace is not listed" wg0 "$(wg show interfaces)"
works "ping reaches the peer" sh -c 'ip netns exec other ping -c 3 -W 20 10.9.0.1 > /dev/null'
same "the endpoint roams" "127.0.0.1:2000" "$(wg show wg0 endpoints | cut -f2)"
handshake=$(wg show wg0 latest-handshakes | cut -f2)
[ "$handshake" -gt 0 ] && seen=yes || seen=no
same "the latest handshake is not 0" yes $seen
same "show prints the time since the handshake" 1 "$(wg show wg0 | grep -cE '^  latest handshake: (Now|([0-9]+ minutes?, )?[0-9]+ seconds? ago)$')"
same "show prints the transfer" 1 "$(wg show wg0 | grep -cE '^  transfer: [0-9.]+ (B|KiB) received, [0-9.]+ (B|KiB) sent$')"
works "syncconf accepts the same file after roaming" wg syncconf wg0 wg0.conf
same "syncconf of the same file keeps the roamed endpoint" "127.0.0.1:2000" "$(wg show wg0 endpoints | cut -f2)"
works "ping reaches the peer after syncconf" sh -c 'ip netns exec other ping -c 1 -W 20 10.9.0.1 > /dev/null'
same "syncconf of the same file keeps the session" "$handshake" "$(wg show wg0 latest-handshakes | cut -f2)"
sed -i 's/^Endpoint.*/Endpoint = 127.0.0.1:2001/' wg0.conf
works "syncconf accepts a file with another endpoint" wg syncconf wg0 wg0.conf
same "syncconf of a file with another endpoint sets it" "127.0.0.1:2001" "$(wg show wg0 endpoints | cut -f2)"

# ---- invalid input ----

before=$(wg show wg0 dump | cut -f 1-4,8) # a keepalive may pass meanwhile
printf '[Interface]\nListenPort = 5\n[Peer]\nPublicKey = wrong\n' > wrong.conf
wg setconf wg0 wrong.conf > said 2>&1
wg syncconf wg0 <(true) > said 2>&1
wg setconf wg0 /etc > said 2>&1
same "an invalid file, an empty file and a folder change nothing" "$before" "$(wg show wg0 dump | cut -f 1-4,8)"

# ---- wireguardd when the clock is set ----

LOG_LEVEL=verbose wireguardd -f wgu > log 2>&1 & pid=$!
until [ -S /run/wireguard/wgu.sock ] || [ ! -d /proc/$pid ]; do sleep 0.1; done
expired() { grep -c 'new handshakes: the system time was set forward' log; }
set_clock() { # set_clock CHANGE: the daemon reads the clocks before it answers
	date -s "$1" > said
	wg show wgu > said
	wg show wgu > said
}
set_clock '-1 hour'
same "wireguardd keeps its sessions when the system time is set back" 0 "$(expired)"
set_clock '+1 hour'
same "wireguardd ends its sessions when the system time is set forward, as that of a restored machine is" 1 "$(expired)"
kill $pid

tap_end
