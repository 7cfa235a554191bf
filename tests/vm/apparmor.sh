#!/bin/bash
# apparmor.sh: tests of our AppArmor profiles in a kernel that enforces them: the programs work, the kernel denies them
# nothing that they need and other operations. Runs inside the test machine (scripts.sh); TAP on stdout.
set -u
umask 077
cd /tmp || exit 1
. /tap.bash
skip_all() { # skip_all REASON
	echo "ok 1 - AppArmor # SKIP $1"
	exit 0
}
[ -x /usr/bin/apparmor_parser ] || skip_all "apparmor_parser has not been fetched"
mount -t securityfs securityfs /sys/kernel/security || skip_all "securityfs cannot be mounted"
[ "$(cat /sys/module/apparmor/parameters/enabled 2> /dev/null)" = Y ] || skip_all "this kernel has no AppArmor"
echo 0 > /proc/sys/kernel/printk_ratelimit
loaded() { grep -cE '^(wg|wg-quick|wireguardd) \(enforce\)$' /sys/kernel/security/apparmor/profiles; }
for profile in wg wg-quick wireguardd; do
	works "the kernel loads the profile $profile" apparmor_parser -r -K "/etc/apparmor.d/$profile"
done
same "all profiles are enforced" 3 "$(loaded)"

denied() { # the denials since the last call
	dmesg -c | sed -n 's/.*apparmor="DENIED" //p' | sed 's/ pid=[0-9]*//; s/ fsuid=.*//; s/ class="[a-z]*"//' | sort | uniq -c
}
dmesg -C
confined() { cat "/proc/$1/attr/current"; }

# ---- wg ----

mkfifo fifo
wg pubkey < fifo > public & pid=$!
exec 3> fifo
same "wg is confined" "wg (enforce)" "$(confined $pid)"
wg genkey > private
cat private >&3
exec 3>&-
wait $pid
same "wg writes keys to files that the shell opened" "45 45" "$(wc -c < private) $(wc -c < public)"
mkdir -p /srv /root
other=$(wg genkey | wg pubkey)
wg genkey > /srv/private
wg genpsk > /root/psk
install -o nobody -m 666 /dev/null /home/nobody/key
wg genkey > /home/nobody/key 2> /dev/null
same "wg writes keys to files in any folder" "45 45 45" "$(wc -c < /srv/private) $(wc -c < /root/psk) $(wc -c < /home/nobody/key)"
ip link add wg0 type wireguard
works "wg set works" wg set wg0 private-key /srv/private listen-port 51820 peer "$other" preshared-key /root/psk \
	allowed-ips 10.7.0.0/24 endpoint localhost:5801
same "wg show works" "51820 127.0.0.1:5801" "$(wg show wg0 listen-port) $(wg show wg0 endpoints | cut -f2)"
wg showconf wg0 > /srv/wg0.conf
works "wg setconf accepts the output of showconf" wg setconf wg0 /srv/wg0.conf
works "wg syncconf accepts a pipe of bash" bash -c 'wg syncconf wg0 <(cat /srv/wg0.conf)'
echo "$(wg show wg0 dump)" | grep -q 10.7.0.0/24
same "wg show writes to a pipe" 0 $?
same "wg writes its file of endpoints for this namespace" 1 "$(find /run/wgsuite -name 'endpoints.wg0@[1-9]*' | wc -l)"
same "nothing was denied to wg" "" "$(denied)"
ip link delete wg0

# ---- wg-quick ----

