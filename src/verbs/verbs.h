/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_VERBS_H
#define VIA_VERBS_VERBS_H

/* The verbs other than a run. Each returns an exit status; argv[0] is the verb itself. */
int verb_list(int argc, char *argv[]);
int verb_plan(int argc, char *argv[]);

#endif
