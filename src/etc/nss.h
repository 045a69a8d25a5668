/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_NSS_H
#define VIA_ETC_NSS_H

#include <stddef.h>

#include "base/strbuf.h"

/*
 * Rewrites an nsswitch.conf(5) so that host names are looked up by the program itself: in the line
 * "hosts" only the services files, dns and myhostname stay, each with its [STATUS=action] items.
 * All others (resolve, mdns4_minimal, mymachines, sss, wins, …) ask a daemon or a network outside
 * of the session. Where one was taken out, files and dns are added if they are not there. All other
 * lines stay as they are, byte for byte. The line is read as glibc reads it
 * (nss/nss_database.c:process_line, nss/nss_action_parse.c); what glibc could not read is taken
 * out. Pure; a failure to grow sticks in ret.
 */
void nss_rewrite(const char *text, size_t len, struct strbuf *ret);

#endif