ip link add eth0 type veth peer name eth1
ip address add 192.168.5.1/24 dev eth0
ip link set eth0 up
ip link set eth1 up
ip route add default via 192.168.5.254
cat > /etc/wireguard/wg0.conf <<X
[Interface]
# Name = here
PrivateKey = $(cat private)
Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53, corp.example
PreUp = wg genkey > /srv/of-a-hook
PostUp = cat /proc/\$PPID/attr/current > /tmp/by; cat /proc/\$\$/attr/current >> /tmp/by
PostUp = wg set %i fwmark 51820; ip route add 10.44.0.0/24 dev %i
PostDown = rm /srv/of-a-hook
[Peer]
PublicKey = $other
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = localhost:5801
X
chmod 600 /etc/wireguard/wg0.conf
resolv=$(cat /etc/resolv.conf)
wg-quick up wg0 > said 2>&1
same "wg-quick up works" "0 wg0 1 1" "$? $(ip route get 8.8.8.8 | grep -oE 'wg0') $(nft list tables ip | grep -c wg-quick-wg0) $(cat /proc/sys/net/ipv4/conf/all/src_valid_mark)"
same "wg-quick up prints its commands to a file" 1 "$(grep -c '^\[#\] wg addconf wg0' said)"
same "wg-quick is confined and its hooks are not" "wg-quick (enforce) unconfined" "$(xargs < by)"
same "wg-quick sets the name servers" "nameserver 10.7.0.53" "$(grep ^nameserver /etc/resolv.conf)"
same "hooks may do what they need" "45 10.44.0.0/24" "$(wc -c < /srv/of-a-hook) $(ip route show 10.44.0.0/24 | cut -d' ' -f1)"
works "wg-quick reload without changes works" wg-quick reload wg0
sed -i 's/10.7.0.1.24, /10.7.0.9\/24, /; s/10.7.0.53/10.7.0.54/' /etc/wireguard/wg0.conf
wg-quick diff wg0 > said 2>&1
same "wg-quick diff works" 1 "$(grep -c 'ip -4 address add 10.7.0.9/24' said)"
wg-quick reload wg0 > said 2>&1
same "wg-quick reload works" "0 10.7.0.9/24 nameserver 10.7.0.54" "$? $(ip -o -4 address show wg0 | awk '{ print $4 }') $(grep ^nameserver /etc/resolv.conf)"
wg set wg0 listen-port 5555
works "wg-quick save works" sh -c 'wg-quick save wg0 2> /dev/null'
same "wg-quick save writes the tunnel file" "5555 1" "$(sed -n 's/^ListenPort = //p' /etc/wireguard/wg0.conf) $(grep -c '^# Name = here' /etc/wireguard/wg0.conf)"
wg-quick strip wg0 > /srv/stripped
same "wg-quick strip works" 1 "$(grep -c '^ListenPort = 5555' /srv/stripped)"
wg-quick down wg0 > said 2>&1
same "wg-quick down works" "0 $resolv" "$? $(cat /etc/resolv.conf)"
same "wg-quick down leaves nothing behind" "0 0" "$(ip -o link show wg0 2> /dev/null | wc -l) $(nft list ruleset | grep -c wg-quick)"
cp /etc/wireguard/wg0.conf /root/home.conf
works "wg-quick accepts a tunnel file in another folder" sh -c 'wg-quick up /root/home.conf 2> /dev/null && wg-quick down /root/home.conf 2> /dev/null'
printf '[dns]\nbackend = file\n' > /etc/wireguard/wgsuite.ini
works "wg-quick reads wgsuite.ini" sh -c 'wg-quick up wg0 2> /dev/null && wg-quick down wg0 2> /dev/null'
rm /etc/wireguard/wgsuite.ini
sed '/^P[a-z]*\(Up\|Down\) /d; s/^Endpoint.*/Endpoint = 192.168.5.254:5801/; s/^DNS.*/DNS = 10.7.0.53\nNetns = private/' /etc/wireguard/wg0.conf \
	> /etc/wireguard/inside.conf
