#!/bin/sh
# headers_5.4.sh FOLDER: removes from the kernel headers of Linux 5.10 in FOLDER (/usr/include) what Linux 5.4 lacks and
# programs like ours may use: files, system calls, capabilities, link attributes, process controls. Exit 1 if some stays.
set -eu
cd "$1"
machine=$(ls -d */asm)
for header in wireguard openat2 close_range mptcp; do # of 5.6, 5.6, 5.9 and 5.6
	rm "linux/$header.h"
done
# The last system calls of 5.4 are pidfd_open, 434, and clone3, 435.
calls='#define __NR_[a-z0-9_]+ .*\b(43[6-9]|4[4-9][0-9])\)?$'
capabilities='^#define CAP_(PERFMON|BPF|CHECKPOINT_RESTORE)\b'
links='^\s*IFLA_(PROP_LIST|ALT_IFNAME|PERM_ADDRESS|PROTO_DOWN_REASON)\b'
controls='#\s*define PR_[SG]ET_IO_FLUSHER\b'
sed -Ei "/$calls/d" "$machine"/unistd*.h asm-generic/unistd.h
sed -Ei "/$capabilities/d; s/^(#define CAP_LAST_CAP\s).*/\1CAP_AUDIT_READ/" linux/capability.h
sed -Ei "/$links/d" linux/if_link.h
sed -Ei "/$controls/d" linux/prctl.h
! grep -rE -- "$calls|$capabilities|$links|$controls" linux "$machine" asm-generic
