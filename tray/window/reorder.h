/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_REORDER_H
#define VIA_TRAY_WINDOW_REORDER_H

#include <adwaita.h>

/*
 * Rows of a list that are dragged to another place by mouse or touch (GtkDragSource,
 * GtkDropTarget). Who uses keys or assistive technology has the buttons of the row, which do the
 * same.
 */

/* The row at `from` was dropped on the row at `to`, whose place it is to take. */
typedef void (*reorder_moved)(int from, int to, void *arg);

/* Makes an AdwActionRow one that can be dragged, and that others of its list can be dropped on;
 * `at` is its place, from 0. arg outlives the row. A row of which the list was made anew cannot be
 * dropped. */
void reorder_add(GtkWidget *row, int at, reorder_moved moved, void *arg);

#endif
