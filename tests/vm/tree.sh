#!/bin/bash
# tree.sh FOLDER: makes FOLDER/initrd, the root file system of the test machine: our programs, Debian's to compare with,
# the programs that the scripts use and the scripts. Several machines share it: the first caller makes it, the others
# wait. WGSUITE_BUILD and WGSUITE_PEERS are the folders of our and Debian's programs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${WGSUITE_BUILD:-$root/build}
peers=${WGSUITE_PEERS:-$build/peers}
mkdir -p "$1"
folder=$(cd "$1" && pwd)
exec 9> "$folder/lock"
flock 9
[ ! -e "$folder/initrd" ] || exit 0

tree=$folder/tree
rm -rf "$tree"
mkdir -p "$tree"/{usr/bin,usr/sbin,usr/lib,usr/lib64,usr/share,etc/wireguard,etc/iproute2,dev,proc,sys,run,tmp,home/nobody}
for d in bin sbin lib lib64; do ln -s "usr/$d" "$tree/$d"; done

put() { # put PROGRAM [NAME]: with the libraries it needs
	cp -L "$1" "$tree/usr/bin/${2:-$(basename "$1")}"
	put_libraries "$1"
}
put_libraries() { # put_libraries ELF_FILE
	local library
	for library in $(ldd "$1" 2> /dev/null | grep -oE '/[^ )]+'); do
		case $library in
		*/ld-linux*) cp -Ln "$library" "$tree/usr/lib64/" ;;
		*) mkdir -p "$tree$(dirname "$library")" && cp -Ln "$library" "$tree$library" ;;
		esac
	done
}
put_loaded() { # put_loaded LIBRARY: one that a program loads at run time
	local path
	path=$(ldconfig -p | awk -v name="$1" '$1 == name && $NF ~ /x86_64|lib64/ { print $NF; exit }')
	[ -n "$path" ] || return 0
	mkdir -p "$tree$(dirname "$path")"
	cp -Ln "$path" "$tree$path"
	put_libraries "$path"
}
compile() { # compile NAME SOURCE… [OPTION…]: a test program
	cc -O1 -std=gnu11 -D_GNU_SOURCE -I"$root/src" -o "$folder/$1" "${@:2}"
	put "$folder/$1"
}

for program in base64 bash cat chmod chown cksum cmp comm cp cut date diff echo env expr false find grep head id install ip kill \
	ln ls mawk mkdir mkfifo mktemp mount mv nproc od paste pgrep ping pwd readlink realpath rm rmdir sed seq setpriv \
	sha256sum sleep sort stat tac tail tee timeout touch tr true uniq unshare wc xargs; do
	put "$(type -P "$program")"
done
for program in dmesg nft strace sysctl; do # tests that use them look for them
	! path=$(PATH=$PATH:/usr/sbin type -P "$program") || put "$path"
done
ln -s mawk "$tree/usr/bin/awk"
ln -s bash "$tree/usr/bin/sh"
put_loaded libnftables.so.1

for program in wg wg-quick wireguardd; do put "$build/$program"; done
sh "$root/tests/lib/faults.sh" "$build"
put "$build/faults/wg-quick" quick-faults
[ ! -x "$peers/wg" ] || put "$peers/wg" wg-debian
[ ! -e "$peers/wg-quick" ] || install -m 755 "$peers/wg-quick" "$tree/usr/bin/quick-debian"
cc -O1 -static -o "$tree/init" "$here/init.c"
compile fake_uapi "$root/tests/lib/fake_uapi.c"
compile unload "$here/unload.c"
compile hardened "$here/hardened.c" -lseccomp
compile torn "$here/torn.c" "$build"/lib{ipc,model,crypto,base}.a -lmnl -lpthread
compile refused "$here/refused.c" "$build"/lib{ipc,model,crypto,base}.a -lmnl -lpthread

# calls_of SET…: the system calls of systemd's sets.
calls_of() {
	systemd-analyze syscall-filter "$@" | sed 's/#.*//' | grep '^ ' | while read -r call; do
		case $call in
		@*) calls_of "$call" ;;
		*) echo "$call" ;;
		esac
	done
}
if type systemd-analyze > /dev/null 2>&1; then
	calls_of @system-service @network-io | grep -vxFf <(calls_of @debug @mount @swap @reboot @raw-io) > "$tree/algo-calls"
fi

cp -r /etc/iproute2/. "$tree/etc/iproute2/"
cp -r "$root/tests/netns/configs" "$tree/configs"
printf '%s\n' 'root:x:0:0::/:/bin/bash' 'nobody:x:65534:65534::/home/nobody:/bin/bash' > "$tree/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' > "$tree/etc/group"
echo '127.0.0.1 localhost' > "$tree/etc/hosts"
echo 'nameserver 192.168.5.254' > "$tree/etc/resolv.conf"
# AppArmor's parser, the files that profiles include, and our profiles.
hosts=$peers/hosts
if [ -x "$hosts/usr/sbin/apparmor_parser" ]; then
	put "$hosts/usr/sbin/apparmor_parser"
	put "$hosts/usr/bin/aa-enabled"
	cp "$root"/contrib/packaging/debian/wgsuite.post* "$tree/"
	mkdir -p "$tree/etc/apparmor.d"
	cp -r "$hosts"/etc/apparmor.d/{abi,abstractions,tunables} "$tree/etc/apparmor.d/"
	cp -r "$hosts/etc/apparmor" "$tree/etc/"
	cp -r "$hosts/usr/share/apparmor-features" "$tree/usr/share/"
	cp "$root"/contrib/apparmor/* "$tree/etc/apparmor.d/"
fi
# That of AppArmor 4, which knows rules about user namespaces, with the C library of its release.
trixie=$peers/releases/trixie
if [ -x "$trixie/usr/sbin/apparmor_parser" ]; then
	mkdir -p "$tree/apparmor4/lib"
	cp "$trixie/usr/sbin/apparmor_parser" "$tree/apparmor4/"
	cp -L "$trixie"/lib64/ld-linux-x86-64.so.2 "$trixie"/usr/lib/x86_64-linux-gnu/libc.so.6 "$tree/apparmor4/lib/"
	cp -r "$trixie/etc/apparmor.d" "$trixie/etc/apparmor" "$tree/apparmor4/"
fi
cp "$here"/{scripts,tap.bash,guest,quick,apparmor}* "$tree/"
(cd "$tree" && find . -print0 | cpio -0 -o -H newc --quiet -R 0:0) > "$folder/initrd.new"
mv "$folder/initrd.new" "$folder/initrd"
