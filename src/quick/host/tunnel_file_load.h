/* Finds and reads tunnel files: paths, permissions, contents. config/tunnel_file.h parses them. */
#ifndef WG_QUICK_TUNNEL_FILE_LOAD_H
#define WG_QUICK_TUNNEL_FILE_LOAD_H

#include "quick/config/tunnel_file.h"

/* The argument that is meant: INTERFACE for `INTERFACE.conf`, if that is neither an interface nor a file here, and
 * SYSCONFDIR/wireguard has the file INTERFACE.conf only. name: memory for the result. */
const char *tunnel_argument(char name[WG_NAME_MAX], const char *argument);

/* True if all users may enter its folder and access it. */
bool file_is_world_accessible(const char *path);

/* The path of `wg0`, `wg0.conf` or `./wg0.conf`: a file that exists here is preferred to one of SYSCONFDIR/wireguard. False:
 * it is too long. */
must_check bool tunnel_file_path(char *path, size_t size, const char *argument);

/* Sets the name and path for `wg0` or `./wg0.conf`, and warns when all users may read the file. False, after
 * reporting: there is no such file, or its name is not a valid interface name. */
must_check bool tunnel_file_find(struct tunnel_file *f, const char *argument);

/* The folder of its keys: that of its path, but SYSCONFDIR/wireguard for a symbolic link there. Null: out of memory. */
char *tunnel_file_folder(const struct tunnel_file *f);

/* Reads and parses the file that was found. 0, -EACCES (not reported), or another -errno (reported to d). */
must_check int tunnel_file_load(struct tunnel_file *f, struct diag *d);

/* Parses the text f->text, whose name and path are set, as if the file had it. */
must_check int tunnel_file_load_text(struct tunnel_file *f, struct diag *d);
/* Parses the text of a file again that was loaded with lines_only, now with its peers. */
must_check int tunnel_file_parse_again(struct tunnel_file *f, struct diag *d);

/* Loads a file again that was loaded with lines_only, now with its peers. */
must_check int tunnel_file_load_again(struct tunnel_file *f, struct diag *d);

/* The same as tunnel_file_find() without messages: 0, -EINVAL if the name is not valid, or -errno of the path. The name is set
 * where it is valid, and the path, which then may not exist. */
must_check int tunnel_file_locate(struct tunnel_file *f, const char *argument);

#endif
