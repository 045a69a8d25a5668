/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_RESOLV_H
#define VIA_ETC_RESOLV_H

#include "base/strbuf.h"
#include "ipc/msg.h"

/*
 * The session's resolv.conf(5). The domains came from a network: unless all of their bytes are of
 * host names (RFC 952, and the underscore), there is no search line. Pure.
 */
void resolv_format(const struct msg_dns *dns, struct strbuf *ret);

#endif
