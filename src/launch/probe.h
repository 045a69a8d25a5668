/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_PROBE_H
#define VIA_LAUNCH_PROBE_H

#include <stdint.h>

#include "base/err.h"
#include "model/ip.h"

/*
 * --probe: whether a host is reached by an uplink that is usable by its link state. One process,
 * outside the session and no child of the program, sends to it by each uplink of the session's
 * list, in a short session of its own there (verbs/prober.c), and reports the result to the daemon.
 */

/* What is asked: an echo (ICMP), or with a port a connection (TCP). */
struct probe {
	struct ip ip;
	uint16_t port; /* 0: an echo */
};

/*
 * ADDR, ADDR:PORT, or for IPv6 with a port [ADDR]:PORT. Strict: the address must be one that a
 * server of the internet or of a local network can have. Returns 0, or -EINVAL with a line.
 */
int probe_parse(const char *text, struct probe *ret, struct err *err);

/* Descriptors of the prober, by number; nothing else of the caller's is open there. */
#define PROBER_LINE 3 /* a uint32_t comes from it, the session's id; else the launch failed */
#define PROBER_NEXT 4 /* if it is open: who else wants to know that id */

/*
 * Starts the prober for a session that is about to be launched, as the caller. It learns the
 * session's id by what is written to *ret_notify, a descriptor that survives an exec, and passes
 * it on to next, unless that is -1; next stays the caller's. text was checked by probe_parse().
 */
int probe_start(const char *text, int next, int *ret_notify, struct err *err);

#endif
