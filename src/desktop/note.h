/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_NOTE_H
#define VIA_DESKTOP_NOTE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a start from a menu says to its user: by a notification (org.freedesktop.Notifications), or
 * by a dialog of via-iface-window. Texts are in the user's language, and UTF-8.
 */

struct note_choice {
	const char *id, *label;
};

struct note {
	const char *title, *body;
	const struct note_choice *choices;
	size_t n;
	bool question; /* stays until it is answered, and needs a server that has buttons */
	int until;     /* note_notify() withdraws it when this descriptor is readable; 0: none */
};

/*
 * Both wait until it is closed or one of the choices was made, and return false where nobody can
 * show it. *ret is the id of the choice, of those in n; NULL: it was closed.
 */
bool note_notify(const struct note *n, const char **ret);
bool note_dialog(const struct note *n, const char **ret);

#endif
