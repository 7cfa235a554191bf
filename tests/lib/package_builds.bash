# Debian packages for tests, built in the release of Debian where they are installed. Load release.bash before.

# suites: the releases of today. Debian 13, for which everything is compiled again, has one day of three, on which the kernels of
# tests/vm take least.
suites() {
	if [ "${WGSUITE_COMPLETE-}" = yes ]; then
		printf '%s\n' bookworm trixie
	elif [ $((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % 3)) = 2 ]; then
		echo trixie
	else
		echo bookworm
	fi
}

# whole_repository FOLDER: a new repository with all files of this tree, and a tag of its version
whole_repository() {
	mkdir "$1"
	sh "$root/contrib/packaging/dist.sh" "$1" "$(cd "$root" && pwd)" > /dev/null
	tar -C "$1" --strip-components=1 -xf "$1"/*.tar.gz
	rm "$1"/*.tar.gz
	maintained "$1"
	git -C "$1" init -q
	git -C "$1" add --all
	git -C "$1" commit -q -m all
	git -C "$1" tag -a "v$version" -m "wgsuite $version"
}

# packages_for SUITE: sets DEBS, a folder with packages for it. Those of Debian 12 are in the folder RELEASE. For Debian 13, the compiler
# of releases/trixie makes the programs, without optimization, and debhelper of debian-trixie the packages.
packages_for() {
	local at=$BATS_FILE_TMPDIR/$1 release=$WGSUITE_PEERS/releases/$1
	DEBS=$RELEASE
	[ "$1" != bookworm ] || return 0
	DEBS=$at/deb
	[ ! -d "$DEBS" ] || return 0
	[ -d "$release" ] || skip "tests/lib/get-releases.sh $WGSUITE_PEERS has not been run"
	mkdir -p "$at/programs" "$at/work" "$at/root"
	# At most the kernel file systems are shared with the machine.
	unshare --mount bash -euc 'release=$1 tree=$2 at=$3 system=$4
		mount --bind "$tree" "$release/wgsuite"
		mount --bind "$at/programs" "$release/out"
		mount --rbind /dev "$release/dev"
		chroot "$release" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			make -s -C /wgsuite -j"$(nproc)" O=/out CC=gcc-14 OPT="$5" CFLAGS=-g0 RUNSTATEDIR=/run all
		mount -t tmpfs tmpfs "$at/work"
		mkdir "$at/work/upper" "$at/work/work"
		mount -t overlay -o "lowerdir=$system,upperdir=$at/work/upper,workdir=$at/work/work" overlay "$at/root"
		mkdir "$at/root/wgsuite" "$at/root/out"
		mount --bind "$tree" "$at/root/wgsuite"
		mount --bind "$at" "$at/root/out"
		mount --rbind /dev "$at/root/dev"
		chroot "$at/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin PREBUILT=/out/programs DEB_BUILD_OPTIONS=noautodbgsym \
			sh /wgsuite/contrib/packaging/deb.sh /out' - \
		"$release" "$REPOSITORY" "$at" "$NET_SYSTEM" "$([ "${WGSUITE_COMPLETE-}" = yes ] && echo -O2 || echo -O0)" >&2
}
