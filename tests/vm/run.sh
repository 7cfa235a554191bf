#!/bin/bash
# run.sh [KERNEL…]: tests of our programs in Debian kernels that have the wireguard module (default: 6.1, 6.12 and 7.2).
# Each kernel is booted once, in an emulated machine, and runs the scripts WGSUITE_VM_SCRIPTS (default: quick and
# guest, and apparmor where every test runs). TAP on stdout. WGSUITE_VM_COMPLETE names the kernels that run every test (default: another one each day, by WGSUITE_DAY); the
# others leave out those that take long and do not depend on the kernel. The kernels are fetched from Debian into build/vm. WGSUITE_VM_TREE is a folder for the machine's
# root file system that several calls share.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${WGSUITE_VM_CACHE:-$root/build/vm}
[ $# -gt 0 ] || set -- 6.1 6.12 7.2
kernels=(6.1 6.12 7.2)
complete=${WGSUITE_VM_COMPLETE-${kernels[${WGSUITE_DAY:-$(($(date +%s) / 86400))} % 3]}}

skip() {
	echo "1..1"
	echo "ok 1 - real kernel # SKIP $1"
	exit 0
}
[ "$(uname -m)" = x86_64 ] || skip "the machine is emulated as x86-64 only"
for tool in qemu-system-x86_64 cpio xz zstd objcopy dpkg-deb apt-get cc; do
	command -v "$tool" > /dev/null || skip "$tool is not installed"
done

scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-vmrun.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=${WGSUITE_VM_TREE:-$scratch}
bash "$here/tree.sh" "$tree" || exit 1

n=0
failed=0
machine() { # machine KERNEL: the scripts' TAP, numbered on
	local tag=$1 script= code=0 line words= scripts="quick guest"
	case " $complete " in
	*" $tag "*)
		words=wgsuite.complete scripts="quick apparmor guest"
		[ "${WGSUITE_COMPLETE-}" != yes ] || words="$words wgsuite.many" # takes minutes
		echo "# $tag runs every test (WGSUITE_VM_COMPLETE)"
		;;
	esac
	WGSUITE_VM_WORDS=$words bash "$here/boot.sh" "$cache/$tag" "$tree/initrd" "$scratch/console" ${WGSUITE_VM_SCRIPTS:-$scripts} > "$scratch/out" || code=$?
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			n=$((n + 1))
			echo "${line%%ok *}ok $n - $tag, $script: ${line#*ok [0-9]* - }"
			case $line in not*) failed=1 ;; esac
			;;
		'# begins '*) script=${line#\# begins } ;;
		'# ended '*)
			n=$((n + 1))
			[ "${line##* }" = 0 ] || { failed=1; printf 'not '; }
			echo "ok $n - $tag, $script: ended with exit code ${line##* }"
			;;
		1..*) ;;
		*) echo "# $line" ;;
		esac
	done < "$scratch/out"
	n=$((n + 1))
	[ "$code" = 0 ] || { failed=1; printf 'not '; }
	echo "ok $n - $tag: the machine ended and the kernel did not complain (exit code $code)"
}
for tag; do
	if ! bash "$here/kernels.sh" "$cache" "$tag" > "$scratch/fetch" 2>&1; then
		n=$((n + 1))
		echo "ok $n - kernel $tag # SKIP cannot fetch it: $(tail -n 1 "$scratch/fetch")"
		continue
	fi
	machine "$tag"
done
echo "1..$n"
exit "$failed"
