#!/bin/sh
# release.sh BUILD-FOLDER: makes BUILD-FOLDER/release of the tag of this version, vVERSION: the tarball, the Debian packages
# with their .buildinfo, the bill of materials and SHA256SUMS. Refuses a tree of which version, entry in contrib/NEWS.md, tag and
# files do not agree, or whose maintainer (contrib/packaging/maintainer) is a placeholder. contrib/packaging/README.md has the whole procedure.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
fail() {
	echo "release.sh: cannot make a release: $1" >&2
	[ -z "${2-}" ] || echo "  help: $2" >&2
	exit 1
}
mkdir -p "$1"
build=$(cd "$1" && pwd)
cd "$root"
version=$(sh "$here/version.sh")
[ -z "$(git status --porcelain)" ] || fail "uncommitted changes" "git status"
sh "$here/version.sh" date > /dev/null || fail "contrib/NEWS.md has no entry for $version"
newest=$(sed -n 's/^## \([^ ]*\).*/\1/p' contrib/NEWS.md | head -n 1)
[ "$newest" = "$version" ] || fail "the first entry of contrib/NEWS.md is of $newest, src/base/version.h has $version"
sh "$here/maintainer.sh" check || fail "no maintainer"
[ "$(git cat-file -t "refs/tags/v$version" 2> /dev/null)" = tag ] ||
	fail "no tag v$version with a message" "git tag -a v$version -m 'wgsuite $version'"
[ "$(git rev-parse "v$version^{commit}")" = "$(git rev-parse HEAD)" ] || fail "the tag v$version is not of this commit" "git checkout v$version"

out=$build/release
rm -rf "$out"
mkdir "$out"
sh "$here/dist.sh" "$out" "v$version" > /dev/null
# From the tarball, so that the packages are of what is published.
scratch=$(mktemp -d "$build/release.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tar -C "$scratch" -xf "$out/wgsuite-$version.tar.gz"
sh "$scratch/wgsuite-$version/contrib/packaging/deb.sh" "$scratch/build" > /dev/null
cp "$scratch"/build/deb/*.deb "$scratch"/build/deb/*.buildinfo "$out"
for deb in "$out"/*.deb; do
	dpkg-deb -x "$deb" "$scratch/installed"
done
python3 "$scratch/wgsuite-$version/contrib/packaging/sbom.py" "$scratch/installed" "$out/wgsuite-$version.spdx.json"
(cd "$out" && LC_ALL=C sha256sum -- *) > "$scratch/SHA256SUMS"
cp "$scratch/SHA256SUMS" "$out/SHA256SUMS"
ls -d "$out"/*
