/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_WINDOW_H
#define VIA_TRAY_WINDOW_WINDOW_H

#include <adwaita.h>

#include "tray/common/client.h"

/* The window: sessions with their traffic, programs, entries of the menu, the history. */
struct window;

/* It lives as long as its widget. */
struct window *window_new(GtkApplication *app, struct client *c);

GtkWidget *window_widget(struct window *w);

/* Shows the client's model as it is now. */
void window_update(struct window *w);

/* Something happened to a session. */
void window_news(struct window *w);

/* What an order was refused with. */
void window_refused(struct window *w, const char *text);

/* "sessions", "programs", "entries", "history". */
void window_show_page(struct window *w, const char *page);

#endif
