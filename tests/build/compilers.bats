#!/usr/bin/env bats
# Every source file of the programs, without a warning from other compilers than those of this machine (tests/run.sh
# builds everything with these) and than those of builds.bats. They only check: warnings of optimizers differ.
# The newest compilers warn of most: one of the two is tried each day, and of those between them and the oldest ones another;
# COMPILERS=all tries every one.
load ../lib/releases
. "$BATS_TEST_DIRNAME/../lib/compilers.sh"

# without_warnings RELEASE COMPILER
without_warnings() {
	make_in "$1" -k O=/out/"$2" CC="$2" CFLAGS=-fsyntax-only \
		$(cd "$root" && find src -name '*.c' | sed "s|^|/out/$2/|; s|c\$|o|")
}

@test "gcc 15 and clang 19: another one each day" {
	for compiler in $newest; do
		echo "# $compiler" >&3
		without_warnings "$(release_of "$compiler")" "$compiler"
	done
}
@test "gcc 11 and 13, clang 15 to 18: another one each day" {
	for compiler in $between; do
		echo "# $compiler" >&3
		without_warnings "$(release_of "$compiler")" "$compiler"
	done
}
