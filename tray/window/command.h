/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_WINDOW_COMMAND_H
#define VIA_TRAY_WINDOW_COMMAND_H

#include <gio/gio.h>

/*
 * Runs of the command line from the window, in the main loop. They are cancelled when `owner` is
 * finalized: no call is made then.
 */

/* out: what it printed, NULL where it failed; then error is its line. Both are borrowed. */
typedef void (*command_done)(const char *out, const char *error, void *data);

/* words: behind "via-iface", NULL at the end. */
void command_run(GObject *owner, const char *const words[], command_done done, void *data);

/*
 * Starts a program: the words are those of a `desktop launch`. Once it runs error is NULL, and else
 * the failure, through the pipe of launch/program.h. token: to raise its window, or NULL.
 */
void command_start(GObject *owner, const char *const words[], const char *token, command_done done,
		   void *data);

#endif
