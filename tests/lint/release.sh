#!/bin/sh
# release.sh [ROOT]: contrib/NEWS.md begins with an entry for the version of src/base/version.h, with its date, its entries have
# different versions, newest first, and no secret key is in the tree. Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"
code=0
version=$(sed -n 's/^#define WGSUITE_VERSION "\(.*\)"$/\1/p' src/base/version.h)
newest=$(grep -m 1 '^## ' contrib/NEWS.md || true)
case $newest in
"## $version ("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]")") ;;
*) echo "contrib/NEWS.md: the first entry is \`$newest', expected \`## $version (YYYY-MM-DD)' as in src/base/version.h"; code=1 ;;
esac
versions=$(sed -n 's/^## \([^ ]*\).*/\1/p' contrib/NEWS.md)
[ "$versions" = "$(echo "$versions" | sort -ruV)" ] || { echo "contrib/NEWS.md: entries are not sorted by version: $(echo $versions)"; code=1; }
key=$(grep -lrE '^untrusted comment: .*secret key' contrib src man README.md 2> /dev/null || true)
[ -z "$key" ] || { echo "$key: a secret key"; code=1; }
exit $code
