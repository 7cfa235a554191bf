#!/bin/bash
# kernels.sh DIR TAG…: Debian's signed cloud kernels for amd64, unpacked and not installed. Gives
# DIR/TAG/vmlinuz and DIR/TAG/modules/ (wireguard, what wg-quick's nft tables need, and what these
# need, in the order they are loaded).
#   6.1   bookworm         6.12  bookworm         7.2   trixie-backports
# An apt of its own, so that the machine's sources and lists stay as they are.
set -euo pipefail
dir=$1
shift
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-kernels.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirrors this machine takes bookworm from, else Debian's own.
mirror_of() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
		awk -v suite="$1" '$2 == suite { print $1; exit }'
}
main=$(mirror_of bookworm)
security=$(mirror_of bookworm-security)

own_apt() { # own_apt PROGRAM ARGUMENT…
	local program=$1
	shift
	"$program" -qq -o Dir::Etc::SourceList="$scratch/list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Parts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

suite() { # suite URL NAME: the only one there is from now on
	rm -rf "$scratch/lists" "$scratch/cache"
	mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
	echo "deb [arch=amd64 signed-by=$keys] $1 $2 main" > "$scratch/list"
	own_apt apt-get update
}

packages_of() { # packages_of TAG: what holds the kernel and its modules
	local image
	case $1 in
	6.1) image=linux-image-cloud-amd64 ;;
	6.12) image=linux-image-6.12-cloud-amd64 ;;
	7.2) image=linux-image-cloud-amd64 ;;
	esac
	image=$(own_apt apt-cache depends --no-recommends --no-suggests "$image" |
		awk '$1 == "Depends:" && $2 ~ /^linux-image-/ && !seen++ { print $2 }')
	[ -n "$image" ] || { echo "no kernel $1 in $(cat "$scratch/list")" >&2; return 1; }
	if own_apt apt-cache show "${image/linux-image/linux-modules}" > /dev/null 2>&1; then
		echo "${image/linux-image/linux-binary} ${image/linux-image/linux-modules}"
	else
		echo "$image"
	fi
}

plain() { # plain FILE: a module, decompressed
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*) cat "$1" ;;
	esac
}

n=0
take() { # take MODULE: with what it depends on before it
	local name=${1//-/_} file needs need
	[ -z "${taken[$name]-}" ] || return 0
	taken[$name]=1
	file=$(find "$scratch/x" -name '*.ko*' | awk -v want="$name" '{
		base = $0; sub(/.*\//, "", base); sub(/\.ko.*/, "", base); gsub(/-/, "_", base)
		if (base == want && !seen++) print }')
	[ -n "$file" ] || return 0 # built in
	plain "$file" > "$scratch/module.ko"
	needs=$(objcopy -O binary --only-section=.modinfo "$scratch/module.ko" /dev/stdout | tr '\0' '\n' |
		sed -n 's/^depends=//p' | tr ',' ' ')
	for need in $needs; do take "$need"; done
	plain "$file" > "$out/modules/$(printf %02d "$n")-$name.ko"
	n=$((n + 1))
}

for tag; do
	[ ! -e "$dir/$tag/done-2" ] || continue
	case $tag in
	6.1 | 6.12) suite "${security:-http://deb.debian.org/debian-security}" bookworm-security ;;
	7.2) suite "${main:-http://deb.debian.org/debian}" trixie-backports ;;
	*) echo "kernels.sh: 6.1, 6.12 and 7.2, not $tag" >&2; exit 2 ;;
	esac
	rm -rf "$scratch/x" "$scratch"/*.deb "${dir:?}/$tag"
	packages=$(packages_of "$tag")
	# shellcheck disable=SC2086
	(cd "$scratch" && own_apt apt-get download $packages)
	for deb in "$scratch"/*.deb; do dpkg-deb -x "$deb" "$scratch/x"; done
	out=$dir/$tag
	mkdir -p "$out/modules"
	find "$scratch/x" -name 'vmlinuz*' -size +1M -exec cp {} "$out/vmlinuz" \;
	declare -A taken=()
	n=0
	take crc32c_generic
	for module in wireguard dummy veth tun nf_tables nft_ct nft_fib_ipv4 nft_fib_ipv6; do take "$module"; done
	[ -s "$out/vmlinuz" ] && ls "$out"/modules/*wireguard.ko > /dev/null
	touch "$out/done-2"
done
