# Builds in Debian releases that tests/lib/get-releases.sh has made, for bats tests of tests/build, as root.
bats_require_minimum_version 1.5.0

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	releases=${WGSUITE_PEERS:-$root/build/peers}/releases
	out=${WGSUITE_BUILD:-$root/build}/check/builds
	mkdir -p "$out"
}

# in_release NAME COMMAND…: runs a command in a release, with the sources at /wgsuite and $out/NAME at /out. The shell
# commands PREPARE run before, as root outside, with the release's folder as $release.
in_release() {
	local release=$releases/$1
	[ -d "$release" ] || skip "tests/lib/get-releases.sh has not made Debian $1"
	[ "$(id -u)" = 0 ] || skip "not root"
	mkdir -p "$out/$1"
	shift
	unshare --mount bash -eu -c 'release=$1 sources=$2 out=$3 prepare=$4
		shift 4
		mount --bind "$sources" "$release/wgsuite"
		mount --bind "$out" "$release/out"
		mount --rbind /dev "$release/dev"
		eval "$prepare"
		exec chroot "$release" sh -c "cd /wgsuite && exec \"\$@\"" - "$@"' - \
		"$release" "$root" "$out/$(basename "$release")" "${PREPARE-}" \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

make_in() { # make_in RELEASE MAKE_ARGUMENT…
	local release=$1
	shift
	in_release "$release" make -s -j"$(nproc)" WERROR=1 "$@"
}
