#!/bin/bash
# kernels.sh DIR TAG…: fetches Debian's signed cloud kernels for amd64 and unpacks them: DIR/TAG/vmlinuz and
# DIR/TAG/modules/ (wireguard and the modules that wg-quick's nft tables need, with their dependencies, in the order in
# which they are loaded).
#   6.1   bookworm         6.12  bookworm         7.2   trixie-backports
set -euo pipefail
dir=$1
shift
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-kernels.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. "$(dirname "$0")/../lib/apt.sh"
main=$(mirror_of bookworm)
security=$(mirror_of bookworm-security)

packages_of() { # packages_of TAG: the packages that contain the kernel and its modules
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
take() { # take MODULE: after the modules that it depends on
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
	6.1 | 6.12) apt_suite "${security:-http://deb.debian.org/debian-security}" bookworm-security amd64 ;;
	7.2) apt_suite "${main:-http://deb.debian.org/debian}" trixie-backports amd64 ;;
	*) echo "kernels.sh: unknown kernel: $tag (expected: 6.1, 6.12 or 7.2)" >&2; exit 2 ;;
	esac
	rm -rf "${dir:?}/$tag"
	packages=$(packages_of "$tag")
	# shellcheck disable=SC2086
	apt_unpack "$scratch/x" $packages
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
