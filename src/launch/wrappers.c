/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/wrappers.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * Programs that execute the command line behind their options, in the place where they are. with:
 * options of which the next word is the value. words: how many more stand before the command line.
 */
static const struct wrapper {
	const char *name;
	const char *with;
	size_t words;
} wrappers[] = {
	{ "env", "-u -C --unset --chdir", 0 },
	{ "nice", "-n", 0 },
	{ "ionice", "-c -n", 0 },
	{ "nohup", "", 0 },
	{ "setsid", "", 0 },
	{ "stdbuf", "-i -o -e", 0 },
	{ "time", "-f -o", 0 },
	{ "timeout", "-k -s", 1 },
	{ "taskset", "", 1 },
	{ "chrt", "-T -P -D", 1 },
	{ "sudo", "-u -g -h -p -C -r -t -T -U -D -R", 0 },
	{ "doas", "-u -C", 0 },
};

const char *program_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct wrapper *find_wrapper(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrappers); i++)
		if (!strcmp(wrappers[i].name, name))
			return &wrappers[i];
	return NULL;
}

/* The command line behind a wrapper; NULL where there is none, or it is one word (env -S). */
static char *const *behind(char *const argv[], const struct wrapper *w)
{
	size_t words = w->words;

	for (argv++; *argv && (*argv)[0] == '-'; argv++) {
		if (!strcmp(*argv, "--")) {
			argv++;
			break;
		}
		if (!strcmp(w->name, "env") &&
		    (!strncmp(*argv, "-S", 2) || !strncmp(*argv, "--split-string", 14)))
			return NULL;
		if (word_listed(w->with, *argv) && argv[1])
			argv++;
	}
	while (*argv && strchr(*argv, '=') && word_listed("env sudo doas", w->name))
		argv++;
	for (; *argv && words; words--)
		argv++;
	while (*argv && (*argv)[0] == '-') /* of snap's `run` */
		argv++;
	return *argv ? argv : NULL;
}

char *const *wrapper_behind(char *const argv[])
{
	/* `snap run NAME`: the name is the command's */
	static const struct wrapper snap = { "snap", "", 1 };
	const char *name = program_base_name(argv[0]);
	const struct wrapper *w;

	if (!strcmp(name, "snap") && argv[1] && !strcmp(argv[1], "run"))
		w = &snap;
	else
		w = find_wrapper(name);
	return w ? behind(argv, w) : NULL;
}
