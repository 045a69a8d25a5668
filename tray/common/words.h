/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_COMMON_WORDS_H
#define VIA_TRAY_COMMON_WORDS_H

#include <glib.h>

#include "tray/common/model.h"

/* What people read, in their language. A char * is the caller's, by g_free(). */

const char *words_state(enum tray_state state);
const char *words_kind(const char *kind);

char *words_rate(double bytes); /* "1.2 MB/s" */
char *words_sessions(const struct model *m);

/* "curl via wlp6s0", "curl: blocked", with "(root)" behind it when it is somebody else's. */
char *words_session(const struct tray_session *s, guint32 uid);

/* "paused", "blocked: it has no carrier" */
char *words_state_why(const struct tray_session *s);

/* "wlp6s0 · Wi-Fi · Home", and with `why` also what keeps it from serving. */
char *words_uplink(const struct tray_uplink *u, gboolean why);

char *words_traffic(const struct tray_session *s); /* "↓ 1.2 MB/s   ↑ 30 kB/s"; dashes for NULL */
char *words_total(const struct tray_session *s);   /* "↓ 30 MB   ↑ 2 MB", "" while not known */

#endif
