#!/usr/bin/env bats
# contrib/packaging: the recipes for other distributions, as far as programs of Debian can run them. The programs are those of this
# build, but with WGSUITE_COMPLETE=yes they are compiled by the recipes.
bats_require_minimum_version 1.5.0

# The source tarball. Unless the recipes are to compile, it has programs that make takes for up to date.
setup_file() {
	local root tree version build date
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=${WGSUITE_BUILD:-$root/build} version=$(sh "$root/contrib/packaging/version.sh")
	export TARBALL=$BATS_FILE_TMPDIR/wgsuite-$version.tar.gz
	sh "$root/contrib/packaging/dist.sh" "$BATS_FILE_TMPDIR" "$root" > /dev/null
	[ "${WGSUITE_COMPLETE-}" != yes ] || return 0
	tree=$BATS_FILE_TMPDIR/tree/wgsuite-$version date=$(sh "$root/contrib/packaging/version.sh" date) # of the sources in the tarball
	mkdir "$BATS_FILE_TMPDIR/tree"
	tar -xzf "$TARBALL" -C "$BATS_FILE_TMPDIR/tree"
	(
		cd "$tree"
		find src -name '*.c' | sed 's|[^/]*$||; s|^|build/|' | sort -u | xargs mkdir -p
		find src -name '*.c' | sed 's|c$|o|; s|^|build/|' | xargs touch -d "$date 01:00Z"
		ls src | sed 's|.*|build/lib&.a|' | xargs touch -d "$date 02:00Z"
		cp "$build/wg" "$build/wg-quick" "$build/wireguardd" build/
		strip build/wg*
		touch -d "$date 03:00Z" build/wg build/wg-quick build/wireguardd
	)
	tar -C "$BATS_FILE_TMPDIR/tree" -cf - "wgsuite-$version" | gzip -1 > "$TARBALL"
}

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	packaging=$root/contrib/packaging
	version=$(sh "$packaging/version.sh") compatible=$(sh "$packaging/version.sh" compatible)
	to=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-recipes.XXXXXX")
}

teardown() { rm -rf "$to"; }

# has FILE…: a list on standard input has these lines.
has() {
	local list line
	list=$(cat)
	for line; do
		grep -qxF -- "$line" <<< "$list" || { echo "missing: $line" >&2; echo "$list" >&2; return 1; }
	done
}

@test "the recipes have the versions of src/base/version.h and the maintainer, and say in the first line what was not built" {
	cd "$packaging"
	grep -qx "pkgver=$version" arch/PKGBUILD
	grep -qx "pkgver=$version" alpine/APKBUILD
	grep -qx "_compatible=$compatible" arch/PKGBUILD
	grep -qx "_compatible=$compatible" alpine/APKBUILD
	grep -qx "Version:  *$version" rpm/wgsuite.spec
	grep -qx "%global compatible $compatible" rpm/wgsuite.spec
	grep -q "> - $version-1$" rpm/wgsuite.spec
	run sh maintainer.sh check
	[[ "$status" = 0 || "$output" = *"has the placeholder"* ]]
	for recipe in arch/PKGBUILD alpine/APKBUILD rpm/wgsuite.spec nix/default.nix nix/overlay.nix; do
		[[ $(head -n 1 "$recipe") =~ ^"# "(Built with Debian.*, not on|Not built) ]]
	done
}

