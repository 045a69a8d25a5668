/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_DESKTOP_H
#define VIA_DESKTOP_DESKTOP_H

#include <stdbool.h>

#include "base/err.h"

/* The command line. */
#define WORDS_MAX 3

struct line {
	const char *v[WORDS_MAX]; /* the verb's own verb, and what it is about */
	int n;
	const char *name; /* --name */
	const char *wait; /* the seconds of --wait, "" without a number; or NULL */
	bool replace, action, json, quiet;
};

/* The verbs of `desktop`; 0, or a negative errno with the error. */
int desktop_add(const struct line *l, struct err *err);
int desktop_remove(const struct line *l, struct err *err);
int desktop_list(const struct line *l, struct err *err);
int desktop_always(const struct line *l, struct err *err);
int desktop_games(const struct line *l, struct err *err);

/*
 * Becomes the program of [UPLINK[,UPLINK…]] -- PROGRAM …, behind argv[0]. A failure of the launch,
 * which returns, too, is shown to the user.
 */
int desktop_start(int argc, char *argv[], struct err *err);

/*
 * Becomes the program of [--check|--separate|--allow-handover] APP [UPLINK[,UPLINK…]], behind
 * argv[0]. With --check it prints instead whether the start would be handed to an instance outside.
 */
int desktop_launch(int argc, char *argv[], struct err *err);

#endif
