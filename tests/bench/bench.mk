# Benchmarks: numbers beside a peer in the same run, never a pass or fail.

bench-crypto: $(O)/tests/bench/crypto # needs libssl-dev and libsodium-dev
	$(Q)$(O)/tests/bench/crypto $(O)/tests/bench/crypto.json

$(O)/tests/bench/crypto: $(O)/tests/bench/crypto.o $(call archives_of,crypto base)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lcrypto -lsodium $(LIBS)

bench-proto: $(O)/tests/bench/routes $(O)/tests/bench/peers $(O)/tests/bench/handshakes
	$(Q)$(O)/tests/bench/routes
	$(Q)$(O)/tests/bench/peers
	$(Q)$(O)/tests/bench/handshakes

$(O)/tests/bench/routes $(O)/tests/bench/peers $(O)/tests/bench/handshakes: $(O)/tests/bench/%: $(O)/tests/bench/%.o $(call archives_of,proto crypto base)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(LIBS)

.PHONY: bench-proto
.PHONY: bench-crypto

bench-wg: $(O)/wg $(O)/tests/bench/fake_uapi $(O)/tests/bench/wg_time # needs root and Debian's wg
	$(Q)bash tests/bench/wg.sh $^

$(O)/tests/bench/fake_uapi: tests/lib/fake_uapi.c
$(O)/tests/bench/wg_time: tests/bench/wg_time.c
$(O)/tests/bench/wg_time: small := -static # its own size is the least that a child can be said to have
$(O)/tests/bench/fake_uapi $(O)/tests/bench/wg_time:
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -D_GNU_SOURCE $(small) -o $@ $<

.PHONY: bench-wg

bench-dataplane: $(O)/wg $(O)/wireguardd $(O)/tests/bench/ceiling $(O)/tests/bench/blast # needs root and iperf3
	$(Q)bash tests/bench/dataplane.sh $(BENCH) $(O) 'wgsuite=$(abspath $(O)/wireguardd) -f' $(PEERS) ceiling

# The daemon's own path without the tunnel's functions: libproto is left out.
$(O)/tests/bench/ceiling: $(O)/tests/bench/ceiling.o $(call archives_of,daemon base)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs_daemon) $(LIBS)

$(O)/tests/bench/blast: $(O)/tests/bench/blast.o
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lpthread $(LIBS)

bench-storm: $(O)/wg $(O)/wireguardd $(O)/tests/bench/storm # needs root; PEERS: more LABEL=DAEMON words
	$(Q)bash tests/bench/storm.sh $(O) 'wgsuite=$(abspath $(O)/wireguardd) -f' $(PEERS)

bench-scale: $(O)/wg $(O)/wireguardd # needs root, python3 and strace
	$(Q)bash tests/bench/scale.sh $(O) -i 60 'wgsuite=$(abspath $(O)/wireguardd) -f' $(PEERS) -- 1000 100000 1000000

$(O)/tests/bench/storm: $(O)/tests/bench/storm.o $(call archives_of,proto crypto base)
	$(call say,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(LIBS)

.PHONY: bench-storm bench-scale
.PHONY: bench-dataplane

bench-quick: $(O)/wg $(O)/wg-quick $(O)/wireguardd # needs root
	$(Q)sh tests/lib/get-peers.sh $(O)/peers
	$(Q)bash tests/bench/quick.sh $(O) $(O)/peers

.PHONY: bench-quick
