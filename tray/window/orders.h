/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_ORDERS_H
#define VIA_TRAY_WINDOW_ORDERS_H

#include <gtk/gtk.h>

#include "tray/common/client.h"
#include "tray/common/starters.h"

/*
 * The parts of menus that the tray and the window have in common. Each appends its items to a menu
 * and changes them in place from then on. The items belong to the menu; free what is returned here
 * once the menu is gone, or goes.
 */

void orders_set_label(GtkWidget *item, const char *text); /* with an underscore before a key */
void orders_set_text(GtkWidget *item, const char *text);  /* as it is */
GtkWidget *orders_add(GtkWidget *menu, GtkWidget *item);
GtkWidget *orders_add_choice(GtkWidget *menu, const char *text, GCallback chosen, void *data);

/* For one session: the uplinks, of which its own has the mark; pause or resume; stop. */
struct session_orders;

struct session_orders *session_orders_new(GtkWidget *menu, struct client *c, guint32 id);
void session_orders_free(struct session_orders *o);
void session_orders_update(struct session_orders *o, const struct tray_session *s);

/* For all: start one of the launcher entries, pause all, resume all. */
struct host_orders;

struct host_orders *host_orders_new(GtkWidget *menu, struct client *c, struct starters *starters);
void host_orders_free(struct host_orders *o);
void host_orders_update(struct host_orders *o);

#endif
