/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_NSSWITCH_H
#define VIA_ETC_NSSWITCH_H

#include "base/err.h"
#include "base/strbuf.h"

#define NSSWITCH_PATH "/etc/nsswitch.conf"

/*
 * The host's nsswitch.conf(5), rewritten so that a session looks host names up by its name servers
 * alone (nss.h). Empty where the host has none.
 */
int nsswitch_read(struct strbuf *ret, struct err *err);

#endif
