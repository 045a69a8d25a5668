/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_SESSION_PAGE_H
#define VIA_TRAY_WINDOW_SESSION_PAGE_H

#include "tray/window/view.h"

/* All about one session: why it is blocked, traffic, its uplinks in their order, pause and stop. */
struct session_page;

/* It lives as long as its widget. */
struct session_page *session_page_new(struct view *v);
GtkWidget *session_page_widget(struct session_page *p);

/* Of which session; 0: none. */
void session_page_show(struct session_page *p, guint32 id);

/* Returns FALSE where the session is gone. */
gboolean session_page_update(struct session_page *p);

#endif
