/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/terminal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

/* To the first column of the first line; and from there on nothing (ECMA-48: CUP, ED). */
#define HOME_AND_CLEAR "\033[H\033[J"

/* The eight colours that each terminal has: their shades are its owner's choice. */
static const char *const codes[] = {
	[COLOUR_NONE] = "",
	[COLOUR_GOOD] = "\033[32m",
	[COLOUR_CARE] = "\033[33m",
	[COLOUR_BAD] = "\033[31m",
};
static_assert(ARRAY_SIZE(codes) == COLOUR_COUNT, "a code for each colour");

size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

size_t terminal_height(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_row;
}

bool terminal_can_move(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

void terminal_draw(const char *text)
{
	const size_t height = terminal_height();
	size_t lines = 0, cut = 0;

	for (const char *c = text; (c = strchr(c, '\n')); c++) {
		lines++;
		if (lines + 2 == height)
			cut = (size_t)(c + 1 - text);
	}
	fputs(HOME_AND_CLEAR, stdout);
	if (height < 3 || lines < height) {
		fputs(text, stdout);
		return;
	}
	fwrite(text, 1, cut, stdout);
	printf("and %zu more\n", lines - (height - 2));
}

static bool colours_by_itself(void)
{
	const char *no = getenv("NO_COLOR");

	return terminal_can_move() && !(no && no[0]);
}

struct terminal terminal_of_stdout(enum color_when when)
{
	return (struct terminal){
		.width = terminal_width(),
		.colours = when == COLOR_AUTO ? colours_by_itself() : when == COLOR_ALWAYS,
	};
}

void colour_begin(FILE *out, enum colour colour, bool on)
{
	if (on)
		fputs(codes[colour], out);
}

void colour_end(FILE *out, enum colour colour, bool on)
{
	if (on && colour != COLOUR_NONE)
		fputs("\033[0m", out);
}
