# wg-quick save: files that cannot be replaced, permissions, and what is saved of a running tunnel.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	CONF=/etc/wireguard/wg0.conf
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=

# saves PREFIX: gives the peer a prefix, saves, and finds it in the file.
saves() {
	on a wg set wg0 peer "$QUICK_PEER" allowed-ips "$1"
	run on a wg-quick save wg0
	[ "$status" -eq 0 ]
	[ "$output" = "[#] wg showconf wg0" ]
	on a grep -qx "AllowedIPs = $1" $CONF
}

# mode FILE: permissions, owner and group.
mode() { on a stat -c '%a %u %g' "$1"; }

@test "a bind-mounted file is written in place, on down as well (case 12)" {
	quick_file wg0 "SaveConfig = true" 10.8.0.0/16
	on a sh -c "cp -p $CONF /run/orig.conf; chmod 640 /run/orig.conf; chgrp 8 /run/orig.conf; mount --bind /run/orig.conf $CONF"
	on a wg-quick up wg0
	saves 10.9.0.78/32
	saves 10.9.0.0/16
	on a wg set wg0 peer "$QUICK_PEER" allowed-ips 10.9.0.77/32
	on a wg-quick down wg0
	on a grep -qx "AllowedIPs = 10.9.0.77/32" /run/orig.conf
	on a cmp /run/orig.conf $CONF
	[ "$(mode /run/orig.conf)" = "640 0 8" ]
	on a test ! -e $CONF.wg-quick
	on a wg-quick up wg0
	[ "$(on a wg show wg0 allowed-ips)" = "$QUICK_PEER	10.9.0.77/32" ]
	on a wg-quick down wg0
}

@test "hard links, symbolic links, a folder that is read-only" {
	quick_file wg0 "SaveConfig = true" 10.8.0.0/16
	on a ln $CONF /etc/wireguard/backup
	on a wg-quick up wg0
	saves 10.9.0.0/16
	on a cmp $CONF /etc/wireguard/backup
	[ "$(on a stat -c %h $CONF)" = 2 ]
	on a sh -c "rm /etc/wireguard/backup; mv $CONF /etc/wireguard/real; ln -s real $CONF"
	saves 10.10.0.0/16
	[ "$(on a readlink $CONF)" = real ]
	on a sh -c "rm $CONF; mv /etc/wireguard/real $CONF; cp -p $CONF /run/orig.conf; mount --bind /run/orig.conf $CONF
		mount --bind /etc/wireguard /etc/wireguard; mount -o remount,ro,bind /etc/wireguard; mount --bind /run/orig.conf $CONF"
	saves 10.11.0.0/16
	on a grep -q 10.11.0.0/16 /run/orig.conf
	# A file that cannot be written at all is reported, and the tunnel goes down all the same.
	on a sh -c "umount $CONF; mount --bind /run/orig.conf $CONF; mount -o remount,ro,bind $CONF"
	on a wg set wg0 peer "$QUICK_PEER" allowed-ips 10.12.0.0/16
	run on a wg-quick down wg0
	[ "$status" -ne 0 ]
	[[ $output == *"wg-quick: wg0: cannot save $CONF: Read-only file system"* ]]
	run on a ip link show wg0
	[ "$status" -ne 0 ]
}

@test "ACLs and extended attributes stay" {
	quick_file wg0 "" 10.8.0.0/16
	host_sh a <<-END
	chmod 640 $CONF
	python3 - <<-PY
	import os, struct
	entry = lambda tag, perm, id=0xffffffff: struct.pack('<HHI', tag, perm, id)
	acl = struct.pack('<I', 2) + entry(1, 6) + entry(2, 4, 1234) + entry(4, 4) + entry(16, 4) + entry(32, 0)
	os.setxattr('$CONF', 'system.posix_acl_access', acl)
	os.setxattr('$CONF', 'trusted.note', b'mine')
	PY
	END
	acl() { on a python3 -c "import os; print({n: os.getxattr('$CONF', n) for n in sorted(os.listxattr('$CONF'))})"; }
	before=$(acl)
	[[ $before == *posix_acl_access*trusted.note* ]]
	on a wg-quick up wg0
	saves 10.9.0.0/16
	[ "$(acl)" = "$before" ]
	[ "$(mode $CONF)" = "640 0 0" ]
	on a wg-quick down wg0
}

