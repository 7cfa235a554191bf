#!/bin/sh
# packages.sh [--install] GROUP…: prints the Debian packages that the build (build), the unit tests (unit), the demonstration
# (try), all tests (test) and the benchmarks (bench) need, one per line; --install installs those that are missing.
set -eu

build="gcc libc6-dev make binutils pkg-config libmnl-dev libnl-3-dev libnl-route-3-dev libiniparser-dev libcap-dev libseccomp-dev"
unit=libcmocka-dev
try="iproute2 iputils-ping procps util-linux"
# Compilers and test libraries; other machines' compilers and their emulator; programs that tests drive or observe with.
test="$unit clang g++ llvm libclang-rt-dev bats valgrind
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
	gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user-static gcc-i686-linux-gnu libc6-dev-i386-cross
	git iperf3 iproute2 iputils-ping procps util-linux nftables iptables conntrack socat jq strace
	tcpdump tshark fping mandoc python3 python3-cryptography zsh fish qemu-system-x86 cpio xz-utils zstd
	mmdebstrap libssh-gcrypt-4 libreadline8 spin
	libqrencode4 libpng16-16 zbar-tools libncursesw6 tmux graphviz
	ansible-core signify-openbsd minisign python3-license-expression
	debhelper lintian crun umoci rpm makepkg libarchive-tools nix-bin"
# `make bench`: load generators, the cryptography libraries to compare with, and the plotter.
bench="iperf3 iproute2 iputils-ping procps util-linux nftables jq strace python3 libssl-dev libsodium-dev
	gnuplot-nox perl time"

install=
case ${1-} in
--install) install=yes; shift ;;
-*) echo "usage: packages.sh [--install] build|unit|try|test|bench…" >&2; exit 2 ;;
esac

wanted=
for group; do
	case $group in
	build) wanted="$wanted $build" ;;
	unit) wanted="$wanted $unit" ;;
	try) wanted="$wanted $try" ;;
	test) wanted="$wanted $test" ;;
	bench) wanted="$wanted $bench" ;;
	*) echo "packages.sh: unknown group: $group" >&2; exit 2 ;;
	esac
done

if [ -z "$install" ]; then
	printf '%s\n' $wanted | sort -u
	exit 0
fi

if ! command -v apt-get > /dev/null; then
	echo "packages.sh: apt-get is not installed; install this system's equivalents of:" $wanted
	exit 0
fi
missing=
for package in $(printf '%s\n' $wanted | sort -u); do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
if [ -z "$missing" ]; then
	echo "All packages are installed."
	exit 0
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
get() {
	apt-get install -y -q --no-install-recommends $missing > "$log" 2>&1 < /dev/null
}
# The package lists of a fresh machine are empty or old: update them when the first attempt fails.
if ! get && ! { apt-get update -q > "$log" 2>&1 < /dev/null; get; }; then
	cat "$log" >&2
	echo "packages.sh: apt-get could not install:$missing" >&2
	exit 1
fi
