/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_FIND_H
#define VIA_DESKTOP_FIND_H

#include <limits.h>

#include "desktop/entry.h"

/*
 * The desktop entries of the machine, by the rules of the Desktop Entry Specification and GLib: in
 * XDG_DATA_HOME, then in each of XDG_DATA_DIRS, below "applications"; the id is the path from there
 * with '-' for '/', and the first one of an id is meant. What Flatpak and Snap export is looked
 * for, too, where the environment does not name it. Ours are passed over.
 */

#define DESKTOP_ID_MAX 512

struct desktop_found {
	char id[DESKTOP_ID_MAX]; /* with ".desktop" */
	char path[PATH_MAX];     /* absolute */
	GKeyFile *entry;
};

/* By path (with a '/'), id, id without ".desktop", or one of its names. -ENOENT, -EINVAL. */
int desktop_find(const char *what, struct desktop_found *ret, struct err *err);
void desktop_found_done(struct desktop_found *f);

/* The user's own "applications" directory. */
int desktop_own_dir(char ret[PATH_MAX], struct err *err);

/* Those of ours, in the order of their ids. */
struct desktop_list {
	struct desktop_found *v;
	size_t n, size;
};

int find_ours(struct desktop_list *ret, struct err *err);
void find_done(struct desktop_list *list);

#endif
