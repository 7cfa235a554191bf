#!/bin/bash
# guest.sh: what our wg does with the real wireguard module. Runs inside the test machine (init.c);
# TAP on stdout.
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

# ---- every field ----

fresh
same "a new interface says nothing" "(none)$T(none)${T}0${T}off" "$(wg show wg0 dump)"
echo "$PRIVATE" > private
echo "$PSK" > psk
works "set takes every field" wg set wg0 private-key private listen-port 51820 fwmark 0x1234 \
	peer "$A" preshared-key psk endpoint 192.0.2.1:5 persistent-keepalive 25 \
	allowed-ips 10.0.0.0/8,fd00::/64,192.0.2.7 \
	peer "$B" endpoint '[2001:db8::1]:65535' allowed-ips ::/0,0.0.0.0/0
dump="$PRIVATE$T$PUBLIC${T}51820${T}0x1234
$A$T$PSK${T}192.0.2.1:5${T}10.0.0.0/8,192.0.2.7/32,fd00::/64${T}0${T}0${T}0${T}25
$B$T(none)$T[2001:db8::1]:65535${T}0.0.0.0/0,::/0${T}0${T}0${T}0${T}off"
sorted() { wg show "$1" dump | awk -F'\t' -v OFS='\t' 'NF == 8 { k = split($4, a, ","); $4 = ""
	for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
	for (i = 1; i <= k; i++) $4 = $4 (i > 1 ? "," : "") a[i] } { print }'; }
same "get gives every field back" "$dump" "$(sorted wg0)"
if command -v wg-debian > /dev/null; then
	for words in "show wg0 dump" "show wg0" "showconf wg0" "show all transfer" "show interfaces" show; do
		# shellcheck disable=SC2086
		same "Debian's wg sees the same: $words" "$(wg-debian $words)" "$(wg $words)"
	done
fi
wg showconf wg0 > wg0.conf
works "setconf of what showconf printed" wg setconf wg0 wg0.conf
same "and nothing has changed" "$dump" "$(sorted wg0)"
works "syncconf of the same" wg syncconf wg0 wg0.conf
same "and nothing has changed by it" "$dump" "$(sorted wg0)"
works "a link-local endpoint" wg set wg0 peer "$B" endpoint '[fe80::1%lo]:7'
same "with its scope" "$B$T[fe80::1%lo]:7" "$(wg show wg0 endpoints | grep -F "$B")"
works "fields are cleared" wg set wg0 private-key /dev/null listen-port 0 fwmark off \
	peer "$A" preshared-key /dev/null persistent-keepalive off allowed-ips "" peer "$B" remove
same "and gone" "(none)$T(none)
$A$T(none)${T}192.0.2.1:5$T(none)${T}0${T}0${T}0${T}off" "$(wg show wg0 dump | sed '1s/\t[0-9]*\toff$//')"
echo "/$(printf 'A%.0s' {1..42})=" > unclamped
wg set wg0 private-key unclamped
case $(wg show wg0 private-key) in +*) clamped=yes ;; *) clamped=no ;; esac
same "a private key is kept clamped" yes $clamped

# ---- who is there and who may ask ----

fails "an interface that is not there" "Unable to access interface: No such device" wg show nosuch
fails "and cannot be set" "Unable to modify interface: No such device" wg set nosuch fwmark 1
fails "an interface of another kind" "Unable to access interface: Operation not supported" wg show lo
fails "and cannot be set either" "Unable to modify interface: Operation not supported" wg set lo fwmark 1
user="setpriv --reuid=65534 --regid=65534 --clear-groups"
fails "without permission" "Unable to access interface: Operation not permitted" $user wg show wg0
fails "nor set" "Unable to modify interface: Operation not permitted" $user wg set wg0 fwmark 1
same "but the names are no secret" wg0 "$($user wg show interfaces)"
mkdir -p /run/wireguard
printf 'listen_port=1\nerrno=0\n\n' > answer
fake_uapi -g answer /run/wireguard/wg0.sock > ready & stray=$!
fake_uapi -g answer /run/wireguard/uu0.sock > ready2 & other=$!
until [ -s ready ] && [ -s ready2 ]; do sleep 0.1; done
same "the kernel's link wins over a stray socket" "(none)" "$(wg show wg0 endpoints | cut -f2 | sed 's/192.*/(none)/')"
same "which is no second device" "wg0 uu0" "$(wg show interfaces)"
same "a daemon's device beside it" 1 "$(wg show uu0 listen-port)"
kill $stray $other
rm -rf /run/wireguard
link wg2
link wg1
ip link add dev dummy0 type dummy
same "links in the order of their making" "wg0 wg2 wg1" "$(wg show interfaces)"
same "all of them are shown" "wg0 wg2 wg1" "$(wg | sed -n 's/^interface: //p' | tr '\n' ' ' | sed 's/ $//')"
ip link del wg1
ip link del wg2

# ---- incremental allowed-ips, on kernels that know them and on those that do not ----

