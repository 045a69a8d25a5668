/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_GAI_H
#define VIA_ETC_GAI_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

#define GAI_PATH "/etc/gai.conf"

/*
 * The order in which getaddrinfo(3) returns addresses depends on the source address that the kernel
 * would choose for each. Inside that is a unique local address (RFC 4193), whose label differs from
 * those of global destinations (RFC 6724, section 2.1), so that IPv4 comes first where it is IPv6
 * outside. The session's gai.conf(5) gives addresses of fd00::/8 the label of global ones.
 */

/*
 * Rewrites a gai.conf(5): all of its lines stay, byte for byte. Where it has no `label` line, which
 * would replace glibc's own table, that table follows (sysdeps/posix/getaddrinfo.c:default_labels);
 * then fd00::/8, with the label of ::/0. A file that has a label for fd00::/8, or for a part of it,
 * stays as it is. Pure; a failure to grow sticks in ret.
 */
void gai_rewrite(const char *text, size_t len, struct strbuf *ret);

/* The host's, rewritten. Empty where the host has none that the caller may read. 0 or -ENOMEM. */
int gai_read(struct strbuf *ret, struct err *err);

#endif
