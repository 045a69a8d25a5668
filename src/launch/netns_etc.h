/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_NETNS_ETC_H
#define VIA_LAUNCH_NETNS_ETC_H

#include "base/err.h"

/*
 * Binds each file and directory of /etc/netns/NAME over the one of its name in /etc, as `ip netns
 * exec NAME` does (ip-netns(8)); those that via-iface wrote there are left out, since the session's
 * own say the same. In the mount namespace of the caller, which needs cap_sys_admin. What /etc does
 * not have is left out. Only root can have made these files.
 */
int netns_etc_bind(const char *name, struct err *err);

#endif
