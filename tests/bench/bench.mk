# Benchmarks. Each measures wgsuite and the program that it is compared with in the same run; they never pass or fail.
# `sh contrib/packages.sh --install bench` installs what they need. `sudo make bench` runs all those of wireguardd and of
# the cryptography, and draws the picture of the README. contrib/doc/benchmarks.md has the results.

in_sequence = $(Q)for target in $(1); do $(MAKE) --no-print-directory O=$(O) $$target || exit 1; done
bench:
	$(call in_sequence,bench-crypto bench-proto bench-dataplane bench-picture)

# about_line BENCH, FILE: begins the file with the line that describes this machine.
about_line = bash -c '. tests/bench/about.sh; lines=$(2); : > $$lines; about $(1)'

bench-crypto: $(O)/tests/bench/crypto # needs libssl-dev, libsodium-dev and jq
	$(Q)$(O)/tests/bench/crypto $(O)/tests/bench/crypto.new
	$(Q)$(call about_line,crypto,$(O)/tests/bench/crypto.json)
	$(Q)cat $(O)/tests/bench/crypto.new >> $(O)/tests/bench/crypto.json

$(O)/tests/bench/crypto: $(O)/tests/bench/crypto.o $(O)/tests/bench/crypto_report.o $(call archives_of,crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lcrypto -lsodium $(LIBS)

bench-proto: $(O)/tests/bench/routes $(O)/tests/bench/peers $(O)/tests/bench/handshakes
	$(Q)$(call about_line,proto,$(O)/tests/bench/proto.jsonl.new)
	$(Q)for program in $^; do $$program || exit 1; done >> $(O)/tests/bench/proto.jsonl.new
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
$(O)/tests/bench/wg_time: small := -static # its children start with its resident size, the least they can report
$(O)/tests/bench/fake_uapi $(O)/tests/bench/wg_time:
	$(call progress,CC,$@)
	$(folder_of_target)
	$(Q)$(CC) -std=gnu11 -O2 -D_GNU_SOURCE $(small) -o $@ $<

.PHONY: bench-wg

# The benchmarks of the data plane take half an hour. BENCH, STORM, SCALE: options of the three scripts, explained in
# their first lines. PEERS: further daemons to compare with, in addition to the newest wireguard-go of Debian, each as
# 'LABEL=COMMAND' in quotes, for example PEERS="'wgsuite-2=env WG_THREADS=2 $PWD/build/wireguardd -f'".
WIREGUARD_GO ?= $(O)/peers/wireguard-go-newest
BENCH ?= -r 5 -t 4
STORM ?= -r 5
SCALE ?= -r 5 -i 60 -p 1000000
SCALE_PEERS ?= 1000 100000 1000000
compared = $(O) 'wgsuite=$(abspath $(O)/wireguardd) -f' 'wireguard-go=$(abspath $(WIREGUARD_GO)) -f' $(PEERS)
bench_programs := $(O)/wg $(O)/wireguardd $(patsubst %,$(O)/tests/bench/%,ceiling blast storm ndr)
bench_tables = $(wildcard $(patsubst %,$(O)/tests/bench/%,dataplane.jsonl storm.jsonl scale.jsonl ndr.jsonl crypto.json proto.jsonl))

$(O)/peers/wireguard-go-newest:
	$(Q)sh tests/lib/get-peers.sh --newest $(@D)

# These need root, iperf3, jq, python3, nft and strace.
bench-dataplane:
	$(call in_sequence,bench-traffic bench-storm bench-scale bench-report)

bench-traffic: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/dataplane.sh $(BENCH) -o $(O)/tests/bench/dataplane.jsonl $(compared) ceiling

bench-storm: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/storm.sh $(STORM) -o $(O)/tests/bench/storm.jsonl $(compared)

# Not a part of bench-dataplane: it does not compare throughput. FLOWS: options of the script.
FLOWS ?= -r 3
bench-flows: $(bench_programs) $(O)/tests/bench/streams $(WIREGUARD_GO)
	$(Q)bash tests/bench/flows.sh $(FLOWS) -o $(O)/tests/bench/flows.jsonl $(compared)

bench-scale: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/scale.sh $(SCALE) -o $(O)/tests/bench/scale.jsonl $(compared) -- $(SCALE_PEERS)

# Rates without loss; takes three quarters of an hour. NDR: options of ndr.sh.
NDR ?= -r 3
bench-ndr: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/ndr.sh $(NDR) -o $(O)/tests/bench/ndr.jsonl $(compared) ceiling

# TCP through overlay networks (VXLAN, GRE, IPIP) inside the tunnel. OVERLAY: options of the script.
OVERLAY ?= -r 5 -t 2
bench-overlay: $(bench_programs) $(WIREGUARD_GO)
	$(Q)bash tests/bench/overlay.sh $(OVERLAY) -o $(O)/tests/bench/overlay.jsonl $(compared)

# Reports on the last run of each benchmark, or without any on the published results.
bench-report:
	$(Q)python3 tests/bench/report.py $(or $(bench_tables),tests/bench/results.jsonl)

# Adds the figures of the last runs to results.jsonl, under the family of this CPU, and draws the picture of the README from
# those of its first family.
bench-picture: # needs gnuplot
	$(Q)if [ -n "$(bench_tables)" ]; then \
		python3 tests/bench/report.py --results tests/bench/results.jsonl $(bench_tables) > $(O)/tests/bench/results.jsonl && \
		cp $(O)/tests/bench/results.jsonl tests/bench/results.jsonl; fi
	$(Q){ python3 tests/bench/report.py --picture tests/bench/results.jsonl && cat tests/bench/picture.gp; } | \
		gnuplot > contrib/speed.svg.new && mv contrib/speed.svg.new contrib/speed.svg
	$(Q)echo "contrib/speed.svg and tests/bench/results.jsonl were made from $(or $(bench_tables),tests/bench/results.jsonl)"

.PHONY: bench-dataplane bench-traffic bench-storm bench-flows bench-scale bench-ndr bench-overlay bench-report bench-picture

# The packet path of the daemon without cryptography: ceiling.c takes the place of libproto.
$(O)/tests/bench/ceiling: $(O)/tests/bench/ceiling.o $(call archives_of,daemon base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs_daemon) $(LIBS)

$(O)/tests/bench/blast $(O)/tests/bench/streams: $(O)/tests/bench/%: $(O)/tests/bench/%.o
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lpthread $(LIBS)

$(O)/tests/bench/storm: $(O)/tests/bench/storm.o $(call archives_of,proto crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(LIBS)

$(O)/tests/bench/ndr $(O)/tests/bench/crowd: $(O)/tests/bench/%: $(O)/tests/bench/%.o $(O)/tests/bench/load_peers.o $(call archives_of,proto crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -lpthread $(LIBS)

bench-quick: $(O)/wg $(O)/wg-quick $(O)/wireguardd # needs root
	$(Q)sh tests/lib/get-peers.sh $(O)/peers
	$(Q)bash tests/bench/quick.sh $(O) $(O)/peers

bench-run: $(O)/wg $(O)/wg-quick $(O)/wireguardd # needs root, iperf3 and jq. RUN: rounds and seconds
	$(Q)bash tests/bench/run.sh $(O) $(RUN)

.PHONY: bench-quick bench-run
