# wgsuite. `make` builds, `make check` tests, `make install` installs; V=1 shows the commands.
# One graph: each module (a folder of src and its sub-folders, without a program's main.c) becomes an archive. The
# lists "uses_*" name the archives a module links with. New source files are found by wildcard.

comma := ,

O ?= build
CC ?= cc
AR ?= ar
PKG_CONFIG ?= pkg-config
INSTALL ?= install

PREFIX ?= /usr
DESTDIR ?=
SYSCONFDIR ?= /etc
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
RUNSTATEDIR ?= /var/run
LOCALSTATEDIR ?= /var
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
# Debian's zsh searches vendor-completions, which its packages make; zsh itself searches site-functions.
ZSHCOMPDIR ?= $(or $(wildcard $(PREFIX)/share/zsh/vendor-completions),$(PREFIX)/share/zsh/site-functions)
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
SYSTEMDUNITDIR ?= /lib/systemd/system
WITH_BASHCOMPLETION ?= yes
WITH_ZSHCOMPLETION ?= yes
WITH_FISHCOMPLETION ?= yes
WITH_SYSTEMDUNITS ?= yes
WITH_WGQUICK ?= yes
WITH_WIREGUARDD ?= yes

modules := base crypto model check proto ipc report wg quick daemon
programs := wg wg-quick wireguardd
module_of_wg := wg
module_of_wg-quick := quick
module_of_wireguardd := daemon

# The modules that a module depends on, in link order.
uses_base :=
uses_crypto := base
uses_model := base
uses_check := model crypto base
uses_proto := crypto base
uses_ipc := model crypto base
uses_report := check model crypto base
uses_wg := report ipc check model crypto base
uses_quick := report ipc check proto model crypto base
uses_daemon := proto crypto model base

machine := $(shell $(CC) -dumpmachine)
# The user's own -static, in LDFLAGS or CFLAGS. With -pie it would make a program that needs a loader.
static := $(filter -static -static-pie,$(CFLAGS) $(LDFLAGS))

# pkg-config with fallbacks: Debian 12 ships no iniparser.pc.
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pkg_libs = $(or $(shell $(PKG_CONFIG) $(if $(static),--static) --libs $(1) 2>/dev/null),$(2))
libs_iniparser := $(call pkg_libs,iniparser,-liniparser)
libs_ipc := $(call pkg_libs,libmnl,-lmnl) -lpthread
libs_wg := $(libs_iniparser) $(libs_ipc) -ldl
libs_quick := $(call pkg_libs,libnl-route-3.0,-lnl-route-3 -lnl-3) $(libs_iniparser) $(libs_ipc) -ldl
libs_daemon := $(call pkg_libs,libcap,-lcap) $(call pkg_libs,libseccomp,-lseccomp) -lpthread
cflags_ipc := $(call pkg_cflags,libmnl)
cflags_wg := $(call pkg_cflags,iniparser)
cflags_quick := $(call pkg_cflags,libnl-route-3.0) $(cflags_wg)
cflags_daemon := $(call pkg_cflags,libcap libseccomp)
# Atomic operations on 64 bits, which some 32-bit machines lack.
libs_atomic := $(if $(filter-out x86_64% aarch64% s390x% riscv64% ppc64% powerpc64%,$(machine)),$(if \
	$(filter /%,$(shell $(CC) -print-file-name=libatomic.a)),-Wl$(comma)--as-needed -latomic))

warnings := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wundef \
	-Wformat=2 -Wswitch-enum -Wimplicit-fallthrough -Wcast-qual -Wredundant-decls
ifneq ($(WERROR),)
warnings += -Werror
endif
OPT ?= -O2
hardening := -fstack-protector-strong -fPIE
ifeq ($(SAN),)
# Needs optimization. Another level that the user, or the compiler by default, chooses stays.
ifneq ($(filter-out -O0,$(lastword $(filter -O%,$(OPT) $(CFLAGS) $(CPPFLAGS)))),)
ifeq ($(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS) $(shell $(CC) $(OPT) -dM -E -x c /dev/null)),)
hardening += -D_FORTIFY_SOURCE=2
endif
endif
else
sanitize := -fsanitize=$(SAN) -fno-omit-frame-pointer
ifneq ($(findstring undefined,$(SAN)),)
sanitize += -fno-sanitize-recover=undefined
endif
endif
# Dependencies hold whether O is relative, as in `make`, or absolute, as in tests/run.sh.
dependency_names = -MT $(patsubst $(CURDIR)/%,%,$@) -MT $(abspath $@)
all_cflags = -std=gnu11 $(OPT) -g $(warnings) $(hardening) $(sanitize) -fvisibility=hidden \
	-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $(if $(static),-DWGSUITE_STATIC) -Isrc -DRUNSTATEDIR='"$(RUNSTATEDIR)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -DLOCALSTATEDIR='"$(LOCALSTATEDIR)"' \
	-DBINDIR='"$(BINDIR)"' -MMD -MP $(dependency_names) $(CFLAGS) $(CPPFLAGS)
