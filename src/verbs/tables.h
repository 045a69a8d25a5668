/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_TABLES_H
#define VIA_VERBS_TABLES_H

#include <stdio.h>

#include "model/facts.h"
#include "verbs/processes.h"

/*
 * The text of `list` and of `uplinks`, for a terminal of that width (table.h). sees_all as of
 * view_session(); all: sessions of probes too. Return 0 or -ENOMEM.
 */
int tables_print_sessions(const struct facts *f, const struct processes *p, bool sees_all, bool all,
			  size_t width, FILE *out);
int tables_print_uplinks(const struct facts *f, size_t width, FILE *out);

#endif
