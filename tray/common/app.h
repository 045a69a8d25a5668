/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_APP_H
#define VIA_TRAY_COMMON_APP_H

#include <gio/gio.h>

/* SIGTERM, SIGINT and SIGHUP end it as its menu does, so that it takes back what it showed. */
void app_quit_on_signals(GApplication *app);

#endif
