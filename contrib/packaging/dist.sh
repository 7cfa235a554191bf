#!/bin/sh
# dist.sh BUILD-FOLDER [COMMIT | TREE]: packs BUILD-FOLDER/wgsuite-VERSION.tar.gz and prints its name. It has the files of a commit
# (default: HEAD), or of a folder that is an unpacked tarball (default, if this one is), without those that were built. The
# same files give the same tarball: sorted, owned by root, with the date of the version's entry in contrib/NEWS.md.
set -eu
export LC_ALL=C
umask 022
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
scratch=$(mktemp -d "$out/dist.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tree"
from=${2:-HEAD}
if [ $# -lt 2 ] && [ "$(git -C "$root" rev-parse --show-toplevel 2> /dev/null)" != "$root" ]; then
	from=$root
fi
if [ -d "$from" ]; then
	tar -C "$from" --exclude=./build --exclude='./build-*' --exclude=./.git --exclude='*.o' --exclude='*.d' --exclude=core \
		-cf "$scratch/files" .
else
	git -C "$root" archive --output="$scratch/files" "$from"
	[ "$from" != HEAD ] || [ -z "$(git -C "$root" status --porcelain)" ] ||
		echo "dist.sh: warning: the tarball does not have the changes that are not committed" >&2
fi
tar -C "$scratch/tree" -xf "$scratch/files"
chmod -R u=rwX,go=rX "$scratch/tree"
version=$(sh "$scratch/tree/contrib/packaging/version.sh")
date=$(sh "$scratch/tree/contrib/packaging/version.sh" date)
mv "$scratch/tree" "$scratch/wgsuite-$version"
tar -C "$scratch" --sort=name --format=ustar --mtime="$date 00:00:00Z" --owner=0 --group=0 --numeric-owner \
	-cf "$scratch/wgsuite.tar" "wgsuite-$version"
gzip -9n "$scratch/wgsuite.tar"
mv "$scratch/wgsuite.tar.gz" "$out/wgsuite-$version.tar.gz"
echo "$out/wgsuite-$version.tar.gz"
