/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_ATTACH_DNS_H
#define VIA_VERBS_ATTACH_DNS_H

#include "ipc/msg.h"
#include "launch/launch.h"

/*
 * Whether names would be looked up from outside of the netns (etc/outside.h): by the process that
 * is named, or by programs that `ip netns exec` starts there. 0, or -EBUSY with a line.
 */
int attach_dns_check(const struct launch_options *o, int netns, struct err *err);

/*
 * Writes the files of /etc/netns for an attached netns that has a name there; for root, and without
 * effect for others, who cannot start programs by that name either.
 */
int attach_dns_write(const struct launch_options *o, int netns, const struct msg_reply *reply,
		     struct err *err);

#endif
