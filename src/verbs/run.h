/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_RUN_H
#define VIA_VERBS_RUN_H

#include <stdbool.h>

#include "launch/launch.h"

/* A run, with all that a launch may need to look up; argv[0] as for cli_run(). An exit status. */
int run_words(int argc, char *argv[]);

/* cli/cli.h:cli_explain */
int explain(int argc, char *argv[], const struct launch_options *o);

/* Whether the daemon is in another network namespace: interfaces here are not those that it means.
 */
bool explain_is_elsewhere(void);

#endif
