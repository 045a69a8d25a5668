/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_SESSIONS_PAGE_H
#define VIA_TRAY_WINDOW_SESSIONS_PAGE_H

#include "tray/window/view.h"

/* The sessions and the uplinks; with no session what to do. A press on a session shows it alone. */
struct sessions_page;

/* It lives as long as its widget. changed: another page of it is shown (sessions_page_title()). */
struct sessions_page *sessions_page_new(struct view *v, void (*changed)(void *arg), void *arg);
GtkWidget *sessions_page_widget(struct sessions_page *p);
void sessions_page_update(struct sessions_page *p);

/* Whether one session is shown alone; back to all of them: FALSE where they are shown. */
gboolean sessions_page_is_one(const struct sessions_page *p);
gboolean sessions_page_back(struct sessions_page *p);

#endif
