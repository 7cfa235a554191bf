# compilers.sh: sets $between, the compilers between the oldest and the newest ones that tests/build/compilers.bats uses:
# another one each day (WGSUITE_DAY), or all with COMPILERS=all. For scripts to source.
set_between() {
	if [ "${COMPILERS-}" = all ]; then
		between=$*
	else
		shift $((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % $#))
		between=$1
	fi
}
set_between gcc-11 gcc-13 clang-15 clang-16 clang-17 clang-18

# release_of COMPILER: the release of Debian that has it.
release_of() {
	case $1 in
	gcc-11 | clang-15 | clang-16) echo bookworm ;;
	*) echo trixie ;;
	esac
}
