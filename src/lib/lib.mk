# libwgproto: base, crypto, proto and src/lib, compiled for programs that are not ours. In the static library all symbols but
# wgproto_* are local to its only object, so that they clash with none of the program.

LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig

# -fPIC replaces -fPIE, as it comes later. The folder of assert.h comes before those of the system. Objects for link-time
# optimization have no symbols that could be made local.
library_cflags := -fPIC -ftls-model=initial-exec -fno-lto -DWG_LIBRARY -Isrc/lib/host -include src/lib/library.h
library_soname := libwgproto.so.0
library_version = $(library_soname).$(shell sed -n 's/^.define WGPROTO_API_VERSION //p' src/lib/wgproto.h)
library_suite = $(shell sed -n 's/^.define WGSUITE_VERSION "\(.*\)"/\1/p' src/base/version.h)
library_objects = $(patsubst %.c,$(O)/library/%.o,$(foreach m,$(1),$(sort $(wildcard src/$(m)/*.c src/$(m)/*/*.c))))
library_objcopy = $(shell $(CC) -print-prog-name=objcopy)

$(O)/library/%.o: %.c
	$(call progress,CC,$@)
	$(folder_of_target)
	$(Q)$(CC) $(all_cflags) $(library_cflags) $(call isa_of,$<) $(call fast_of,$<) \
		$(if $(filter src/lib/guard.c,$<),-U_FORTIFY_SOURCE) -c -o $@ $<

# LIBRARY_CRYPTO: an archive of another build, such as one without sanitizers.
LIBRARY_CRYPTO ?= $(O)/library/crypto.a
library_archives := $(O)/library/proto.a $(LIBRARY_CRYPTO) $(O)/library/base.a
define library_archive_rules
$(O)/library/$(1).a: $$(call library_objects,$(1))
	$$(call progress,AR,$$@)
	$$(Q)rm -f $$@ && $(AR) qcs $$@ $$^
endef
$(foreach m,proto crypto base,$(eval $(call library_archive_rules,$(m))))
# The whole library with all of its symbols, which tests that look inside link with.
$(O)/library/whole.o: $(call library_objects,lib) $(library_archives)
	$(call progress,LD,$@)
	$(Q)$(CC) -r -nostdlib $(filter -m32 -m64,$(CFLAGS)) -o $@ $^
$(O)/library/libwgproto.o: $(O)/library/whole.o
	$(Q)$(library_objcopy) --localize-hidden $< $@
$(O)/libwgproto.a: $(O)/library/libwgproto.o
	$(call progress,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^
$(O)/$(library_soname): $(O)/library/whole.o src/lib/wgproto.map
	$(call progress,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(library_soname) -Wl,--version-script=src/lib/wgproto.map -Wl,-z,defs \
		-Wl,-z,relro,-z,now $(sanitize) $(LDFLAGS) -o $@ $< $(libs_atomic) $(LIBS)

lib: $(O)/libwgproto.a $(if $(static),,$(O)/$(library_soname))

install-lib: lib
	$(call install_files,$(INCLUDEDIR),src/lib/wgproto.h,0644)
	$(call install_files,$(LIBDIR),$(O)/libwgproto.a,0644)
ifeq ($(static),)
	$(Q)$(INSTALL) -m 0755 $(O)/$(library_soname) "$(DESTDIR)$(LIBDIR)/$(library_version)"
	$(Q)ln -sf $(library_version) "$(DESTDIR)$(LIBDIR)/$(library_soname)"
	$(Q)ln -sf $(library_soname) "$(DESTDIR)$(LIBDIR)/libwgproto.so"
endif
	$(call install_files,$(MANDIR)/man3,man/wgproto.3,0644)
	$(Q)$(call make_folder,$(PKGCONFIGDIR)) && sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(library_suite)|' \
		-e 's|@LIBS@|$(filter -latomic,$(libs_atomic))|' src/lib/libwgproto.pc.in > "$(DESTDIR)$(PKGCONFIGDIR)/libwgproto.pc"
	$(Q)chmod 0644 "$(DESTDIR)$(PKGCONFIGDIR)/libwgproto.pc"

.PHONY: lib install-lib
