/* The watchers of the monitor. */
#include "monitor.h"

const struct monitor_watcher *const monitor_watchers[] = { &daemon_watcher, &endpoint_watcher, &repair_watcher, NULL };
