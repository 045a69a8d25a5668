/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_PATHS_H
#define VIA_TRAY_PATHS_H

/* Where things are: beside this program, also when it runs straight out of the build tree. */

/* DIR/NAME, where this program is DIR/tray/via-iface-tray and lies beside the others' src/;
 * NULL when it is not in a build tree. By g_free(). */
char *paths_built(const char *name);

/* via-iface itself: beside us, in the build tree, else as the PATH has it. By g_free(). */
char *paths_via_iface(void);

#endif
