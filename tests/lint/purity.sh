#!/bin/sh
# purity.sh [BUILD]: the pure modules and folders call nothing outside themselves except memory, strings, the allocator
# and sorting. Read from the undefined symbols of their objects in BUILD (default build/, without sanitizers). The
# list has names, not patterns, so that no clock, file, socket or stdio function can match. Prints every offence; exit
# 1 if there is one.
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
# check NAME FILE… : NAME calls only what it, the files checked before and the list above define.
checked=
check() {
	name=$1
	shift
	checked="$checked $*"
	defined=$(nm --defined-only -g $checked 2>/dev/null | awk 'NF == 3 { print $3 }')
	nm -A -u "$@" 2>/dev/null | awk -v name="$name" -v allowed="$allowed $(echo $defined)" '
	BEGIN {
		n = split(allowed, words, /[ \n]+/)
		for (i = 1; i <= n; i++)
			ok[words[i]] = 1
	}
	!($NF in ok) {
		sub(/:[^:]*$/, "", $1)
		print $1 ": pure " name " calls " $NF
		bad = 1
	}
	END { exit bad }' || code=1
}

for module in base crypto model check proto; do
	archive=$build/lib$module.a
	if [ ! -s "$archive" ]; then
		echo "$archive: not there; build it first"
		exit 1
	fi
	check "$module" "$archive"
done
for folder in quick/config quick/plan quick/diagnosis quick/monitor; do # by source: an object may be left over from a file that was removed
	check "$folder" $(cd "$root/src/$folder" && ls -- *.c | sed "s|^|$build/src/$folder/|; s|c\$|o|")
done

# Clocks and randomness that are instructions leave no symbol.
if grep -nE '\b_?_?(rdtscp?|rdrand(16|32|64)?_step|rdseed(16|32|64)?_step|builtin_ia32_rd(tsc|rand|seed)[a-z0-9_]*|builtin_readcyclecounter|syscall)\b' \
	-r "$root/src/base" "$root/src/crypto" "$root/src/model" "$root/src/check" "$root/src/proto" "$root/src/quick/config" "$root/src/quick/plan" "$root/src/quick/diagnosis" "$root/src/quick/monitor"; then
	echo "a pure module or folder uses an instruction that is a clock, a source of randomness or a system call"
	code=1
fi
exit $code
