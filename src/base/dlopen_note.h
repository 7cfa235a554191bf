/* Declares a library that is loaded at run time, if it is installed, in an ELF note, so that packaging tools and
 * initramfs generators see the dependency. Format: "ELF Package Metadata: dlopen", uapi-group.org. */
#ifndef WG_DLOPEN_NOTE_H
#define WG_DLOPEN_NOTE_H

#include <stdint.h>

enum { DLOPEN_NOTE_TYPE = 0x407c0c0a };

/* soname, feature, description: string literals. One note for each file, and none in static programs, which load no libraries. */
#ifdef WGSUITE_STATIC
#define DLOPEN_NOTE(soname, feature, description) _Static_assert(sizeof soname feature description > 1, "")
#else
#define DLOPEN_NOTE(soname, feature, description)                                                         \
	static const struct {                                                                             \
		uint32_t name_bytes, text_bytes, type;                                                    \
		char name[4];                                                                             \
		_Alignas(4) char text[sizeof DLOPEN_NOTE_TEXT(soname, feature, description)];             \
	} dlopen_note __attribute__((used, aligned(4), section(".note.dlopen"))) = {                      \
		sizeof "FDO", sizeof DLOPEN_NOTE_TEXT(soname, feature, description), DLOPEN_NOTE_TYPE,    \
		"FDO", DLOPEN_NOTE_TEXT(soname, feature, description)                                     \
	}
#endif
#define DLOPEN_NOTE_TEXT(soname, feature, description)                                                    \
	"[{\"soname\":[\"" soname "\"],\"feature\":\"" feature "\",\"description\":\"" description "\","  \
	"\"priority\":\"recommended\"}]"

#endif
