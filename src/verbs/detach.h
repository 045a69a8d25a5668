/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DETACH_H
#define VIA_VERBS_DETACH_H

#include "model/session.h"

/*
 * Opens the netns of a process, or of a name of ip-netns(8); the descriptor is the caller's. The
 * process is one that still lives when that is done.
 */
int netns_of_process(uint32_t pid, int *ret, struct err *err);
int netns_by_name(const char *name, int *ret, struct err *err);

/*
 * Takes an attached session away: the daemon removes the port, and with it the device inside; then
 * this process removes what stopped traffic there. In that order, so that an end in between leaves
 * the namespace closed. Prints a warning where the namespace cannot be found or entered any more.
 */
int detach_session(const struct session *s, struct err *err);

#endif
