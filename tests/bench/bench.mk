# Benchmarks: numbers beside a peer in the same run, never a pass or fail.

bench-crypto: $(O)/tests/bench/crypto # needs libssl-dev and libsodium-dev
	$(Q)$(O)/tests/bench/crypto $(O)/tests/bench/crypto.json

$(O)/tests/bench/crypto: $(O)/tests/bench/crypto.o $(call archives_of,crypto base)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lcrypto -lsodium $(LIBS)

.PHONY: bench-crypto