fresh
wg set wg0 peer "$A" allowed-ips 10.0.0.0/8,10.1.0.0/16,fd00::/64 peer "$B" allowed-ips 11.0.0.0/8
works "one allowed-ip away, one more" wg set wg0 peer "$A" allowed-ips -10.1.0.0/16,+12.0.0.0/8
same "and the others stay" "10.0.0.0/8 12.0.0.0/8 fd00::/64" \
	"$(wg show wg0 allowed-ips | grep -F "$A" | cut -f2 | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
works "one that another peer has" wg set wg0 peer "$A" allowed-ips -11.0.0.0/8
same "stays there" "$B${T}11.0.0.0/8" "$(wg show wg0 allowed-ips | grep -F "$B")"
works "update-only of a peer that is there" wg set wg0 peer "$A" update-only persistent-keepalive 7
same "changes it" "$A${T}7" "$(wg show wg0 persistent-keepalive | grep -F "$A")"
works "update-only of one that is not" wg set wg0 peer "$PUBLIC" update-only allowed-ips "$(seq -s, -f '10.200.%g.0/24' 0 255)"
same "does not make it" 2 "$(wg show wg0 peers | wc -l)"

# ---- much ----

fresh
many=$(seq 0 64999 | awk '{ printf "%s10.%d.%d.%d/32", (NR > 1 ? "," : ""), $1 / 65536, $1 / 256 % 256, $1 % 256 }')
printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$A" "$many" > many.conf
works "65,000 allowed-ips of one peer" wg setconf wg0 many.conf
same "all come back" "$(tr ',' '\n' <<< "$many" | sort | cksum)" "$(wg show wg0 allowed-ips | cut -f2 | tr ' ' '\n' | sort | cksum)"
same "as one peer" 1 "$(wg show wg0 dump | tail -n +2 | wc -l)"
same "65,000 of them" 65000 "$(wg show wg0 allowed-ips | tr ' ' '\n' | sed 's/.*\t//' | sort -u | wc -l)"
works "syncconf of the same finds no difference" wg syncconf wg0 many.conf
works "setting them again moves nothing" wg setconf wg0 many.conf
same "still 65,000" 65000 "$(wg show wg0 allowed-ips | tr ' ' '\n' | wc -l)"