@test "Fedora: rpmbuild makes two packages, of which one replaces wireguard-tools" {
	command -v rpmbuild > /dev/null || skip "no rpmbuild"
	local rpm=$to/rpm
	mkdir -p "$rpm/SOURCES"
	cp "$TARBALL" "$rpm/SOURCES"
	# The macros of systemd-rpm-macros are not in Debian, and the libraries are no RPMs.
	rpmbuild -bb --nodeps --quiet --define "_topdir $rpm" --define "systemd_post() %{nil}" --define "systemd_preun() %{nil}" \
		--define "systemd_postun() %{nil}" --define "_build_id_links none" --define "debug_package %{nil}" \
		"$packaging/rpm/wgsuite.spec" > "$to/log" 2>&1 || { tail -n 40 "$to/log"; return 1; }
	cd "$rpm"/RPMS/*
	set -- wgsuite-*.rpm
	[ $# = 1 ]
	rpm -qp --provides "$1" | has "wireguard-tools = $compatible-1"
	rpm -qp --conflicts "$1" | has wireguard-tools
	rpm -qp --recommends "$1" | has "wireguardd = $version-1" nftables
	rpm -qp --requires "$1" | grep -q '^libnl-route-3.so'
	rpm -qlp "$1" | sed "s/[.]gz$//" | has /usr/bin/wg /usr/bin/wg-quick /etc/wireguard /usr/share/bash-completion/completions/wg \
		/usr/share/zsh/site-functions/_wg-quick "/usr/lib/systemd/system/wg-quick@.service" /usr/share/man/man8/wg-quick.8
	[ "$(rpm -qp --queryformat '[%{FILENAMES} %{FILEMODES:perms}\n]' "$1" | grep '^/etc/wireguard ')" = "/etc/wireguard drwx------" ]
	rpm -qlp wireguardd-*.rpm | has /usr/bin/wireguardd "/usr/lib/systemd/system/wireguardd@.service"
	[ -z "$(comm -12 <(rpm -qlp "$1" | sort) <(rpm -qlp wireguardd-*.rpm | sort))" ]
}

@test "Arch Linux: makepkg makes a package that replaces wireguard-tools" {
	for program in makepkg bsdtar fakeroot; do
		command -v $program > /dev/null || skip "no $program"
	done
	mkdir "$to/arch"
	cp "$packaging/arch/PKGBUILD" "$to/arch/"
	cp "$TARBALL" "$to/arch"
	chmod 755 "$to"
	local as=
	if [ "$(id -u)" = 0 ]; then # which makepkg refuses
		chown -R nobody "$to/arch"
		as="setpriv --reuid nobody --clear-groups"
	fi
	cd "$to/arch"
	$as env HOME="$to/arch" PACMAN=true PKGEXT=.pkg.tar PACKAGER='tests <tests@example.org>' makepkg --nodeps --skipinteg > "$to/log" 2>&1 || { tail -n 30 "$to/log"; return 1; }
	tar -xf wgsuite-*.pkg.tar -O .PKGINFO | has "provides = wireguard-tools=$compatible" "conflict = wireguard-tools" "pkgver = $version-1"
	tar -tf wgsuite-*.pkg.tar | has usr/bin/wg usr/bin/wg-quick usr/bin/wireguardd "usr/lib/systemd/system/wireguardd@.service" \
		usr/share/licenses/wgsuite/COPYING usr/share/zsh/site-functions/_wg etc/wireguard/
}

# What abuild does with a recipe, as far as this one uses it: abuild(1), APKBUILD(5).
alpine() {
	sh -eu <<-'END'
	default_openrc() { amove etc/init.d; }
	amove() { for file; do mkdir -p "$subpkgdir/$(dirname "$file")"; mv "$pkgdir/$file" "$subpkgdir/$file"; done; }
	. "$startdir/APKBUILD"
	cd "$builddir"
	build
	package
	for function in openrc wireguardd; do
		subpkgdir=$to/$function
		(provides= replaces=; $function; echo "$function replaces '$replaces'")
	done
	echo "$subpackages"
	echo "provides" $provides
	END
}

@test "Alpine Linux: the functions of APKBUILD make packages that replace wireguard-tools" {
	sh -n "$packaging/alpine/APKBUILD"
	mkdir "$to/startdir" "$to/srcdir" "$to/pkgdir"
	cp "$packaging/alpine/APKBUILD" "$to/startdir"
	tar -xzf "$TARBALL" -C "$to/srcdir"
	export startdir=$to/startdir srcdir=$to/srcdir pkgdir=$to/pkgdir to
	alpine | has "provides wireguard-tools=$compatible-r0 wireguard-tools-wg=$compatible-r0 wireguard-tools-wg-quick=$compatible-r0" \
		"openrc replaces 'wireguard-tools-openrc'" "wireguardd replaces ''"
	(cd "$to/pkgdir" && find . -type f) | has ./usr/bin/wg ./usr/bin/wg-quick ./usr/share/man/man8/wg.8 ./usr/share/licenses/wgsuite/COPYING
	[ "$(cd "$to/openrc" && find . -type f | sort | xargs)" = "./etc/init.d/wg-quick ./etc/init.d/wg-quick-monitor" ]
	[ "$(cd "$to/wireguardd" && find . -type f | xargs)" = ./usr/bin/wireguardd ]
	[ -z "$(find "$to/pkgdir" -path '*systemd*')" ]
}

@test "Nix: the expressions have the version of the tree, and replace wireguard-tools" {
	command -v nix-instantiate > /dev/null || skip "no nix-instantiate"
	export NIX_STORE_DIR=$to/store NIX_STATE_DIR=$to/state NIX_LOG_DIR=$to/log HOME=$to
	[ "$(nix-instantiate --eval --strict -E "
	let
	  lib = { licenses.mit = \"MIT\"; platforms.linux = [ ]; makeLibraryPath = builtins.concatStringsSep \":\"; };
	  pkgs = builtins.listToAttrs (map (name: { inherit name; value = name; })
	    [ \"pkg-config\" \"iniparser\" \"libcap\" \"libmnl\" \"libnl\" \"libseccomp\" \"patchelf\" \"libpng\" \"ncurses\" \"nftables\"
	      \"qrencode\" \"systemd\" ]) // { inherit lib; stdenv.mkDerivation = a: a; };
	  final = pkgs // import $packaging/nix/overlay.nix final { } // {
	    callPackage = path: extra: import path (builtins.intersectAttrs (builtins.functionArgs (import path)) pkgs // extra); };
	  a = final.wireguard-tools;
	in builtins.concatStringsSep \" \" [ a.version a.passthru.compatibleVersion (builtins.concatStringsSep \",\" a.buildInputs)
	    a.meta.homepage ]")" = "\"$version $compatible iniparser,libcap,libmnl,libnl,libseccomp $(sh "$packaging/maintainer.sh" url)\"" ]
}

@test "static programs: what is missing is named before anything is compiled" {
	! echo 'int main(void) { return 0; }' | gcc -x c -static -o "$to/probe" - -lmnl 2> /dev/null || skip "this system has libmnl.a"
	run make -s -C "$root" CC=gcc O="$to/build" dist-static
	[ "$status" -ne 0 ]
	[[ $output == *"dist-static.sh: cannot link statically: missing "*"libmnl.a"* ]]
	[[ $output == *"  help: "* ]]
	[ ! -e "$to/build/static" ]
}
