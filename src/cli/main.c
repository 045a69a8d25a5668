/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface: which verb it is, and which program has it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/words.h"
#include "config.h"

static int print_version(int argc, char *argv[])
{
	struct err err = { 0 };
	struct words w;

	if (words_read(VERB_VERSION, argc, argv, 0, &w, &err) < 0)
		return program_fail(&err);
	printf("via-iface %s\n", VIA_VERSION);
	return program_finish(0);
}

static int print_help(enum verb_id verb)
{
	help_print_verb(verb, stdout);
	return program_finish(0);
}

static int serve(enum verb_id verb, int argc, char *argv[])
{
	if (verb_wants_help(verb, argc, argv))
		return print_help(verb);
	switch (verb_get(verb)->program) {
	case VERB_BY_VERBS:
		return cli_verb(argc, argv);
	case VERB_BY_DESKTOP:
		return cli_desktop(argc, argv);
	case VERB_BY_CAPTURE:
		return cli_capture(argc, argv);
	case VERB_BY_LAUNCHER:
		break;
	}
	if (verb == VERB_HELP)
		return program_finish(help_verb(argc, argv));
	return verb == VERB_VERSION ? print_version(argc, argv) : cli_run(argc, argv, NULL);
}

/*
 * `--json list` is `list --json`: a verb beats an interface of that name also behind options. Moves
 * it to the front, where it stands at that place of argv.
 */
static void put_first(char *argv[], int at)
{
	char *verb = argv[at];

	memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
	argv[1] = verb;
}

int main(int argc, char *argv[])
{
	struct err err = { 0 };
	enum verb_id verb;
	int at;

	if (standard_files(&err) < 0)
		return program_fail(&err);
	if (argc < 2) {
		help_print(stderr);
		return EXIT_VIA_FAILED;
	}
	if (!strcmp(argv[1], "--complete")) { /* what a shell offers: data/completions */
		argv[1] = (char *)"complete";
		return cli_verb(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "--version"))
		return print_version(argc - 1, argv + 1);
	at = verb_first_word(VERB_COUNT, argc, argv, 1);
	verb = at < argc ? verb_find(argv[at]) : VERB_COUNT;
	if (verb < VERB_COUNT) {
		put_first(argv, at);
		return serve(verb, argc - 1, argv + 1);
	}
	if (verb_wants_help(VERB_RUN, argc, argv)) {
		help_print(stdout);
		return program_finish(0);
	}
	argv[0] = (char *)"";
	return cli_run(argc, argv, NULL);
}