chmod 600 /etc/wireguard/inside.conf
wg-quick up inside > said 2>&1
same "wg-quick up works with Netns" "0 1 1" "$? $(ip -n private -o link show dev inside | wc -l) $(grep -c '^nameserver 10.7.0.53' /etc/netns/private/resolv.conf)"
works "wg-quick reload works with Netns" sh -c 'sed -i s/10.7.0.53/10.7.0.54/ /etc/wireguard/inside.conf && wg-quick reload inside 2> /dev/null'
ip netns exec private sleep 1000 & inside=$!
until [ "$(readlink /proc/$inside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
wg-quick down inside > said 2>&1
same "wg-quick down keeps a network namespace that has a process" "0 1" "$? $(ls -d /run/netns/private | wc -l)"
kill $inside
wait $inside 2> /dev/null
works "wg-quick up works with that namespace" sh -c 'wg-quick up inside 2> /dev/null'
wg-quick down inside > said 2>&1
same "wg-quick down works with Netns, and leaves nothing behind" "0 0" "$? $(ls -d /run/netns/* /etc/netns 2> /dev/null | wc -l)"
rm /etc/wireguard/inside.conf
same "nothing was denied to wg-quick" "" "$(denied)"

# ---- wireguardd ----

WG_PROCESS_FOREGROUND=1 wireguardd wgu > said 2>&1 & pid=$!
until [ -S /run/wireguard/wgu.sock ] || ! kill -0 $pid 2> /dev/null; do sleep 0.05; done
same "wireguardd is confined" "wireguardd (enforce)" "$(confined $pid)"
works "wg set works with wireguardd" wg set wgu private-key private listen-port 5801 peer "$other" allowed-ips 10.9.0.0/24 endpoint 192.168.5.1:7
same "wg show works with wireguardd" 5801 "$(wg show wgu listen-port)"
ip address add 10.9.0.1/24 dev wgu
ip link set wgu up
timeout 2 ping -c 1 -W 1 10.9.0.2 > /dev/null
for i in $(seq 600); do [ "$(wg show wgu transfer | cut -f3)" = 0 ] || break; sleep 0.1; done
same "wireguardd sends initiations" 1 "$(wg show wgu transfer | awk '{ print ($3 > 0 && $3 % 148 == 0) }')"
ip link set wgu down
ip link set wgu name wgv
sockets() { find /run/wgsuite /run/wireguard -name 'wg[uv]*' | sort | xargs; }
for i in $(seq 600); do [ "$(sockets)" != "/run/wgsuite/wgv.stats /run/wireguard/wgv.sock" ] || break; sleep 0.05; done
same "wireguardd renames its sockets" "/run/wgsuite/wgv.stats /run/wireguard/wgv.sock" "$(sockets)"
ip link delete wgv
wait $pid
same "wireguardd ends with its interface and removes its sockets" 0 "$(find /run/wgsuite /run/wireguard -name 'wg[uv]*' | wc -l)"
works "wireguardd runs in the background" sh -c 'wireguardd wgu 2> /dev/null'
until [ -S /run/wireguard/wgu.sock ]; do sleep 0.05; done
ip link delete wgu
no_daemon() { while grep -qx wireguardd /proc/[0-9]*/comm 2> /dev/null; do sleep 0.05; done; }
no_daemon
for i in $(seq 600); do [ -e /sys/module/wireguard ] || break; unload wireguard 2> /dev/null; sleep 0.05; done
wg-quick up wg0 > said 2>&1
same "wg-quick starts wireguardd" "0 1" "$? $(grep -lx wireguardd /proc/[0-9]*/comm | wc -l)"
same "wireguardd is confined when wg-quick starts it" "wireguardd (enforce)" "$(confined "$(grep -lx wireguardd /proc/[0-9]*/comm | cut -d/ -f3)")"
works "wg-quick reload works with wireguardd" sh -c 'wg-quick reload wg0 2> /dev/null'
works "wg-quick down works with wireguardd" sh -c 'wg-quick down wg0 2> /dev/null'
no_daemon
same "nothing was denied to wireguardd" "" "$(denied)"

# ---- wg-quick run ----

sed '/^DNS/d; /^P[a-z]*Up/d; /^PostDown/d' /etc/wireguard/wg0.conf > /home/nobody/wgr.conf
chown nobody /home/nobody /home/nobody/wgr.conf
chmod 600 /home/nobody/wgr.conf
chmod 666 /dev/net/tun
mkfifo -m 666 /home/nobody/hold
chown nobody /home/nobody/hold
setpriv --reuid nobody --regid nogroup --clear-groups wg-quick run /home/nobody/wgr.conf -- sh -c 'cat /proc/self/attr/current
	id -un; ip -o link show wgr | cut -d: -f2; ping -c 1 -W 1 10.9.9.9 > /dev/null; read line < /home/nobody/hold; exit 7' > said 2>&1 & pid=$!
exec 4<> /home/nobody/hold
until grep -q wgr said || ! kill -0 $pid; do sleep 0.05; done
same "the daemon of wg-quick run is confined" "wireguardd (enforce)" "$(confined "$(grep -lx wireguardd /proc/[0-9]*/comm | cut -d/ -f3)")"
echo >&4
wait $pid
same "wg-quick run works for a user, whose command is not confined" "7 unconfined nobody wgr" "$? $(grep -v warning said | xargs)"
# AppArmor 3 has no profile wg-quick-run.
same "nothing was denied to wg-quick run" "" "$(denied | grep -v 'label not found')"

# ---- denied operations ----

echo 'root:$6$secret' > /etc/shadow
chmod 600 /etc/shadow
wireguardd wgu 2> /dev/null
until [ -S /run/wireguard/wgu.sock ]; do sleep 0.05; done
wg setconf wgu /etc/shadow > said 2>&1
same "wg may not read /etc/shadow" "1 1" "$? $(grep -c 'Permission denied' said)"
ip link delete wgu
ln -s /etc/shadow /etc/wireguard/evil.conf
wg-quick strip evil > said 2>&1
same "wg-quick may not read /etc/shadow" "1 1" "$? $(grep -c 'Permission denied' said)"
cp /usr/bin/bash /tmp/wireguard-evil
WG_QUICK_USERSPACE_IMPLEMENTATION=/tmp/wireguard-evil wg-quick up wg0 > said 2>&1
same "wg-quick may not run other programs as the daemon" "126 1" "$? $(grep -c 'failed with status 126$' said)"
cp "$(find /usr/lib -name 'libmnl.so.0' | head -n 1)" /tmp/evil.so
LD_PRELOAD=/tmp/evil.so wireguardd --version > said 2>&1
same "wireguardd may not preload another library" 1 "$(grep -c 'evil.so.*cannot be preloaded' said)"
same "the kernel logs what was denied" 4 "$(denied | grep -cE 'shadow|evil')"

# ---- wg-quick run, with AppArmor 4 ----

parser4() {
	/apparmor4/lib/ld-linux-x86-64.so.2 --library-path /apparmor4/lib /apparmor4/apparmor_parser -I /apparmor4/apparmor.d \
		--base /apparmor4/apparmor.d --config-file /apparmor4/apparmor/parser.conf "$@"
}
if [ -x /apparmor4/apparmor_parser ] && grep -qs userns_create /sys/kernel/security/apparmor/features/namespaces/mask; then
	works "the kernel loads the profile wg-quick-run" parser4 -r -K /etc/apparmor.d/wg-quick-run
	same "wg-quick-run permits user namespaces, and restricts nothing" 1 \
		"$(grep -cx 'wg-quick-run (unconfined)' /sys/kernel/security/apparmor/profiles)"
	for profile in wg-quick wireguardd; do parser4 -R "/etc/apparmor.d/$profile"; done
	chmod 666 /dev/net/tun
	sed '/^DNS/d; /^P[a-z]*\(Up\|Down\) /d; s/^Endpoint.*/Endpoint = 192.168.5.254:5801/' /etc/wireguard/wg0.conf > /home/nobody/t.conf
	chown nobody /home/nobody/t.conf
	setpriv --reuid nobody --regid nogroup --clear-groups wg-quick run /home/nobody/t.conf -- cat /proc/self/attr/current > said 2> messages
	same "wg-quick run changes to it" "0 wg-quick-run (unconfined)" "$? $(cat said messages | tail -n 1)"
	parser4 -R /etc/apparmor.d/wg-quick-run
	setpriv --reuid nobody --regid nogroup --clear-groups wg-quick run /home/nobody/t.conf -- cat /proc/self/attr/current > said 2> messages
	same "wg-quick run works without it" "0 unconfined" "$? $(cat said messages | tail -n 1)"
else
	echo "# the kernel or the parser has no rules about user namespaces"
fi

# ---- a profile of the distribution for wg-quick, and the scripts of the Debian package ----

apparmor_parser --remove /etc/apparmor.d/wg-quick
for profile in wg wg-quick; do
	mv "/etc/apparmor.d/$profile" "/etc/apparmor.d/wgsuite.$profile"
done
printf 'profile distribution /usr/bin/wg-quick {\n  /usr/bin/wg-quick mr,\n}\n' > /etc/apparmor.d/wg-quick
for_quick() { grep -E '^(wg-quick|distribution) ' /sys/kernel/security/apparmor/profiles | cut -d' ' -f1 | xargs; }
apparmor_parser --replace /etc/apparmor.d/wg-quick
same "a profile of the distribution is loaded, and wg-quick cannot work" "distribution 0" "$(for_quick) $(wg-quick --version 2> /dev/null | wc -l)"
works "the package is installed" sh /wgsuite.postinst configure
same "the profile of the distribution is replaced" wg-quick "$(for_quick)"
works "wg-quick works" sh -c 'wg-quick up wg0 2> /dev/null && wg-quick down wg0 2> /dev/null'
apparmor_parser --replace /etc/apparmor.d/wg-quick 2> /dev/null
same "an upgrade of the distribution's profile does not load it" wg-quick "$(for_quick)"
works "the package is removed" sh /wgsuite.postrm remove
same "the profile of the distribution is loaded again" distribution "$(for_quick)"
apparmor_parser --replace /etc/apparmor.d/wgsuite.wg-quick 2> /dev/null
same "the profile of the removed package is not loaded with those of the system" distribution "$(for_quick)"
works "the package is installed again" sh /wgsuite.postinst configure
same "its profile is loaded again" wg-quick "$(for_quick)"
tap_end
