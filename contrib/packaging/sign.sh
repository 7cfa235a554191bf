#!/bin/sh
# sign.sh FOLDER KEY: signs FOLDER/SHA256SUMS, which names the files of a release, with a secret key of signify(1) or minisign(1):
# writes SHA256SUMS.sig or SHA256SUMS.minisig. Each program asks for the password of its key.
set -eu
[ $# = 2 ] && [ -n "$2" ] || { echo "usage: make release-sign KEY=FILE, or sign.sh FOLDER KEY" >&2; exit 2; }
fail() { echo "sign.sh: cannot sign $folder: $1" >&2; exit 1; }
folder=$1
key=$(realpath -- "$2")
cd "$folder"
[ -e SHA256SUMS ] || fail "no SHA256SUMS; make release writes it"
sha256sum --check --strict --quiet SHA256SUMS >&2 || fail "a file is not as in SHA256SUMS"
sed 's/^[0-9a-f]* [ *]//' SHA256SUMS | sort > SHA256SUMS.names
unlisted=$(find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\n' | sort | comm -23 - SHA256SUMS.names)
rm SHA256SUMS.names
[ -z "$unlisted" ] || fail "not in SHA256SUMS: $(echo $unlisted)"
# Of both programs: the algorithm, "Ed", and then how the key is encrypted.
case $(sed -n 2p "$key" | base64 -d 2> /dev/null | head -c 4 | tr -d '\0') in
EdBK)
	program=$(command -v signify-openbsd || command -v signify) || fail "signify is not installed"
	signature=SHA256SUMS.sig
	"$program" -S -s "$key" -m SHA256SUMS -x $signature
	;;
Ed*)
	command -v minisign > /dev/null || fail "minisign is not installed"
	signature=SHA256SUMS.minisig
	minisign -S -s "$key" -m SHA256SUMS -x $signature -t "wgsuite, SHA256SUMS of a release" > /dev/null
	;;
*) fail "$2 is no secret key of signify or minisign" ;;
esac
echo "$folder/$signature"
