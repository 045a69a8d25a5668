/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CAPTURE_CAPTURE_H
#define VIA_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "capture/output.h"
#include "capture/programs.h"
#include "capture/ring.h"

/* What is recorded of which session, and until when. */
struct capture {
	struct ring ring;
	struct output output;
	struct programs programs; /* when all have ended, so has the capture */
	uint64_t most;            /* packets; 0: without end */
	uint64_t received;
};

/*
 * Records until a signal (SIGINT, SIGTERM, SIGHUP), until the programs have ended, the device is
 * gone, most packets are received, or nobody reads the output any more: 0. Else a negative errno.
 */
int capture_serve(struct capture *c, struct err *err);

#endif
