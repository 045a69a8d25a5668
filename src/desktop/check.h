/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_CHECK_H
#define VIA_DESKTOP_CHECK_H

#include "desktop/entry.h"

/* What is wrong with an entry before it is made: nobody sees a message when it is started. */

/*
 * Whether a list can be one of uplinks. A name of an interface that is not here is refused where it
 * resembles one that is, or where nothing else of the list is here.
 */
int check_uplinks(const char *uplinks, struct err *err);

/* Whether the program of an entry can be found. */
int check_program(GKeyFile *e, struct err *err);

#endif
