/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_NETNS_CONF_H
#define VIA_VERBS_NETNS_CONF_H

#include "base/err.h"
#include "model/request.h"

/*
 * VIA_SYSCONFDIR/netns.d/NAME.conf: what `via-iface netns add NAME` makes where no uplink is on the
 * command line. One section, [netns], with the keys uplink, dns, ipv6, lan, host-access, mtu
 * and share.
 */

#define NETNS_CONF_MAX 16384 /* bytes */

/*
 * Fills in what a file's text says; what the request has already stays. file is what it is to be
 * called. Pure. Returns 0, or -EINVAL with "FILE:LINE: what is wrong".
 */
int netns_conf_parse(const char *text, size_t len, const char *file, struct request *to,
		     struct err *err);

/* The same from the file of the request's name. -ENOENT where there is none. */
int netns_conf_read(struct request *to, struct err *err);

#endif
