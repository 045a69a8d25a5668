/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_DIALOGS_H
#define VIA_TRAY_WINDOW_DIALOGS_H

#include <glib.h>

/*
 * What `via-iface desktop start` has to say where no server shows notifications (desktop/note.h):
 * --failed or --ask with the title, a newline and the text, and each --choice as "ID=LABEL". Waits
 * for an answer and prints its ID, or nothing when the dialog was closed. Returns the exit status;
 * one other than 0 means that nothing could be shown.
 */
int dialogs_show(GVariantDict *options);

#endif
