/* The clocks of the host, and waiting. */
#ifndef WG_QUICK_CLOCK_H
#define WG_QUICK_CLOCK_H

#include "base/base.h"

uint64_t clock_now_ms(void);  /* Unix time */
uint64_t clock_boot_ms(void); /* since the host was booted, suspension included; 0: not known */
uint64_t clock_monotonic_ms(void); /* since the host was booted, without suspension */
/* A signal ends it early. */
void clock_wait_ms(unsigned int ms);

#endif
