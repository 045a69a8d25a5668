/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_SCREEN_H
#define VIA_VERBS_SCREEN_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "base/err.h"

/*
 * The terminal's other screen (xterm, DECSET 1049), without a cursor, and its keys one by one and
 * not shown (termios(3)), until screen_close() gives all of it back as it was. The signals that
 * would end or stop the process come by a descriptor meanwhile, so that they find it given back.
 */
struct screen {
	bool open, keys; /* keys: standard input is a terminal whose mode was changed */
	struct termios before;
	sigset_t mask; /* of the process, before */
	int signals;   /* signalfd(2), or -1 */
};

enum screen_event {
	SCREEN_NOTHING,
	SCREEN_DRAW, /* the terminal has another size, or the process was continued */
	SCREEN_END,  /* q, Ctrl-C, or the terminal is gone */
};

int screen_open(struct screen *s, struct err *err);

/* What to poll for input: *ret_keys is -1 where there are none. */
int screen_signals(const struct screen *s, int *ret_keys);

/* One of those descriptors is readable. SIGTERM, SIGHUP and SIGQUIT end the process here. */
enum screen_event screen_take(struct screen *s, bool keys);

/* Of a closed or zeroed one nothing. */
void screen_close(struct screen *s);

#endif
