#!/usr/bin/env bats
# Every source file of the programs, without a warning from other compilers than those of this machine (tests/run.sh
# builds everything with these) and than those of builds.bats. They only check: warnings of optimizers differ.
# COMPILERS=all tries every one.
load ../lib/releases
. "$BATS_TEST_DIRNAME/../lib/compilers.sh"

# without_warnings RELEASE COMPILER
without_warnings() {
	make_in "$1" -k O=/out/"$2" CC="$2" CFLAGS=-fsyntax-only \
		$(cd "$root" && find src -name '*.c' | sed "s|^|/out/$2/|; s|c\$|o|")
}

@test "gcc 11, 13 and 15, clang 15 to 19: another one each day" {
	for compiler in $compilers; do
		echo "# $compiler" >&3
		without_warnings "$(release_of "$compiler")" "$compiler"
	done
}
