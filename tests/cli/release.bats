# What a release consists of: the tarball (make dist), the bill of materials (make sbom), signatures (make release-sign), and
# contrib/verify-release, which notices what is not as it was published. Packages: tests/netns/packages_slow.bats.
root=$BATS_TEST_DIRNAME/../..
load ../lib/release

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "a tarball is the same from a commit, from an unpacked tarball, and whatever umask, time zone and locale" {
	repository "$PWD/repository"
	sh repository/contrib/packaging/dist.sh "$PWD/one"
	tar -xf one/*.tar.gz
	: > "wgsuite-$version/src/left.o"
	mkdir "wgsuite-$version/build"
	: > "wgsuite-$version/build/left"
	(umask 077; TZ=Pacific/Chatham LC_ALL=C.UTF-8 sh "wgsuite-$version/contrib/packaging/dist.sh" "$PWD/two")
	cmp one/*.tar.gz two/*.tar.gz
	# Sorted, by root, with the date of NEWS.
	tar --full-time -tvf one/*.tar.gz > members
	awk '{ print $6 }' members > names
	LC_ALL=C sort -C <(sed 's|/$||; s|/|\x01|g' names)
	[ -z "$(grep -v " 0/0 .* $(sh "$root/contrib/packaging/version.sh" date) 00:00:00 " members)" ]
	# Files that are not committed are not in it, and that is reported.
	: > repository/new
	run sh repository/contrib/packaging/dist.sh "$PWD/three"
	[[ "$output" = *"warning: the tarball does not have the changes"* ]]
	cmp one/*.tar.gz three/*.tar.gz
}

@test "verify-release notices a manipulated tarball and says what differs" {
	repository "$PWD/repository"
	release "$PWD/repository" "$PWD/release"
	verify=repository/contrib/verify-release
	run -0 sh $verify --from release "$version"
	[[ "$output" = *"the same as from tag v$version, commit "* ]]
	more=base/more.c
	# Content, mode, a file more, a file less.
	tar -xf release/*.tar.gz
	echo >> "wgsuite-$version/src/base/mem.c"
	chmod +x "wgsuite-$version/COPYING"
	echo evil > "wgsuite-$version/src/$more"
	rm "wgsuite-$version/src/base/mem.h"
	repack
	run -1 sh $verify --from release "$version"
	[[ "$output" = *"FAIL  SHA256SUMS: "*"FAIL  wgsuite-$version.tar.gz: not the same as from tag v$version"* ]]
	[[ "$output" = *"COPYING: other type or mode"*"src/base/mem.c: other content"*"src/base/mem.h: missing"*"src/$more: only in that of the release"* ]]
	[ "$(grep -c '^      wgsuite' <<< "$output")" = 4 ]
	# Another owner, and another compression.
	release "$PWD/repository" "$PWD/release"
	rm -rf "wgsuite-$version"
	tar -xf release/*.tar.gz
	tar --owner=7 --group=7 -czf "release/wgsuite-$version.tar.gz" "wgsuite-$version"
	run -1 sh $verify --from release "$version"
	[[ "$output" = *"only the order, times, owners"* ]]
	release "$PWD/repository" "$PWD/release"
	gzip -d release/*.tar.gz
	gzip -1n release/*.tar
	run -1 sh $verify --from release "$version"
	[[ "$output" = *"only the compression"* ]]
	# Files that would be unpacked elsewhere, and what is no tarball.
	tar -P --transform="s|^wgsuite.*COPYING|wgsuite-$version/../../evil|" -czf "release/wgsuite-$version.tar.gz" "wgsuite-$version/COPYING"
	run -1 sh $verify --from release "$version"
	[[ "$output" = *"has files outside of wgsuite-$version/"* ]]
	[ ! -e evil ]
	echo > "release/wgsuite-$version.tar.gz"
	run -1 sh $verify "release/wgsuite-$version.tar.gz"
	[[ "$output" = *"cannot be unpacked"* ]]
	run -1 sh $verify release/wgsuite-9.9.tar.gz
	run -2 sh $verify
	run -2 sh $verify --nonsense
	run -2 sh $verify ../../etc
}

@test "without the tag, verify-release says that it knows no origin, and notices what dist.sh would not have made" {
	repository "$PWD/repository"
	release "$PWD/repository" "$PWD/release"
	git -C repository tag -d "v$version"
	run -0 sh repository/contrib/verify-release --from release "$version"
	[[ "$output" = *"warning: no tag v$version here"*"the same as from its own content"* ]]
	tar -xf release/*.tar.gz
	object=base/main.o
	: > "wgsuite-$version/src/$object"
	repack
	run -1 sh repository/contrib/verify-release --from release "$version"
	[[ "$output" = *"src/$object: only in that of the release"* ]]
}

@test "signatures of signify and minisign: a release that is not signed, or by another key, or changed afterwards, is refused" {
	signify=$(command -v signify-openbsd || command -v signify) || skip "signify is not installed"
	command -v minisign > /dev/null || skip "minisign is not installed"
	repository "$PWD/repository"
	verify=repository/contrib/verify-release sign="sh repository/contrib/packaging/sign.sh release"
	for program in signify minisign; do
		[ $program = signify ] && suffix=sig || suffix=minisig
		for name in ours other; do
			case $program in
			signify) "$signify" -G -n -p $program-$name.pub -s $program-$name.sec ;;
			minisign) minisign -G -W -f -p $program-$name.pub -s $program-$name.sec > keygen ;;
			esac
		done
		release "$PWD/repository" "$PWD/release"
		run -1 sh $verify --key $program-ours.pub --from release "$version"
		[[ "$output" = *"the release is not signed"* ]]
		$sign "$PWD/$program-ours.sec"
		[ -e release/SHA256SUMS.$suffix ]
		run -0 sh $verify --key $program-ours.pub --from release "$version"
		[[ "$output" = *"ok    signature: SHA256SUMS.$suffix"* ]]
		run -1 sh $verify --key $program-other.pub --from release "$version"
		[[ "$output" = *"no signature of the key $program-other.pub"* ]]
		# The key that is committed is used without --key.
		cp $program-other.pub repository/contrib/packaging/release-key.pub
		run -1 sh $verify --from release "$version"
		cp $program-ours.pub repository/contrib/packaging/release-key.pub
		run -0 sh $verify --from release "$version"
		rm repository/contrib/packaging/release-key.pub
		# A changed tarball, with and without SHA256SUMS that agree with it; nothing of it is compared or run.
		echo >> "release/wgsuite-$version.tar.gz"
		run -1 sh $verify --key $program-ours.pub --from release "$version"
		[[ "$output" = *"FAIL  SHA256SUMS: wgsuite-$version.tar.gz: FAILED"* && "$output" != *"the same as"* ]]
		sums release
		run -1 sh $verify --key $program-ours.pub --from release "$version"
		[[ "$output" = *"no signature of the key"* ]]
		# A package that was not signed with the rest.
		release "$PWD/repository" "$PWD/release"
		$sign "$PWD/$program-ours.sec"
		: > "release/wgsuite_$version-1_amd64.deb"
		run -1 sh $verify --key $program-ours.pub --from release "$version"
		[[ "$output" = *"FAIL  wgsuite_$version-1_amd64.deb: not in SHA256SUMS"* ]]
		# Nor does sign.sh sign such a folder, or a key that is none.
		run -1 $sign "$PWD/$program-ours.sec"
		[[ "$output" = *"not in SHA256SUMS: wgsuite_$version-1_amd64.deb"* ]]
		rm release/*.deb
		echo >> "release/wgsuite-$version.tar.gz"
		run -1 $sign "$PWD/$program-ours.sec"
		[[ "$output" = *"is not as in SHA256SUMS"* ]]
	done
	release "$PWD/repository" "$PWD/release"
	run -1 $sign "$root/COPYING"
	[[ "$output" = *"no secret key of signify or minisign"* ]]
	run -2 $sign
}

@test "make release refuses a tree of which version, NEWS, tag and files do not agree, or that has no maintainer" {
	repository "$PWD/repository"
	cd repository
	: > new
	echo /build/ > .git/info/exclude
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"uncommitted changes"* ]]
	rm new
	cp "$root"/contrib/packaging/maintainer contrib/packaging
	git commit -q -a -m "placeholder"
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"debian/control has another maintainer or URL"*"  help: "*"maintainer.sh update"*"no maintainer"* ]]
	sh contrib/packaging/maintainer.sh update
	git commit -q -a -m "placeholder"
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"the placeholder wgsuite@example.org"*"no maintainer"* ]]
	git reset -q --hard HEAD~2
	git tag -d "v$version"
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"no tag v$version with a message"*"help: git tag -a v$version"* ]]
	git tag "v$version"
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"no tag v$version with a message"* ]]
	git tag -f -a "v$version" -m "wgsuite $version"
	git commit -q --allow-empty -m later
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"the tag v$version is not of this commit"* ]]
	sed -i "0,/^## /s/^## /## 9.9 (2030-01-01)\n\n## /" contrib/NEWS.md
	git commit -q -a -m news
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"the first entry of contrib/NEWS.md is of 9.9"* ]]
	sed -i "s/^## $version/## 0.1/" contrib/NEWS.md
	git commit -q -a -m news
	run -1 sh contrib/packaging/release.sh build
	[[ "$output" = *"has no entry for $version"* ]]
}

@test "the bill of materials is valid SPDX 2.3, names each file, library and version, and a false one is noticed" {
	/usr/bin/python3 -c 'import license_expression' || skip "python3-license-expression is not installed"
	make -s -C "$root" sbom O="$WGSUITE_BUILD" -o all PREFIX=/usr
	sbom=$WGSUITE_BUILD/wgsuite.spdx.json
	check() { /usr/bin/python3 "$root/tests/lib/spdx_check.py" "$WGSUITE_BUILD/sbom" "$root" "$@"; }
	check "$sbom"
	# The same again.
	/usr/bin/python3 "$root/contrib/packaging/sbom.py" "$WGSUITE_BUILD/sbom" again.json
	cmp "$sbom" again.json
	jq -e '.packages[] | select(.name == "libmnl0") | .versionInfo' "$sbom"
	jq -e '.relationships[] | select(.relationshipType == "OPTIONAL_DEPENDENCY_OF" and .spdxElementId == "SPDXRef-Library-libnftables.so.1")' "$sbom"
	# MESSAGE FILTER: the filter makes a false document, about which the message is printed.
	mkdir false
	while IFS=$'\t' read -r message filter; do
		jq "$filter" "$sbom" > "false/$message"
	done > filters <<-'END'
	spdxVersion	.spdxVersion = "SPDX-2.2"
	lacks created	del(.creationInfo.created)
	checksum SHA256	.files[0].checksums[1].checksumValue |= . + "0"
	SHA256 is another one	.files[3].checksums[1].checksumValue = ("0" * 64)
	packageVerificationCode	.files[3].checksums[0].checksumValue = ("0" * 40)
	hasFiles	.files |= .[1:]
	not unique	.files[1].SPDXID = .files[0].SPDXID
	license MIT-like	.packages[0].licenseDeclared = "MIT-like"
	no relationship leads to it	.relationships |= map(select(.relatedSpdxElement != "SPDXRef-Library-libmnl.so.0"))
	links with	.relationships |= map(select(.relationshipType != "DYNAMIC_LINK" or .relatedSpdxElement != "SPDXRef-Library-libc.so.6"))
	loads	.relationships |= map(select(.spdxElementId != "SPDXRef-Library-libqrencode.so.4"))
	SPDXRef-None: not in the document	.relationships[5].relatedSpdxElement = "SPDXRef-None"
	version 9, installed	(.packages[] | select(.name == "libmnl0")).versionInfo = "9"
	unknown member	.surprise = 1
	END
	cd false
	run -1 check *
	cd ..
	[ "$(ls false | wc -l)" = 14 ]
	for message in false/*; do
		grep -q "^${message#*/}: .*${message#*/}" <<< "$output" || { echo "$message: $output"; false; }
	done
	: > "$WGSUITE_BUILD/sbom/usr/bin/more"
	run -1 check "$sbom"
	rm "$WGSUITE_BUILD/sbom/usr/bin/more"
	[[ "$output" = *"usr/bin/more: not in the document"* ]]
	# A program that does not say what it is linked with.
	mkdir static
	echo 'int main(void) { return 0; }' | gcc -static -x c -o static/wg -
	run -1 /usr/bin/python3 "$root/contrib/packaging/sbom.py" static static.json
	[[ "$output" = *"is linked statically"* ]]
}
