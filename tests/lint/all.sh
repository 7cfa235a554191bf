#!/bin/sh
# all.sh BUILD: runs every lint of this folder on the source tree and on the objects of BUILD. TAP on stdout, with the
# offences before each "not ok"; exit 1 if there is one. New lints are found by wildcard.
set -u
here=$(dirname "$0")
build=${1:?the folder of a build}
n=0
failed=0

for lint in "$here"/*.sh; do
	name=$(basename "$lint" .sh)
	case $name in
	all | messages | selftest) continue ;;
	cycles) set -- "$here/../.." "$build" ;;
	purity | library) set -- "$build" ;;
	*) set -- ;;
	esac
	n=$((n + 1))
	if sh "$lint" "$@" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		failed=1
	fi
done
echo "1..$n"
exit $failed
