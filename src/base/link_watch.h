/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_LINK_WATCH_H
#define VIA_BASE_LINK_WATCH_H

#include <stdbool.h>

/*
 * Waits for the end of a network device, by rtnetlink(7) without a library: for helpers that stay
 * behind a launch, which loads none. Events are hints, and may be lost (ENOBUFS): what counts is
 * whether the device is there.
 */

/* A netlink socket that is readable when links came, changed or went; or a negative errno. */
int link_watch_open(void);

/*
 * Takes all events that wait. Whether there is no device of that index, or it is not called that
 * any more; index 0 is a device that was gone before.
 */
bool link_watch_gone(int fd, const char *name, unsigned int index);

#endif
