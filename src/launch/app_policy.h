/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_APP_POLICY_H
#define VIA_LAUNCH_APP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "model/request.h"

/*
 * The app policy: which uplink a program gets, and with which options, where the command line
 * does not say so. Pure; launch/apps_apply.c reads the files. via-iface-apps.conf(5) has the
 * format.
 *
 * A section is an app. What several files say of one adds up, key by key, and the later file wins:
 * so somebody who wants Steam on a given uplink writes that alone, and keeps the rest.
 */

#define APP_NAME_MAX     64
#define APP_WORDS_MAX    200 /* no line is longer */
#define APP_FILE_MAX     256
#define APPS_MAX         1024u
#define APP_SEPARATE_MAX 16 /* arguments */

enum app_key {
	APP_MATCH,
	APP_UPLINK,
	APP_NAME,
	APP_DNS,
	APP_IPV6,
	APP_LAN,
	APP_HOST_ACCESS,
	APP_HOST_PORT,
	APP_RATE,
	APP_PUBLISH,
	APP_NO_PROXY_ENV,
	APP_SEPARATE_INSTANCE,
	APP_SEPARATE,
	APP_PROFILE,
	APP_OUTSIDE,
	APP_OUTSIDE_WHEN,
	APP_OUTSIDE_WHEN_ENV,
	APP_OUTSIDE_UNLESS,
	APP_OUTSIDE_VALUE_OPTIONS,
	APP_OUTSIDE_PROCESSES,
	APP_OUTSIDE_SOCKET,
	APP_OUTSIDE_WHO,
	APP_OUTSIDE_ADVICE,
	APP_OUTSIDE_SEPARATE,
	APP_KEY_COUNT,
};

#define OUTSIDE_OWN_BUS "own-bus"

/* By which process, outside of the session, a program has its work done. */
enum app_outside_how {
	APP_OUTSIDE_NO,
	APP_OUTSIDE_INSTANCE, /* a second start is handed to an instance, where one runs */
	APP_OUTSIDE_BUS,      /* the session bus starts it, also when none runs yet */
	APP_OUTSIDE_SERVER,   /* a server does the work, which runs outside */
	APP_OUTSIDE_CLIENT,  /* a server does, where one runs; else the program starts it, inside */
	APP_OUTSIDE_TMUX,    /* the same, at the socket that its options and $TMUX name */
	APP_OUTSIDE_FLATPAK, /* `flatpak run`: the app is an instance of its own */
	APP_OUTSIDE_SSH,     /* a connection that another ssh holds open (ControlMaster) */
	APP_OUTSIDE_COUNT,
};

/* Lists have one blank between the words; "" is none. */
struct app_outside {
	enum app_outside_how how;
	/*
	 * Options, or subcommands among the first three words that are no options, of which one
	 * must be there; none: always. when_env: an environment variable that must be set.
	 */
	char when[APP_WORDS_MAX];
	char when_env[APP_NAME_MAX];
	/* The same, which make it do its work itself; a subcommand as the first word only. */
	char unless[APP_WORDS_MAX];
	/*
	 * Options of which the next word is the value. Where there are some, options end at the
	 * first other word, behind which stands somebody else's command line.
	 */
	char value_options[APP_WORDS_MAX];
	/* Base names of the processes that take the work; none: those of match. */
	char processes[APP_WORDS_MAX];
	/* Where one listens, also before it runs: absolute, or below $XDG_RUNTIME_DIR. */
	char socket[APP_WORDS_MAX];
	char who[APP_WORDS_MAX]; /* SERVER, CLIENT, TMUX: who does the work */
	/* What can be done, with "%u" for the uplinks, quoted for a shell. "": there is nothing. */
	char advice[APP_WORDS_MAX];
	/*
	 * INSTANCE, BUS: the arguments that start a separate one, as in separate_instance below;
	 * with the word OUTSIDE_OWN_BUS before them on a session bus of its own. "": there are
	 * none.
	 */
	char separate[APP_WORDS_MAX];
};

struct app {
	char section[APP_NAME_MAX];
	uint32_t set; /* 1 << enum app_key */
	struct {
		char file[APP_FILE_MAX];
		uint32_t line;
	} where;                   /* the section that spoke last */
	char match[APP_WORDS_MAX]; /* names of programs, one blank between them */
	struct uplink_list uplinks;
	char name[SESSION_NAME_MAX]; /* of the session */
	struct ip dns[SESSION_DNS_MAX];
	uint32_t n_dns;
	bool ipv6, lan, host_access, no_proxy_env;
	struct host_ports host_ports;
	struct rate_limits rates;
	struct publish_list published;
	char separate_instance[APP_WORDS_MAX]; /* arguments, one blank between them */
	bool separate_always;                  /* also when no other instance runs */
	char profile[APP_NAME_MAX];            /* the section to take from what is not set here */
	struct app_outside outside;
};

struct apps {
	struct app *v;
	size_t n, size;
};

/*
 * Adds what one file's text says; file is what it is to be called. Returns 0, or a negative errno
 * with "FILE:LINE: what is wrong"; then part of it has been added.
 */
int apps_parse(const char *text, size_t len, const char *file, struct apps *to, struct err *err);
/* The same, but reads on behind a mistake: all are added to the list. */
int apps_parse_all(const char *text, size_t len, const char *file, struct apps *to,
		   struct conf_mistakes *mistakes);
void apps_done(struct apps *a);

/*
 * What holds for a program, by the base name of its command: the last app that matches and says
 * more than the keys of `outside`, with the values of its profile where it has none of its own.
 * Returns 1, 0 when there is none, or -ENOENT when its profile does not exist.
 */
int apps_find(const struct apps *a, const char *program, struct app *ret, struct err *err);

/*
 * The section that says by whom the work of a command line is done outside, or NULL: of those whose
 * match holds the program's base name and whose `outside` is set, the last that fits the arguments;
 * none, when that says `no`. The environment is read by getenv(3).
 */
const struct app *apps_find_outside(const struct apps *a, char *const argv[]);

/* Whether a second start of that kind is handed to a process that runs, or that the bus starts. */
bool app_outside_hands_over(enum app_outside_how how);

/* Whether a section says where the work of a program's second start is done, whatever its
 * arguments. */
bool apps_know_outside(const struct apps *a, const char *program);

/*
 * The arguments that make a separate instance (app.separate_instance, app_outside.separate), with
 * "~/" (at the beginning, or behind "=" or "://") made to home and "%u" to the list of uplinks, as
 * one word of a path. ret ends with NULL, its strings lie in *ret_bytes; both are the caller's to
 * free. Returns how many, or -ENOMEM.
 */
int app_separate_arguments(const char *arguments, const char *home,
			   const struct uplink_list *uplinks, char ***ret, char **ret_bytes);

#endif