all_ldflags = $(if $(static),,-pie) -Wl,-z,relro,-z,now $(sanitize) $(LDFLAGS)

# The suffix of a file of src/crypto names its instruction set, and so its compiler flags.
ifneq ($(filter x86_64%,$(machine)),)
isa_ssse3 := -mssse3
isa_avx2 := -mavx2 -mbmi2
isa_avx512 := -mavx512f -mavx512vl -mavx512bw -mavx512dq -mavx2 -mbmi2
isa_ifma := $(isa_avx512) -mavx512ifma
endif
isa_of = $(isa_$(lastword $(subst _, ,$(basename $(notdir $(1))))))

# `make fuzz FAST=1`: without sanitizers in cryptographic code, which takes most of the time of the targets that use it.
fast_of = $(if $(FAST),$(if $(filter src/crypto/% $(wildcard tests/fuzz/crypto_*.c),$(1)),-fno-sanitize=all))

# UNIT_OPT="-O0 -U_FORTIFY_SOURCE": for the unit tests' own files, which are sooner compiled than run (tests/run.sh).
UNIT_OPT ?=
unit_of = $(if $(filter tests/unit/%,$(1)),$(UNIT_OPT))

Q := $(if $(V),,@)
# Functions of make, since a process for each would be a noticeable part of compiling a small file.
progress = $(if $(V),,$(info $(empty)  $(1)      $(2)))
folder_of_target = $(if $(wildcard $(@D)),,$(shell mkdir -p $(@D)))

objects_of = $(patsubst %.c,$(O)/%.o,$(filter-out src/$(1)/main.c,$(sort $(wildcard src/$(1)/*.c src/$(1)/*/*.c))))
archives_of = $(patsubst %,$(O)/lib%.a,$(1))

module_of_file = $(word 2,$(subst /, ,$(filter src/%,$(1))))

all: $(programs:%=$(O)/%)

define module_rules
$(O)/lib$(1).a: $$(call objects_of,$(1))
	$$(call progress,AR,$$@)
	$$(Q)rm -f $$@ && $(AR) qcs $$@ $$^
endef
$(foreach m,$(modules),$(eval $(call module_rules,$(m))))

define program_rules
$(O)/$(1): $(O)/src/$(module_of_$(1))/main.o $(call archives_of,$(module_of_$(1)) $(uses_$(module_of_$(1))))
	$$(call progress,LD,$$@)
	$$(Q)$$(CC) $$(all_ldflags) -o $$@ $$^ $(libs_$(module_of_$(1))) $(libs_atomic) $$(LIBS)
endef
$(foreach p,$(programs),$(eval $(call program_rules,$(p))))

$(O)/%.o: %.c
	$(call progress,CC,$<)
	$(folder_of_target)
	$(Q)$(CC) $(all_cflags) $(cflags_$(call module_of_file,$<)) $(call isa_of,$<) $(call fast_of,$<) \
		$(call unit_of,$<) -c -o $@ $<

include src/lib/lib.mk tests/tests.mk

# Installed folders are world-readable even under the "umask 077" that README recommends.
make_folder = umask 022 && mkdir -p "$(DESTDIR)$(1)"
# $(1): folder, $(2): files (may be none), $(3): mode
define install_files
$(if $(strip $(2)),$(Q)$(call make_folder,$(1)) && $(INSTALL) -m $(3) $(2) "$(DESTDIR)$(1)/")
endef
# Completions have the name that their shell looks up: $(1) folder, $(2) file, $(3) name
define install_as
$(if $(wildcard $(2)),$(Q)$(call make_folder,$(1)) && $(INSTALL) -m 0644 $(2) "$(DESTDIR)$(1)/$(3)")
endef

with_programs := wg $(if $(filter yes,$(WITH_WGQUICK)),wg-quick) \
	$(if $(filter yes,$(WITH_WIREGUARDD)),wireguardd)
man_of = man/wgsuite.7 $(foreach p,$(with_programs),$(wildcard man/$(p).8)) \
	$(if $(filter wg-quick,$(with_programs)),$(wildcard man/wgsuite.ini.5))

