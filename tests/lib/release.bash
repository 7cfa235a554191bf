# Helpers for tests of releases: a repository with a tag, and releases without packages. Needs $root.
bats_require_minimum_version 1.5.0
version=$(sh "$root/contrib/packaging/version.sh")
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.org GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.org
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

# maintained FOLDER: a tree that has a maintainer, without which there is no release
maintained() {
	sed -i 's/example\.org/wgsuite.test/' "$1/contrib/packaging/maintainer"
	sh "$1/contrib/packaging/maintainer.sh" update
}

# repository FOLDER: a new one, with a tag of this version and the files that releases depend on, and few others.
repository() {
	mkdir "$1"
	tar -C "$root" --exclude='*.o' --exclude='*.d' -cf - contrib/packaging contrib/verify-release contrib/NEWS.md src/base COPYING README.md \
		| tar -C "$1" -xf -
	maintained "$1"
	git -C "$1" init -q
	git -C "$1" add --all
	git -C "$1" commit -q -m "all"
	git -C "$1" tag -a "v$version" -m "wgsuite $version"
}

# sums FOLDER: its SHA256SUMS
sums() {
	(cd "$1" && rm -f SHA256SUMS && LC_ALL=C find . -type f ! -name 'SHA256SUMS*' -printf '%P\n' | sort | xargs sha256sum > SHA256SUMS)
}

# release REPOSITORY FOLDER: as `make release` makes one, but with the tarball only
release() {
	rm -rf "$2"
	sh "$1/contrib/packaging/dist.sh" "$2" "v$version" > /dev/null
	sums "$2"
}

# repack: the folder wgsuite-VERSION as the tarball of the folder release
repack() {
	tar --sort=name --format=ustar --mtime="$(sh "$root/contrib/packaging/version.sh" date) 00:00:00Z" --owner=0 --group=0 --numeric-owner \
		-cf "release/wgsuite-$version.tar" "wgsuite-$version"
	gzip -9nf "release/wgsuite-$version.tar"
}
