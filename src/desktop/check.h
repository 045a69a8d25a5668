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
 * Why no uplink of a list can be used now, in the user's language; by g_free(). NULL where one can,
 * and where the language is the one that messages have: *ret_none says whether none can.
 */
char *check_reason(const char *uplinks, bool *ret_none);

#endif
