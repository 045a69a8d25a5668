/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a section of the app policy says that a command line has its work done outside. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "launch/app_policy.h"

/* `docker --context home container exec`: the value of an option may look like a subcommand. */
#define SUBCOMMANDS 3

/* Whether a word is one of a list of options, as "--option" or "--option=VALUE". */
static bool is_option(const char *word, const char *options)
{
	for (const char *at = options; *at;) {
		size_t n = strcspn(at, " ");

		if (*at == '-' && !strncmp(word, at, n) && (!word[n] || word[n] == '='))
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

/* Whether one of the words is there: an option, or a subcommand among the first so many. */
static bool has(const struct app_outside *o, char *const argv[], const char *words,
		size_t subcommands)
{
	size_t plain = 0;

	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		bool option = (*argv)[0] == '-';

		plain += !option;
		if (option ? is_option(*argv, words)
			   : plain <= subcommands && word_listed(words, *argv))
			return true;
		if (o->value_options[0] && !option)
			return false;
		if (word_listed(o->value_options, *argv) && argv[1])
			argv++;
	}
	return false;
}

static bool fits(const struct app_outside *o, char *const argv[])
{
	const char *env = o->when_env[0] ? getenv(o->when_env) : "set";

	return env && *env && (!o->when[0] || has(o, argv + 1, o->when, SUBCOMMANDS)) &&
	       !has(o, argv + 1, o->unless, 1);
}

bool app_outside_hands_over(enum app_outside_how how)
{
	return how == APP_OUTSIDE_INSTANCE || how == APP_OUTSIDE_BUS || how == APP_OUTSIDE_FLATPAK;
}

bool apps_know_outside(const struct apps *a, const char *program)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].set & 1u << APP_OUTSIDE && word_listed(a->v[i].match, program))
			return true;
	return false;
}

const struct app *apps_find_outside(const struct apps *a, char *const argv[])
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	for (size_t i = a->n; i-- > 0;) {
		const struct app *app = &a->v[i];

		if (app->set & 1u << APP_OUTSIDE && word_listed(app->match, name) &&
		    fits(&app->outside, argv))
			return app->outside.how == APP_OUTSIDE_NO ? NULL : app;
	}
	return NULL;
}
