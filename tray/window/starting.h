/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_STARTING_H
#define VIA_TRAY_WINDOW_STARTING_H

#include "tray/window/view.h"

/*
 * Starts a program through uplinks: a hand-over to an instance outside is asked about first, and a
 * failure is shown with its line. app: as `desktop launch` takes it; name: as people know it.
 */
void starting_begin(struct view *v, const char *app, const char *name, const char *uplinks);

#endif
