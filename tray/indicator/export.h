/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_EXPORT_H
#define VIA_TRAY_INDICATOR_EXPORT_H

#include <gio/gio.h>

/*
 * Exports the first interface of an introspection text as an object on the bus. Returns its number
 * for g_dbus_connection_unregister_object(), or 0 with a line on standard error that says what
 * could not be done.
 */
guint export_object(GDBusConnection *bus, const char *path, const char *description,
		    const GDBusInterfaceVTable *table, void *data, const char *what);

#endif
