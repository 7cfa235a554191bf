# The program of the constant-time test; tests/ct/run.sh builds it for each compiler and optimisation level.
$(O)/tests/ct/secret: $(O)/tests/ct/secret.o $(call archives_of,crypto base)
	$(call progress,LD,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(LIBS)

ct: # needs valgrind and clang
	$(Q)sh tests/ct/run.sh $(O)/ct

.PHONY: ct
