/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_CHECK_H
#define VIA_DESKTOP_CHECK_H

#include "desktop/entry.h"
#include "model/uplink_list.h"

/* What is wrong with an entry before it is made: nobody sees a message when it is started. */

/*
 * Reads a list of uplinks: 0, or a negative errno with a line. A name of an interface that is not
 * here is refused where it resembles one that is, or where nothing else of the list is here.
 */
int check_uplinks(const char *text, struct uplink_list *ret, struct err *err);

/* Whether the program of an entry can be found. */
int check_program(GKeyFile *e, struct err *err);

/*
 * Why no uplink of a list can be used now, a line for each, in the user's language as far as it is
 * translated, which *ret_translated tells; by g_free(). NULL where one can. The list is that of the
 * command line, or where that is "", what the app policy says of the program.
 */
char *check_reason(const char *uplinks, char **program, bool *ret_translated);

#endif
