#!/usr/bin/env bats
# The cryptography on other architectures under qemu-user: NEON, 32-bit limbs, big endian. Runs the self-test and the fuzz
# corpora, which compare every implementation with the portable one. Skips architectures without compiler or emulator.

cd_top() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

# cross TRIPLE QEMU IMPLEMENTATION: builds for TRIPLE and runs with QEMU; the AEAD must use IMPLEMENTATION.
cross() {
	command -v "$1-gcc" >/dev/null || skip "no $1-gcc"
	command -v "$2" >/dev/null || skip "no $2"
	cd_top
	local out="$BATS_TEST_TMPDIR" f target
	cat >"$out/known.c" <<-END
		#include <stdio.h>
		#include "$PWD/src/crypto/crypto.h"
		int main(void)
		{
			puts(crypto_impl_name("aead"));
			return !crypto_self_test();
		}
	END
	for f in src/crypto/*.c src/crypto/*/*.c src/base/mem.c tests/fuzz/replay.c tests/fuzz/crypto_*.c "$out/known.c"; do
		"$1-gcc" -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Isrc \
			-fvisibility=hidden -c "$f" -o "$out/$(cut -d/ -f2 <<< "${f#"$PWD/"}")-$(basename "$f" .c).o"
	done
	"$1-gcc" -static -o "$out/known" "$out"/*known.o "$out"/crypto-*.o "$out"/base-*.o
	run "$2" "$out/known"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "$3" ]
	for target in crypto_aead crypto_poly1305 crypto_x25519; do
		"$1-gcc" -static -o "$out/$target" "$out/fuzz-$target.o" "$out/fuzz-replay.o" \
			"$out"/crypto-*.o "$out"/base-*.o
		"$2" "$out/$target" "tests/fuzz/corpus/$target"
	done
}

@test "aarch64: NEON implementations agree with the portable ones" {
	cross aarch64-linux-gnu qemu-aarch64-static neon
}

@test "armhf: portable implementations with 32-bit limbs" {
	cross arm-linux-gnueabihf qemu-arm-static portable
}

@test "s390x: portable implementations on a big-endian machine" {
	cross s390x-linux-gnu qemu-s390x-static portable
}
