#!/bin/sh
# purity.sh [BUILD]: what base, crypto, model and proto call outside themselves, read off the
# undefined symbols of their archives in BUILD (default build/, built without sanitizers). Only the
# names below: memory, strings, the allocator, sorting, and what compilers make of them. No pattern,
# so that no clock, file, socket or stdio slips through. Exit 1 on any other name.
set -eu
root=$(dirname "$0")/../..
build=${1:-$root/build}

# Memory and strings, and arithmetic that libgcc does where the CPU has no instruction.
allowed="bcmp memchr memcmp memcpy memmove memset explicit_bzero
strchr strcmp strcspn strlen strncmp strnlen strrchr strspn strstr
malloc calloc realloc reallocarray free qsort
__memcpy_chk __memmove_chk __memset_chk __explicit_bzero_chk
__popcountdi2 __stack_chk_fail __assert_fail _GLOBAL_OFFSET_TABLE_"

code=0
seen=
for room in base crypto model proto; do
	archive=$build/lib$room.a
	if [ ! -s "$archive" ]; then
		echo "$archive: not there; build it first"
		exit 1
	fi
	seen="$seen $archive"
	defined=$(nm --defined-only -g $seen 2>/dev/null | awk 'NF == 3 { print $3 }')
	nm -A -u "$archive" 2>/dev/null | awk -v room="$room" -v allowed="$allowed $(echo $defined)" '
	BEGIN {
		n = split(allowed, words, /[ \n]+/)
		for (i = 1; i <= n; i++)
			ok[words[i]] = 1
	}
	!($NF in ok) {
		split($1, place, ":")
		print place[1] "(" place[2] "): pure room " room " calls " $NF
		bad = 1
	}
	END { exit bad }' || code=1
done

# Clocks and chance that are instructions leave no symbol.
if grep -nE '\b_?_?(rdtscp?|rdrand(16|32|64)?_step|rdseed(16|32|64)?_step|builtin_ia32_rd(tsc|rand|seed)[a-z0-9_]*|builtin_readcyclecounter|syscall)\b' \
	-r "$root/src/base" "$root/src/crypto" "$root/src/model" "$root/src/proto"; then
	echo "a pure room uses an instruction that is a clock, chance or a system call"
	code=1
fi
exit $code
