#!/bin/sh
# get-clients.sh DIR: fetches programs that parse the output of wg, with the ordinary clients of their registries:
#   DIR/wireguard-wrapper/     npm, version 1.0.3
#   DIR/freedombox.py          Debian's freedombox: its parser of wg's dump
#   DIR/wg-json DIR/reresolve-dns.sh   scripts that come with Debian's wireguard-tools
# Fetches nothing that is there. Exit 1 if something cannot be fetched.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-clients.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
code=0

unpack() { # unpack PACKAGE
	dpkg-deb -x "$1"_*.deb x
}

wanted=
[ -e "$out/freedombox.py" ] || wanted=freedombox
[ -e "$out/wg-json" ] && [ -e "$out/reresolve-dns.sh" ] || wanted="$wanted wireguard-tools"
[ -z "$wanted" ] || apt-get -qq -o APT::Sandbox::User=root download $wanted # in one call, as each reads the package lists

if [ ! -e "$out/wireguard-wrapper" ]; then
	if command -v npm > /dev/null && npm pack --silent wireguard-wrapper@1.0.3 > packed; then
		tar xzf "$(cat packed)" && mv package "$out/wireguard-wrapper"
	else
		code=1
	fi
fi
if [ ! -e "$out/freedombox.py" ]; then
	unpack freedombox &&
		cp x/usr/lib/python3/dist-packages/plinth/modules/wireguard/privileged.py "$out/freedombox.py" ||
		code=1
fi
if [ ! -e "$out/wg-json" ] || [ ! -e "$out/reresolve-dns.sh" ]; then
	unpack wireguard-tools &&
		cp x/usr/share/doc/wireguard-tools/examples/json/wg-json \
			x/usr/share/doc/wireguard-tools/examples/reresolve-dns/reresolve-dns.sh "$out/" || code=1
fi
exit $code
