/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_WINDOW_H
#define VIA_TRAY_WINDOW_WINDOW_H

#include <gtk/gtk.h>

#include "tray/common/client.h"
#include "tray/common/starters.h"

/* The window: sessions with their traffic and a menu each, and the uplinks. */
struct window;

struct window *window_new(GtkApplication *app, struct client *c, struct starters *starters);
void window_free(struct window *w); /* once its widget is destroyed */

GtkWidget *window_widget(struct window *w);

/* Shows the client's model as it is now. */
void window_update(struct window *w);

#endif
