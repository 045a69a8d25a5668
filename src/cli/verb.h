/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_VERB_H
#define VIA_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The verbs and their options, said once: the parsers, the help, the completions and the proposals
 * for a mistyped word all read these tables. A verb's function is in the table of the program that
 * serves it (cli/main.c, verbs/main.c).
 */

enum verb_id {
	VERB_RUN,
	VERB_PLAN,
	VERB_LIST,
	VERB_STATUS,
	VERB_LOG,
	VERB_UPLINKS,
	VERB_MOVE,
	VERB_PAUSE,
	VERB_RESUME,
	VERB_EXEC,
	VERB_CAPTURE,
	VERB_TOP,
	VERB_PORTAL,
	VERB_STOP,
	VERB_DOCTOR,
	VERB_ATTACH,
	VERB_DETACH,
	VERB_NETNS,
	VERB_DESKTOP,
	VERB_HELP,
	VERB_VERSION,
	VERB_COUNT,
};

/* Which program serves a verb. */
enum verb_program {
	VERB_BY_LAUNCHER, /* via-iface itself */
	VERB_BY_VERBS,
	VERB_BY_DESKTOP,
	VERB_BY_CAPTURE,
};

/* What a word of the command line may be, for completions. */
enum verb_word {
	WORD_NONE,
	WORD_FREE,     /* nothing can be proposed */
	WORD_UPLINKS,  /* a list with commas */
	WORD_SESSION,  /* one session */
	WORD_SESSIONS, /* this word, and all behind it */
	WORD_COMMAND,  /* a program and its arguments: this word, and all behind it */
	WORD_VERB,
	WORD_USER,
	WORD_PID,
	WORD_NETNS,
	WORD_CONTAINER,
	WORD_FAMILY,   /* auto, off */
	WORD_SHARE,    /* a group of --share */
	WORD_COLOR,    /* auto, always, never */
	WORD_DESKTOP,  /* the words of `desktop` */
	WORD_OF_NETNS, /* the words of `netns` */
	WORD_FILE,
	WORD_COUNT,
};

#define VERB_WORDS_MAX    3
#define VERB_EXAMPLES_MAX 3

struct verb {
	const char *name;
	enum verb_program program;
	const char *usage;   /* what stands behind the name; one line a form */
	const char *summary; /* half a line */
	const char *text;    /* what it does */
	enum verb_word words[VERB_WORDS_MAX];
	struct {
		const char *command, *does;
	} examples[VERB_EXAMPLES_MAX];
};

enum option_id {
	OPT_NAME = 256, /* what getopt_long(3) returns: no character */
	OPT_IPV6,
	OPT_HOST_ACCESS,
	OPT_MTU,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_NO_LAN,
	OPT_KEEP,
	OPT_JOIN,
	OPT_SHARE,
	OPT_HOST_PORT,
	OPT_RATE,
	OPT_PUBLISH,
	OPT_USER,
	OPT_DNS,
	OPT_NO_PROXY_ENV,
	OPT_ALLOW_SOCKETS,
	OPT_NO_APP_POLICY,
	OPT_PROBE,
	OPT_STRICT,
	OPT_SEPARATE,
	OPT_ALLOW_HANDOVER,
	OPT_PID,
	OPT_NETNS,
	OPT_CONTAINER,
	OPT_IFNAME,
	OPT_REPLACE_ROUTE,
	OPT_FALLBACK,
	OPT_FOREIGN_RESOLVER,
	OPT_QUIET,
	OPT_VERBOSE,
	OPT_FOLLOW,
	OPT_SINCE,
	OPT_ALL,
	OPT_ONLY,
	OPT_TITLE,
	OPT_REPLACE,
	OPT_ACTION,
	OPT_APP_ID,
	OPT_CHECK,
	OPT_LIVE,
	OPT_TO,
	OPT_COLOR,
	OPT_NO_ASK_PASSWORD,
	OPT_WAIT,
	OPT_WATCH,
	OPT_WRITE,
	OPT_COUNT,
	OPT_ONCE,
	OPT_BROWSER,
	OPT_LAN,
	OPT_HELP,
};

struct verb_option {
	const char *name;  /* without its dashes */
	char letter;       /* 0: none */
	const char *value; /* NULL: it takes none; "[=VALUE]": it may have one, behind a "=" */
	enum verb_word completes;
	enum option_id id;
	uint32_t verbs; /* that take it, 1 << enum verb_id */
	const char *help;
};

/* The verb of that id. */
const struct verb *verb_get(enum verb_id id);

/* The id of a verb by its name; VERB_COUNT: there is no such verb. */
enum verb_id verb_find(const char *name);

/* Whether the option's value is the next word where none stands behind a "=". */
bool verb_option_takes_word(const struct verb_option *o);

/* Steps through the options of a verb: the one behind `last`, at first NULL; NULL at the end. */
const struct verb_option *verb_next_option(enum verb_id verb, const struct verb_option *last);

/*
 * The option of a verb that a word of the command line is: "--name", "--name=VALUE", "-q". With
 * VERB_COUNT of any verb. NULL: it is none. *ret_value is what stands behind the "=", or NULL.
 */
const struct verb_option *verb_option(enum verb_id verb, const char *word, const char **ret_value);

/* The verb whose name is nearest to a mistyped word (base/nearest.h), or NULL. */
const char *verb_nearest(const char *word);

/* The option of a verb that is nearest to a mistyped "--word" or "--word=VALUE", or NULL. */
const struct verb_option *verb_nearest_option(enum verb_id verb, const char *word);

/*
 * Where the first word stands that is neither an option, nor an option's value, from `at` on; argc
 * when there is none. A "--" ends the options: it is counted as such a word.
 */
int verb_first_word(enum verb_id verb, int argc, char *const argv[], int at);

/*
 * Whether --help or -h stands among the words of a verb (argv[0] is the verb): before a "--", and
 * where a program follows, before the word that precedes it.
 */
bool verb_wants_help(enum verb_id verb, int argc, char *const argv[]);

#endif