@test "a file that gets its first secret can be read by its owner only" {
	on a sh -c "umask 077; echo $QUICK_KEY > /run/key; wg genpsk > /run/psk"
	for secret in "private-key /run/key" "peer $QUICK_PEER preshared-key /run/psk"; do
		tunnel a wg0 <<-END
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 10.8.0.0/16
		END
		on a chmod 644 $CONF
		on a wg-quick up wg0
		saves 10.9.0.0/16
		[ "$(mode $CONF)" = "644 0 0" ]
		on a wg set wg0 $secret
		on a wg-quick save wg0
		[ "$(mode $CONF)" = "600 0 0" ]
		on a grep -Eq '^(PrivateKey|PresharedKey) = ' $CONF
		on a wg-quick down wg0
	done
	# Users who could read a file with keys still can, but not all users.
	for modes in "644 600" "640 640" "666 600" "600 600"; do
		quick_file wg0 "" 10.8.0.0/16
		on a chmod "${modes% *}" $CONF
		on a wg-quick up wg0
		on a wg set wg0 peer "$QUICK_PEER" allowed-ips 10.9.0.0/16
		on a wg-quick save wg0
		[ "$(mode $CONF)" = "${modes#* } 0 0" ]
		on a wg-quick down wg0
	done
}

@test "a peer whose prefixes are all other ones keeps them" {
	quick_file wg0 "SaveConfig = true" 10.1.0.0/24
	on a wg-quick up wg0
	on a wg set wg0 peer "$QUICK_PEER" allowed-ips 10.2.0.0/24,10.3.0.0/24
	on a wg-quick down wg0
	on a grep -qx "AllowedIPs = 10.2.0.0/24, 10.3.0.0/24" $CONF
	on a wg-quick up wg0
	[ "$(on a wg show wg0 allowed-ips)" = "$QUICK_PEER	10.2.0.0/24 10.3.0.0/24" ]
	on a wg-quick down wg0
}

@test "peers come and go: the file is the same again, but for the peer" {
	tunnel a wg0 <<-END
	[ Interface ]
	Private Key = ERERERERERERERERERERERERERERERERERERERERERE=
	SaveConfig = true

	### begin alice ###
	[ Peer ]
	Public Key = $QUICK_PEER
	### end alice ###
	### begin bob ###
	[Peer]
	PublicKey = $OTHER
	### end bob ###

	#[Peer]
	#PublicKey = $OTHER
	END
	on a cp $CONF /run/before
	for _ in 1 2 3; do
		on a wg-quick up wg0
		on a wg set wg0 peer TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0= allowed-ips 10.5.5.0/24
		on a wg-quick save wg0
		on a wg set wg0 peer TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0= remove
		on a wg-quick down wg0
		on a cmp /run/before $CONF
	done
	on a wg-quick up wg0
	on a wg set wg0 peer $OTHER remove
	on a wg-quick down wg0
	diff <(on a cat $CONF) <(on a cat /run/before | sed '/^### begin bob/,/^PublicKey/d')
}

@test "a mark and a port that were set are saved, chosen ones are not" {
	quick_file wg0 "PreUp = true" "0.0.0.0/0, ::/0"
	on a cp $CONF /run/before
	on a wg-quick up wg0
	[ "$(on a wg show wg0 fwmark)" = 0xca6c ]
	on a wg-quick save wg0
	on a cmp /run/before $CONF
	# Also without a journal.
	on a rm -r /run/wgsuite
	on a sed -i 's/^PreUp/ListenPort = '"$(on a wg show wg0 listen-port)"'\n&/' $CONF
	on a cp $CONF /run/before
	on a wg-quick save wg0
	on a cmp /run/before $CONF
	on a wg-quick down wg0
	# A hook's mark is set by the hook again.
	quick_file wg0 "PostUp = wg set %i fwmark 0x77" 10.8.0.0/16
	on a cp $CONF /run/before
	on a wg-quick up wg0
	on a wg-quick save wg0
	on a cmp /run/before $CONF
	on a wg set wg0 fwmark 0x1234 listen-port 5123
	on a wg-quick save wg0
	on a grep -qx "FwMark = 0x1234" $CONF
	on a grep -qx "ListenPort = 5123" $CONF
	on a wg-quick down wg0
	# It is not known whether the port of a tunnel that another program started was chosen: it is saved, as upstream does.
	quick_file wg0 "" 10.8.0.0/16
	on a wg-quick up wg0
	on a rm -r /run/wgsuite
	on a wg-quick save wg0
	on a grep -qx "ListenPort = $(on a wg show wg0 listen-port)" $CONF
	on a wg-quick down wg0
}
