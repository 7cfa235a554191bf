#!/bin/sh
# get-root.sh DIR [bookworm|trixie]: makes DIR/debian, a small Debian 12 with systemd for tests that boot one (240 MB), with
# mmdebstrap from the mirror of this machine. trixie: DIR/debian-trixie, a Debian 13, with what builds packages, too (490 MB).
# Its folder packages has packages that tests install: the libraries of ours, wireguard-tools, apparmor. Does nothing if it exists
# with the packages below; a second call waits for the first.
set -eu
suite=${2:-bookworm}
packages=systemd,systemd-sysv,dbus,systemd-resolved,iproute2,iputils-ping,nftables,procps
# The libraries of our programs.
packages=$packages,libcap2,libmnl0,libnl-3-200,libnl-route-3-200,libseccomp2
needed="libnl-3-200 libnl-route-3-200 libseccomp2 libmnl0 libqrencode4 zlib1g libncursesw6 libtinfo6 wireguard-tools apparmor"
case $suite in
bookworm)
	name=debian packages=$packages,libiniparser1 needed="$needed libiniparser1 libpng16-16"
	# Programs of tests/netns/other_programs.bats, which are not started at boot.
	packages=$packages,network-manager,firewalld,netbase,avahi-daemon,ifupdown-ng
	;;
trixie) name=debian-trixie packages=$packages,libiniparser4,debhelper needed="$needed libiniparser4 libpng16-16t64" ;;
*) echo "usage: get-root.sh DIR [bookworm|trixie]" >&2; exit 2 ;;
esac
mkdir -p "$1"
out=$(cd "$1" && pwd)
exec 9> "$out/$name.lock"
flock 9
[ "$(cat "$out/$name/.packages" 2>/dev/null)" != "$packages $needed" ] || exit 0
scratch=$(mktemp -d "$out/$name.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"

mkdir "$scratch/root"
export needed
# With path-exclude as an option, a Python program would read each package that dpkg needs itself.
TMPDIR=$scratch mmdebstrap --quiet --variant=minbase --include="$packages" \
	--extract-hook='mkdir -p "$1/etc/dpkg/dpkg.cfg.d" && printf "path-exclude=/usr/share/%s/*\n" doc locale man > "$1/etc/dpkg/dpkg.cfg.d/documents"' \
	--customize-hook='mkdir "$1/packages" && cd "$1/packages" &&
		APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq -o APT::Sandbox::User=root download $needed &&
		dpkg-scanpackages . /dev/null > Packages' \
	"$suite" "$scratch/root" 2> "$scratch/log" || { cat "$scratch/log" >&2; exit 1; }
rm -rf "$scratch"/root/var/cache/apt/* "$scratch"/root/var/lib/apt/lists/* "$scratch"/root/usr/share/doc/* "$scratch"/root/usr/share/locale/* \
	"$scratch"/root/usr/share/man/*
[ "$suite" != bookworm ] || chroot "$scratch/root" systemctl --quiet disable NetworkManager NetworkManager-wait-online \
	NetworkManager-dispatcher firewalld avahi-daemon.service avahi-daemon.socket networking
echo "$packages $needed" > "$scratch/root/.packages"
rm -rf "${out:?}/$name"
mv "$scratch/root" "$out/$name"
