/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_VIEW_H
#define VIA_TRAY_WINDOW_VIEW_H

#include <adwaita.h>

#include "tray/common/client.h"
#include "tray/common/starters.h"
#include "tray/window/command.h"

/* What the pages of the window have in common. */
struct view {
	GtkWindow *window;
	GtkWidget *toasts;
	struct client *client;
	void (*show)(struct view *v, const char *page); /* "sessions", "programs" … */
};

/* Says that something was done, for some seconds. */
void view_toast(struct view *v, const char *text);

/* A run of the command line by this window: what it refuses is shown, `done` is said of success. */
void view_order(struct view *v, const char *const words[], const char *done);

/* Moves a session to exactly that list; uplink: the one that it goes to by that, or NULL. */
void view_move(struct view *v, guint32 id, const char *list, const char *uplink);

/* Words of a list of uplinks, split at the commas that separate them; NULL at the end. */
char **view_split_list(const char *list);

/* The other way; skip: the place of one to leave out, or -1. By g_free(). */
char *view_join_list(char **words, int skip);

#endif
