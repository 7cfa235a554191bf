#!/bin/bash
# boot.sh KERNEL_DIR TREE LOG: boots the kernel (DIR/vmlinuz, DIR/modules/) with the folder TREE as its
# root; TREE/init is our init, TREE/guest.sh its script, VM_APPEND more words for the kernel. What the
# script prints goes to stdout, the kernel's console to LOG. Exit code: the script's; 124: time limit; 98: no end was seen; 97: the
# kernel complained. Emulated (no KVM is needed), no network, nothing of this machine is mounted.
set -u
kernel=$1 tree=$2 log=$3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-vm.XXXXXX")
qemu=
trap '[ -z "$qemu" ] || kill -9 "$qemu" 2>/dev/null; rm -rf "$scratch"' EXIT
cp -r "$kernel/modules" "$tree/modules"
(cd "$tree" && find . -print0 | cpio -0 -o -H newc --quiet -R 0:0) > "$scratch/initrd" || exit 98
rm -rf "$tree/modules"
boot() {
	: > "$scratch/out"
	timeout -k 5 "${VM_LIMIT:-240}" qemu-system-x86_64 -nodefaults -display none -no-reboot -machine q35 \
		-accel tcg,thread=multi -cpu max -smp 2 -m 1024 \
		-kernel "$kernel/vmlinuz" -initrd "$scratch/initrd" \
		-append "console=ttyS0 loglevel=4 panic=-1 oops=panic random.trust_cpu=on mitigations=off nokaslr tsc=reliable ${VM_APPEND-}" \
		-serial "file:$log" -serial "file:$scratch/out" -monitor none < /dev/null > "$scratch/qemu" 2>&1 &
	qemu=$!
	wait "$qemu"
	code=$?
	qemu=
}
for again in 1 2 ''; do
	boot
	[ -n "$again" ] && [ "$code" != 124 ] && grep -aq 'Kernel panic' "$log" &&
		! grep -aq '^# begins$' "$scratch/out" || break
	echo "the kernel died before init began, and is booted again: $(grep -am 1 'Kernel panic' "$log")"
done
grep -avE '^# (begins$|ended )' "$scratch/out"
cat "$scratch/qemu" >&2
[ "$code" != 124 ] || { echo "boot.sh: time limit" >&2; exit 124; }
code=$(sed -n 's/^# ended \([0-9]*\).*/\1/p' "$scratch/out")
if [ -z "$code" ]; then
	tail -n 25 "$log" >&2
	exit 98
fi
if grep -aE 'WARNING:|BUG:|Oops|Kernel panic|general protection|refcount_t:|blocked for more|suspicious RCU' \
	"$log" >&2; then
	exit 97
fi
exit "$code"
