/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_HELP_H
#define VIA_CLI_HELP_H

#include <stdio.h>

#include "cli/verb.h"

/* Prints the help of via-iface: a line for each verb. */
void help_print(FILE *out);

/* Prints the help of one verb: usage, what it does, options, examples. */
void help_print_verb(enum verb_id id, FILE *out);

/* `help [VERB]`; argv[0] is the verb. Returns an exit status. */
int help_verb(int argc, char *argv[]);

#endif
