/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs VERB …
 *
 * What via-iface becomes for all but a run (cli/cli.h:cli_verb()). No privilege, as there.
 */
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "launch/program.h"
#include "verbs/verbs.h"

static const struct {
	const char *name;
	int (*run)(int argc, char *argv[]);
} verbs[] = {
	{ "attach", verb_attach },   { "detach", verb_detach },
	{ "doctor", verb_doctor },   { "exec", verb_exec },
	{ "list", verb_list },       { "move", verb_move },
	{ "pause", verb_pause },     { "plan", verb_plan },
	{ "resume", verb_pause },    { "run", verb_run },
	{ "status", verb_status },   { "stop", verb_stop },
	{ "uplinks", verb_uplinks }, { "warnings", verb_warnings },
	{ "prober", verb_prober },   { "probe-once", verb_probe_once },
};

int main(int argc, char *argv[])
{
	struct err err = { 0 };

	if (standard_files(&err) < 0)
		return program_fail(&err);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr,
		"via-iface-verbs: this program is started by via-iface; see via-iface(1)\n");
	return 125;
}
