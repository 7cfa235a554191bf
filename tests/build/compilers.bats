#!/usr/bin/env bats
# Every source file of the programs, without a warning from other compilers than those of this machine (tests/run.sh
# builds everything with these) and than those of builds.bats. They only check: warnings of optimizers differ.
load ../lib/releases

# without_warnings RELEASE COMPILER
without_warnings() {
	make_in "$1" -k O=/out/"$2" CC="$2" CFLAGS=-fsyntax-only \
		$(cd "$root" && find src -name '*.c' | sed "s|^|/out/$2/|; s|c\$|o|")
}

@test "gcc 11" { without_warnings bookworm gcc-11; }
@test "gcc 13" { without_warnings trixie gcc-13; }
@test "gcc 15" { without_warnings forky gcc-15; }
@test "clang 15" { without_warnings bookworm clang-15; }
@test "clang 16" { without_warnings bookworm clang-16; }
@test "clang 17" { without_warnings trixie clang-17; }
@test "clang 18" { without_warnings trixie clang-18; }
@test "clang 19" { without_warnings trixie clang-19; }
