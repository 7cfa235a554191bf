#!/bin/sh
# image.sh [--hooks] PROGRAMS FILE.tar: makes a container image (an OCI archive) without a container engine, of the wg, wg-quick
# and wireguardd in the folder PROGRAMS; see rootfs.sh. `podman load -i FILE.tar`, `docker load` and `skopeo copy oci-archive:FILE.tar`
# read it. It needs tar, gzip, sha256sum and readelf; the same programs give the same image, bit for bit.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
hooks=
[ "${1-}" != --hooks ] || { hooks=--hooks; shift; }
[ $# = 2 ] || { echo "usage: image.sh [--hooks] PROGRAMS FILE.tar" >&2; exit 2; }
export LC_ALL=C TZ=UTC
version=$(sh "$here/../packaging/version.sh")
case $(readelf -h "$1/wg" | sed -n 's/^ *Machine: *//p') in
*X86-64*) arch=amd64 ;;
AArch64*) arch=arm64 ;;
ARM*) arch=arm ;;
*80386*) arch=386 ;;
RISC-V*) arch=riscv64 ;;
*S/390*) arch=s390x ;;
PowerPC64*) arch=ppc64le ;;
*) echo "image.sh: what machine is $1/wg for?" >&2; exit 1 ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sh "$here/rootfs.sh" $hooks "$1" "$scratch/root"
image=$scratch/image
blobs=$image/blobs/sha256
mkdir -p "$blobs"
pack() { tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$1" -cf - .; }

# blob FILE: moves it to its place. $hash, $size
blob() {
	hash=$(sha256sum "$1" | cut -d' ' -f1)
	size=$(stat -c %s "$1")
	mv "$1" "$blobs/$hash"
}
pack "$scratch/root" > "$scratch/layer.tar"
contents=$(sha256sum "$scratch/layer.tar" | cut -d' ' -f1)
gzip -n "$scratch/layer.tar"
blob "$scratch/layer.tar.gz"
layer="{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$hash\",\"size\":$size}"
# Healthcheck is a word of Docker's, which others ignore.
cat > "$scratch/config" <<END
{"architecture":"$arch","os":"linux","created":"1970-01-01T00:00:00Z",
"config":{"Entrypoint":["/usr/bin/wg-quick"],
"Cmd":["supervise","/config/wg_confs","/config","/etc/wireguard"],
"Env":["PATH=/usr/bin:/bin"],"WorkingDir":"/","StopSignal":"SIGTERM",
"Healthcheck":{"Test":["CMD","/usr/bin/wg-quick","status","--health"],"Interval":30000000000,"Timeout":10000000000,"StartPeriod":10000000000,"Retries":3},
"Labels":{"org.opencontainers.image.title":"wgsuite","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"MIT"}},
"rootfs":{"type":"layers","diff_ids":["sha256:$contents"]},
"history":[{"created":"1970-01-01T00:00:00Z","created_by":"image.sh"}]}
END
blob "$scratch/config"
cat > "$scratch/manifest" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$hash","size":$size},
"layers":[$layer]}
END
blob "$scratch/manifest"
cat > "$image/index.json" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$hash","size":$size,
"annotations":{"org.opencontainers.image.ref.name":"wgsuite:$version"}}]}
END
echo '{"imageLayoutVersion":"1.0.0"}' > "$image/oci-layout"
chmod -R u=rwX,go=rX "$image"
pack "$image" > "$scratch/image.tar"
mv "$scratch/image.tar" "$2"
echo "$2"
