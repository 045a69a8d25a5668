/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_START_DIALOG_H
#define VIA_TRAY_WINDOW_START_DIALOG_H

#include "tray/window/view.h"

/*
 * Asks by which uplink a program is to go, and whether now, from an entry of the menu, or always.
 * app: as `desktop add` takes it; game: one of Steam, which cannot be bound.
 */
void start_dialog_show(struct view *v, const char *app, const char *name, gboolean game);

#endif
