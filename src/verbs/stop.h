/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_STOP_H
#define VIA_VERBS_STOP_H

#include "base/err.h"
#include "model/session.h"

/*
 * A session's port goes with its netns; where something holds that still, the daemon removes it.
 * 0 when the port has gone.
 */
int stop_remove_port(const struct session *s, struct err *err);

#endif
