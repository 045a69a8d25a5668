/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_ASK_H
#define VIA_TRAY_WINDOW_ASK_H

#include <gtk/gtk.h>

/*
 * A window with a text and choices, over `parent` (or NULL). Its own: GtkMessageDialog and
 * AdwMessageDialog are deprecated, and what took their place is not in libadwaita 1.2.
 */

#define ASK_CLOSED (-1) /* by Escape, or the last button */

typedef void (*ask_done)(int choice, void *data);

/*
 * choices: labels, NULL at the end; a '!' in front of one makes it one that destroys. The first has
 * the focus, unless it destroys. close: the label of the button that chooses none of them. Returns
 * the window; done is called once, from the main loop.
 */
GtkWidget *ask(GtkWindow *parent, const char *title, const char *body, const char *const choices[],
	       const char *close, ask_done done, void *data);

/* The same with nothing to choose. */
void ask_tell(GtkWindow *parent, const char *title, const char *body);

#endif
