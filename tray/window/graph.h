/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_GRAPH_H
#define VIA_TRAY_WINDOW_GRAPH_H

#include <gtk/gtk.h>

#include "tray/common/model.h"

/* The traffic of a session over the last minute: received as an area, sent as a line. */
GtkWidget *graph_new(void);
void graph_set(GtkWidget *graph, const struct tray_rates *rates);

#endif
