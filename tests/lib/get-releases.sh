#!/bin/sh
# get-releases.sh DIR: makes DIR/releases/NAME with mmdebstrap: Debian releases with compilers and our libraries, for
# tests/build. bullseye can be booted; in the others packages are unpacked only, as compilers need no configuration.
# DIR/releases/i386 has the libraries of this release for 32-bit programs. What exists is kept, and made again if it lacks
# packages; a second call waits for the first. bullseye and i386 are made on the days of their tests (WGSUITE_DAY, builds.bats), or
# both with WGSUITE_COMPLETE=yes. COMPILERS=all: see compilers.sh. Exit 1 if one cannot be made.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/releases"
out=$(cd "$1/releases" && pwd)
exec 9> "$out/lock"
flock 9
scratch=$(mktemp -d "$out/new.XXXXXX")
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
export TMPDIR="$scratch"
libraries=libmnl-dev,libnl-3-dev,libnl-route-3-dev,libiniparser-dev,libcap-dev,libseccomp-dev
code=0
. "$here/compilers.sh"
. "$here/days.bash"

release() { # release NAME VARIANT PACKAGES
	packages=$(cat "$out/$1/.packages" 2> /dev/null || echo base-files)
	existing=$packages
	for package in $(echo "dash,coreutils,findutils,make,pkg-config,libc6-dev,$libraries,$3" | tr , ' '); do
		case ,$packages, in
		*",$package,"*) ;;
		*) packages=$packages,$package ;;
		esac
	done
	[ "$packages" != "$existing" ] || return 0
	# The lists of a mirror that lags may have expired. With path-exclude as an option, a Python program would read each package.
	mmdebstrap --quiet --mode=root --variant="$2" --include="$packages" --aptopt='Acquire::Check-Valid-Until "false"' \
		--extract-hook='mkdir -p "$1/etc/dpkg/dpkg.cfg.d" && printf "path-exclude=/usr/share/%s/*\n" doc locale > "$1/etc/dpkg/dpkg.cfg.d/documents"' \
		"$1" "$scratch/$1" || { code=1; return; }
	rm -rf "$scratch/$1"/var/cache/apt/* "$scratch/$1"/var/lib/apt/lists/* "$scratch/$1"/usr/share/doc "$scratch/$1"/usr/share/locale
	mkdir -p "$scratch/$1/wgsuite" "$scratch/$1/out" "$scratch/$1/dev"
	echo "$packages" > "$scratch/$1/.packages"
	rm -rf "${out:?}/$1"
	mv "$scratch/$1" "$out/$1"
}
if today 0 2; then
	release bullseye minbase gcc-10,systemd,systemd-sysv,dbus,iproute2,iputils-ping,nftables,procps
	# Debian 11 does not enable it.
	chroot "$out/bullseye" systemctl --quiet enable systemd-resolved 2> /dev/null || code=1
fi
others() { # others RELEASE: its compilers besides the oldest ones, each after a comma
	for compiler in $compilers; do
		[ "$(release_of "$compiler")" != "$1" ] || printf ,%s "$compiler"
	done
}
release trixie extract "gcc-14,musl-tools$(others trixie)"
# AppArmor 4, without what it depends on, of which its parser needs nothing.
if [ ! -e "$out/trixie/usr/sbin/apparmor_parser" ]; then
	. "$here/apt.sh"
	mirror=$(mirror_of trixie)
	apt_suite "${mirror:-http://deb.debian.org/debian}" trixie "$(dpkg --print-architecture)" && apt_unpack "$scratch/apparmor" apparmor &&
		cp -a "$scratch/apparmor/etc" "$scratch/apparmor/usr" "$out/trixie/" || code=1
fi
[ -z "$(others forky)" ] || release forky extract "$(others forky | cut -c2-)"
[ -z "$(others bookworm)" ] || release bookworm extract "$(others bookworm | cut -c2-)"
if today 1 2 && [ ! -e "$out/i386" ]; then
	. "$here/apt.sh"
	mirror=$(mirror_of bookworm)
	apt_suite "${mirror:-http://deb.debian.org/debian}" bookworm i386 &&
		apt_unpack "$scratch/i386" libmnl0 libmnl-dev libnl-3-200 libnl-3-dev libnl-route-3-200 libnl-route-3-dev \
			libiniparser1 libiniparser-dev libcap2 libcap-dev libseccomp2 libseccomp-dev libcmocka0 libcmocka-dev &&
		mv "$scratch/i386" "$out/i386" || code=1
fi
exit $code
