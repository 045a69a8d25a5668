/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_OPEN_H
#define VIA_TRAY_INDICATOR_OPEN_H

#include <gio/gio.h>

/*
 * Opens the window: org.freedesktop.Application of via-iface-window (Desktop Entry Specification,
 * "D-Bus Activation"), or where the bus has no service file for it, the program itself.
 *
 * `token` is what lets the compositor or the window manager raise the window: an XDG activation
 * token or an X11 startup id; NULL where there is none. It is good for one window.
 */
void open_window(GDBusConnection *bus, const char *token);

/* An action of the window's application; `parameter` may be floating, NULL: it takes none. Where
 * the bus cannot start the application the window is opened. */
void open_action(GDBusConnection *bus, const char *action, GVariant *parameter, const char *token);

#endif
