/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs VERB …
 *
 * What via-iface becomes for all but a run (cli/cli.h:cli_verb()). No privilege, as there.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "launch/program.h"
#include "verbs/verbs.h"

typedef int verb_function(int argc, char *argv[]);

static verb_function *const functions[VERB_COUNT] = {
	[VERB_RUN] = verb_run,       [VERB_PLAN] = verb_plan,       [VERB_LIST] = verb_list,
	[VERB_STATUS] = verb_status, [VERB_UPLINKS] = verb_uplinks, [VERB_MOVE] = verb_move,
	[VERB_PAUSE] = verb_pause,   [VERB_RESUME] = verb_pause,    [VERB_EXEC] = verb_exec,
	[VERB_STOP] = verb_stop,     [VERB_DOCTOR] = verb_doctor,   [VERB_ATTACH] = verb_attach,
	[VERB_DETACH] = verb_detach, [VERB_LOG] = verb_log,         [VERB_NETNS] = verb_netns,
	[VERB_TOP] = verb_top,       [VERB_PORTAL] = verb_portal,
};

/* What programs of via-iface ask of this one. */
static const struct {
	const char *name;
	verb_function *function;
} internal[] = {
	{ "", verb_run },              /* a run without the word (cli/run.c) */
	{ "complete", verb_complete }, /* what a shell offers (data/completions) */
	{ "warnings", verb_warnings },
	{ "prober", verb_prober },
	{ "probe-once", verb_probe_once },
	{ "live-once", verb_live_once },
	{ "oci-hook", verb_oci_hook }, /* of container runtimes (data/oci) */
};

static verb_function *find(const char *name)
{
	enum verb_id id = verb_find(name);

	if (id < VERB_COUNT)
		return functions[id];
	for (size_t i = 0; i < ARRAY_SIZE(internal); i++)
		if (!strcmp(name, internal[i].name))
			return internal[i].function;
	return NULL;
}

int main(int argc, char *argv[])
{
	verb_function *function = argc > 1 ? find(argv[1]) : NULL;
	struct err err = { 0 };

	if (standard_files(&err) < 0)
		return program_fail(&err);
	if (function)
		return program_finish(function(argc - 1, argv + 1));
	fprintf(stderr,
		"via-iface-verbs: this program is started by via-iface; see via-iface(1)\n");
	return EXIT_VIA_FAILED;
}
