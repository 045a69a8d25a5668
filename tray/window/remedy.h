/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_REMEDY_H
#define VIA_TRAY_WINDOW_REMEDY_H

#include <gtk/gtk.h>

/* What `doctor` finds in the way of a list of uplinks, and what it says to do about it. */
GtkWidget *remedy_new(void);

/* Asks for it, and shows the answer when it comes. */
void remedy_set(GtkWidget *remedy, const char *uplinks);

/* The same in a window over parent. */
void remedy_tell(GtkWindow *parent, const char *title, const char *uplinks);

#endif
