#!/bin/sh
# headers.sh [ROOT]: every header of src and tests compiles alone and can be included twice. CCS names other compilers than gcc;
# clang compiles the headers with the files that include them (tests/run.sh build). Prints every offence; exit 1 if there is
# one. A header with a guard that its own source file in src includes first is not compiled again: the build has done so.
set -eu
cd "${1:-$(dirname "$0")/../..}"

cflags="-std=gnu11 -Wall -Wextra -Werror -Wno-unused-function -D_GNU_SOURCE -fsyntax-only -x c
	$(pkg-config --cflags libmnl libnl-route-3.0 2>/dev/null || true)"
# is_built HEADER: the build shows that it compiles alone, and its guard that it can be included twice.
is_built() {
	case $1 in src/*) ;; *) return 1 ;; esac
	[ -e "${1%.h}.c" ] && [ "$(grep -m 1 '^#' "${1%.h}.c")" = "#include \"${1##*/}\"" ] &&
		grep -m 2 '^#' "$1" | awk '{ word[NR] = $1; name[NR] = $2 }
			END { exit !(word[1] == "#ifndef" && word[2] == "#define" && name[1] == name[2]) }'
}
headers=
for header in $(find src tests -name '*.h'); do
	is_built "$header" || headers="$headers $header"
done

code=0
for cc in ${CCS:-gcc}; do
	command -v "$cc" > /dev/null || { echo "$cc is not installed"; exit 1; }
	for header in $headers; do
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
