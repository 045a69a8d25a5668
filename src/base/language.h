/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_LANGUAGE_H
#define VIA_BASE_LANGUAGE_H

/* Texts in the user's language: gettext(3), the catalogues of po/. */

/*
 * Sets the locale of the environment, and where the catalogues are: in the directory where they are
 * installed, or for a program of a build tree (TREE/src, TREE/tray) in TREE/po.
 */
void language_init(const char *installed);

/*
 * Why an uplink or a session cannot be used, in the user's language; one that is not known (those
 * that are: src/plan/uplink.c, uplink_missing.c, state.c) as it is. Borrowed.
 */
const char *language_reason(const char *reason);

#endif
