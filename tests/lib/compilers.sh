# compilers.sh: sets $newest and $between, of the newest compilers and of those between them and the oldest ones the one that
# tests/build/compilers.bats uses: another each day (WGSUITE_DAY), or all with COMPILERS=all. For scripts to source.
of_today() { # of_today COMPILER…
	if [ "${COMPILERS-}" != all ]; then
		shift $((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % $#))
		set -- "$1"
	fi
	echo "$*"
}
newest=$(of_today gcc-15 clang-19)
between=$(of_today gcc-11 gcc-13 clang-15 clang-16 clang-17 clang-18)

# release_of COMPILER: the release of Debian that has it.
release_of() {
	case $1 in
	gcc-15) echo forky ;;
	gcc-11 | clang-15 | clang-16) echo bookworm ;;
	*) echo trixie ;;
	esac
}
