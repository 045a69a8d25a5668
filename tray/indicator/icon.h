/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_ICON_H
#define VIA_TRAY_INDICATOR_ICON_H

#include <gio/gio.h>

#include "tray/common/client.h"
#include "tray/common/starters.h"

/* The icon in the panel with its menu: what the client's model has to be shown as. */
struct icon;

struct icon_calls {
	void (*open)(const char *token, void *arg); /* the window */
	void (*quit)(void *arg);
	void (*watched)(gboolean watched, void *arg); /* does a panel show icons */
};

/* NULL, with a line on standard error, where it cannot be. What is borrowed here lasts longer. */
struct icon *icon_new(GDBusConnection *bus, struct client *c, struct starters *starters,
		      const struct icon_calls *calls, void *arg);
void icon_free(struct icon *i);

void icon_update(struct icon *i);

#endif
