#!/bin/bash
# run.sh [KERNEL…]: our wg and wg-quick in Debian kernels that have the real wireguard module (default:
# 6.1, 6.12 and 7.2), each script of WGSUITE_VM_SCRIPTS (default: all) in an emulated machine of its own.
# TAP on stdout. The kernels come from Debian with apt-get download, once, into build/vm.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${WGSUITE_BUILD:-$root/build}
peers=${WGSUITE_PEERS:-$build/peers}
cache=${WGSUITE_VM_CACHE:-$root/build/vm}
[ $# -gt 0 ] || set -- 6.1 6.12 7.2
scripts=${WGSUITE_VM_SCRIPTS:-guest quick apparmor}

skip() {
	echo "1..0 # SKIP $1"
	echo "ok 1 - real kernel # SKIP $1"
	exit 0
}
[ "$(uname -m)" = x86_64 ] || skip "the machine is emulated as x86-64 only"
for tool in qemu-system-x86_64 cpio xz zstd objcopy dpkg-deb apt-get cc; do
	command -v "$tool" > /dev/null || skip "$tool is not installed"
done

scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-vmrun.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
mkdir -p "$tree"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,dev,proc,sys,run,tmp}
for d in bin sbin lib lib64; do ln -s "usr/$d" "$tree/$d"; done

put() { # put PROGRAM [NAME]: with the libraries it needs
	cp -L "$1" "$tree/usr/bin/${2:-$(basename "$1")}" && put_libraries "$1"
}
put_libraries() { # put_libraries ELF_FILE
	local library
	for library in $(ldd "$1" 2>/dev/null | grep -oE '/[^ )]+'); do
		case $library in
		*/ld-linux*) cp -Ln "$library" "$tree/usr/lib64/" ;;
		*) mkdir -p "$tree$(dirname "$library")" && cp -Ln "$library" "$tree$library" ;;
		esac
	done
}
for program in bash cat cut diff env grep head ip ls mawk mkdir mkfifo ping rm sed seq setpriv sleep sort tail \
	timeout tr uniq wc od base64 cksum tee true false touch kill comm cmp date; do
	put "$(type -P "$program")" || exit 1
done
strace=$(type -P strace) && put "$strace" # what it sees is checked where it is
ln -s mawk "$tree/usr/bin/awk"
ln -s bash "$tree/usr/bin/sh"
put "$build/wg" || exit 1
if [ -x "$peers/wg" ]; then
	put "$peers/wg" wg-debian
elif [ -x /usr/bin/wg ]; then
	put /usr/bin/wg wg-debian
fi
echo 'root:x:0:0::/:/bin/bash' > "$tree/etc/passwd"
printf '127.0.0.1 localhost\n' > "$tree/etc/hosts"
cc -O1 -static -o "$tree/init" "$here/init.c" || exit 1
cc -O1 -std=gnu11 -D_GNU_SOURCE -static -o "$tree/usr/bin/fake_uapi" "$root/tests/lib/fake_uapi.c" || exit 1
cc -O1 -std=gnu11 -D_GNU_SOURCE -I"$root/src" -o "$scratch/torn" "$here/torn.c" \
	"$root"/src/ipc/{netlink,genl_codec}.c "$root"/src/model/model.c "$root"/src/base/{addr,mem,span,text,key}.c ||
	exit 1
put "$scratch/torn" || exit 1
cc -O1 -std=gnu11 -D_GNU_SOURCE -I"$root/src" -o "$scratch/refused" "$here/refused.c" "$build"/lib{ipc,model,crypto,base}.a \
	-lpthread || exit 1
put "$scratch/refused" || exit 1
cp "$here/tap.bash" "$tree/"
. "$here/quick-tree.sh"

n=0
failed=0
machine() { # machine KERNEL SCRIPT: the machine's own TAP, numbered on
	local tag=$1 script=$2 code=0 line
	cp "$here/$script.sh" "$tree/guest.sh"
	VM_LIMIT=${VM_LIMIT:-800} VM_APPEND=$(sed -n 's/^# kernel command line: //p' "$here/$script.sh") \
		bash "$here/boot.sh" "$cache/$tag" "$tree" "$scratch/console" > "$scratch/out" || code=$?
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			n=$((n + 1))
			echo "${line%%ok *}ok $n - $tag: ${line#*ok [0-9]* - }"
			case $line in not*) failed=1 ;; esac
			;;
		*) echo "# $line" ;;
		esac
	done < "$scratch/out"
	n=$((n + 1))
	if [ "$code" = 0 ]; then
		echo "ok $n - $tag: the machine of $script.sh ended well, the kernel did not complain"
	else
		echo "not ok $n - $tag: $script.sh: exit code $code"
		failed=1
	fi
}
for tag; do
	if ! bash "$here/kernels.sh" "$cache" "$tag" > "$scratch/fetch" 2>&1; then
		n=$((n + 1))
		echo "ok $n - kernel $tag # SKIP cannot be had: $(tail -n 1 "$scratch/fetch")"
		continue
	fi
	for script in $scripts; do machine "$tag" "$script"; done
done
echo "1..$n"
exit "$failed"
