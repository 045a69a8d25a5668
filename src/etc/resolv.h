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

/*
 * A comment behind it that says which session it is, and what it says in such a text: false where
 * that is not a session's. Pure.
 */
void resolv_add_session(const char *name, uint32_t id, struct strbuf *ret);
bool resolv_session(const char *text, char ret_name[SESSION_NAME_MAX], uint32_t *ret_id);

#endif
