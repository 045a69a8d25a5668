/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_UI_H
#define VIA_TRAY_WINDOW_UI_H

#include <adwaita.h>

/* Widgets as this window has them, each with a name for assistive technology. */

/* The name that assistive technology reads out, and what it says beside that. */
void ui_name(GtkWidget *widget, const char *text);
void ui_describe(GtkWidget *widget, const char *text);
/* `label` is the visible text that names the widget. */
void ui_labelled_by(GtkWidget *widget, GtkWidget *label);

GtkWidget *ui_label(const char *text, const char *class); /* at the left; class may be NULL */
GtkWidget *ui_text(const char *text);                     /* wraps, can be selected */
GtkWidget *ui_figure(const char *class, int chars);       /* digits of one width, at the right */
void ui_set_text(GtkWidget *label, const char *text);     /* only where it changes */
void ui_set_class(GtkWidget *widget, const char *class, gboolean on);

/* A flat button with an icon; its name is its tooltip, too. */
GtkWidget *ui_icon_button(const char *icon, const char *name);

/* A button with a text, of which an underscore announces the key; as it is; another text. */
GtkWidget *ui_button(const char *text, const char *class);
GtkWidget *ui_plain_button(const char *text, const char *class);
void ui_button_set(GtkWidget *button, const char *text);

/* A list in a frame, and a heading above it that names it; put into box. */
GtkWidget *ui_list(GtkWidget *box, const char *title);
void ui_list_clear(GtkWidget *list);

/* A row with two lines of text as they are, no markup. The row has the title as its name. */
GtkWidget *ui_row(const char *title, const char *subtitle);
void ui_row_set(GtkWidget *row, const char *title, const char *subtitle);

/* What scrolls, with content of a width that can be read. *ret_box is where it goes. */
GtkWidget *ui_page(GtkWidget **ret_box);

/* A window over parent (or NULL) that Escape closes; without content. */
GtkWidget *ui_dialog(GtkWindow *parent, const char *title);

/* Sets the style, which all windows have. */
void ui_style(void);

#endif
