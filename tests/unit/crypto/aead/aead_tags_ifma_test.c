/* aead_tags_test.c for AVX-512 IFMA. */
#define TAGS_IFMA
#include "aead_tags_test.c"
