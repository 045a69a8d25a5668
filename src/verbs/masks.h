/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_MASKS_H
#define VIA_VERBS_MASKS_H

#include "model/session.h"
#include "plan/doctor.h"
#include "verbs/processes.h"

/*
 * Whether the session's own files still hide the host's (launch/mounts.c): a service that makes its
 * directory anew, and a program that renames a new file over the old one, remove our mount. Looks
 * at the paths as one process of the session sees them, if the caller may see one, and reads its
 * mounts where its resolv.conf does not say whose it is; adds a finding for each path that leads
 * outside again.
 */
void masks_check(const struct session *s, const struct processes *p, struct findings *ret);

/*
 * From the text of a mountinfo (proc(5)): the device of the tmpfs that holds the session's files.
 * Pure. False when there is none.
 */
bool masks_find_device(const char *mountinfo, unsigned int *ret_major, unsigned int *ret_minor);

#endif
