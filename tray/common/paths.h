/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_PATHS_H
#define VIA_TRAY_COMMON_PATHS_H

/* Where the other programs are: beside this one, in the build tree, else as PATH finds them. */

/* via-iface itself. By g_free(). */
char *paths_via_iface(void);

/* via-iface-window. By g_free(). */
char *paths_window(void);

#endif
