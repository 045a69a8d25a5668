/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_BADGE_H
#define VIA_DESKTOP_BADGE_H

#include "desktop/entry.h"

/*
 * The icon of an entry of ours: the original's with a badge, so that menus and panels show which
 * one goes through an uplink. It is an SVG of our own below XDG_DATA_HOME, which holds the
 * original's picture as a data: URL (RFC 2397), and the entry has its path.
 */

/*
 * Makes it for the entry of that id (as "via-iface-x.desktop"), of which source is the original's
 * path. 0 also where the original has no icon, or none in a format and place that are known: the
 * entry keeps what it has.
 */
int badge_add(GKeyFile *e, const char *id, const char *source, struct err *err);

/* Removes that of an entry; 0 also where there is none. */
int badge_remove(const char *id, struct err *err);

#endif
