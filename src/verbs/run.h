/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_RUN_H
#define VIA_VERBS_RUN_H

#include <net/if.h>

#include "launch/launch.h"

/* A run, with all that a launch may need to look up; argv[0] as for cli_run(). An exit status. */
int run_words(int argc, char *argv[]);

/* An uplink that can serve, for an example; "UPLINK" where none can. */
void example_uplink(char ret[IFNAMSIZ]);

/* cli/cli.h:cli_explain */
int explain(int argc, char *argv[], const struct launch_options *o);

#endif
