/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CAPTURE_OUTPUT_H
#define VIA_CAPTURE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Where a capture is written: a file, standard output, or tcpdump(8), which shows it as text. */
struct output {
	int fd;
	int signals; /* signalfd(2); -1: none. Whoever reads slowly must not keep Ctrl-C waiting */
	bool waits;  /* a write may wait for a reader: it is no file */
	pid_t tcpdump;       /* 0: none */
	struct strbuf bytes; /* what is not written yet */
};

/*
 * path: a file, which is made anew and is readable to its owner alone; "-": standard output, which
 * must be no terminal; NULL: tcpdump. Zero *o first; output_close() is called also after a failure.
 * Returns 0 or a negative errno.
 */
int output_open(struct output *o, const char *path, struct err *err);

/*
 * Writes what is there. Without a line: -EPIPE when nobody reads it any more, -EINTR when a signal
 * came while the reader made it wait; the rest is lost then.
 */
int output_flush(struct output *o, struct err *err);

/* Waits for tcpdump, which then shows the rest. */
void output_close(struct output *o);

#endif
