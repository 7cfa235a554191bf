# The tests' programs: one per tests/unit/MODULE/[FOLDER/]X_test.c, linked with its module and the modules that this one
# uses. tests/run.sh runs all tests, `make check` those that need neither root nor network, `make unit` the unit tests.

cmocka := $(call pkg_libs,cmocka,-lcmocka)
test_lib := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/lib/*.c)))
unit_sources := $(sort $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
unit_tests := $(unit_sources:%.c=$(O)/%)

define unit_rules
$(filter $(O)/tests/unit/$(1)/%,$(unit_tests)): $(O)/tests/unit/$(1)/%: $(O)/tests/unit/$(1)/%.o $(O)/tests/libtest.a \
		$(call archives_of,$(1) $(uses_$(1)))
	$$(call progress,LD,$$@)
	$$(Q)$$(CC) $$(all_ldflags) -o $$@ $$^ $(libs_$(1)) $(cmocka) $(libs_atomic) $$(LIBS)
endef
$(foreach m,$(modules),$(eval $(call unit_rules,$(m))))

# Tests of the library use its public header and nothing else of this tree; guard_test looks inside.
lib_tests := $(filter $(O)/tests/unit/lib/%,$(unit_tests))
$(filter-out %/guard_test,$(lib_tests)): $(O)/%: $(O)/%.o $(O)/libwgproto.a
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(cmocka) $(libs_atomic) $(LIBS)
$(filter %/guard_test,$(lib_tests)): $(O)/%: $(O)/%.o $(O)/library/whole.o
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(cmocka) $(libs_atomic) $(LIBS)

# Functions that a test replaces in order to count their calls.
$(O)/tests/unit/proto/gather_test: private all_ldflags += -Wl,--wrap=x25519_batch
$(O)/tests/unit/daemon/threads/tun_queue_test: private all_ldflags += -Wl,--wrap=clock_boot_ns
$(O)/tests/unit/daemon/control/config_test: private all_ldflags += \
	$(patsubst %,-Wl$(comma)--wrap=%,x25519 x25519_batch x25519_public \
	threads_publish_begin threads_publish_end clock_boot_ns)

$(O)/tests/libtest.a: $(test_lib)
	$(call progress,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The simulator: tests/sim/*_sim.c are programs, the other files there are shared. The instances that it drives are of
# libwgproto; its wiretap decrypts with another copy of crypto and base. It checks the use of the heap (tests/sim/memory.c).
# limits_sim looks inside the library, and so links with all of its symbols.
sim_ldflags := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc free)
sim_parts := $(patsubst %.c,$(O)/%.o,$(filter-out %_sim.c,$(sort $(wildcard tests/sim/*.c))))
sim_tests := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/sim/*_sim.c)))
$(filter-out %/limits_sim,$(sim_tests)): $(O)/%: $(O)/%.o $(sim_parts) $(O)/tests/libtest.a $(O)/libwgproto.a \
		$(call archives_of,crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) $(sim_ldflags) -o $@ $^ $(cmocka) $(libs_atomic) $(LIBS)
$(O)/tests/sim/limits_sim: $(O)/%: $(O)/%.o $(sim_parts) $(O)/tests/libtest.a $(O)/library/whole.o
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) $(sim_ldflags) -o $@ $^ $(cmocka) $(libs_atomic) $(LIBS)

# Fuzz targets: tests/fuzz/MODULE_X.c has LLVMFuzzerTestOneInput. Any compiler replays the corpus
# tests/fuzz/corpus/MODULE_X/ with tests/fuzz/replay.c as main; `make fuzz` makes libFuzzer programs with clang.
fuzz_sources := $(filter-out tests/fuzz/replay.c,$(sort $(wildcard tests/fuzz/*_*.c)))
fuzz_replays := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%_replay,$(fuzz_sources))
fuzz_programs := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%_fuzz,$(fuzz_sources))
module_of_fuzz = $(firstword $(subst _, ,$(notdir $(1))))
# What the network or another process sends reaches an instance of libwgproto; the other targets of base, crypto and proto
# call functions inside.
fuzz_library := proto_api proto_open proto_takeover
parts_of_fuzz = $(if $(filter $(1),$(fuzz_library)),$(O)/libwgproto.a,$(O)/tests/libtest.a $(call archives_of,$(call \
	module_of_fuzz,$(1)) $(uses_$(call module_of_fuzz,$(1)))))

define fuzz_rules
$(O)/tests/fuzz/$(1)_replay: $(O)/tests/fuzz/$(1).o $(O)/tests/fuzz/replay.o $(call parts_of_fuzz,$(1))
	$$(call progress,LD,$$@)
	$$(Q)$$(CC) $$(all_ldflags) -o $$@ $$^ $(libs_$(call module_of_fuzz,$(1))) $(libs_atomic) $$(LIBS)
$(O)/tests/fuzz/$(1)_fuzz: $(O)/tests/fuzz/$(1).o $(call parts_of_fuzz,$(1))
	$$(call progress,LD,$$@)
	$$(Q)$$(CC) $$(all_ldflags) -fsanitize=fuzzer -o $$@ $$^ $(libs_$(call module_of_fuzz,$(1))) $(libs_atomic) $$(LIBS)
endef
$(foreach f,$(notdir $(basename $(fuzz_sources))),$(eval $(call fuzz_rules,$(f))))

fuzz: # needs its own O: make fuzz O=build-fuzz, or make fuzz FAST=1 O=build-fuzz-fast
	$(Q)$(MAKE) --no-print-directory O=$(O) CC=clang SAN=fuzzer-no-link,address,undefined fuzz-programs
fuzz-programs: $(fuzz_programs)

# A wg-quick in which each operation that can fail is counted and fails on demand. Only files that include
# fault_injection.h differ from those of wg-quick.
faults_sources := $(shell grep -lF fault_injection.h src/quick/*.[ch] src/quick/*/*.[ch])
ifneq ($(filter-out %.c %/fault_injection.h,$(faults_sources)),)
$(error a header includes fault_injection.h: only the .c files that do are compiled with it)
endif
faults_sources := $(filter %.c,$(faults_sources))
faults_objects := $(filter-out $(faults_sources:%.c=$(O)/%.o),$(call objects_of,quick) $(O)/src/quick/main.o) \
	$(faults_sources:%.c=$(O)/faults/%.o)
$(O)/faults/%.o: %.c
	$(call progress,CC,$@)
	$(folder_of_target)
	$(Q)$(CC) $(all_cflags) $(cflags_quick) -DWG_FAULTS -c -o $@ $<
$(O)/faults/wg-quick: $(faults_objects) $(call archives_of,$(uses_quick))
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs_quick) $(libs_atomic) $(LIBS)
# Lets the system calls of wg-quick fail.
syscall_faults_objects := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/syscalls/*.c)))
$(O)/tests/syscalls/syscall_faults: $(syscall_faults_objects) $(call archives_of,base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ -ldl $(LIBS)
faults: $(O)/faults/wg-quick $(O)/tests/syscalls/syscall_faults

unit-programs: $(unit_tests) $(sim_tests) $(fuzz_replays)
unit: $(unit_tests)
	$(Q)for t in $^; do $$t || exit 1; done

lint: all lib
	$(Q)sh tests/lint/all.sh $(O)

messages: # every message of the programs, to be read as a whole
	$(Q)sh tests/lint/messages.sh

check: # no root, no network
	$(Q)sh tests/run.sh --check

.PHONY: faults unit unit-programs fuzz fuzz-programs lint messages check

-include tests/bench/bench.mk tests/ct/ct.mk
