/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_TABLES_H
#define VIA_VERBS_TABLES_H

#include <stdio.h>

#include "model/facts.h"
#include "verbs/processes.h"
#include "verbs/rates.h"
#include "verbs/terminal.h"

/*
 * The text of `list` and of `uplinks`, for that terminal (table.h). sees_all as of
 * view_session(); all: sessions of probes too. Return 0 or -ENOMEM.
 */
int tables_print_sessions(const struct facts *f, const struct processes *p, bool sees_all, bool all,
			  const struct terminal *terminal, FILE *out);
/* With how fast each receives and sends, in place of age and processes. */
int tables_print_rates(const struct facts *f, const struct processes *p, const struct rates *rates,
		       bool sees_all, bool all, const struct terminal *terminal, FILE *out);
int tables_print_uplinks(const struct facts *f, const struct terminal *terminal, FILE *out);

/* Probe sessions come and go by themselves; they are shown to who asks for all. */
bool tables_shows(const struct session *s, bool all);

#endif
