/* The watchers of the monitor. */
#include "monitor.h"

const struct monitor_watcher *const monitor_watchers[] = { &repair_watcher, NULL };
