/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_NOTIFY_H
#define VIA_TRAY_COMMON_NOTIFY_H

#include <glib.h>

#include "tray/common/model.h"

/*
 * Notifications (org.freedesktop.Notifications): a session was blocked or paused, or goes by
 * another uplink than it did; an order was refused. One that is no longer true is taken back. Where
 * nobody shows notifications, nothing happens.
 */
struct notify;

struct notify *notify_new(void);
void notify_free(struct notify *all);

/* What buttons do, where the server has them. */
struct notify_calls {
	void (*open)(const char *token, void *arg); /* the window; NULL: there is no token */
	void (*move)(guint32 id, const char *name, const char *uplink, void *arg);
	void (*resume)(guint32 id, const char *name, void *arg);
	gboolean (*may_change)(const struct news *news, void *arg); /* that session */
	/* An uplink that the session may be moved to, or NULL; borrowed until the next event. */
	const char *(*alternative)(const struct news *news, void *arg);
};
void notify_offer(struct notify *all, const struct notify_calls *calls, void *arg);

void notify_news(struct notify *all, const struct news *news);
/* Offers the window, where no panel shows the icon; where nobody shows notifications it is opened.
 */
void notify_window(struct notify *all);
void notify_refused(struct notify *all, const char *text);

/* The user orders it to that uplink: that it goes there is no news then. Not ordered: the order was
 * refused. */
void notify_expect_move(struct notify *all, guint32 id, const char *uplink, gboolean ordered);
/* The same of a pause, until the session is no longer paused. */
void notify_expect_pause(struct notify *all, guint32 id, gboolean ordered);

#endif
