# compilers.sh: sets $compilers, of those between the oldest one (builds.bats) and those of this machine the one that
# tests/build/compilers.bats uses: another each day (WGSUITE_DAY), every second day one of the newest, which warn of most; or
# all with COMPILERS=all. For scripts to source.
if [ "${COMPILERS-}" = all ]; then
	compilers="gcc-11 gcc-13 gcc-15 clang-15 clang-16 clang-17 clang-18 clang-19"
else
	set_today() { # set_today COMPILER…
		shift $((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % $#))
		compilers=$1
	}
	set_today gcc-15 gcc-11 clang-19 gcc-13 gcc-15 clang-15 clang-19 clang-16 gcc-15 clang-17 clang-19 clang-18
fi

# release_of COMPILER: the release of Debian that has it.
release_of() {
	case $1 in
	gcc-15) echo forky ;;
	gcc-11 | clang-15 | clang-16) echo bookworm ;;
	*) echo trixie ;;
	esac
}