peers_conf() { # 2,000 peers with everything
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
works "2,000 peers with everything" wg setconf wg0 peers.conf
wanted=$(sed -n 's/^PublicKey = //p' peers.conf)
same "all come back, in order" "$wanted" "$(wg show wg0 peers)"
same "each with its three allowed-ips" 6000 "$(wg show wg0 allowed-ips | sed 's/^[^\t]*\t//' | tr ' ' '\n' | sort -u | wc -l)"
same "its endpoint" 2000 "$(wg show wg0 endpoints | cut -f2 | sort -u | wc -l)"
same "its keepalive" "$(seq 2000)" "$(wg show wg0 persistent-keepalive | cut -f2)"
same "and its preshared key" 2000 "$(wg show wg0 preshared-keys | grep -c FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=)"
if command -v wg-debian > /dev/null; then
	same "Debian's wg sees the same 2,000" "$(wg-debian show wg0 dump | cksum)" "$(wg show wg0 dump | cksum)"
fi
if command -v strace > /dev/null; then
	strace -o calls -e trace=socket,sendto wg setconf wg0 peers.conf
	same "seven messages of 64 KiB in three sends" 3 "$(grep -cE '^sendto\([0-9]+, \[+\{nlmsg_len=[0-9]{4}' calls)"
	for i in 1 2 3 4 5 6 7 8 9; do link many$i; done
	strace -o calls -e trace=socket,sendto wg show all dump > /dev/null
	same "ten interfaces over one socket, and one that knows their names" 2 "$(grep -c '^socket(AF_NETLINK' calls)"
	same "with one question each, the family's number and the list" 12 "$(grep -c ^sendto calls)"
	for i in 1 2 3 4 5 6 7 8 9; do ip link del many$i; done
fi
sed '0,/PersistentKeepalive = 1500$/s//&\nAllowedIPs = -10.5.220.0\/24/' peers.conf > less.conf
works "one allowed-ip less, far behind" wg addconf wg0 less.conf
same "in every kernel" "5999 2000" "$(wg show wg0 allowed-ips | sed 's/^[^\t]*\t//' | tr ' ' '\n' | sort -u | wc -l) $(wg show wg0 peers | wc -l)"
works "and back" wg syncconf wg0 peers.conf
link wg1
wg set wg1 listen-port 7777
ip link set wg1 up
ip link set wg0 up
before=$(wg showconf wg0 | cksum)
{ printf '[Interface]\nListenPort = 7777\n'; sed 's/^\(PublicKey = \)\(..\)T/\1T\2/' peers.conf; } > others.conf
fails "2,000 others and a port that is taken" "Unable to modify interface: Address already in use" \
	wg setconf wg0 others.conf
same "leaves everything as it was" "$before" "$(wg showconf wg0 | cksum)"
ip link set wg0 down
ip link del wg1
all_of() { wg show wg0 dump | tail -n +2 | tr ',\t' '\n\n' | sort | cksum; }
before=$(all_of)
echo 4608 > /proc/sys/net/core/wmem_default
works "the smallest send buffers there are" wg addconf wg0 peers.conf
echo 212992 > /proc/sys/net/core/wmem_default
same "are enough" "$before" "$(all_of)"
works "syncconf of one changed peer" bash -c 'sed "0,/PersistentKeepalive = 77$/s//PersistentKeepalive = 5/" peers.conf > c.conf; wg syncconf wg0 c.conf'
same "changes that one" 1 "$(wg show wg0 persistent-keepalive | cut -f2 | diff - <(seq 2000) | grep -c '^>')"

# ---- what is refused in the middle ----

link wg1
refusals=$(refused wg1)
same "a message that is refused" "in the first message: refused, one of the peers, 0 without key, it is not there
before a peer that is cut: refused, some peers, 0 without key, it is not there
before a peer that comes twice: refused, some peers, 0 without key, it is not there
far before a peer: refused, some peers, 0 without key, it is not there" "$refusals"
same "and all that is not" 125 "$(wg show wg1 peers | wc -l)"
ip link del wg1

# ---- while it changes ----

(while [ ! -e stop ]; do
	wg set wg0 peer "$PUBLIC" allowed-ips 99.0.0.0/8
	wg set wg0 peer "$PUBLIC" remove
done) & writer=$!
torn=$(torn wg0 5) || torn="none: $torn"
same "dumps get torn by a writer" "" "$(grep -v ' torn, ' <<< "$torn")"
echo "# $torn"
bad=0
for i in 1 2 3 4 5 6 7 8; do
	wg show wg0 allowed-ips > during || bad=1
	[ "$(grep -vF "$PUBLIC" during | cut -f1)" = "$wanted" ] || bad=2
	[ "$(cut -f1 during | sort | uniq -d)" = "" ] || bad=3
	[ "$(grep -vF "$PUBLIC" during | awk '{ print NF }' | sort -u)" = 4 ] || bad=4
done
same "and wg never shows one" 0 $bad
touch stop
wait $writer
rm stop

# Interfaces that vanish while they are looked at: an error or an answer, nothing else.
(for i in $(seq 40); do link wgv; ip link del wgv; done; touch stop) & maker=$!
bad=0
while [ ! -e stop ]; do
	wg show all dump > during 2> errors || true
	grep -qvE "^Unable to access interface wgv: (No such device|Operation not supported)$" errors && bad=1
	wg show wgv > during 2> errors
	[ $? -le 1 ] || bad=2
done
wait $maker
same "interfaces that vanish" 0 $bad

# ---- for real: a handshake, and syncconf keeps what roamed ----

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
same "an interface of another namespace is not listed" wg0 "$(wg show interfaces)"
works "a ping through" sh -c 'ip netns exec other ping -c 3 -W 20 10.9.0.1 > /dev/null'
same "the endpoint roamed" "127.0.0.1:2000" "$(wg show wg0 endpoints | cut -f2)"
handshake=$(wg show wg0 latest-handshakes | cut -f2)
[ "$handshake" -gt 0 ] && seen=yes || seen=no
same "a handshake is shown" yes $seen
same "and in words" 1 "$(wg show wg0 | grep -cE '^  latest handshake: (Now|([0-9]+ minutes?, )?[0-9]+ seconds? ago)$')"
same "and traffic" 1 "$(wg show wg0 | grep -cE '^  transfer: [0-9.]+ (B|KiB) received, [0-9.]+ (B|KiB) sent$')"
works "syncconf of the same file" wg syncconf wg0 wg0.conf
same "leaves the roamed endpoint" "127.0.0.1:2000" "$(wg show wg0 endpoints | cut -f2)"
works "and the session" sh -c 'ip netns exec other ping -c 1 -W 20 10.9.0.1 > /dev/null'
same "which is the same" "$handshake" "$(wg show wg0 latest-handshakes | cut -f2)"
sed -i 's/^Endpoint.*/Endpoint = 127.0.0.1:2001/' wg0.conf
works "syncconf of an endpoint that was edited" wg syncconf wg0 wg0.conf
same "sets it" "127.0.0.1:2001" "$(wg show wg0 endpoints | cut -f2)"

# ---- refused input changes nothing ----

before=$(wg show wg0 dump | cut -f 1-4,8) # a keepalive may pass meanwhile
printf '[Interface]\nListenPort = 5\n[Peer]\nPublicKey = wrong\n' > wrong.conf
wg setconf wg0 wrong.conf > said 2>&1
wg syncconf wg0 <(true) > said 2>&1
wg setconf wg0 /etc > said 2>&1
same "wrong, empty and no files" "$before" "$(wg show wg0 dump | cut -f 1-4,8)"

tap_end
