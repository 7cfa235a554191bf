#!/bin/sh
# headers.sh [ROOT]: every header of src and tests compiles alone and can be included twice, with gcc and clang. CCS
# names other compilers. Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"

cflags="-std=gnu11 -Wall -Wextra -Werror -Wno-unused-function -D_GNU_SOURCE -fsyntax-only -x c
	$(pkg-config --cflags libmnl libnl-route-3.0 2>/dev/null || true)"
code=0
for cc in ${CCS:-gcc clang}; do
	command -v "$cc" > /dev/null || { echo "$cc is not installed"; exit 1; }
	for header in $(find src tests -name '*.h'); do
		isa=
		case $header in
		*_neon.h)
			case $("$cc" -dumpmachine) in
			aarch64* | arm*) ;;
			*) continue ;;
			esac
			;;
		*_ssse3.h) isa=-mssse3 ;;
		*_avx2.h) isa="-mavx2 -mbmi2" ;;
		*_avx512.h) isa="-mavx512f -mavx512vl -mavx512bw -mavx512dq" ;;
		*_ifma.h) isa="-mavx512f -mavx512vl -mavx512bw -mavx512dq -mavx512ifma" ;;
		esac
		printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
			"$cc" $cflags $isa -Isrc -I. - || { echo "$header: does not compile alone ($cc)"; code=1; }
	done
done
exit $code
