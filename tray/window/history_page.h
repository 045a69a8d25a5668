/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_HISTORY_PAGE_H
#define VIA_TRAY_WINDOW_HISTORY_PAGE_H

#include "tray/window/view.h"

/* What happened to sessions, the newest first: `via-iface log`. */
struct history_page;

/* It lives as long as its widget, and is read when it is shown. */
struct history_page *history_page_new(struct view *v);
GtkWidget *history_page_widget(struct history_page *p);

/* Something happened. */
void history_page_update(struct history_page *p);

#endif
