/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_PROGRAMS_PAGE_H
#define VIA_TRAY_WINDOW_PROGRAMS_PAGE_H

#include "tray/window/view.h"

/* The desktop's applications and the games of Steam, to be started through an uplink. */
struct programs_page;

/* It lives as long as its widget, and reads the list when it is shown first. */
struct programs_page *programs_page_new(struct view *v);
GtkWidget *programs_page_widget(struct programs_page *p);

/* Puts the keyboard into the search. */
void programs_page_focus(struct programs_page *p);

#endif
