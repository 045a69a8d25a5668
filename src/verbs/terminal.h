/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_TERMINAL_H
#define VIA_VERBS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/words.h"

/* What standard output is able to show: how wide it is, and whether in colours. */
struct terminal {
	size_t width; /* columns; 0: it is no terminal, and nothing is cut */
	bool colours;
};

/*
 * With --color=auto there are colours on a terminal (isatty(3)) unless TERM is unset or "dumb" or
 * NO_COLOR is set and not empty (no-color.org); always and never say it themselves.
 */
struct terminal terminal_of_stdout(enum color_when when);

/* The columns that standard output has now, as above: a window may change its size. */
size_t terminal_width(void);

/* The same of its lines; 0: it is none. */
size_t terminal_height(void);

/* Whether standard output is a terminal whose cursor can be moved: TERM is set and not "dumb". */
bool terminal_can_move(void);

/*
 * Prints text in place of what stands on the terminal: as many lines as it has, of which the last
 * one is left to the cursor; where there are more, how many.
 */
void terminal_draw(const char *text);

/* Colours by meaning. Each stands on a word that says the same. */
enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_CARE, /* not as usual, and nothing is wrong: paused, a warning */
	COLOUR_BAD,
	COLOUR_COUNT,
};

/* Begins and ends a colour (SGR, ECMA-48); nothing where on is false, or for COLOUR_NONE. */
void colour_begin(FILE *out, enum colour colour, bool on);
void colour_end(FILE *out, enum colour colour, bool on);

#endif
