/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_SETTINGS_H
#define VIA_TRAY_WINDOW_SETTINGS_H

#include <gtk/gtk.h>

/* Whether the icon with its notifications is started with the desktop. */
void settings_show(GtkWindow *parent);

#endif
