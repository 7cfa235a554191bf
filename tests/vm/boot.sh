#!/bin/bash
# boot.sh KERNEL_DIR INITRD LOG SCRIPT…: boots the kernel (DIR/vmlinuz, with DIR/modules/) and runs the scripts inside
# (scripts.sh). Their output goes to stdout, the kernel's console to LOG. Exit code: that of scripts.sh; 124: time limit;
# 98: the machine did not end; 97: the kernel complained. The machine is emulated and needs no KVM; it has no network and
# sees nothing of this machine.
set -u
kernel=$1 initrd=$2 log=$3
shift 3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-vm.XXXXXX")
qemu=
trap '[ -z "$qemu" ] || kill -9 "$qemu" 2>/dev/null; rm -rf "$scratch"' EXIT
# norandmaps: the emulator translates a program's code once, and not again for each address at which it is loaded.
# rcu_expedited: an interface with 2,000 peers is deleted in a second instead of 40. WGSUITE_VM_WORDS: further words.
# The kernel unpacks one archive after the other.
# The emulator runs one processor with much less effort than two. The machine that runs every test has two, of which
# guest.sh starts the second for concurrent changes, and with wgsuite.many both run from the beginning. The emulator copies eight
# bytes at a time with "rep movsq", but one with the "rep movsb" of processors that have erms.
{ cat "$initrd" && cd "$kernel" && find modules -print0 | cpio -0 -o -H newc --quiet -R 0:0; } > "$scratch/initrd" || exit 98
words="console=ttyS0 loglevel=4 panic=-1 oops=panic random.trust_cpu=on mitigations=off nokaslr norandmaps
	tsc=reliable rcupdate.rcu_expedited=1 apparmor=1 security=apparmor ${WGSUITE_VM_WORDS-} wgsuite.scripts=$(IFS=,; echo "$*")"
case " $words " in
*" wgsuite.many "*) processors=2 ;;
*" wgsuite.complete "*) processors=2 words="$words maxcpus=1" ;;
*) processors=1 ;;
esac
boot() {
	: > "$scratch/out"
	timeout -k 5 "${VM_LIMIT:-3600}" qemu-system-x86_64 -nodefaults -display none -no-reboot -machine q35 \
		-accel tcg,thread=multi -cpu max,erms=off,fsrm=off -smp $processors -m 1024 \
		-kernel "$kernel/vmlinuz" -initrd "$scratch/initrd" -append "$(echo $words)" \
		-serial "file:$log" -serial "file:$scratch/out" -monitor none < /dev/null > "$scratch/qemu" 2>&1 &
	qemu=$!
	wait "$qemu"
	code=$?
	qemu=
}
# The emulator sometimes panics a kernel before it starts init.
for again in 1 2 ''; do
	boot
	[ -n "$again" ] && [ "$code" != 124 ] && grep -aq 'Kernel panic' "$log" &&
		! grep -aq '^# begins ' "$scratch/out" || break
	echo "the kernel panicked before init, booting again: $(grep -am 1 'Kernel panic' "$log")"
done
cat "$scratch/out"
cat "$scratch/qemu" >&2
[ "$code" != 124 ] || { echo "boot.sh: time limit" >&2; exit 124; }
code=$(sed -n 's/^# all ended \([0-9]*\).*/\1/p' "$scratch/out")
if [ -z "$code" ]; then
	tail -n 25 "$log" >&2
	exit 98
fi
if grep -aE 'WARNING:|BUG:|Oops|Kernel panic|general protection|refcount_t:|blocked for more|suspicious RCU' \
	"$log" >&2; then
	exit 97
fi
exit "$code"
