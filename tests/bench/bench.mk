# Benchmarks: numbers beside a peer in the same run, never a pass or fail. `sh contrib/packages.sh --install bench`
# installs what they need. `sudo make bench` is all of wireguardd's, with the picture of the README.

one_by_one = $(Q)for one in $(1); do $(MAKE) --no-print-directory O=$(O) $$one || exit 1; done
bench:
	$(call one_by_one,bench-crypto bench-proto bench-dataplane bench-picture)

bench-crypto: $(O)/tests/bench/crypto # needs libssl-dev and libsodium-dev
	$(Q)$(O)/tests/bench/crypto $(O)/tests/bench/crypto.json

$(O)/tests/bench/crypto: $(O)/tests/bench/crypto.o $(call archives_of,crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lcrypto -lsodium $(LIBS)

bench-proto: $(O)/tests/bench/routes $(O)/tests/bench/peers $(O)/tests/bench/handshakes
	$(Q)for one in $^; do $$one || exit 1; done > $(O)/tests/bench/proto.jsonl.new
	$(Q)mv $(O)/tests/bench/proto.jsonl.new $(O)/tests/bench/proto.jsonl
	$(Q)cat $(O)/tests/bench/proto.jsonl

$(O)/tests/bench/routes $(O)/tests/bench/peers $(O)/tests/bench/handshakes: $(O)/tests/bench/%: $(O)/tests/bench/%.o $(call archives_of,proto crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(LIBS)

.PHONY: bench bench-proto bench-crypto

bench-wg: $(O)/wg $(O)/tests/bench/fake_uapi $(O)/tests/bench/wg_time # needs root and Debian's wg
	$(Q)bash tests/bench/wg.sh $^

$(O)/tests/bench/fake_uapi: tests/lib/fake_uapi.c
$(O)/tests/bench/wg_time: tests/bench/wg_time.c
$(O)/tests/bench/wg_time: small := -static # its own size is the least that a child can be said to have
$(O)/tests/bench/fake_uapi $(O)/tests/bench/wg_time:
	$(call progress,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -D_GNU_SOURCE $(small) -o $@ $<

.PHONY: bench-wg

# Half an hour. BENCH, STORM, SCALE: the words of the three scripts, which their first lines explain; PEERS: more
# 'LABEL=DAEMON words', each in quotes, beside ours and the newest wireguard-go that Debian has, for example
# PEERS="'wgsuite-2=env WG_THREADS=2 $PWD/build/wireguardd -f'".
WIREGUARD_GO ?= $(O)/peers/wireguard-go-newest
BENCH ?= -r 5 -t 4
STORM ?= -r 5
SCALE ?= -r 5 -i 60 -p 1000000
SCALE_PEERS ?= 1000 100000 1000000
side_by_side = $(O) 'wgsuite=$(abspath $(O)/wireguardd) -f' 'wireguard-go=$(abspath $(WIREGUARD_GO)) -f' $(PEERS)
bench_programs := $(O)/wg $(O)/wireguardd $(patsubst %,$(O)/tests/bench/%,ceiling blast storm)
bench_tables = $(wildcard $(patsubst %,$(O)/tests/bench/%,dataplane.jsonl storm.jsonl scale.jsonl crypto.json proto.jsonl))

$(O)/peers/wireguard-go-newest:
	$(Q)sh tests/lib/get-peers.sh --newest $(@D)

# They need root, and iperf3, jq, python3, nft, strace.
bench-dataplane:
	$(call one_by_one,bench-traffic bench-storm bench-scale bench-report)

bench-traffic: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/dataplane.sh $(BENCH) -o $(O)/tests/bench/dataplane.jsonl $(side_by_side) ceiling

bench-storm: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/storm.sh $(STORM) -o $(O)/tests/bench/storm.jsonl $(side_by_side)

bench-scale: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/scale.sh $(SCALE) -o $(O)/tests/bench/scale.jsonl $(side_by_side) -- $(SCALE_PEERS)

# What is there of the last runs in one report.
bench-report:
	$(Q)python3 tests/bench/report.py $(or $(bench_tables),tests/bench/results.jsonl)

# The same as the README's picture and the figures it was drawn from; without runs, from those figures again.
bench-picture: # needs gnuplot
	$(Q)if [ -n "$(bench_tables)" ]; then \
		python3 tests/bench/report.py --results $(bench_tables) > $(O)/tests/bench/results.jsonl && \
		cp $(O)/tests/bench/results.jsonl tests/bench/results.jsonl; fi
	$(Q){ python3 tests/bench/report.py --picture tests/bench/results.jsonl && cat tests/bench/picture.gp; } | \
		gnuplot > contrib/speed.svg.new && mv contrib/speed.svg.new contrib/speed.svg
	$(Q)echo "contrib/speed.svg and tests/bench/results.jsonl are made of $(or $(bench_tables),tests/bench/results.jsonl)"

.PHONY: bench-dataplane bench-traffic bench-storm bench-scale bench-report bench-picture

# The daemon's own path without the tunnel's functions: libproto is left out.
$(O)/tests/bench/ceiling: $(O)/tests/bench/ceiling.o $(call archives_of,daemon base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs_daemon) $(LIBS)

$(O)/tests/bench/blast: $(O)/tests/bench/blast.o
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lpthread $(LIBS)

$(O)/tests/bench/storm: $(O)/tests/bench/storm.o $(call archives_of,proto crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(LIBS)

bench-quick: $(O)/wg $(O)/wg-quick $(O)/wireguardd # needs root
	$(Q)sh tests/lib/get-peers.sh $(O)/peers
	$(Q)bash tests/bench/quick.sh $(O) $(O)/peers

.PHONY: bench-quick
