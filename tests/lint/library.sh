#!/bin/sh
# library.sh [BUILD [ROOT]]: libwgproto in BUILD defines no symbol but wgproto_*, and calls only what is in the list below:
# nothing that ends the program, prints, or handles signals. Read from the symbols of its objects, and for instructions that
# end the program from the sources. Prints every offence; exit 1 if there is one.
set -u
root=${2:-$(dirname "$0")/../..}
build=${1:-$root/build}
object=$build/library/libwgproto.o
code=0

# Memory, strings and randomness; arithmetic that libgcc does where the CPU has no instruction; and what a compiler inserts to
# stop a program whose memory was overwritten.
allowed="bcmp memchr memcmp memcpy memmove memset strchr strcmp strcspn strlen strncmp strnlen strrchr strspn strstr
malloc calloc realloc free getrandom _setjmp setjmp longjmp __errno_location __tls_get_addr _GLOBAL_OFFSET_TABLE_
__memcpy_chk __memmove_chk __memset_chk __stack_chk_fail __stack_chk_fail_local __stack_chk_guard __popcountdi2
__udivdi3 __umoddi3 __udivmoddi4"

for file in "$object" "$build/libwgproto.a" "$build/libwgproto.so.0"; do
	[ -s "$file" ] || { echo "$file: not there; build it first (make lib)"; exit 1; }
done
complain() { # complain TEXT NAME…
	text=$1
	shift
	for name; do
		echo "$text $name"
		code=1
	done
}
complain "libwgproto.a defines" $(nm -g --defined-only "$build/libwgproto.a" | awk 'NF == 3 && $3 !~ /^wgproto_/ { print $3 }')
complain "libwgproto.so.0 defines" $(nm -D --defined-only "$build/libwgproto.so.0" |
	awk 'NF == 3 { sub(/@.*/, "", $3) } NF == 3 && $3 !~ /^(wgproto_|WGPROTO_)/ { print $3 }')
complain "libwgproto calls" $(nm -u "$object" | awk -v allowed="$allowed" '
	BEGIN { n = split(allowed, words, /[ \n]+/); for (i = 1; i <= n; i++) ok[words[i]] = 1 }
	!($NF in ok) { print $NF }' | sort -u)
# guard.c: where no call can be; base.h: what the library defines otherwise.
if grep -nE '__builtin_(trap|abort|unreachable)\b|\b(ud2|brk|int3)\b' -r "$root/src/lib" "$root/src/base" "$root/src/crypto" "$root/src/proto" |
	grep -vE 'src/lib/guard\.c:|src/base/base\.h:'; then
	echo "code of the library has an instruction that ends the program"
	code=1
fi
exit $code
