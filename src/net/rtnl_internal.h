/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_RTNL_INTERNAL_H
#define VIA_NET_RTNL_INTERNAL_H

#include <linux/filter.h>

#include "net/rtnl.h"

/* What rtnl_encode.c writes and rtnl_decode.c must find again. */

/* FR_ACT_* of linux/fib_rules.h, by enum rule_action. */
extern const uint8_t rtnl_rule_actions[RULE_ACTION_COUNT];

/*
 * The program of the filter on our bridge (tc-bpf(8)): it loads the packet's mark, masks it, and
 * drops the packet unless the rest is t->mark.
 */
void rtnl_guard_program(const struct obj_tc *t, struct sock_filter ret[5]);

#endif
