/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/export.h"

#include <stdio.h>

guint export_object(GDBusConnection *bus, const char *path, const char *description,
		    const GDBusInterfaceVTable *table, void *data, const char *what)
{
	g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(description, NULL);
	g_autoptr(GError) error = NULL;
	guint number = g_dbus_connection_register_object(bus, path, node->interfaces[0], table,
							 data, NULL, &error);

	if (!number)
		fprintf(stderr, "via-iface-tray: %s: %s\n", what, error->message);
	return number;
}
