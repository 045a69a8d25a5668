/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DOCTOR_LEGACY_H
#define VIA_VERBS_DOCTOR_LEGACY_H

#include "net/xtables.h"
#include "plan/doctor.h"

/*
 * Adds a finding for the rule of iptables-legacy that stopped most packets of that family since
 * `before` was read, if it was at least that many. Returns whether there is one.
 */
bool doctor_legacy_tell(const struct xtables_stops *before, uint8_t family, uint64_t least,
			const char *uplink, struct findings *ret);

#endif
