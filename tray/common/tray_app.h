/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_TRAY_APP_H
#define VIA_TRAY_COMMON_TRAY_APP_H

/* via-iface-tray on the session bus: a GApplication. */
#define TRAY_APP_ID   "org.via_iface.Tray"
#define TRAY_APP_PATH "/org/via_iface/Tray"

/*
 * Its action that says that the user moves a session: (usb), the number of the session, the uplink,
 * and whether that is ordered (before the order) or was refused.
 */
#define TRAY_EXPECT_MOVE      "expect-move"
#define TRAY_EXPECT_MOVE_TYPE "(usb)"

/* The same of a pause: (ub), the number of the session. */
#define TRAY_EXPECT_PAUSE      "expect-pause"
#define TRAY_EXPECT_PAUSE_TYPE "(ub)"

#endif
