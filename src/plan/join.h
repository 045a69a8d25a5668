/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_JOIN_H
#define VIA_PLAN_JOIN_H

#include <stdint.h>

#include "base/err.h"
#include "model/facts.h"
#include "model/request.h"

/*
 * For a request with SESSION_JOIN: the session of that uid which has its name, the youngest where
 * older ones of that name are closing. Returns 1 with *ret borrowed from f, 0 when there is none,
 * or -EEXIST when the request asks for an option that the session lacks, or does not ask for
 * --host-access or --share, which it has: a program is never less restricted than its command line
 * says. The uplinks are not compared, since a session may have been moved.
 */
int join_find(const struct facts *f, const struct request *r, uint32_t uid,
	      const struct session **ret, struct err *err);

#endif
