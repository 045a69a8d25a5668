/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_NOTIFY_H
#define VIA_TRAY_COMMON_NOTIFY_H

#include <glib.h>

#include "tray/common/model.h"

/*
 * Notifications (org.freedesktop.Notifications): a session was blocked, or goes by another uplink
 * than it did; an order was refused. One that is no longer true is taken back. Where nobody shows
 * notifications, nothing happens.
 */
struct notify;

struct notify *notify_new(void);
void notify_free(struct notify *all);

void notify_news(struct notify *all, const struct news *news);
void notify_refused(struct notify *all, const char *text);

/* The user moves it; that it goes elsewhere is no news then. */
void notify_expect_move(struct notify *all, guint32 id);

#endif
