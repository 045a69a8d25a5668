/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the command line to the launch, or to the program that has the verb. */
#include <errno.h>
#include <limits.h>

#include "cli/cli.h"

int cli_run(int argc, char *argv[], const struct launch_helpers *helpers)
{
	struct launch_options options;
	struct err err = { 0 };

	if (cli_parse_run(argc, argv, true, &options, &err) < 0)
		return program_fail(&err);
	if (options.dry_run) {
		argv[0] = (char *)"plan"; /* which takes the options of a run */
		return cli_verb(argc, argv);
	}
	if (!helpers && launch_needs_helpers(&options)) {
		argv[0] = (char *)"run";
		return cli_verb(argc, argv);
	}
	return launch_run(&options, helpers);
}

int cli_verb(int argc, char *argv[])
{
	char path[PATH_MAX];
	struct err err = { 0 };

	if (program_find("via-iface-verbs", path, &err) == 0)
		program_become(path, argv, argc, &err);
	return program_fail(&err);
}

int cli_desktop(int argc, char *argv[])
{
	char path[PATH_MAX];
	struct err err = { 0 };

	if (program_find("via-iface-desktop", path, &err) == 0) {
		program_become(path, argv + 1, argc - 1, &err);
	} else {
		err_set(&err, ENOENT, "start 'via-iface-desktop': it is not installed");
		err_hint(&err, "install the package via-iface-tray, which has it");
	}
	return program_fail(&err);
}
