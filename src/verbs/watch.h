/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_WATCH_H
#define VIA_VERBS_WATCH_H

#include "cli/words.h"

/*
 * list --watch: the sessions with how fast they receive and send, every w->watch seconds (NULL: 2),
 * until a signal, or until nobody reads. On a terminal in place, else one block, or with w->json
 * one line, each time. 0 or a negative errno.
 */
int watch_sessions(const struct words *w, struct err *err);

#endif
