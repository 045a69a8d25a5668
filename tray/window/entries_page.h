/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_ENTRIES_PAGE_H
#define VIA_TRAY_WINDOW_ENTRIES_PAGE_H

#include "tray/window/view.h"

/* The entries that `via-iface desktop` has made: start one, remove one. It is read when shown. */
GtkWidget *entries_page_new(struct view *v);

#endif
