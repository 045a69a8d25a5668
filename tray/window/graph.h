/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_GRAPH_H
#define VIA_TRAY_WINDOW_GRAPH_H

#include <gtk/gtk.h>

#include "tray/common/model.h"

/*
 * The traffic of a session over the last minute: received as an area, sent as a broken line. With
 * axes: time below, rate at the left, and what the lines are above.
 */
GtkWidget *graph_new(const char *name, gboolean axes);
void graph_set(GtkWidget *graph, const struct tray_rates *rates);

#endif
