/* Notifies the service manager about this process: sd_notify(3). */
#ifndef WG_QUICK_SERVICE_NOTIFY_H
#define WG_QUICK_SERVICE_NOTIFY_H

/* It is ready. Does nothing outside a service of "Type=notify". */
void service_notify_ready(void);

#endif