install: $(with_programs:%=$(O)/%)
	$(call install_files,$(BINDIR),$(with_programs:%=$(O)/%),0755)
	$(call install_files,$(MANDIR)/man8,$(filter %.8,$(man_of)),0644)
	$(call install_files,$(MANDIR)/man7,$(filter %.7,$(man_of)),0644)
	$(call install_files,$(MANDIR)/man5,$(filter %.5,$(man_of)),0644)
	$(Q)$(call make_folder,$(SYSCONFDIR)/wireguard) && chmod 0700 "$(DESTDIR)$(SYSCONFDIR)/wireguard"
ifeq ($(WITH_BASHCOMPLETION),yes)
	$(call install_as,$(BASHCOMPDIR),completion/wg.bash,wg)
	$(if $(filter wg-quick,$(with_programs)),$(call install_as,$(BASHCOMPDIR),completion/wg-quick.bash,wg-quick))
endif
ifeq ($(WITH_ZSHCOMPLETION),yes)
	$(call install_as,$(ZSHCOMPDIR),completion/wg.zsh,_wg)
	$(if $(filter wg-quick,$(with_programs)),$(call install_as,$(ZSHCOMPDIR),completion/wg-quick.zsh,_wg-quick))
endif
ifeq ($(WITH_FISHCOMPLETION),yes)
	$(call install_as,$(FISHCOMPDIR),completion/wg.fish,wg.fish)
	$(if $(filter wg-quick,$(with_programs)),$(call install_as,$(FISHCOMPDIR),completion/wg-quick.fish,wg-quick.fish))
endif
ifeq ($(WITH_SYSTEMDUNITS),yes)
	$(call install_files,$(SYSTEMDUNITDIR),$(wildcard contrib/systemd/wg-prometheus.*),0644)
	$(Q)sed -i 's|=/usr/bin/|=$(BINDIR)/|' "$(DESTDIR)$(SYSTEMDUNITDIR)/wg-prometheus.service"
endif
ifeq ($(WITH_SYSTEMDUNITS) $(WITH_WGQUICK),yes yes)
	$(call install_files,$(SYSTEMDUNITDIR),$(wildcard contrib/systemd/wg-quick*),0644)
	$(Q)sed -i 's|/usr/bin/wg-quick |$(BINDIR)/wg-quick |' "$(DESTDIR)$(SYSTEMDUNITDIR)/wg-quick@.service" \
		"$(DESTDIR)$(SYSTEMDUNITDIR)/wg-quick-monitor.service" "$(DESTDIR)$(SYSTEMDUNITDIR)/wg-quick-health@.service"
	$(Q)$(call make_folder,$(SYSTEMDUNITDIR)/sysinit.target.wants) && \
		ln -sf ../wg-quick-resolv-conf.service "$(DESTDIR)$(SYSTEMDUNITDIR)/sysinit.target.wants/"
endif
ifeq ($(WITH_SYSTEMDUNITS) $(WITH_WIREGUARDD),yes yes)
	$(call install_files,$(SYSTEMDUNITDIR),$(wildcard contrib/systemd/wireguardd*),0644)
	$(Q)sed -i 's|/usr/bin/wireguardd |$(BINDIR)/wireguardd |; s|/run/wireguard|$(RUNSTATEDIR:/var/run=/run)/wireguard|' \
		"$(DESTDIR)$(SYSTEMDUNITDIR)/wireguardd@.service"
endif

# Debian packages, in $(O)/deb.
deb:
	$(Q)sh contrib/packaging/deb.sh $(O)

# Static programs, in $(O)/dist, where all libraries exist as archives.
dist-static:
	$(Q)CC="$(CC)" CFLAGS="$(CFLAGS)" CPPFLAGS="$(CPPFLAGS)" LDFLAGS="$(LDFLAGS)" OPT="$(OPT)" sh contrib/packaging/dist-static.sh $(O)

# The source tarball, in $(O).
dist:
	$(Q)sh contrib/packaging/dist.sh $(O)

# The bill of materials (SPDX 2.3) of what `make install` installs: $(O)/wgsuite.spdx.json.
sbom: all
	$(Q)rm -rf $(O)/sbom && mkdir -p $(O)/sbom
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(abspath $(O)/sbom)
	$(Q)python3 contrib/packaging/sbom.py $(O)/sbom $(O)/wgsuite.spdx.json

# All files of a release, in $(O)/release, and their signature: KEY=the secret key. See contrib/packaging/README.md.
release:
	$(Q)sh contrib/packaging/release.sh $(O)
release-sign:
	$(Q)sh contrib/packaging/sign.sh $(O)/release "$(KEY)"

clean:
	$(Q)rm -rf $(O)

.PHONY: all install deb dist-static dist sbom release release-sign clean
.DELETE_ON_ERROR:
-include $(shell find $(O)/src $(O)/tests $(O)/faults $(O)/library -type f -name '*.d' 2>/dev/null)
