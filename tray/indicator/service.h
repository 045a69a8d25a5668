/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_SERVICE_H
#define VIA_TRAY_INDICATOR_SERVICE_H

#include <gio/gio.h>

#include "tray/common/model.h"

/*
 * org.via_iface1 on the session bus, for other programs (docs/dbus.md): it runs via-iface with the
 * rights of the user, whom the bus has authenticated, and hands on what that prints. While a caller
 * is on the bus it holds the application.
 */
struct service;

/* NULL, with a line on standard error, where the path cannot be had. */
struct service *service_new(GApplication *app, GDBusConnection *bus);
void service_free(struct service *s);

/* Signals what has changed since the last time. */
void service_update(struct service *s, const struct model *m);

#endif
