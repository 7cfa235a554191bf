#!/bin/sh
# version.sh [compatible]: prints the version of the suite, or that of the wireguard-tools that it is compatible with.
set -eu
name=WGSUITE_VERSION
[ "${1-}" != compatible ] || name=WGSUITE_COMPATIBLE_VERSION
sed -n "s/^#define $name \"\(.*\)\"$/\1/p" "$(dirname "$0")/../../src/base/version.h"
